"""A tagger for others: its files with a model card, in a folder or on the Hugging Face Hub.

The card says only what the model's own record and a measurement say.
"""

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets import Dataset
from huggingface_hub import EvalResult, HfApi, ModelCard, ModelCardData, errors
from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]

from nerlib.dataset import NERDataset
from nerlib.encoders import MULTILINGUAL, PACKAGED
from nerlib.metrics import Evaluation, Score, evaluate_tags
from nerlib.model import count_parameters
from nerlib.tools.hub import download_error
from nerlib.tools.own_checks import told_of_exam
from nerlib.tools.recipes import RECIPES, SCRATCH, check_segmentation, record_of
from nerlib.tools.tagger import tag_plain_text
from nerlib.untrusted import HUB_NAME

if TYPE_CHECKING:
    from nerlib.inference import PlainTagger

MASSIVE, TASK = "AmazonScience/massive", "token-classification"
TEMPLATE = Path(__file__).parents[1] / "data" / "templates" / "model_card.md"
PACKAGED_SOURCES = {
    PACKAGED: "sentence-transformers/all-MiniLM-L6-v2",
    MULTILINGUAL: "intfloat/multilingual-e5-small",
}
FILES = {"README.md", "config.json", "model.safetensors", "tokenizer.json"}
FILES |= {"tokenizer_config.json", "special_tokens_map.json"}
FEW = 10  # entities; below that, a score says next to nothing
SOURCES = ("hub", "archive", "massive")  # of MASSIVE
CORPORA = dict.fromkeys(SOURCES, "MASSIVE 1.1")
CORPORA["sample"] = "the packaged sample of nerlib, which is synthetic"


class PublishError(ValueError):
    """A tagger that cannot be published: why, and what to do."""


@dataclass(frozen=True)
class Measurement:
    """The scores of a tagger on rows of a corpus."""

    corpus: str
    locale: str
    split: str
    utterances: int
    scores: Evaluation


def measure(
    tagger: "PlainTagger", corpus: Dataset, source: str, locale: str, split: str
) -> Measurement:
    """Return a tagger's scores on a corpus; `source` is what `load_corpus` was asked for.

    Raises `RecipeError` if the tagger splits that locale into other words.
    """
    check_segmentation(tagger.parser, set(corpus["locale"]))
    data = NERDataset(corpus, tagger.tokenizer, tagger.model.config.tags, tagger.parser)
    scores = evaluate_tags(data.gold, tag_plain_text(tagger, data))
    source = "massive" if Path(source, "1.1", "data").is_dir() else source
    name = CORPORA.get(source, "a corpus of the author's own")
    if trained := told_of_exam(tagger, data)["sentences_that_were_trained_on"]:
        name += f" ({trained} of its {len(data)} sentences were trained on)"
    return Measurement(name, locale, split, len(data), scores)


def publish(
    tagger: "PlainTagger",
    repository: str,
    measured: Measurement | None = None,
    dry_run: str | Path | None = None,
    private: bool = False,
    licence: str | None = None,
    report: Callable[[str], None] = print,
) -> str:
    """Write a tagger and its card to the Hub, or only to the folder `dry_run`; return where it is.

    `repository` is owner/name. Without `measured` the card says that nothing was measured. Raises
    `PublishError` with what to do.
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise PublishError(f"{repository!r} is not a repository: write it as owner/name")
    card = model_card(tagger, repository, measured, licence)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary if dry_run is None else dry_run)
        if folder.is_file() or (folder.is_dir() and {p.name for p in folder.iterdir()} - FILES):
            raise PublishError(f"{folder} holds other things: choose a new folder")
        tagger.save_pretrained(folder)
        (folder / "README.md").write_text(card, encoding="utf-8")
        if dry_run is None:
            return _upload(temporary, repository, private)
    report(f"written to {dry_run}, nothing was sent: read its README.md first")
    return str(dry_run)


def model_card(
    tagger: "PlainTagger",
    repository: str,
    measured: Measurement | None = None,
    licence: str | None = None,
) -> str:
    """Return the model card in Markdown, with the metadata that the Hub reads."""
    config = tagger.model.config
    made_by = record_of(config)
    locale = made_by.get("locale") or (measured.locale if measured else "")
    per_type = measured.scores.per_type if measured else {}
    names = config.type_names
    types = {shown: per_type.get(name, Score()) for name, shown in names.items()}
    recipe = RECIPES.get(str(made_by.get("recipe")))
    source, title = recipe.source if recipe else "", repository.partition("/")[2]
    encoder = str(made_by.get("encoder") or "")
    on_hub = HUB_NAME.fullmatch(encoder) and not Path(encoder).exists()  # no path of a machine
    base = PACKAGED_SOURCES.get(encoder, encoder if on_hub else None)
    known: Any = {"base_model": base, "datasets": [MASSIVE] if source in SOURCES else None}
    known |= {"language": locale.partition("-")[0] or None, "license": licence, "model_name": title}
    known |= {"library_name": "nerlib", "tags": ["named-entity-recognition"]}
    scores = _eval_results(measured) if measured else None
    metadata = ModelCardData(pipeline_tag=TASK, eval_results=scores, **known)
    facts: Any = {"repository": repository, "title": title, "made_by": made_by, "source": source}
    facts |= {"corpora": CORPORA, "locale": locale, "types": types, "measured": measured}
    facts |= {"scratch": encoder == SCRATCH, "pooling": config.pooling, "few": FEW}
    facts["millions"] = count_parameters(tagger.model) / 1e6
    return f"{ModelCard.from_template(metadata, template_path=str(TEMPLATE), **facts)}\n"


def _eval_results(measured: Measurement) -> list[EvalResult]:
    """Return precision, recall and F1 as the Hub wants them."""
    kind = MASSIVE if measured.corpus == CORPORA["massive"] else "other"
    where: Any = {"task_type": TASK, "task_name": "Named entity recognition", "dataset_type": kind}
    where |= {"dataset_name": measured.corpus, "dataset_config": measured.locale}
    where["dataset_split"] = measured.split
    found = {n: getattr(measured.scores.overall, n) for n in ("precision", "recall", "f1")}
    return [
        EvalResult(**where, metric_type=n, metric_name=f"entity {n}", metric_value=round(value, 4))
        for n, value in found.items()
    ]


def _upload(folder: str, repository: str, private: bool) -> str:
    """Send a folder's files to the Hub; raises `PublishError`."""
    api = HfApi()
    try:
        created = api.create_repo(repository, private=private, exist_ok=True)
        api.upload_folder(repo_id=repository, folder_path=folder, commit_message="Add a tagger")
    except errors.LocalTokenNotFoundError:
        raise PublishError("you are not logged in: run `hf auth login` first") from None
    except errors.HfHubHTTPError as error:
        status, advice = error.response.status_code, "try again later"
        if status in (401, 403, 404):
            advice = "log in with a token that may write there (hf auth login)"
        raise PublishError(f"the Hub refused {repository} (HTTP {status}): {advice}") from error
    except (HTTPError, errors.OfflineModeIsEnabled, errors.HFValidationError) as error:
        raise PublishError(str(download_error(error))) from error
    return str(created)
