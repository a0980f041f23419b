"""Tagging in bulk: nothing twice, nothing lost, whoever is killed; what failed is set apart."""

from __future__ import annotations

import errno
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import psutil
import pyarrow
import pytest
from conftest import is_loopback
from fsspec.implementations.local import LocalFileSystem
from pyarrow import dataset as arrow_dataset
from pyarrow import fs as arrow
from pyarrow import parquet
from several_processes import FORK, in_processes
from tiny_encoders import (
    new_model,
    one_thread,  # noqa: F401 (a fixture)
    small_corpus,
    small_data,
    tokenizer_of,
)

from nerlib import Tagger, atomic
from nerlib import __main__ as cli
from nerlib.saving import save_model
from nerlib.tools.bulk import shards as shards_room
from nerlib.tools.bulk import tag_shard as tag_shard_room
from nerlib.tools.bulk.manifest import MANIFEST, BulkError, BulkSettings
from nerlib.tools.bulk.run import ShardWorker, Summary, tag_in_bulk
from nerlib.tools.bulk.shards import Row, Shard, cut_lines, plan, read_rows
from nerlib.tools.bulk.storage import Storage, StorageError
from nerlib.tools.bulk.tag_shard import tag_rows

SMALL = BulkSettings(shard_rows=7, precision="fp32")
HOSTILE = [
    "<script>alert(1)</script>",
    "",
    "   ",
    "a\nb\r\nc\u2028d",
    "\x00\x1b[31mred",
    "😀" * 50,
    "'; DROP TABLE rows; --",
    "\u202eright to left",
    '=HYPERLINK("http://x")',
    "разбуди меня в девять",
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model's folder."""
    folder = tmp_path_factory.mktemp("model")
    return save_model(new_model("bert", small_data("bert").tags), tokenizer_of("bert"), folder)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Utterances, hostile ones among them, some of them more than once."""
    found = [*small_corpus(40)["utt"], *HOSTILE]
    random.Random(0).shuffle(found)
    return found


def write_lines(path: Path, texts: list[Any]) -> Path:
    """Write texts as JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts]
    path.write_bytes("".join(lines).encode())
    return path


