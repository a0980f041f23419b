"""The models that a page offers: found by name, and loaded once."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from nerlib.encoders import EncoderError
from nerlib.model import NERConfig
from nerlib.tools.demo.corrections import DemoError
from nerlib.tools.tagger import Tagger
from nerlib.untrusted import read_settings


class Models:
    """Taggers by the names that the page shows, which do not reveal where the folders are."""

    def __init__(self, places: Mapping[str, str | Path], device: str = "auto") -> None:
        self.names = list(places)
        self._places, self._device = places, device
        self._taggers: dict[str, Tagger] = {}

    def load(self, name: str) -> Tagger:
        """Return a model, loaded once; raises `EncoderError` if its folder holds none."""
        if name not in self._taggers:
            self._taggers[name] = Tagger.from_pretrained(self._places[name], self._device)
        return self._taggers[name]

    def tagger(self, name: str) -> Tagger:
        """Return a model for a visitor, whom `DemoError` does not tell where its folder is."""
        if name not in self.names:
            raise DemoError("choose one of the models in the list")
        try:
            return self.load(name)
        except (EncoderError, OSError, ValueError) as error:
            print(f"nerlib: {error}", file=sys.stderr)
            raise DemoError(f"the model {name!r} cannot be loaded: choose another") from None


def choose_models(named: list[str] | None, device: str, root: str = "build") -> Models:
    """Return the models named, all loaded, or those found below `root`, the first one loaded.

    Raises `DemoError` if there is none, and `EncoderError` for one that cannot be loaded.
    """
    models = Models(name_places(named or find_models(root)), device)
    if not models.names:
        advice = "run `python -m nerlib train` first, or name a folder with --model"
        raise DemoError(f"there is no model in {root} yet: {advice}")
    for name in models.names if named else models.names[:1]:
        models.load(name)
    return models


def find_models(root: str | Path) -> list[Path]:
    """Return the folders with a saved model in a folder like `build`, and in the folders in it."""
    inside = sorted(Path(root).glob("*/")) + sorted(Path(root).glob("*/model/"))
    # The lessons' own model comes first: what most people have, and expect.
    return sorted(filter(_holds_model, inside), key=lambda path: path != Path(root) / "model")


def _holds_model(folder: Path) -> bool:
    """Return whether a folder holds a saved tagger, going by its names and settings alone."""
    try:
        is_ours = read_settings(str(folder)).get("model_type") == NERConfig.model_type
    except EncoderError:
        return False
    return is_ours and (folder / "model.safetensors").is_file()


def name_places(places: Iterable[str | Path]) -> dict[str, str | Path]:
    """Return folders, or names on the Hub, by a short name each: for `model`, that of its folder.

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
