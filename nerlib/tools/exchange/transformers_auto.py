"""Makes nerlib's models known to transformers, so that its own loaders and `pipeline` take them.

`import nerlib` does it. No code lies in a model's folder, and none is run from there: a folder says
`"model_type": "nerlib"`, and this library is what that means.
"""

from __future__ import annotations

from typing import Any

from transformers import AutoConfig, AutoModelForTokenClassification
from transformers.pipelines import PIPELINE_REGISTRY
from transformers.pipelines.token_classification import TokenClassificationPipeline

from nerlib.model import NERClassifier, NERConfig
from nerlib.tools.exchange.ner_pipeline import NERPipeline

TASK = "token-classification"  # which "ner" is another name for


class PipelineByModel(TokenClassificationPipeline):
    """Not a pipeline itself: calling it makes the one that fits the model.

    Every other model gets transformers' own, as if nerlib had not been imported.
    """

    def __new__(cls, *arguments: Any, **settings: Any) -> Any:
        """Return the pipeline for `model`."""
        ours = isinstance(settings.get("model"), NERClassifier)
        kind = NERPipeline if ours else TokenClassificationPipeline
        return kind(*arguments, **settings)


def register() -> None:
    """Tell transformers of nerlib's configuration, model and pipeline; twice does no harm.

    >>> register()
    >>> type(AutoConfig.for_model("nerlib", labels=["O"])).__name__
    'NERConfig'
    """
    AutoConfig.register(NERConfig.model_type, NERConfig, exist_ok=True)
    AutoModelForTokenClassification.register(NERConfig, NERClassifier, exist_ok=True)
    # Not `register_pipeline`: it would make `save_pretrained` write code into the model's folder.
    task = PIPELINE_REGISTRY.supported_tasks[TASK]
    PIPELINE_REGISTRY.supported_tasks[TASK] = {**task, "impl": PipelineByModel}
