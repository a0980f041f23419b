"""The models that a page offers: found by name, and loaded once."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from nerlib.encoders import EncoderError
from nerlib.model import NERConfig
from nerlib.tools.demo.corrections import RefusedError
from nerlib.tools.tagger import Tagger
from nerlib.untrusted import read_settings

WEIGHTS = "model.safetensors"


class Models:
    """Taggers by the names that the page shows, which do not reveal where the folders are."""

    def __init__(self, places: Mapping[str, str | Path], device: str = "auto") -> None:
        self._places, self._device = dict(places), device
        self._taggers: dict[str, Tagger] = {}

    @property
    def names(self) -> list[str]:
        """The names, in the order in which the page shows them."""
        return list(self._places)

    def load(self, name: str) -> Tagger:
        """Return a model, loaded once; raises `EncoderError` if its folder holds none."""
        if name not in self._taggers:
            self._taggers[name] = Tagger.from_pretrained(self._places[name], self._device)
        return self._taggers[name]

    def tagger(self, name: str) -> Tagger:
        """Return a model for a visitor, whom `RefusedError` does not tell where its folder is."""
        if name not in self._places:
            raise RefusedError("choose one of the models in the list")
        try:
            return self.load(name)
        except (EncoderError, OSError, ValueError) as error:
            print(f"nerlib: {error}", file=sys.stderr)
            raise RefusedError(f"the model {name!r} cannot be loaded: choose another") from None


def find_models(root: str | Path) -> list[Path]:
    """Return the folders with a saved model in a folder like `build`, and in the folders in it."""
    inside = sorted(Path(root).glob("*/")) + sorted(Path(root).glob("*/model/"))
    # The lessons' own model comes first: what most people have, and expect.
    return sorted(filter(holds_model, inside), key=lambda path: path != Path(root) / "model")


def holds_model(folder: Path) -> bool:
    """Return whether a folder holds a saved tagger, going by its names and settings alone."""
    try:
        settings = read_settings(str(folder))
    except EncoderError:
        return False
    is_ours = settings.get("model_type") == NERConfig.model_type
    return is_ours and (folder / WEIGHTS).is_file()


def name_places(places: Iterable[str | Path]) -> dict[str, str | Path]:
    """Return folders, or names on the Hub, by a short name each, which does not reveal where it is.

    `model` is what every run writes, so that the folder above it says more.

    >>> list(name_places(["build/model", "build/own/model", "elsewhere/own"]))
    ['model', 'own', 'own (2)']
    """
    named: dict[str, str | Path] = {}
    for place in places:
        path = Path(place).absolute() if Path(place).is_dir() else Path(place)
        above = path.parent.name
        short = above if path.name == "model" and above not in ("", "build") else path.name
        others = sum(name.partition(" (")[0] == short for name in named)
        named[f"{short} ({others + 1})" if others else short] = place
    return named
