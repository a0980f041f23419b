"""Make slides from the notebooks: a deck each, shown by reveal.js, without internet.

python -m tools.slides                     # write build/slides
python -m tools.slides notebooks/02_parsing.ipynb

Nothing is marked in the notebooks. Each heading starts a slide. Of a paragraph the first sentence
stands on the slide and all of it in the speaker's notes (key S); code is small; tables, figures and
entities are kept. What does not fit on a slide goes on with the same heading on the next one.
"""

from __future__ import annotations

import argparse
import html
import importlib.metadata
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbconvert.filters.ansi import strip_ansi
from nbconvert.filters.markdown_mistune import markdown2html_mistune
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from tools.execute import all_notebooks
from tools.project import ROOT

# The package that brings reveal.js along; its files are copied, it is not imported.
PACKAGE = "sphinx-revealjs"
WIDTH, HEIGHT = 1280, 720
ROOM = 560  # pixels below the heading of a slide
MOST_LINES = 14  # of what a cell prints

HEADING = re.compile(r"^(?P<marks>#{1,3}) (?P<text>.+)$")
LINK = re.compile(r"!?\[(?P<text>[^\]]*)\]\([^)]*\)")
BADGE = re.compile(r"(?m)^\[!\[.*$\n?")
NAVIGATION = re.compile(r"(?m)^.*\]\(\d\d_\w+\.ipynb\) → .*$\n?")
HINT = re.compile(r"\s*<details>.*?</details>", re.S)
COMMENT = re.compile(r"<!--.*?-->", re.S)
QUESTION = re.compile(r'<div class="nerlib-question".*?</div>', re.S)
# The end of a sentence, and the start of the next one; not behind one capital or "e.g.".
SENTENCE = re.compile(r"(?<=[^A-Z.][.!?:])\s+(?=[A-Z*`\"“(])")


@dataclass
class Slide:
    """A heading and what stands below it; `height` is an estimate in pixels."""

    heading: str
    level: int
    parts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    height: float = 0.0
    pair: bool = False  # code beside its figure

    def add(self, markup: str, height: float) -> None:
        """Put something below what stands there already."""
        self.parts.append(markup)
        self.height += height


class SlidesError(RuntimeError):
    """Slides that cannot be made: what is missing and how to get it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the decks of the notebooks named on the command line, or of all."""
    parser = argparse.ArgumentParser(prog="tools.slides", description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "slides")
    options = parser.parse_args(arguments)
    try:
        index = write_decks(options.notebooks or all_notebooks(), options.output)
    except SlidesError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Open {index}")
    return 0


def write_decks(notebooks: Sequence[Path], output: Path) -> Path:
    """Write a deck of each notebook, and an index; return the index."""
    copy_reveal(output / "reveal")
    titles = {}
    for path in notebooks:
        slides = slides_of(nbformat.read(path, as_version=4))
        titles[path.stem] = slides[0].heading
        (output / f"{path.stem}.html").write_text(deck(slides), encoding="utf-8")
    index = output / "index.html"
    index.write_text(_index(titles), encoding="utf-8")
    return index


def copy_reveal(folder: Path) -> None:
    """Copy reveal.js, its theme with fonts and the speaker's view out of the installed package."""
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        raise SlidesError(f"{PACKAGE} is not installed: pip install 'nerlib[site]'") from None
    found = [Path(str(f.locate())) for f in files if f.match("revealjs/dist/reveal.js")]
    if not found:
        raise SlidesError(f"{PACKAGE} holds no reveal.js: pip install -c constraints.txt {PACKAGE}")
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("dist", "plugin/notes"):
        shutil.copytree(found[0].parents[1] / part, folder / part)
    shutil.copy(found[0].parents[1] / "LICENSE", folder)


def slides_of(notebook: NotebookNode) -> list[Slide]:
    """Return the slides of a notebook, in order."""
    slides: list[Slide] = []
    lead = ""  # a paragraph that waits for the code below it
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            _add_block(slides, lead)
            *before, lead = ["", *blocks(cell.source)]
            for block in before:
                _add_block(slides, block)
        elif questions := _questions(cell):
            _add_block(slides, lead)
            _add_questions(slides, questions)
            lead = ""
        elif cell.cell_type == "code" and not cell.id.endswith("-setup"):
            _add_code(slides, cell, lead)
            lead = ""
    _add_block(slides, lead)
    return [in_full(slide) for slide in slides if slide.parts]


def in_full(slide: Slide) -> Slide:
    """Return the slide; with whole paragraphs in place of first sentences if there is room."""
    tall = sum(map(text_height, slide.notes))
    if len(slide.notes) == len(slide.parts) and slide.height < ROOM / 3 and tall <= ROOM:
        slide.parts = [to_html(block) for block in slide.notes]
    return slide