def write_parquet(path: Path, texts: list[Any], group: int = 5) -> Path:
    """Write texts as a Parquet file of small row groups."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pyarrow.table({"number": list(range(len(texts))), "text": pyarrow.array(texts)})
    parquet.write_table(table, path, row_group_size=group)
    return path


@pytest.fixture
def both(tmp_path: Path, texts: list[str]) -> Path:
    """A folder with half of the texts as lines and half as Parquet."""
    write_lines(tmp_path / "in" / "a.jsonl", texts[:25])
    write_parquet(tmp_path / "in" / "deeper" / "b.parquet", texts[25:])
    return tmp_path / "in"


def bulk(source: Path, output: Path, model: Path, **more: Any) -> Summary:
    """Tag in bulk without Ray and without a word."""
    more = {"settings": SMALL, "workers": 0, "report": lambda line: None, **more}
    return tag_in_bulk(source, output, model, progress=False, **more)


def written(output: Path) -> list[dict[str, Any]]:
    """Every row of the results."""
    rows = arrow_dataset.dataset(output / "parts", format="parquet").to_table().to_pylist()
    return [{**row, "entities": [shown(entity) for entity in row["entities"]]} for row in rows]


def shown(entity: dict[str, Any]) -> tuple[Any, ...]:
    return *(entity[name] for name in ("type", "text", "start", "end")), round(entity["score"], 4)


def as_counts(output: Path) -> Counter[str]:
    """The results as a multiset: in which order they come is irrelevant."""
    return Counter(repr(sorted(row.items())) for row in written(output))


def failures(output: Path) -> list[tuple[str, int, str]]:
    """What failed: file, row, reason."""
    found = []
    for path in sorted((output / "failed").glob("*.jsonl")):
        rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
        found += [(row["file"], row["row"], row["why"]) for row in rows]
    return found


@pytest.fixture
def in_peace(both: Path, model: Path, tmp_path: Path) -> Counter[str]:
    """What a run ends with that nobody disturbed."""
    summary = bulk(both, tmp_path / "peace", model)
    assert (summary.rows, summary.failed, summary.undone) == (50, 0, ())
    return as_counts(tmp_path / "peace")


def test_the_results_are_those_of_the_stream(
    both: Path, model: Path, tmp_path: Path, texts: list[str]
) -> None:
    bulk(both, tmp_path / "out", model)
    rows = sorted(written(tmp_path / "out"), key=lambda row: (row["file"], row["row"]))
    assert [row["text"] for row in rows] == texts
    assert {row["file"] for row in rows} == {"a.jsonl", "deeper/b.parquet"}
    stream = Tagger.from_pretrained(model, "cpu", "fp32")(iter(texts))
    for row, found in zip(rows, stream, strict=True):
        assert [entity[:4] for entity in row["entities"]] == [
            (one.type, one.text, one.start, one.end) for one in found
        ]
    assert any(row["entities"] for row in rows)


def test_json_lines_can_be_written_too(both: Path, model: Path, tmp_path: Path) -> None:
    bulk(both, tmp_path / "out", model, settings=replace(SMALL, written="jsonl"))
    lines = [
        json.loads(line)
        for path in (tmp_path / "out" / "parts").glob("*.jsonl")
        for line in path.read_bytes().split(b"\n")[:-1]
    ]
    bulk(both, tmp_path / "other", model)
    as_rows = [{**row, "entities": [shown(e) for e in row["entities"]]} for row in lines]
    assert Counter(repr(sorted(row.items())) for row in as_rows) == as_counts(tmp_path / "other")


@pytest.mark.parametrize("shard_rows", [1, 3, 1000])
def test_the_size_of_a_shard_changes_no_result(
    both: Path, model: Path, tmp_path: Path, shard_rows: int, in_peace: Counter[str]
) -> None:
    bulk(both, tmp_path / "out", model, settings=replace(SMALL, shard_rows=shard_rows))
    assert as_counts(tmp_path / "out") == in_peace


def test_a_finished_run_does_nothing_again(both: Path, model: Path, tmp_path: Path) -> None:
    bulk(both, tmp_path / "out", model)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "parts").iterdir()}
    summary = bulk(both, tmp_path / "out", model)
    assert (summary.rows, summary.earlier, summary.shards) == (0, len(before), len(before))
    assert before == {p: p.stat().st_mtime_ns for p in (tmp_path / "out" / "parts").iterdir()}


BROKEN_LINES = [
    (b'{"text": "wake me at nine"}', ""),
    (b'{"text": "cut off', "it is no JSON"),
    (b"[1, 2]", "it is no JSON object but a list"),
    (b'{"utt": "hello"}', "it has no 'text'; it has utt"),
    (b'{"text": null}', "its text is no string, its type is NoneType"),
    (b'{"text": 7}', "its text is no string, its type is int"),
    (b'{"text": "\\ud83d"}', "character 0 is half of a pair"),
    (b'{"text": "caf\xe9"}', "byte 13 is not UTF-8"),
    (b"", "the line is empty"),
    (b"[" * 100_000, "nested too deeply"),
    (json.dumps({"text": "x" * 101}).encode(), "its text has 101 characters, more than 100"),
    (b'{"text": "the last one, without a line end"}', ""),
]


@pytest.mark.parametrize("shard_rows", [4, 100])
def test_broken_lines_are_set_apart_with_their_reason(
    model: Path, tmp_path: Path, shard_rows: int
) -> None:
    source = tmp_path / "broken.jsonl"
    source.write_bytes(b"\n".join(line for line, _ in BROKEN_LINES))
    settings = replace(SMALL, shard_rows=shard_rows, max_characters=100)
    summary = bulk(source, tmp_path / "out", model, settings=settings)
    expected = [(row, why) for row, (_, why) in enumerate(BROKEN_LINES) if why]
    assert (summary.rows, summary.failed) == (len(BROKEN_LINES), len(expected))
    for (file, row, why), (number, reason) in zip(
        failures(tmp_path / "out"), expected, strict=True
    ):
        assert (file, row) == ("broken.jsonl", number)
        assert reason in why
    good = sorted(row["row"] for row in written(tmp_path / "out"))
    assert good == [row for row, (_, why) in enumerate(BROKEN_LINES) if not why]


def test_broken_rows_of_parquet_are_set_apart(model: Path, tmp_path: Path) -> None:
    bad = pyarrow.array([b"good", b"caf\xe9"], pyarrow.binary()).view(pyarrow.string())
    source = tmp_path / "in"
    source.mkdir()
    parquet.write_table(pyarrow.table({"text": bad}), source / "a.parquet")
    parquet.write_table(pyarrow.table({"text": ["one", None]}), source / "b.parquet")
    parquet.write_table(pyarrow.table({"text": [1]}), source / "c.parquet")
    parquet.write_table(pyarrow.table({"utt": ["hi"]}), source / "d.parquet")
    summary = bulk(source, tmp_path / "out", model)
    assert (summary.rows, summary.failed) == (6, 4)
    assert failures(tmp_path / "out") == [
        ("a.parquet", 1, "byte 3 of its text is not UTF-8"),
        ("b.parquet", 1, "its text is no string, its type is NoneType"),
        ("c.parquet", 0, "its text is no string, its type is int"),
        ("d.parquet", 0, "the file has no column 'text'; it has utt"),
    ]
    assert [row["text"] for row in written(tmp_path / "out")] == ["good", "one"]


def test_a_row_that_cannot_be_tagged_spoils_no_other() -> None:
    def tagger(texts: Any) -> Any:
        if "bad" in texts:
            raise RuntimeError("this text breaks me")
        return [[] for _ in texts]

    rows = [Row(number, "bad" if number in (3, 8) else "good") for number in range(10)]
    reasons = {row.number: why for row, _, why in tag_rows(tagger, rows, 100) if why}
    assert reasons == dict.fromkeys((3, 8), "tagging failed: RuntimeError: this text breaks me")


def test_a_line_without_an_end_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards_room, "BLOCK", 64)
    monkeypatch.setattr(shards_room, "MOST_BYTES", 200)
    good = b'{"text": "short"}\n'
    path = tmp_path / "long.jsonl"
    for long in (b"x" * 1000, b'{"text": "' + b"y" * 250 + b'"}'):
        path.write_bytes(good + long + b"\n" + good + long)
        store = Storage(path)
        (shard,) = plan(store, store.files(), 100)
        rows = list(read_rows(store, shard, "text"))
        assert [row.text for row in rows] == ["short", "", "short", ""]
        assert all("longer than" in row.problem for row in rows[1::2])


@pytest.mark.parametrize("seed", range(5))
def test_shards_of_lines_hold_every_line_once(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(seed)
    monkeypatch.setattr(shards_room, "BLOCK", dice.choice([1, 7, 64]))
    texts = ["й" * dice.randrange(30) for _ in range(dice.randrange(1, 40))]
    path = write_lines(tmp_path / "a.jsonl", texts)
    if dice.random() < 0.5:
        path.write_bytes(path.read_bytes()[:-1])  # no line end at the end
    store = Storage(path)
    shards = plan(store, store.files(), dice.randrange(1, 9))
    found = [row for shard in shards for row in read_rows(store, shard, "text")]
    assert [row.text for row in found] == texts
    assert [row.number for row in found] == list(range(len(texts)))


def test_an_empty_file_has_no_shards(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").touch()
    with open(tmp_path / "a.jsonl", "rb") as file:
        assert list(cut_lines(file, 5)) == []


def killed_while_tagging(source: Path, output: Path, model: Path, after: int, where: str) -> None:
    """Tag in bulk, and be killed: after a shard, before or after a part is put in place."""
    count = [0]

    def count_down(*_: Any) -> None:
        count[0] += 1
        if count[0] == after:
            os.kill(os.getpid(), signal.SIGKILL)

    real = os.replace

    def replace_and_count(*arguments: Any) -> None:
        if where == "before":
            count_down()
        real(*arguments)
        if where == "behind":
            count_down()

    if where != "shard":
        atomic.os.replace = replace_and_count  # type: ignore[attr-defined]
    bulk(source, output, model, after_shard=count_down if where == "shard" else None)


@pytest.mark.skipif(not FORK, reason="forks")
@pytest.mark.parametrize(("where", "after"), [("shard", 3), ("before", 6), ("behind", 7)])
def test_a_run_that_is_killed_goes_on_without_loss(
    both: Path, model: Path, tmp_path: Path, where: str, after: int, in_peace: Counter[str]
) -> None:
    output = tmp_path / "out"
    (end,) = in_processes(1, killed_while_tagging, both, output, model, after, where)
    assert end == -signal.SIGKILL
    done = len(list((output / "parts").glob("*.parquet")))
    assert 0 < done < 8
    summary = bulk(both, output, model)
    assert (summary.earlier, summary.undone) == (done, ())
    assert as_counts(output) == in_peace
    assert not list((output / "parts").glob(".*"))
    assert not (output / "tries").exists()


WITH_RAY = """
import os, signal, sys
import psutil
from nerlib.tools.bulk.run import tag_in_bulk
from nerlib.tools.bulk.manifest import BulkSettings

