"""Lines of text from somebody else's file: UTF-8, of bounded length, whatever editor wrote them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

# Far more than any utterance or row has: a file without line ends must not fill the memory.
MOST_BYTES = 64 * 2**20
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class LineError(ValueError):
    """A line that is no text: what is wrong with it and what to do. Its reader knows the place."""


def short_lines(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines of a binary file; those of more than `MOST_BYTES` come in pieces.

    `decode_line` refuses such a piece, so that nobody takes it for a line.

    >>> import io
    >>> list(short_lines(io.BytesIO(b"one" + bytes([10]) + b"two")))
    [b'one\\n', b'two']
    """
    return iter(lambda: file.readline(MOST_BYTES + 1), b"")


def decode_line(line: bytes, number: int) -> str:
    """Return the text of a file's line, without its end, counted from 1.

    A byte order mark at the start of the file, and Windows' line ends, are no part of the text.
    Raises `LineError` for a line that is too long or not UTF-8.

    >>> decode_line("наушники".encode() + b"\\r\\n", 3)
    'наушники'
    >>> decode_line(b"caf\\xe9", 3)
    Traceback (most recent call last):
    nerlib.lines.LineError: byte 3 is not UTF-8; save the file as UTF-8
    """
    if len(line) > MOST_BYTES:
        raise LineError(f"longer than {MOST_BYTES // 2**20} MiB; is it a text file with line ends?")
    if number == 1 and line.startswith(_UTF_16):
        raise LineError("the file is UTF-16; save it as UTF-8")
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise LineError(f"byte {error.start} is not UTF-8; save the file as UTF-8") from None
    return text.rstrip("\r\n")


def decode_lines(file: IO[bytes], name: str, error: type[ValueError]) -> Iterator[str]:
    """Yield a binary file's lines as text; raise `error` with name, line and reason for others.

    >>> import io
    >>> list(decode_lines(io.BytesIO(b"one" + bytes([10]) + b"two"), "a.txt", ValueError))
    ['one', 'two']
    """
    for number, line in enumerate(short_lines(file), start=1):
        try:
            yield decode_line(line, number)
        except LineError as reason:
            raise error(f"{name}, line {number}: {reason}") from None
