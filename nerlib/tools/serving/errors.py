"""What goes wrong on the way out."""

from __future__ import annotations


class ExportError(ValueError):
    """An export that cannot be made: what was wrong and what to do."""
