"""MASSIVE's archive: fetched whole and checked; one that tries something is refused."""

import io
import random
import tarfile
from pathlib import Path

import pytest
from hub_stand_in import ARCHIVE, HubStandIn, sha256

from nerlib import CorpusError, load_corpus
from nerlib.corpus import sample_folder
from nerlib.tools import archive
from nerlib.tools.archive import archive_path, fetch_archive
from nerlib.tools.hub import DownloadError

pytest_plugins = ["hub_fixtures"]
LINE = (sample_folder() / "1.1" / "data" / "en-US.jsonl").read_bytes().splitlines()[0] + b"\n"
WANTED = "1.1/data/en-US.jsonl"
CONTENT = random.Random(0).randbytes(300_000)
OUTSIDE = ("../x", "1.1/../../x", "/x", "..\\x", "C:/x", "../1.1/data/en-US.jsonl")
Entry = tuple[tarfile.TarInfo, bytes]


class TestTheDownload:
    @pytest.fixture(autouse=True)
    def served(self, connected: HubStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
        connected.downloads[ARCHIVE] = CONTENT
        monkeypatch.setattr(archive, "SHA256", sha256(CONTENT))

    def test_it_arrives_whole_and_once(self, hub: HubStandIn) -> None:
        assert fetch_archive().read_bytes() == CONTENT
        assert not list(archive_path().parent.glob(".*"))
        hub.requests.clear()
        fetch_archive(verify=True)
        assert hub.requests == []

    @pytest.mark.parametrize("cuts", [0, 1])
    def test_another_file_or_a_part_of_one_is_never_there(self, cuts: int, hub: HubStandIn) -> None:
        hub.downloads[ARCHIVE], hub.cuts, hub.cut_after = CONTENT + bytes(1 - cuts), cuts, 65_536
        with pytest.raises(DownloadError, match="connection"):
            fetch_archive()
        assert not list(archive_path().parent.iterdir())
        hub.downloads[ARCHIVE] = CONTENT
        assert fetch_archive().read_bytes() == CONTENT

    def test_what_was_damaged_since_is_fetched_again(self) -> None:
        fetch_archive().write_bytes(b"damaged")
        assert fetch_archive(verify=True).read_bytes() == CONTENT

    @pytest.mark.parametrize(("status", "gone"), [(404, True), (503, False)])
    def test_a_refusal_says_whether_it_is_the_last_word(
        self, status: int, gone: bool, hub: HubStandIn
    ) -> None:
        hub.status = status
        with pytest.raises(DownloadError, match=f"HTTP {status}") as caught:
            fetch_archive()
        assert caught.value.gone == gone


def entry(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "") -> Entry:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, len(content), link
    return info, content


def written(path: Path, *entries: Entry) -> Path:
    """Write an archive of these entries, and of what is wanted."""
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as file:
        for info, content in [*entries, entry(WANTED, LINE)]:
            file.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize(
    "bad",
    [
        *(entry(name, LINE) for name in OUTSIDE),
        entry(WANTED, kind=tarfile.SYMTYPE, link="/etc/passwd"),
        entry("1.1/data", kind=tarfile.SYMTYPE, link="../.."),
        entry(WANTED, kind=tarfile.LNKTYPE, link="x"),
        entry(WANTED, kind=tarfile.FIFOTYPE),
        entry(WANTED, kind=tarfile.CHRTYPE),
    ],
    ids=lambda bad: bad[0].name,
)
def test_it_leads_nowhere(bad: Entry, tmp_path: Path) -> None:
    path = written(tmp_path / "m.tar.gz", bad)
    assert len(load_corpus("en-US", "train", path)) == 1
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("limit", "entries", "reason"),
    [
        ("MOST_BYTES_A_READ", [entry("1.1/x", bytes(200_000))], "far too large"),
        ("MOST_BYTES", [entry(f"1.1/{n}", bytes(90_000)) for n in range(2)], "more than"),
        ("MOST_BYTES_A_READ", [entry("1.1/" + "x" * 200_000)], "far too large"),
    ],
    ids=["one file", "many files", "a header"],
)
def test_a_bomb(
    limit: str, entries: list[Entry], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, limit, 100_000)
    with pytest.raises(CorpusError, match=reason) as caught:
        load_corpus("en-US", "train", written(tmp_path / "m.tar.gz", *entries))
    assert "\n" not in str(caught.value)
