"""The models that a page offers: found by name, loaded once, used by one thread."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nerlib.encoders import EncoderError
from nerlib.inference import Entity
from nerlib.model import NERConfig
from nerlib.parsing import Parser
from nerlib.tools.demo.corrections import RefusedError
from nerlib.tools.tagger import Tagger
from nerlib.untrusted import read_settings

WEIGHTS = "model.safetensors"


class Models:
    """Taggers by the names that the page shows, which do not reveal where the folders are.

    One thread loads and runs all of them, so that any number of requests may come at once: they
    take turns. A tokenizer must not be used by two threads at the same time, and each thread that
    called torch would bring helpers of its own.
    """

    def __init__(self, places: Mapping[str, str | Path], device: str = "auto") -> None:
        self._places, self._device = dict(places), device
        self._taggers: dict[str, Tagger] = {}  # only the one thread touches it
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="nerlib-model")

    @property
    def names(self) -> list[str]:
        """The names, in the order in which the page shows them."""
        return list(self._places)

    def load(self, name: str) -> None:
        """Load a model now; raises `EncoderError` if its folder holds none."""
        self._thread.submit(self._tagger, name).result()

    def tag(self, name: str, texts: Sequence[str]) -> list[list[Entity]]:
        """Return a model's entities in each of some texts; raises `RefusedError` if it has none."""
        return self._thread.submit(lambda: [*self._checked(name)(texts)]).result()

    def parser(self, name: str) -> Parser:
        """Return how a model cuts words; raises `RefusedError` if there is no such model."""
        parser: Parser = self._thread.submit(self._checked, name).result().parser
        return parser

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()

    def _checked(self, name: str) -> Tagger:
        """Return a tagger; what is wrong with its folder is for the owner's eyes only."""
        if name not in self._places:
            raise RefusedError("choose one of the models in the list")
        try:
            return self._tagger(name)
        except (EncoderError, OSError, ValueError) as error:
            print(f"nerlib: {error}", file=sys.stderr)
            raise RefusedError(f"the model {name!r} cannot be loaded: choose another") from None

    def _tagger(self, name: str) -> Tagger:
        if name not in self._taggers:
            self._taggers[name] = Tagger.from_pretrained(self._places[name], self._device)
        return self._taggers[name]


def find_models(root: str | Path) -> list[Path]:
    """Return the folders with a saved model in a folder like `build`, and in the folders in it."""
    inside = sorted(Path(root).glob("*/")) + sorted(Path(root).glob("*/model/"))
    # The lessons' own model comes first: what most people have, and expect.
    return sorted(filter(holds_model, inside), key=lambda path: path != Path(root) / "model")


def holds_model(folder: Path) -> bool:
    """Return whether a folder holds a saved tagger, going by its names and settings alone."""
    if not (folder / WEIGHTS).is_file():
        return False
    try:
        return read_settings(str(folder)).get("model_type") == NERConfig.model_type
    except EncoderError:
        return False


def name_places(places: Iterable[str | Path]) -> dict[str, str | Path]:
    """Return folders, or names on the Hub, by a short name each, which does not reveal where it is.

    >>> list(name_places(["build/model", "build/own/model", "elsewhere/own"]))
    ['model', 'own', 'own (2)']
    """
    named: dict[str, str | Path] = {}
    for place in places:
        short = name = short_name(place)
        number = 1
        while name in named:
            number += 1
            name = f"{short} ({number})"
        named[name] = place
    return named


def short_name(place: str | Path, root: str = "build") -> str:
    """Return the last part of a path that says something: `model` is what every run writes.

    >>> short_name("build/own/model"), short_name("somebody/tagger")
    ('own', 'tagger')
    """
    path = Path(place).absolute() if Path(place).is_dir() else Path(place)
    above = path.parent.name
    return above if path.name == "model" and above not in ("", root) else path.name
