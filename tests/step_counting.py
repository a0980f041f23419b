"""Counters of work that give the same number on every machine: no clock is read.

Lines of Python are counted by tracing; text that methods of `str` go through, by a `str` that keeps
count; and what a regular expression tries, by a plain backtracking matcher written out here, since
the real one runs unseen. The real one knows short cuts, so that it tries at most as much.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from re import _constants as op  # private, but the only parser of patterns in Python itself
from re import _parser
from types import FrameType
from typing import Any

import regex

import nerlib

HOME = Path(nerlib.__file__).parent


def executed_lines(action: Callable[[], object]) -> int:
    """Count the lines of nerlib that run, each time that they do; loops in one line count too."""
    count = 0

    def on_line(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return on_line

    def on_call(frame: FrameType, event: str, argument: object) -> Any:
        return on_line if frame.f_code.co_filename.startswith(str(HOME)) else None

    before = sys.gettrace()
    sys.settrace(on_call)
    try:
        action()
    finally:
        sys.settrace(before)
    return count


class Text(str):
    """A text that counts the characters its methods look at or copy; its parts count with it."""

    counter: list[int]

    def __new__(cls, value: str, counter: list[int] | None = None) -> Text:
        made = super().__new__(cls, value)
        made.counter = [0] if counter is None else counter
        return made

    @property
    def seen(self) -> int:
        """The characters so far."""
        return self.counter[0]


def _counting(name: str) -> Callable[..., Any]:
    """A method of `str` that counts what it gives back, or the whole text if that is no text."""
    method = getattr(str, name)

    def counted(self: Text, *arguments: Any, **options: Any) -> Any:
        result = method(self, *arguments, **options)
        parts = [result] if isinstance(result, str) else result
        if not isinstance(parts, tuple | list):
            self.counter[0] += len(self)
            return result
        self.counter[0] += len(result) if name == "__getitem__" else len(self)
        made = [Text(part, self.counter) for part in parts]
        return made[0] if isinstance(result, str) else type(result)(made)

    return counted


for _name in (
    *("__getitem__", "__contains__", "__add__", "capitalize", "casefold", "count", "encode"),
    *("find", "index", "isalnum", "isascii", "isprintable", "lower", "lstrip", "partition"),
    *("removeprefix", "removesuffix", "replace", "rfind", "rpartition", "rstrip", "split"),
    *("splitlines", "strip", "title", "translate", "upper"),
):
    setattr(Text, _name, _counting(_name))


class TooManySteps(AssertionError):
    """A search that goes beyond any bound that is linear in the text's length."""


PROPERTY = regex.compile(r"\\p\{(\w+)\}")
SAMPLES = "a0_ \n.-/:[]!$+~\u0301\ud800Zé"
PRIVATE = 0xE000  # characters that stand for a Unicode property while a pattern is parsed


