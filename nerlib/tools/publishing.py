"""A tagger for others: its files with a model card, in a folder or on the Hugging Face Hub.

The card says only what the model's own record and a measurement say.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from datasets import Dataset
from huggingface_hub import EvalResult, HfApi, ModelCardData
from huggingface_hub.errors import (  # type: ignore[attr-defined]
    HfHubHTTPError,
    HTTPError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
)
from huggingface_hub.utils import HFValidationError  # type: ignore[attr-defined]

from nerlib.dataset import NERDataset
from nerlib.encoders import PACKAGED
from nerlib.evaluation import evaluate
from nerlib.hub import download_error
from nerlib.metrics import Evaluation, Score
from nerlib.tools.recipes import RECIPES, SCRATCH, check_segmentation
from nerlib.untrusted import HUB_NAME

if TYPE_CHECKING:
    from nerlib.inference import PlainTagger

MASSIVE = "AmazonScience/massive"
PACKAGED_SOURCE = "sentence-transformers/all-MiniLM-L6-v2"
FEW = 10  # entities; below that, a score says next to nothing
CORPORA = {
    "sample": "the packaged sample of nerlib, which is synthetic",
    "hub": "MASSIVE 1.1",
    "archive": "MASSIVE 1.1",
    "massive": "MASSIVE 1.1",
}


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
    tagger: PlainTagger, corpus: Dataset, source: str, locale: str, split: str
) -> Measurement:
    """Return a tagger's scores on a corpus; `source` is what `load_corpus` was asked for.

    Raises `RecipeError` if the tagger splits that locale into other words.
    """
    check_segmentation(tagger.parser, set(corpus["locale"]))
    data = NERDataset(corpus, tagger.tokenizer, tagger.model.config.tags, tagger.parser)
    scores, _ = evaluate(tagger.model, data, tagger.compute)
    name = CORPORA.get(source, "a corpus of the author's own")
    if source not in CORPORA and Path(source, "1.1", "data").is_dir():
        name = CORPORA["massive"]
    return Measurement(name, locale, split, len(data), scores)


def publish(
    tagger: PlainTagger,
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
        raise PublishError(f"{repository!r} is no repository: write it as owner/name")
    card = model_card(tagger, repository, measured, licence)
    if dry_run is not None:
        write_folder(tagger, Path(dry_run), card)
        report(f"written to {dry_run}, nothing was sent: read its README.md first")
        return str(dry_run)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        write_folder(tagger, Path(folder), card)
        return _upload(Path(folder), repository, private)


def write_folder(tagger: PlainTagger, folder: Path, card: str) -> list[Path]:
    """Write model, tokenizer and card to a folder; return its files.

    Raises `PublishError` for a folder that holds anything else, which would be published too.
    """
    if folder.exists() and (not folder.is_dir() or not _is_ours(folder)):
        raise PublishError(f"{folder} holds other things: choose a new folder")
    tagger.save_pretrained(folder)
    (folder / "README.md").write_text(card, encoding="utf-8")
    return sorted(folder.iterdir())


def model_card(
    tagger: PlainTagger,
    repository: str,
    measured: Measurement | None = None,
    licence: str | None = None,
) -> str:
    """Return the model card in Markdown, with the metadata that the Hub reads."""
    made_by = getattr(tagger.model.config, "made_by", None) or {}
    parts = [
        f"---\n{_metadata(repository, made_by, measured, licence)}\n---",
        f"# {repository.partition('/')[2]}",
        _summary(tagger, made_by),
        f"## Use\n\n{_use(repository)}",
        f"## Intended use\n\n{_intended(made_by, measured)}",
        f"## Training data\n\n{_data(made_by)}",
        f"## Scores\n\n{_scores(measured)}",
        f"## Labels\n\n{_labels(tagger, measured)}",
        f"## Limits\n\n{_limits(tagger, made_by, measured)}",
    ]
    return "\n\n".join(parts) + "\n"


def _metadata(
    repository: str, made_by: dict[str, str], measured: Measurement | None, licence: str | None
) -> str:
    """Return the card's YAML."""
    locale = made_by.get("locale") or (measured.locale if measured else "")
    on_massive = _source(made_by) in ("hub", "archive", "massive")
    results = None
    if measured is not None:
        overall = measured.scores.overall
        values = {"precision": overall.precision, "recall": overall.recall, "f1": overall.f1}
        results = [
            EvalResult(
                task_type="token-classification",
                task_name="Named entity recognition",
                dataset_type=MASSIVE if measured.corpus == CORPORA["massive"] else "other",
                dataset_name=measured.corpus,
                dataset_config=measured.locale,
                dataset_split=measured.split,
                metric_type=name,
                metric_name=f"entity {name}",
                metric_value=round(value, 4),
            )
            for name, value in values.items()
        ]
    data = ModelCardData(
        language=locale.partition("-")[0] or None,
        license=licence,
        library_name="nerlib",
        pipeline_tag="token-classification",
        tags=["named-entity-recognition"],
        base_model=_base_model(made_by),
        datasets=[MASSIVE] if on_massive else None,
        model_name=repository.partition("/")[2],
        eval_results=results,
    )
    return str(data.to_yaml())


