"""nerlib: the small library that the course builds, from bracketed text to entities.

The pipeline, one module a step: corpus → parsing → tags → subwords → dataset → model → training →
metrics → decoding → inference. Public names are listed in `__init__.pyi` and imported on first use
(PEP 562), so that nobody waits for PyTorch who only wants a parser.
"""

import os
import sys

try:
    import lazy_loader
except ModuleNotFoundError:
    if sys.argv[0] != "-m":
        raise
    told = "packages that nerlib needs are not installed; install them: python tools/install.py"
    print(f"nerlib: {told}", file=sys.stderr)
    sys.exit(2)

# Threads that wait soon sleep: beside other programs, two that spin are slower than one, but waking
# takes time as well. OpenMP reads this once, when torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "3000")

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = "0.1.0"
