"""Archives that try something: nothing is written outside, nothing unpacks without end."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest
from hub_stand_in import massive_archive

from nerlib import CorpusError, load_corpus
from nerlib.corpus import sample_folder
from nerlib.tools import archive

LINE = (sample_folder() / "1.1" / "data" / "en-US.jsonl").read_bytes().splitlines()[0] + b"\n"
WANTED = "1.1/data/en-US.jsonl"


def entry(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, **more: object):
    info = tarfile.TarInfo(name)
    info.type = kind
    info.size = len(content)
    for key, value in more.items():
        setattr(info, key, value)
    return info, content


def write(path: Path, *entries: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as file:
        for info, content in entries:
            file.addfile(info, io.BytesIO(content))
    return path


def refusal(path: Path, folder: Path) -> str:
    """Return why an archive is refused, to read and to unpack alike; nothing may be written."""
    messages = []
    for action in (
        lambda: load_corpus("en-US", "train", path),
        lambda: archive.unpack(path, ["en-US"], folder / "inside"),
    ):
        with pytest.raises(CorpusError) as caught:
            action()
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    assert "\n" not in messages[0]
    assert sorted(folder.rglob("*")) == [path]
    return messages[0]


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (entry("../outside.txt", b"x"), "leads out of the archive"),
        (entry("1.1/../../outside.txt", b"x"), "leads out of the archive"),
        (entry("/outside.txt", b"x"), "leads out of the archive"),
        (entry("..\\outside.txt", b"x"), "leads out of the archive"),
        (entry("C:/outside.txt", b"x"), "leads out of the archive"),
        (entry("../1.1/data/en-US.jsonl", LINE), "leads out of the archive"),
        (entry("1.1/data/en-US.jsonl", kind=tarfile.SYMTYPE, linkname="/etc/passwd"), "is a link"),
        (entry("1.1/data", kind=tarfile.SYMTYPE, linkname="../.."), "is a link or a device"),
        (entry("1.1/data/en-US.jsonl", kind=tarfile.LNKTYPE, linkname="x"), "is a link"),
        (entry("1.1/data/en-US.jsonl", kind=tarfile.FIFOTYPE), "is a link or a device"),
        (entry("1.1/data/en-US.jsonl", kind=tarfile.CHRTYPE), "is a link or a device"),
    ],
    ids=lambda value: value[0].name if isinstance(value, tuple) else None,
)
def test_it_is_refused(bad: tuple[tarfile.TarInfo, bytes], told: str, tmp_path: Path) -> None:
    path = write(tmp_path / "m.tar.gz", bad, entry(WANTED, LINE))
    message = refusal(path, tmp_path)
    assert message.startswith(f"{path} is refused: ")
    assert told in message


def test_a_bomb_in_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES_A_READ", 100_000)
    path = write(tmp_path / "m.tar.gz", entry("1.1/x", bytes(200_000)), entry(WANTED, LINE))
    assert "'1.1/x' is far too large" in refusal(path, tmp_path)


def test_a_bomb_in_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 500_000)
    many = [entry(f"1.1/{number}", bytes(90_000)) for number in range(10)]
    path = write(tmp_path / "m.tar.gz", *many, entry(WANTED, LINE))
    assert "it unpacks to more than" in refusal(path, tmp_path)


def test_a_bomb_in_a_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES_A_READ", 100_000)
    path = write(tmp_path / "m.tar.gz", entry("1.1/" + "x" * 200_000, b""), entry(WANTED, LINE))
    assert "a part that is far too large" in refusal(path, tmp_path)


def test_the_limits_leave_room_for_the_real_one() -> None:
    assert archive.MOST_BYTES_A_READ > 10 * 13_029_758  # ru-RU, as its publisher lists it
    assert archive.MOST_BYTES > 52 * 3 * 13_029_758


def test_only_the_wanted_locale_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "m.tar.gz"
    path.write_bytes(massive_archive())
    archive.unpack(path, ["ru-RU"], tmp_path / "out")
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["ru-RU.jsonl"]
    original = sample_folder() / "1.1" / "data" / "ru-RU.jsonl"
    assert (tmp_path / "out" / "ru-RU.jsonl").read_bytes() == original.read_bytes()


def test_an_archive_that_is_cut_off_leaves_nothing(tmp_path: Path) -> None:
    content = massive_archive()
    path = tmp_path / "m.tar.gz"
    path.write_bytes(content[: len(content) // 4])
    with pytest.raises(CorpusError, match=r"cannot be read as a \.tar\.gz archive"):
        archive.unpack(path, ["en-US", "ru-RU"], tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_locale_that_is_not_in_it(tmp_path: Path) -> None:
    path = write(tmp_path / "m.tar.gz", entry(WANTED, LINE))
    with pytest.raises(CorpusError, match=r"has no file data/de-DE\.jsonl"):
        archive.unpack(path, ["de-DE", "en-US"], tmp_path / "out")


def test_gzip_is_read_as_before(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(b"one two"))
    with archive.BoundedGzip(path) as content:
        assert content.read(3) == b"one"
        content.seek(4)
        assert content.read(100) == b"two"
