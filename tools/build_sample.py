"""Build the sample corpus from its hand-written sources, the same bytes on every machine.

    python -m tools.build_sample   # write 1.1/data/en-US.jsonl and ru-RU.jsonl

A source file holds the base utterances of one scenario, each in English and Russian, and lists of
slot values in the grammatical form that the sentence needs; `rare_types.toml` has more of them for
train, in several scenarios. A base utterance belongs to one partition only, and some slot values
are kept for validation and test. Every choice is made by hashing a name, not by a random number
generator, so that no version of Python changes the result.
"""

import hashlib
import json
import re
import tomllib
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "nerlib" / "data" / "sample"
LOCALES = ("en-US", "ru-RU")
ROWS = {"train": 1000, "dev": 200, "test": 300}
HELD_OUT_SHARE = 0.15  # of the slot values: never used in train if there is another one
PLACEHOLDER = re.compile(r"\{([a-z0-9_]+)\}")
SLOT = re.compile(r"\[([a-z_]+) : ([^\[\]]+)\]")

FRAMES: dict[str, list[tuple[str, str]]] = tomllib.loads(
    (FOLDER / "sources" / "frames.toml").read_text(encoding="utf-8")
)


@dataclass(frozen=True)
class Base:
    """A base utterance: its two templates and the lists of values that fill them."""

    scenario: str
    intent: str
    form: str
    templates: tuple[str, str]
    values: dict[str, list[list[str]]]
    partition: str


@dataclass(frozen=True)
class Utterance:
    """One finished utterance in both languages."""

    scenario: str
    intent: str
    annotated: tuple[str, str]

    @property
    def plain(self) -> tuple[str, ...]:
        """The texts without brackets."""
        return tuple(SLOT.sub(r"\2", text) for text in self.annotated)


def order(base: Base) -> tuple[bool, int]:
    """Return what base utterances are sorted by: those without a slot first, so that they get the
    last round's rows; otherwise at random."""
    return "[" in base.templates[0], number("order", base.templates[0])


def number(*names: object) -> int:
    """Return a number that looks random but only depends on the names."""
    text = "|".join(map(str, names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def chance(share: float, *names: object) -> bool:
    """Return True for about this share of all names."""
    return number(*names) % 10_000 < share * 10_000


def read_bases(folder: Path) -> list[Base]:
    """Return the base utterances of all scenarios."""
    bases: list[Base] = []
    for path in sorted(folder.glob("*.toml")):
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        for base in content.get("base", []):
            values = {**content.get("values", {}), **base.get("values", {})}
            used = {name: values[name] for name in sorted(set(PLACEHOLDER.findall(base["en"])))}
            what = base.get("scenario") or content["scenario"], base["intent"], base["form"]
            bases.append(Base(*what, (base["en"], base["ru"]), used, base["partition"]))
    return bases


def read_fixed(folder: Path) -> list[Utterance]:
    """Return the tutorial's sentences, which are taken as they are."""
    content = tomllib.loads((folder / "tutorial.toml").read_text(encoding="utf-8"))
    rows = content["row"]
    return [Utterance(row["scenario"], row["intent"], (row["en"], row["ru"])) for row in rows]


def variants(base: Base, part: str) -> Iterator[Utterance]:
    """Yield different wordings of a base utterance: other slot values, openings and endings."""
    for attempt in range(24):
        chosen = {
            name: choose(values, part, base.templates[0], name, attempt)
            for name, values in base.values.items()
        }
        english, russian = ({name: pair[side] for name, pair in chosen.items()} for side in (0, 1))
        texts = base.templates[0].format(**english), base.templates[1].format(**russian)
        frame = choose_frame(base, attempt)
        framed = frame[0].format(texts[0]), frame[1].format(texts[1])
        yield Utterance(base.scenario, base.intent, framed)


def choose(values: list[list[str]], part: str, *names: object) -> list[str]:
    """Return a pair of values, from those that the partition may use."""
    held_out = [pair for pair in values if chance(HELD_OUT_SHARE, "held out", pair[0])]
    others = [pair for pair in values if pair not in held_out]
    if part == "train":
        pool = others or values
    else:
        pool = held_out if held_out and chance(0.35, "new", *names) else values
    return pool[number("value", *names) % len(pool)]


def choose_frame(base: Base, attempt: int) -> tuple[str, str]:
    """Return an opening and ending; a base without values needs them to vary at all."""
    key = base.templates[0]
    plain = attempt == 0 if not base.values else chance(0.55, "plain", key, attempt)
    frames = FRAMES[base.form]
    return ("{}", "{}") if plain else frames[number("frame", key, attempt) % len(frames)]


def fill(bases: Sequence[Base], part: str, wanted: int, seen: set[str]) -> list[Utterance]:
    """Return so many utterances of a partition, one from every base in turn, none twice."""
    sources = deque(variants(base, part) for base in bases if base.partition == part)
    found: list[Utterance] = []
    while sources:
        if len(found) == wanted:
            return found
        fresh = next((u for u in sources[0] if seen.isdisjoint(u.plain)), None)
        if fresh is None:
            sources.popleft()
            continue
        seen.update(fresh.plain)
        found.append(fresh)
        sources.rotate(-1)
    raise SystemExit(f"the sources give only {len(found)} different utterances for {part}")


def build(folder: Path = FOLDER / "sources") -> list[tuple[str, Utterance]]:
    """Return all (partition, utterance) pairs in the order of their ids."""
    fixed = read_fixed(folder)
    seen = {text for utterance in fixed for text in utterance.plain}
    rows = []
    bases = sorted(read_bases(folder), key=order)
    for part, size in ROWS.items():
        wanted = size - (len(fixed) if part == "train" else 0)
        rows += [(part, one) for one in fill(bases, part, wanted, seen)]
    rows.sort(key=lambda row: number("row", row[1].annotated[0]))
    return [("train", utterance) for utterance in fixed] + rows


def record(row_id: int, part: str, utterance: Utterance, side: int) -> dict[str, Any]:
    """Return one row with MASSIVE's fields, in its order."""
    row: dict[str, Any] = {
        "id": str(row_id),
        "locale": LOCALES[side],
        "partition": part,
        "scenario": utterance.scenario,
        "intent": utterance.intent,
        "utt": utterance.plain[side],
        "annot_utt": utterance.annotated[side],
        "worker_id": "0",
    }
    if side:  # the localised files carry two more fields
        slots = [slot_type for slot_type, _ in SLOT.findall(utterance.annotated[side])]
        row["slot_method"] = [{"slot": slot, "method": "localization"} for slot in slots]
        row["judgments"] = []
    return row


def write(target: Path = FOLDER) -> None:
    """Write both locales' files in MASSIVE's layout."""
    rows = build()
    folder = target / "1.1" / "data"
    folder.mkdir(parents=True, exist_ok=True)
    for side, locale in enumerate(LOCALES):
        records = (record(number, *row, side) for number, row in enumerate(rows, start=1))
        lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records)
        (folder / f"{locale}.jsonl").write_text(lines, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write()
    print(f"wrote {', '.join(LOCALES)} to {FOLDER / '1.1' / 'data'}")
