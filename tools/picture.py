"""Draw utterances with their entities as an SVG: the picture in README.md.

python -m tools.picture           # writes workshop/entities.svg
"""

import sys
from collections.abc import Sequence

from nerlib.analysis.display import entity_colour, escape
from nerlib.parsing import ParsedUtterance, Parser
from tools.project import ROOT

UTTERANCES = (
    "wake me up at [time : nine am] on [date : friday]",
    "разбуди меня в [time : девять утра] в [date : пятницу]",
    "play [song_name : play with fire] by [artist_name : the velvet foxes] in the "
    "[house_place : kitchen]",
)
# A monospaced font makes widths known without measuring: 0.6 of its size for each character.
SIZE, WIDTH, LINE, MARGIN = 20, 12.04, 66, 24


def picture(utterances: Sequence[str] = UTTERANCES) -> str:
    """Return an SVG with one utterance a line, each entity coloured, its type below.

    >>> picture(["at [time : nine]"]).startswith("<svg")
    True
    """
    parsed = [Parser().parse(utterance) for utterance in utterances]
    width = round(max(len(p.text) for p in parsed) * WIDTH + 2 * MARGIN)
    height = LINE * len(parsed) + MARGIN
    lines = "\n".join(_line(p, MARGIN + SIZE + LINE * row) for row, p in enumerate(parsed))
    spoken = escape("; ".join(p.text for p in parsed))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">\n'
        f"<title>Utterances with their entities marked: {spoken}</title>\n"
        f'<rect width="{width}" height="{height}" rx="10" fill="#ffffff" stroke="#cccccc"/>\n'
        f'<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="{SIZE}" '
        f'fill="#111111">\n{lines}\n</g>\n</svg>\n'
    )


def _line(parsed: ParsedUtterance, baseline: int) -> str:
    """Return one utterance: coloured boxes, the text, and the types below the boxes."""
    pieces = []
    for span in parsed.spans:
        left = MARGIN + span.start * WIDTH
        width = (span.end - span.start) * WIDTH
        pieces.append(
            f'<rect x="{left - 3:.1f}" y="{baseline - SIZE}" width="{width + 6:.1f}" '
            f'height="{SIZE + 8}" rx="5" fill="{entity_colour(span.type)}"/>'
            f'<text x="{left:.1f}" y="{baseline + 24}" font-size="13" font-weight="bold">'
            f"{escape(span.type)}</text>"
        )
    # Every word is placed by itself, so that a font of another width cannot push it off its box.
    for word in parsed.words:
        left = MARGIN + word.start * WIDTH
        length = (word.end - word.start) * WIDTH
        pieces.append(
            f'<text x="{left:.1f}" y="{baseline}" textLength="{length:.1f}" '
            f'lengthAdjust="spacingAndGlyphs">{escape(word.text)}</text>'
        )
    return "\n".join(pieces)


def main() -> int:
    """Write the picture."""
    path = ROOT / "workshop" / "entities.svg"
    path.parent.mkdir(exist_ok=True)
    path.write_text(picture(), encoding="utf-8")
    print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
