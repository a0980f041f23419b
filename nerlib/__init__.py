"""nerlib: the small library that the course builds, from bracketed text to entities.

The pipeline, one module a step: corpus → parsing → tags → subwords → dataset → model → training →
metrics → decoding → inference. Public names are listed in `__init__.pyi` and imported on first use
(PEP 562), so that nobody waits for PyTorch who only wants a parser.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = "0.1.0"