def _summary(tagger: PlainTagger, made_by: dict[str, str]) -> str:
    """Return what the model is."""
    config = tagger.model.config
    base = _base_model(made_by)
    if base:
        encoder = f"[{base}](https://huggingface.co/{base})"
    elif made_by.get("encoder") == SCRATCH:
        encoder = "a small BERT that started from random weights"
    else:
        encoder = "an encoder of the author's own"
    million = sum(p.numel() for p in tagger.model.parameters()) / 1e6
    return (
        f"Finds {len(config.tags.types)} types of entities in text: {encoder}, "
        f"{config.pooling}-pooled to one vector a word, and a small head; "
        f"{million:.1f} million parameters. Made with the library `nerlib`."
    )


def _use(repository: str) -> str:
    """Return an example."""
    return (
        "```python\nfrom nerlib import Tagger\n\n"
        f'tagger = Tagger.from_pretrained("{repository}")\n'
        'for entity in tagger("…"):\n'
        "    print(entity.type, entity.text, entity.start, entity.end, entity.score)\n```\n\n"
        "The same by transformers' own means, without `trust_remote_code`:\n\n"
        "```python\nfrom transformers import pipeline\n\n"
        "from nerlib.tools.exchange.ner_pipeline import NERPipeline\n\n"
        f'ner = pipeline("ner", model="{repository}", pipeline_class=NERPipeline,\n'
        '               aggregation_strategy="simple")\n'
        'for entity in ner("…"):\n'
        '    print(entity["entity_group"], entity["word"], entity["start"], entity["score"])\n'
        "```\n\n"
        "The weights are safetensors, the settings JSON: loading them runs no code of this "
        "repository."
    )


def _intended(made_by: dict[str, str], measured: Measurement | None) -> str:
    """Return what the model is meant for."""
    locale = made_by.get("locale") or (measured.locale if measured else "")
    where = f" in {locale}" if locale else ""
    kind = "short commands to a voice assistant" if _source(made_by) else "texts like its training"
    return (
        f"For learning how named entity recognition works, and for finding entities in {kind}"
        f"{where}. Not meant for decisions about people, nor as the only means of removing "
        "personal data: what it misses stays."
    )


def _data(made_by: dict[str, str]) -> str:
    """Return what the model has learnt from."""
    source = _source(made_by)
    if not source:
        return "The model's record does not say which corpus it was trained on."
    text = (
        f"Locale {made_by['locale']}, rows `{made_by['rows']}`, from {CORPORA[source]} "
        f"(recipe `{made_by['recipe']}`, {made_by['epochs']} epochs)."
    )
    if source == "sample":
        return text
    return (
        f"{text} [MASSIVE](https://arxiv.org/abs/2204.08582): FitzGerald et al., 2022, "
        "© Amazon.com, Inc. or its affiliates, CC BY 4.0."
    )


def _scores(measured: Measurement | None) -> str:
    """Return what was measured."""
    if measured is None:
        return "Nothing was measured for this card."
    scores = measured.scores
    rows = {
        "entity precision": scores.overall.precision,
        "entity recall": scores.overall.recall,
        "entity F1": scores.overall.f1,
        "entity F1, mean over the types": scores.macro_f1,
        "word accuracy": scores.token_accuracy,
        "slot F1 by MASSIVE's own metric": scores.massive_f1,
    }
    table = "\n".join(f"| {name} | {value:.3f} |" for name, value in rows.items())
    return (
        f"On {measured.utterances:,} utterances, `{measured.split}` of {measured.corpus}, "
        f"{measured.locale}. An entity is right if its type and both of its ends are.\n\n"
        f"| what | score |\n|---|---|\n{table}"
    )