def _add_block(slides: list[Slide], block: str, below: float = 0.0) -> None:
    """Put a block of Markdown on a slide, a new one for a heading; leave room for what follows."""
    heading = HEADING.match(block)
    if heading:
        words = inline(heading["text"])
        if slides and not slides[-1].parts:  # a heading right below a heading: one for both
            words = f"{slides.pop().heading} · {words}"
        slides.append(Slide(words, len(heading["marks"])))
    elif block:
        shown = shortened(block)
        slide = _with_room(slides, text_height(shown) + below)
        slide.add(to_html(shown), text_height(shown))
        slide.notes.append(block)


def _add_code(slides: list[Slide], cell: NotebookNode, lead: str) -> None:
    """Put a cell and its outputs on a slide, below the paragraph that leads to them.

    A figure stands beside its code, on a slide of its own.
    """
    code, tall = code_html(cell.source), 24.0 * len(cell.source.splitlines()) + 30
    shown = [output_html(output) for output in cell.outputs]
    figure = any("<img" in markup for markup, _ in shown)
    lead_height = text_height(shortened(lead)) if lead else 0.0
    if figure:
        _add_block(slides, lead, ROOM - lead_height)
        slide = _with_room(slides, ROOM - lead_height)
        markup = "".join(markup for markup, _ in shown)
        slide.add(f'<div class="code">{code}</div><div class="shown">{markup}</div>', ROOM)
        slide.pair = True
        return
    below = sum(height for _, height in shown)
    together = min(tall + below, ROOM - lead_height)
    _add_block(slides, lead, together)
    _with_room(slides, together).add(code, tall)
    for markup, height in shown:
        _with_room(slides, height).add(markup, height)


def _questions(cell: NotebookNode) -> list[str]:
    """Return the questions of a quiz that a cell shows, as HTML."""
    shown = [output.get("data", {}).get("text/html", "") for output in cell.get("outputs", [])]
    return QUESTION.findall("".join(shown))


def _add_questions(slides: list[Slide], questions: Sequence[str]) -> None:
    """Put each question on a slide of its own, so that a room can vote before a click tells."""
    heading, level = slides[-1].heading, slides[-1].level
    for question in questions:
        slides.append(Slide(heading, level, [f'<div class="html">{question}</div>'], [], ROOM))


def _with_room(slides: list[Slide], height: float) -> Slide:
    """Return the last slide if there is room on it, or a new one with the same heading."""
    last = slides[-1]
    if last.parts and last.height + height > ROOM:
        slides.append(Slide(last.heading, last.level))
    return slides[-1]


def blocks(source: str) -> Iterator[str]:
    """Yield headings, paragraphs, lists and tables of a Markdown text, without badges and hints.

    >>> list(blocks("# One" + chr(10) * 2 + "Two." + chr(10) + "Three."))
    ['# One', 'Two. Three.']
    """
    for pattern in (BADGE, NAVIGATION, HINT, COMMENT):
        source = pattern.sub("", source)
    for block in re.split(r"\n\s*\n", source.strip()):
        lines = [line for line in block.splitlines() if line.strip()]
        while lines and HEADING.match(lines[0]):
            yield lines.pop(0)
        if lines and is_prose(lines):
            yield " ".join(line.strip() for line in lines)
        elif lines:
            yield "\n".join(lines)


def is_prose(lines: Sequence[str]) -> bool:
    """Return whether lines are a paragraph, and no list, table or code."""
    return not any(re.match(r"\s*([-*|>] ?|\d+\. |```|<)", line) for line in lines[:1])


def shortened(block: str, most: int = 150) -> str:
    """Return a paragraph's first sentence, unless it is short anyway; each item of a list likewise.

    >>> shortened("A tag a word. " + "And much more about it. " * 9)
    'A tag a word.'
    >>> shortened("Short. And whole.")
    'Short. And whole.'
    """
    if block.startswith(("|", "```", "<")):
        return block
    lines = block.splitlines()
    return "\n".join(
        line if len(line) <= most else SENTENCE.split(line, maxsplit=1)[0] for line in lines
    )