class Search:
    """One pattern on one text, searched from every place, with a count of the steps that it takes.

    A step is a comparison of one character, or the end of one repetition.
    """

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self.properties = sorted(set(PROPERTY.findall(pattern)))
        numbers = {name: PRIVATE + n for n, name in enumerate(self.properties)}
        plain = PROPERTY.sub(lambda match: chr(numbers[match[1]]), pattern)
        self.parsed = list(_parser.parse(plain, flags))
        self.text, self.steps, self.limit = "", 0, 0

    def find(self, text: str, limit: int) -> list[tuple[int, int]]:
        """Return the spans of all matches, as `finditer` does."""
        self.text, self.steps, self.limit = text, 0, limit
        found, place = [], 0
        while place <= len(text):
            end = next(self._sequence(self.parsed, place), None)
            if end is not None:
                found.append((place, end))
            place = end if end is not None and end > place else place + 1
        return found

    def fits(self, text: str, limit: int) -> bool:
        """Return whether the whole text matches, as `fullmatch` does."""
        self.text, self.steps, self.limit = text, 0, limit
        return any(end == len(text) for end in self._sequence(self.parsed, 0))

    def example(self) -> str:
        """Return a text that every part of the pattern has a share in; it may not match itself."""
        return "".join(self._examples(self.parsed))

    def _examples(self, nodes: Iterable[Any]) -> Iterator[str]:
        for kind, value in nodes:
            if kind in (op.MAX_REPEAT, op.POSSESSIVE_REPEAT):
                yield from list(self._examples(value[2])) * max(1, value[0])
            elif kind is op.SUBPATTERN:
                yield from self._examples(value[3])
            elif kind is op.BRANCH:
                yield from self._examples(value[1][0])
            elif kind not in (op.ASSERT, op.ASSERT_NOT, op.AT):
                yield next(c for c in self._candidates() if self._is(kind, value, c))

    def letters(self) -> list[str]:
        """Return characters that the pattern tells apart, one of every kind."""
        leaves = list(self._leaves(self.parsed))
        kinds = {tuple(self._is(*leaf, c) for leaf in leaves): c for c in self._candidates()}
        return list(kinds.values())

    def _candidates(self) -> str:
        literals = (chr(v) for kind, v in self._leaves(self.parsed) if kind is op.LITERAL)
        return SAMPLES + "".join(c for c in literals if not PRIVATE <= ord(c) < PRIVATE + 100)

    def _leaves(self, nodes: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        """Yield everything in the pattern that looks at one character."""
        for kind, value in nodes:
            if kind in (op.MAX_REPEAT, op.POSSESSIVE_REPEAT):
                yield from self._leaves(value[2])
            elif kind is op.SUBPATTERN:
                yield from self._leaves(value[3])
            elif kind is op.BRANCH:
                for branch in value[1]:
                    yield from self._leaves(branch)
            elif kind in (op.ASSERT, op.ASSERT_NOT):
                yield from self._leaves(value[1])
            elif kind is op.IN:
                yield from self._leaves(part for part in value if part[0] is not op.NEGATE)
            elif kind is not op.AT:
                yield kind, value

    def _step(self) -> None:
        self.steps += 1
        if self.steps > self.limit:
            raise TooManySteps(f"more than {self.limit:,} steps for {len(self.text):,} characters")

    def _sequence(self, nodes: list[Any], place: int) -> Iterator[int]:
        """Yield where the nodes can end, in the order in which they are tried."""
        if not nodes:
            yield place
            return
        for end in self._node(*nodes[0], place):
            yield from self._sequence(nodes[1:], end)

    def _node(self, kind: Any, value: Any, place: int) -> Iterator[int]:
        if kind is op.SUBPATTERN:
            yield from self._sequence(list(value[3]), place)
        elif kind is op.BRANCH:
            for branch in value[1]:
                yield from self._sequence(list(branch), place)
        elif kind is op.MAX_REPEAT:
            yield from self._repeat(*value, place)
        elif kind is op.POSSESSIVE_REPEAT:
            yield from _first(self._repeat(*value, place))
        elif kind in (op.ASSERT, op.ASSERT_NOT) and value[0] == 1:
            found = next(self._sequence(list(value[1]), place), None) is not None
            if found == (kind is op.ASSERT):
                yield place
        elif kind is op.AT:
            if self._at(value, place):
                yield place
        else:
            self._step()
            if place < len(self.text) and self._is(kind, value, self.text[place]):
                yield place + 1

    def _repeat(self, least: int, most: Any, body: Any, place: int) -> Iterator[int]:
        """Yield the ends of a greedy repetition, the longest first."""
        nodes = list(body)
        waiting = [(place, self._sequence(nodes, place))]
        while waiting:
            at, options = waiting[-1]
            end = next(options, None) if most is op.MAXREPEAT or len(waiting) <= most else None
            if end is not None and end > at:
                waiting.append((end, self._sequence(nodes, end)))
            elif end is None:
                waiting.pop()
                if len(waiting) >= least:
                    self._step()
                    yield at

    def _at(self, kind: Any, place: int) -> bool:
        self._step()
        if kind in (op.AT_BEGINNING, op.AT_BEGINNING_STRING):
            return place == 0
        if kind is op.AT_END:
            return self.text[place:] in ("", "\n")
        raise NotImplementedError(f"teach the counter {kind}")

    def _is(self, kind: Any, value: Any, character: str) -> bool:
        """Return whether one character is the one, or of the class, that a node wants."""
        if kind is op.ANY:
            return character != "\n"
        if kind is op.RANGE:
            return value[0] <= ord(character) <= value[1]
        if kind is op.NOT_LITERAL:
            return ord(character) != value
        if kind is op.CATEGORY:
            return _has(CATEGORIES[value], character)
        if kind is op.LITERAL and 0 <= value - PRIVATE < len(self.properties):
            return _has(rf"\p{{{self.properties[value - PRIVATE]}}}", character)
        if kind is op.LITERAL:
            return ord(character) == value
        if kind is op.IN:
            negated = value[0][0] is op.NEGATE
            members = value[1:] if negated else value
            return negated != any(self._is(*member, character) for member in members)
        raise NotImplementedError(f"teach the counter {kind}")


CATEGORIES = {
    op.CATEGORY_SPACE: r"\s", op.CATEGORY_NOT_SPACE: r"\S", op.CATEGORY_WORD: r"\w",
    op.CATEGORY_NOT_WORD: r"\W", op.CATEGORY_DIGIT: r"\d", op.CATEGORY_NOT_DIGIT: r"\D",
}  # fmt: skip


@cache
def _has(one: str, character: str) -> bool:
    return regex.fullmatch(one, character) is not None


def _first(options: Iterator[int]) -> Iterator[int]:
    end = next(options, None)
    if end is not None:
        yield end


SEARCHING = frozenset({"search", "finditer", "findall", "sub", "subn", "split"})
CALLS = SEARCHING | {"compile", "match", "fullmatch"}


def patterns() -> Iterator[tuple[str, str, bool]]:
    """Yield (module, pattern, whether it is searched for everywhere) of all patterns in nerlib.

    Those of `nerlib.course` and of the sample's builder read only files of the course itself.
    """
    for path in sorted(HOME.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            owner, method = node.func.value, node.func.attr
            if isinstance(owner, ast.Name) and owner.id in ("re", "regex") and method in CALLS:
                pattern = ast.literal_eval(node.args[0])
                searched = _searched(node, tree) if method == "compile" else method in SEARCHING
                yield path.stem, pattern, searched


def _searched(compiled: ast.Call, tree: ast.Module) -> bool:
    """Return whether a pattern is searched for, going by its name; without one it may be."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            inner is compiled for inner in ast.walk(node.value)
        ):
            name = ast.unparse(node.targets[0])
            methods = {
                call.attr
                for call in ast.walk(tree)
                if isinstance(call, ast.Attribute)
                and ast.unparse(call.value).partition("[")[0] == name
            }
            return bool(methods & SEARCHING)
    return True