def _labels(tagger: PlainTagger, measured: Measurement | None) -> str:
    """Return all types, with their scores where they were measured."""
    types = [name.lower() for name in tagger.model.config.tags.types]
    if measured is None:
        return ", ".join(f"`{name}`" for name in types)
    per_type = {name.lower(): score for name, score in measured.scores.per_type.items()}
    lines = [
        "| type | in the data | found | precision | recall | F1 |",
        "|---|---|---|---|---|---|",
    ]
    for name in types:
        score = per_type.get(name, Score())
        shown = (
            f"{score.precision:.2f} | {score.recall:.2f} | {score.f1:.2f}"
            if score.gold or score.predicted
            else "– | – | –"
        )
        lines.append(f"| `{name}` | {score.gold} | {score.predicted} | {shown} |")
    return "\n".join(lines)


def _limits(tagger: PlainTagger, made_by: dict[str, str], measured: Measurement | None) -> str:
    """Return what not to expect."""
    points = ["An entity's score orders entities; it is not its chance of being right."]
    if _source(made_by) == "sample":
        points.append("The training corpus is synthetic: scores on it say nothing about real text.")
    if made_by.get("locale"):
        points.append(f"Other languages than {made_by['locale']} were neither taught nor measured.")
    if measured is None:
        points.append("How good it is, nobody has measured: measure before you rely on it.")
    else:
        points += _measured_limits(tagger, measured)
    return "\n".join(f"- {point}" for point in points)


def _measured_limits(tagger: PlainTagger, measured: Measurement) -> list[str]:
    """Return the limits that a measurement shows."""
    overall = measured.scores.overall
    per_type = {name.lower(): score for name, score in measured.scores.per_type.items()}
    types = [name.lower() for name in tagger.model.config.tags.types]
    rare = [name for name in types if per_type.get(name, Score()).gold < FEW]
    weak = [name for name in types if name not in rare and per_type[name].f1 < 0.5]
    unknown = sorted(set(per_type) - set(types))
    points = [
        f"It missed {overall.gold - overall.correct} of {overall.gold} entities, and "
        f"{overall.predicted - overall.correct} of the {overall.predicted} that it marked are "
        "wrong in type or extent."
    ]
    named = {
        "Weak (F1 below 0.5)": weak,
        f"Fewer than {FEW} examples in the measurement, so hardly measured": rare,
        "Types in the data that it does not know": unknown,
    }
    points += [
        f"{what}: {', '.join(f'`{n}`' for n in names)}." for what, names in named.items() if names
    ]
    return [*points, "One training run with one seed: another one differs by some points."]


def _source(made_by: dict[str, str]) -> str:
    """Return where the recipe's corpus comes from, empty if that is not known."""
    recipe = RECIPES.get(str(made_by.get("recipe")))
    return recipe.source if recipe else ""


def _base_model(made_by: dict[str, str]) -> str | None:
    """Return the encoder's name on the Hub, if it has one: a path of a machine is nobody's."""
    encoder = str(made_by.get("encoder") or "")
    if encoder == PACKAGED:
        return PACKAGED_SOURCE
    return encoder if HUB_NAME.fullmatch(encoder) and not Path(encoder).exists() else None


def _is_ours(folder: Path) -> bool:
    """Return whether a folder is empty, or holds a tagger and nothing else."""
    known = {"README.md", "config.json", "model.safetensors", "tokenizer.json"}
    known |= {"tokenizer_config.json", "special_tokens_map.json"}
    return {path.name for path in folder.iterdir()} <= known


def _upload(folder: Path, repository: str, private: bool) -> str:
    """Send a folder's files to the Hub; raises `PublishError`."""
    api = HfApi()
    try:
        created = api.create_repo(repository, private=private, exist_ok=True)
        api.upload_folder(repo_id=repository, folder_path=folder, commit_message="Add a tagger")
    except LocalTokenNotFoundError:
        raise PublishError("you are not logged in: run `hf auth login` first") from None
    except HfHubHTTPError as error:
        status = error.response.status_code
        login = "log in with a token that may write there (hf auth login)"
        advice = login if status in (401, 403, 404) else "try again later"
        raise PublishError(f"the Hub refused {repository} (HTTP {status}): {advice}") from error
    except (HTTPError, OfflineModeIsEnabled) as error:
        raise PublishError(str(download_error(error))) from error
    except HFValidationError as error:
        raise PublishError(f"{repository!r} is no name for a repository: {error}") from error
    return str(created)
