"""The page below a cell of a notebook, on Colab, too."""

from __future__ import annotations

from typing import Any

from nerlib.tools.demo.models import choose_models
from nerlib.tools.extras import require_extra


def show(*folders: str, device: str = "auto", share: bool = False) -> Any:
    """Show the page with the models in some folders, or those below `build`; return the Gradio app.

    It runs until its `close()`, or the kernel ends; `share` asks Gradio's servers for a public
    address. Raises `ExtraError` if Gradio is missing, `DemoError` if there is no model.
    """
    require_extra("demo", "gradio")
    from nerlib.tools.demo.page import serve  # needs the extra packages

    return serve(choose_models([*folders], device), share=share)
