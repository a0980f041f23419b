"""Text that would do harm on a page which took it for markup, a script or a direction."""

from html.parser import HTMLParser

from nerlib import Span, highlight, highlight_many
from nerlib.analysis.display import (
    Html,
    fact_table,
    highlight_pairs,
    html_table,
    shade_words,
    tag_table,
)
from nerlib.parsing import ParsedUtterance, Word

RUN = "window.hacked=1"
HOSTILE = [
    f"<script>{RUN}</script>",
    f"<ScRiPt>{RUN}//",
    f'"><img src=x onerror={RUN}>',
    f"'><svg onload={RUN}>",
    f"</title><script>{RUN}</script>",
    f"</td></tr></table><script>{RUN}</script>",
    f"--></style></script><script>{RUN}</script>",
    f"<a href='javascript:{RUN}'>click</a>",
    f"javascript:{RUN}",
    f'" onmouseover="{RUN}" style="position:fixed;inset:0',
    f"<details open ontoggle={RUN}>",
    "<iframe srcdoc='<script>parent.hacked=1</script>'></iframe>",
    "<link rel=stylesheet href=//elsewhere.example/x.css>",
    "<img src=//elsewhere.example/pixel.png>",
    f"<base href='javascript:{RUN}//'>",
    "<dialog open>alert</dialog><script>alert(1)</script>",
    "&lt;script&gt;&#x3C;script&#x3E;",
    "abc\u202egnp.exe\u202c \u2066x",
    "\u2067hidden\u2069 \u200f(12)",
    "תשע (12) بايت",
    "\x00\x08\x1b[2J\x9b31m",
    "half \ud83d of a pair",
    "$x_$ and $\\frac$",
]
TYPES = ("<script>window.hacked=1</script>", '"onclick=window.hacked=1', "\u202etype", "תשע")


class Reader(HTMLParser):
    """Reads HTML as a browser would: tags with their attributes, and text; all must be closed."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(markup)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        self.text += data


def every_view(text: str) -> dict[str, Html]:
    """Return everything that can be shown, with the text wherever a text can stand."""
    span = Span(text, 0, len(text))
    parsed = ParsedUtterance(text, (Word(text, 0, len(text)),), (span,), (f"B-{text}",))
    return {
        "entity": highlight(text, [span]),
        "several": highlight_many([(text, []), (text, [span])]),
        "pairs": highlight_pairs([(text, [span], [])]),
        "words": shade_words([text], [1.0]),
        "tags": tag_table(parsed),
        "facts": fact_table({text: text}),
        "table": html_table([text], [[text, highlight(text, [])]]),
    }