def text_height(block: str) -> float:
    """Return about how many pixels a block needs."""
    if block.startswith("|"):
        return 40.0 * (len(block.splitlines()) - 1) + 16
    lines = [max(1, -(-len(LINK.sub(r"\g<text>", line)) // 88)) for line in block.splitlines()]
    return 40.0 * sum(lines) + 14


def to_html(markdown: str) -> str:
    """Return Markdown as HTML; links lose their addresses, for a deck stands alone."""
    return str(markdown2html_mistune(LINK.sub(r"\g<text>", markdown)))


def inline(markdown: str) -> str:
    """Return one line of Markdown as HTML without its paragraph."""
    return to_html(markdown).strip().removeprefix("<p>").removesuffix("</p>")


def code_html(source: str) -> str:
    """Return Python source in colours."""
    return str(highlight(source, PythonLexer(), HtmlFormatter(cssclass="source")))


def output_html(output: NotebookNode) -> tuple[str, float]:
    """Return an output of a cell as HTML, and about how many pixels high it is."""
    data = output.get("data", {})
    if "image/png" in data:
        picture = "".join(data["image/png"].split())
        return f'<img alt="figure" src="data:image/png;base64,{picture}">', ROOM
    if "text/html" in data:
        markup = data["text/html"]
        rows = 37.0 * markup.count("<tr") + 48.0 * markup.count('<div dir="auto"')
        return f'<div class="html">{markup}</div>', rows + 16
    lines = strip_ansi(output.get("text") or data.get("text/plain", "")).rstrip().splitlines()
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], "…"]
    wrapped = sum(max(1, -(-len(line) // 110)) for line in lines)
    return f"<pre>{html.escape(chr(10).join(lines))}</pre>" if lines else "", 24.0 * wrapped + 24


def deck(slides: Sequence[Slide]) -> str:
    """Return the page of a deck."""
    title = html.escape(re.sub(r"<[^>]+>", "", slides[0].heading))
    sections = "\n".join(map(section, slides))
    colours = HtmlFormatter(cssclass="source", style="default").get_style_defs(".source")
    return _PAGE.format(
        title=title, style=_STYLE + colours, sections=sections, width=WIDTH, height=HEIGHT
    )


def section(slide: Slide) -> str:
    """Return one slide as HTML, with the full text in its notes."""
    level = 1 if slide.level == 1 else 2
    kind = ' class="pair"' if slide.pair else ""
    notes = "".join(to_html(note) for note in slide.notes)
    return (
        f"<section{kind}><h{level}>{slide.heading}</h{level}>"
        f'<div class="fit">{"".join(slide.parts)}</div>'
        f'<aside class="notes">{notes}</aside></section>'
    )


def _index(titles: dict[str, str]) -> str:
    """Return the page that links all decks."""
    listed = "\n".join(
        f'<li><a href="{stem}.html">{title}</a></li>' for stem, title in titles.items()
    )
    return _INDEX.format(listed=listed)


_STYLE = """
.reveal { font-size: 27px; }
.reveal .slides { text-align: left; }
.reveal .slides section { height: 100%; }
.reveal h1 { font-size: 2.2em; text-transform: none; }
.reveal h2 { font-size: 1.45em; text-transform: none; margin-bottom: 0.5em; }
.reveal .fit { transform-origin: top left; }
.reveal p { margin: 0 0 0.5em; line-height: 1.35; }
.reveal ul, .reveal ol { display: block; margin: 0 0 0.6em 1.2em; line-height: 1.4; }
.reveal table { margin: 0 0 0.5em; font-size: 0.8em; }
.reveal th, .reveal td { padding: 0.2em 0.6em; }
.reveal pre { width: 100%; margin: 0 0 0.5em; font-size: 0.67em; line-height: 1.3;
  box-shadow: none; white-space: pre-wrap; overflow: visible; }
.reveal .source { background: #f5f5f5; border-left: 4px solid #1f5f99; padding: 0.1em 0.8em; }
.reveal .source pre { margin: 0.4em 0; }
.reveal .html { margin-bottom: 0.5em; }
.reveal .html table { font-size: 0.74em; }
.reveal summary { line-height: 1.35; }
.reveal img { max-width: 100%; max-height: 480px; margin: 0; }
.reveal .pair .fit { display: grid; grid-template-columns: 2fr 3fr; gap: 1em; align-items: start; }
.reveal .pair .code { font-size: 0.8em; min-width: 0; }
.reveal .pair .shown { min-width: 0; }
.reveal .pair p { grid-column: 1 / -1; }
"""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="reveal/dist/reset.css">
<link rel="stylesheet" href="reveal/dist/reveal.css">
<link rel="stylesheet" href="reveal/dist/theme/white.css">
<style>{style}</style></head>
<body><div class="reveal"><div class="slides">
{sections}
</div></div>
<script src="reveal/dist/reveal.js"></script>
<script src="reveal/plugin/notes/notes.js"></script>
<script>
// Estimates may be wrong: a slide that is too full is made a little smaller.
function fit(slide) {{
  const box = slide && slide.querySelector(".fit");
  if (!box || box.dataset.scale) return;
  let scale = 1;
  const fits = () => box.offsetTop + box.offsetHeight * scale <= {height} &&
    box.scrollWidth <= box.offsetWidth + 1;
  while (!fits() && scale > 0.4) {{
    scale -= 0.02;
    box.style.width = `${{100 / scale}}%`;
    box.style.transform = `scale(${{scale}})`;
  }}
  box.dataset.scale = scale.toFixed(2);
}}
Reveal.initialize({{
  width: {width}, height: {height}, margin: 0.03, center: false, hash: true,
  slideNumber: "c/t", transition: "none", plugins: [RevealNotes],
}}).then(() => fit(Reveal.getCurrentSlide()));
Reveal.on("slidechanged", (event) => fit(event.currentSlide));
</script>
</body></html>
"""

_INDEX = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Slides</title>
<link rel="icon" href="data:,">
<style>body{{font:18px/1.6 sans-serif;max-width:40em;margin:2em auto;padding:0 1em}}</style></head>
<body><main><h1>Slides</h1>
<p>Arrows or space go on, S opens the speaker's view, F the full screen, O the overview.</p>
<ul>
{listed}
</ul></main></body></html>
"""


if __name__ == "__main__":
    sys.exit(main())
