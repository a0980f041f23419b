"""What a check says: as a box in a notebook, as lines elsewhere."""

import re
from dataclasses import dataclass

from nerlib.analysis.display import Html, escape, isolated

STRESS = re.compile(r"\*(\w[^*]*)\*")


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check: `passed`, what is said, and how far the lesson is."""

    heading: str
    passed: bool
    message: str
    progress: str = ""
    printed: str = ""

    @property
    def lines(self) -> list[str]:
        """What is said, line by line; code stands in backticks."""
        mark, word = ("✓", "right") if self.passed else ("✗", "not yet")
        parts = [f"{mark} {self.heading}: {word}", self.message]
        if self.printed:
            parts.append(f"Your code also printed: `{self.printed}`")
        return [part for part in [*parts, self.progress] if part]

    def __repr__(self) -> str:
        return Html("", "\n  ".join(self.lines)).text

    def _repr_html_(self) -> str:
        colour = "#2a8a4a" if self.passed else "#b5651d"  # green, or orange
        first, *others = (marked_up(line) for line in self.lines)
        return (
            f'<div style="border-left:0.35em solid {colour};padding:0.3em 0.8em;max-width:46em">'
            f"<b>{first}</b>{''.join(f'<div>{line}</div>' for line in others)}</div>"
        )


def marked_up(text: str) -> str:
    """Return a line as HTML, escaped: what stands in backticks as code, between stars stressed.

    >>> marked_up("*not* `<b>` & co")
    '<em>not</em> <code>&lt;b&gt;</code> &amp; co'
    """
    parts = text.split("`")
    return "".join(
        f"<code>{isolated(part)}</code>" if number % 2 else STRESS.sub(r"<em>\1</em>", escape(part))
        for number, part in enumerate(parts)
    )