seen = []

def after_shard(result):
    seen.append(result)
    if len(seen) == 1:
        family = {p.pid for p in (psutil.Process(), *psutil.Process().children(recursive=True))}
        open_ports = [c for c in psutil.net_connections("inet") if c.status == psutil.CONN_LISTEN]
        print(*["listens " + c.laddr.ip for c in open_ports if c.pid in family], sep="\\n")
    if len(seen) == 2:
        print("killed", result.process, flush=True)
        os.kill(result.process, signal.SIGKILL)  # a worker
    if len(seen) == 9:
        os.kill(os.getpid(), signal.SIGKILL)     # the driver

if __name__ == "__main__":
    source, output, model = sys.argv[1:]
    settings = BulkSettings(shard_rows=3, precision="fp32")
    tag_in_bulk(source, output, model, settings, workers=2, after_shard=after_shard, progress=False)
"""


def test_ray_replaces_a_killed_worker_and_the_rest_is_done_after_the_drivers_death(
    both: Path, model: Path, tmp_path: Path, in_peace: Counter[str]
) -> None:
    pytest.importorskip("ray")
    script, output = tmp_path / "with_ray.py", tmp_path / "out"
    script.write_text(WITH_RAY, encoding="utf-8")
    child = subprocess.Popen(
        [sys.executable, str(script), str(both), str(output), str(model)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    told, _ = child.communicate()
    assert child.returncode == -signal.SIGKILL, told
    addresses = set(re.findall(r"(?m)^listens (.+)$", told))
    assert addresses  # of Ray, which nobody else on the network can reach
    assert all(is_loopback(address.removeprefix("::ffff:")) for address in addresses)
    victim = int(told.split("killed ")[1].split()[0])
    assert victim != child.pid
    done = len(list((output / "parts").glob("*.parquet")))
    assert done >= 9  # seven more shards after the death of a worker
    summary = bulk(both, output, model, settings=replace(SMALL, shard_rows=3))
    assert summary.undone == ()
    assert as_counts(output) == in_peace
    started = [p for p in psutil.process_iter(["cmdline"]) if str(script) in _words(p)]
    assert not started


def _words(process: psutil.Process) -> list[str]:
    return process.info["cmdline"] or []


def test_a_shard_that_kills_its_workers_is_given_up(
    both: Path, model: Path, tmp_path: Path
) -> None:
    worker = ShardWorker(str(model), str(both), str(tmp_path / "out"), SMALL, 1, "cpu")
    store = Storage(both)
    shard = plan(store, store.files(), 7)[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nerlib.tools.bulk.run.tag_shard", lambda *a, **b: 1 / 0)  # as a death would
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                worker(shard)
    assert worker(shard).error == "3 workers have died of it"


def test_a_shard_that_cannot_be_read_is_told_and_tried_again(
    both: Path, model: Path, tmp_path: Path, in_peace: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = tag_shard_room.read_rows

    def broken(source: Storage, shard: Shard, column: str) -> Any:
        if shard.start == 7:
            raise StorageError("the disk is gone")
        return real(source, shard, column)

    with monkeypatch.context() as patch:
        patch.setattr(tag_shard_room, "read_rows", broken)
        summary = bulk(both, tmp_path / "out", model)
    assert [one.error for one in summary.undone] == ["the disk is gone"] * 2
    assert "not done: 00000-000000000007: the disk is gone" in str(summary)
    assert bulk(both, tmp_path / "out", model).undone == ()
    assert as_counts(tmp_path / "out") == in_peace


def test_rows_that_went_missing_since_the_plan_are_noticed(model: Path, tmp_path: Path) -> None:
    store = Storage(write_lines(tmp_path / "a.jsonl", ["one"] * 5))
    (shard,) = plan(store, store.files(), 100)
    write_lines(tmp_path / "a.jsonl", ["one"] * 4)
    worker = ShardWorker(str(model), store.address, str(tmp_path / "out"), SMALL, 1, "cpu")
    assert "a.jsonl has changed: 4 rows from row 0, not 5" in worker(shard).error
    assert not (tmp_path / "out" / "parts").exists() or not os.listdir(tmp_path / "out" / "parts")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("model", "holds results of another model"),
        ("column", "holds results of other settings: column text, not utt"),
        ("input", "holds results of other input files, or changed ones"),
        ("manifest", "manifest.json cannot be read"),
    ],
)
def test_another_run_is_refused_in_one_line(
    both: Path, model: Path, tmp_path: Path, change: str, message: str
) -> None:
    output, settings, other = tmp_path / "out", SMALL, model
    bulk(both, output, model)
    if change == "model":
        fresh = new_model("bert", small_data("bert").tags, seed=1)
        other = save_model(fresh, tokenizer_of("bert"), tmp_path / "other")
    elif change == "column":
        settings = replace(SMALL, column="utt")
    elif change == "input":
        write_lines(both / "c.jsonl", ["one more"])
    else:
        path = output / MANIFEST
        path.write_bytes(path.read_bytes().replace(b'"byte', b'"bite').replace(b"7", b"8", 1))
    before = as_counts(output)
    with pytest.raises(BulkError, match=message) as caught:
        bulk(both, output, other, settings=settings)
    assert "\n" not in str(caught.value)
    assert as_counts(output) == before


def test_a_folder_of_something_else_is_left_alone(both: Path, model: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(BulkError, match="holds files of something else"):
        bulk(both, tmp_path / "out", model)


@pytest.mark.skipif(not FORK, reason="forks")
def test_two_runs_never_write_to_the_same_folder(both: Path, model: Path, tmp_path: Path) -> None:
    ends = []

    def meanwhile(_: Any) -> None:
        if not ends:
            ends.extend(in_processes(1, bulk, both, tmp_path / "out", model))

    bulk(both, tmp_path / "out", model, after_shard=meanwhile)
    assert ends[0][0] == "BulkError"
    assert "another run is writing" in ends[0][1]


class Elsewhere(LocalFileSystem):
    """A file system that only fsspec knows."""

    protocol = "elsewhere"


@pytest.mark.parametrize("late", [1, 3, 1000])
def test_a_folder_is_cleared_though_a_left_worker_still_writes_there(
    tmp_path: Path, late: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, calls = Storage(tmp_path), itertools.count(1)
    with store.new("tries/one") as file:
        file.write(b".")

    class WithALateWriter:
        """The local disk, on which the first attempts to remove a folder fail."""

        def delete_dir(self, path: str) -> None:
            if next(calls) <= late:
                raise OSError(errno.ENOTEMPTY, "Directory not empty")
            arrow.LocalFileSystem().delete_dir(path)

        def __getattr__(self, name: str) -> object:
            return getattr(arrow.LocalFileSystem(), name)

    monkeypatch.setattr(store, "system", WithALateWriter())
    if late < 1000:
        store.clear("tries")
    else:  # it is no late writer
        with pytest.raises(StorageError, match="not empty"):
            store.clear("tries")
    assert (tmp_path / "tries").exists() == (late == 1000)


def test_other_storage_is_asked_through_fsspec(
    both: Path, model: Path, tmp_path: Path, in_peace: Counter[str]
) -> None:
    fsspec.register_implementation("elsewhere", Elsewhere, clobber=True)
    source, target = f"elsewhere://{both}", f"elsewhere://{tmp_path / 'out'}"
    assert not Storage(source).local
    assert bulk(source, target, model).rows == 50  # type: ignore[arg-type]
    assert as_counts(tmp_path / "out") == in_peace
    assert not list((tmp_path / "out" / "parts").glob(".*"))
    assert bulk(f"file://{both}", tmp_path / "again", model).rows == 50  # type: ignore[arg-type]


def test_a_file_that_fails_half_way_is_not_there(tmp_path: Path) -> None:
    fsspec.register_implementation("elsewhere", Elsewhere, clobber=True)
    for store in (Storage(tmp_path), Storage(f"elsewhere://{tmp_path}")):
        with suppress(ZeroDivisionError), store.new("parts/a") as file:
            file.write(b"half")
            file.write(b"the rest" * (1 // 0))
        assert list((tmp_path / "parts").iterdir()) == []


def test_the_command_line_tags_and_says_mistakes_in_one_line(
    both: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    command = ["bulk", str(both), str(output), "--model", str(model), "--workers", "0"]
    assert cli.main(command) == 0
    assert "50 rows in" in capsys.readouterr().out
    mistakes = {
        "there is no such file or folder": ["bulk", str(tmp_path / "no"), str(tmp_path / "x")],
        "there is no model in": ["bulk", str(both), str(tmp_path / "x"), "--model", "none"],
        "other settings: column text, not utt": [*command, "--column", "utt"],
        "must be 1 or more": [*command, "--shard-rows", "0"],
        "cannot be used": ["bulk", "nowhere://a/b", str(tmp_path / "x"), "--model", str(model)],
    }
    for message, arguments in mistakes.items():
        assert cli.main(arguments) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.csv", "a"])
def test_files_of_other_kinds_are_refused(model: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(b"text")
    with pytest.raises(StorageError, match=r"is packed|is of no known kind"):
        bulk(tmp_path / "in", tmp_path / "out", model)


def test_a_damaged_parquet_file_is_one_line(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(StorageError, match=r"a\.parquet cannot be used"):
        bulk(path, tmp_path / "out", model)
