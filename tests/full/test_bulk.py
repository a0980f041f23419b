"""Tagging in bulk: nothing twice, nothing lost, whoever is killed; what failed is set apart."""

import csv
import datetime
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import psutil
import pyarrow
import pytest
import torch
from hostile_text import HOSTILE
from pyarrow import dataset as arrow_dataset
from pyarrow import parquet
from several_processes import FORK, in_processes
from tiny_encoders import new_model, small_corpus, small_data, tokenizer_of

from nerlib import Tagger, atomic
from nerlib import __main__ as cli
from nerlib.saving import save_model
from nerlib.tools.bulk import shards as shards_module
from nerlib.tools.bulk import tag_shard as tag_shard_module
from nerlib.tools.bulk import workers
from nerlib.tools.bulk.manifest import MANIFEST, BulkError, BulkSettings, model_digest
from nerlib.tools.bulk.run import Summary, tag_in_bulk
from nerlib.tools.bulk.shards import Row, Shard, plan, read_rows
from nerlib.tools.bulk.storage import Storage, StorageError
from nerlib.tools.bulk.tag_shard import Result, tag_rows

SMALL = BulkSettings(shard_rows=7, precision="fp32")
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A tiny model's folder."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "onnx").mkdir()  # as an exported model has
    return save_model(new_model("bert", small_data("bert").tags), tokenizer_of("bert"), folder)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Fifty utterances, hostile ones among them, some of them more than once."""
    found = [*small_corpus(38)["utt"], *HOSTILE[:9], "", "   ", "a\nb\r\nc\u2028d"]
    random.Random(0).shuffle(found)
    return found


def write_lines(path: Path, texts: list[Any]) -> Path:
    """Write texts as JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts]
    path.write_text("".join(lines), encoding="utf-8", newline="")
    return path


def write_parquet(path: Path, column: str, values: Any, group: int = 5) -> Path:
    """Write values as a Parquet file of small row groups."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.table({column: values}), path, row_group_size=group)
    return path


@pytest.fixture
def source(tmp_path, texts) -> Path:
    """A folder with half of the texts as lines and half as Parquet."""
    write_lines(tmp_path / "in" / "a.jsonl", texts[:25])
    write_parquet(tmp_path / "in" / "deeper" / "b.parquet", "text", texts[25:])
    return tmp_path / "in"


def bulk(source: str | Path, output: str | Path, model: Path, **more: Any) -> Summary:
    """Tag in bulk in this process and without a word."""
    more = {"settings": SMALL, "workers": 0, "report": lambda line: None, **more}
    return tag_in_bulk(source, output, model, progress=False, **more)


def rows_of(output: Path, kind: str = "parquet") -> Rows:
    """Every row of the results, in order, with rounded scores."""
    if kind == "jsonl":  # in which a field may have one type here and another there
        lines = (
            path.read_text(encoding="utf-8").split("\n") for path in (output / "parts").iterdir()
        )
        found = [json.loads(line) for part in lines for line in part if line]
    else:
        found = arrow_dataset.dataset(output / "parts", format=kind).to_table().to_pylist()
    for row in found:
        for entity in row["entities"]:
            entity["score"] = round(entity["score"], 4)
    return sorted(found, key=lambda row: (row["file"], row["row"]))


def assert_failed(output: Path, expected: list[tuple[str, int, str]]) -> None:
    """Check what failed: file, row, and a part of the reason."""
    paths = sorted((output / "failed").glob("*.jsonl"))
    rows = [json.loads(line) for path in paths for line in path.read_bytes().splitlines()]
    assert [(row["file"], row["row"]) for row in rows] == [(file, n) for file, n, _ in expected]
    assert all(part in row["why"] for row, (_, _, part) in zip(rows, expected, strict=True))


def planned_and_read(path: Path, shard_rows: int) -> tuple[list[Shard], list[Row]]:
    """The shards of a file, and all rows in them."""
    store = Storage(path)
    shards = plan(store, store.files(), shard_rows)
    return shards, [row for shard in shards for row in read_rows(store, shard, "text")]


@pytest.fixture
def undisturbed(source, model, tmp_path) -> Rows:
    """What a run ends with that nobody disturbed."""
    summary = bulk(source, tmp_path / "undisturbed", model)
    assert (summary.rows, summary.failed, summary.undone) == (50, 0, ())
    return rows_of(tmp_path / "undisturbed")


def test_the_results_are_those_of_the_stream(undisturbed, model, texts):
    assert [row["text"] for row in undisturbed] == texts
    assert {row["file"] for row in undisturbed} == {"a.jsonl", "deeper/b.parquet"}
    stream = Tagger.from_pretrained(model, "cpu", "fp32")(iter(texts))
    for row, found in zip(undisturbed, stream, strict=True):
        places = [(e["type"], e["start"], e["end"]) for e in row["entities"]]
        assert places == [(one.type, one.start, one.end) for one in found]
    assert any(row["entities"] for row in undisturbed)


@pytest.mark.parametrize("settings", [{"written": "jsonl"}, {"shard_rows": 1}, {"shard_rows": 999}])
def test_format_and_size_of_shards_change_no_result(source, model, tmp_path, settings, undisturbed):
    bulk(source, tmp_path / "out", model, settings=replace(SMALL, **settings))
    found = rows_of(tmp_path / "out", settings.get("written", "parquet"))
    assert found == undisturbed


BROKEN_LINES = [
    (b'{"text": "wake me at nine"}', ""),
    (b'{"text": "cut off', "not JSON"),
    (b"[1, 2]", "list"),
    (b'{"utt": "hello"}', "utt"),
    (b'{"text": null}', "NoneType"),
    (b'{"text": 7}', "int"),
    (b'{"text": "\\ud83d"}', "position 0"),
    (b'{"text": "caf\xe9"}', "byte 13"),
    (b"", "empty"),
    (b"[" * 100_000, "not JSON"),
    (json.dumps({"text": "x" * 101}).encode(), "101 characters"),
    (b'{"text": "the last one, without a line end"}', ""),
]


@pytest.mark.parametrize("shard_rows", [4, 100])
def test_broken_lines_are_set_apart_with_their_reason(model, tmp_path, shard_rows):
    source = tmp_path / "broken.jsonl"
    source.write_bytes(b"\n".join(line for line, _ in BROKEN_LINES))
    settings = replace(SMALL, shard_rows=shard_rows, max_characters=100)
    summary = bulk(source, tmp_path / "out", model, settings=settings)
    expected = [("broken.jsonl", row, why) for row, (_, why) in enumerate(BROKEN_LINES) if why]
    assert (summary.rows, summary.failed) == (len(BROKEN_LINES), len(expected))
    assert_failed(tmp_path / "out", expected)
    good = [row["row"] for row in rows_of(tmp_path / "out")]
    assert good == [row for row, (_, why) in enumerate(BROKEN_LINES) if not why]


def test_broken_rows_of_parquet_are_set_apart(model, tmp_path):
    bad = pyarrow.array([b"good", b"caf\xe9"], pyarrow.binary()).view(pyarrow.string())
    broken = [
        (bad, 1, "position 3"),
        (["one", None], 1, "NoneType"),
        ([1], 0, "int"),
        (["y"], 0, "x"),
    ]
    for number, (values, _, why) in enumerate(broken):
        column = "x" if why == "x" else "text"
        write_parquet(tmp_path / "in" / f"{number}.parquet", column, values)
    summary = bulk(tmp_path / "in", tmp_path / "out", model)
    assert (summary.rows, summary.failed) == (6, 4)
    expected = [(f"{number}.parquet", row, why) for number, (_, row, why) in enumerate(broken)]
    assert_failed(tmp_path / "out", expected)
    assert [row["text"] for row in rows_of(tmp_path / "out")] == ["good", "one"]


def test_a_row_that_cannot_be_tagged_spoils_no_other():
    def tagger(texts: list[str]) -> list[list[Any]]:
        if "bad" in texts:
            raise RuntimeError("this text breaks me")
        return [[] for _ in texts]

    rows = [Row(n, "bad" if n in (3, 8) else "good") for n in range(10)]
    done, broken = tag_rows(tagger, rows)
    assert [row["row"] for row in broken] == [3, 8]
    assert all("this text breaks me" in row["why"] for row in broken)
    assert [row["row"] for row in done] == [0, 1, 2, 4, 5, 6, 7, 9]


def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("nerlib.corpus.MOST_BYTES", 200)
    good = b'{"text": "short"}\n'
    for length in (201, 250, 402, 1000):
        long, path = b"x" * length, tmp_path / "long.jsonl"
        path.write_bytes(good + long + b"\n" + good + long)
        _, rows = planned_and_read(path, 100)
        assert [row.text for row in rows] == ["short", "", "short", ""]
        assert all("longer than" in row.problem for row in rows[1::2])


@pytest.mark.parametrize("seed", range(5))
def test_shards_of_lines_hold_every_line_once(tmp_path, seed, monkeypatch):
    dice = random.Random(seed)
    monkeypatch.setattr(shards_module, "BLOCK", dice.choice([1, 7, 64]))
    texts = ["й" * dice.randrange(30) for _ in range(dice.randrange(40))]
    path = write_lines(tmp_path / "a.jsonl", texts)
    if seed % 2:
        path.write_bytes(path.read_bytes()[:-1])  # no line end at the end
    _, found = planned_and_read(path, dice.randrange(1, 9))
    assert [(row.number, row.text) for row in found] == list(enumerate(texts))


def killed_while_tagging(source: Path, output: Path, model: Path, after: int, where: str) -> None:
    """Tag in bulk, and be killed: after a shard, before or after a part is put in place."""
    count, real = itertools.count(1), os.replace

    def reached(place: str) -> None:
        if place == where and next(count) == after:
            os.kill(os.getpid(), signal.SIGKILL)

    def watched(*arguments: Any) -> None:
        reached("before")
        real(*arguments)
        reached("behind")

    atomic.os.replace = watched  # type: ignore[attr-defined]
    bulk(source, output, model, after_shard=lambda _: reached("shard"))


@pytest.mark.skipif(not FORK, reason="forks")
@pytest.mark.parametrize(("where", "after"), [("shard", 3), ("before", 4), ("behind", 5)])
def test_a_run_that_is_killed_goes_on_without_loss(
    source, model, tmp_path, where, after, undisturbed
):
    output = tmp_path / "out"
    (end,) = in_processes(1, killed_while_tagging, source, output, model, after, where)
    assert end == -signal.SIGKILL
    done = len(list((output / "parts").glob("*.parquet")))
    assert 0 < done < 8
    summary = bulk(source, output, model)
    assert (summary.earlier, summary.undone) == (done, ())
    assert rows_of(output) == undisturbed
    assert not list((output / "parts").glob(".*"))


WITH_WORKERS = """
import os, signal, sys
import psutil
from nerlib.tools.bulk.run import tag_in_bulk
from nerlib.tools.bulk.manifest import BulkSettings

seen = []

def after_shard(result):
    seen.append(result)
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    if len(seen) == 2:
        print("listening", sum(c.status == "LISTEN" for p in family for c in p.net_connections()))
        print("killed", result.process, flush=True)
        os.kill(result.process, signal.SIGKILL)  # a worker
    if len(seen) == 9:
        print("pids", *(p.pid for p in family), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)     # the driver

if __name__ == "__main__":
    source, output, model = sys.argv[1:]
    settings = BulkSettings(shard_rows=3, precision="fp32")
    tag_in_bulk(source, output, model, settings, workers=2, after_shard=after_shard, progress=False)
"""


def script_with_workers(code: str, source: Path, output: Path, model: Path) -> list[str]:
    """The command that runs some code as a script, which spawned workers can import."""
    script = output.with_name("script.py")
    script.write_text(code, encoding="utf-8")
    return [sys.executable, *map(str, (script, source, output, model))]


def test_a_killed_worker_is_replaced_and_the_rest_is_done_after_the_drivers_death(
    source, model, tmp_path, undisturbed
):
    output = tmp_path / "out"
    command = script_with_workers(WITH_WORKERS, source, output, model)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = child.stdout.read()  # until the last worker has ended, too: they share the pipe
    assert child.returncode == -signal.SIGKILL, said
    assert "listening 0" in said  # nobody on the network can reach a worker
    assert f"killed {child.pid}" not in said
    left = {int(pid) for pid in said.split("pids ")[1].split()}
    assert len(left) >= 3
    commands = {p.pid: p.info["cmdline"] or () for p in psutil.process_iter(["cmdline"])}
    assert not any("multiprocessing" in " ".join(commands.get(pid, ())) for pid in left)
    assert len(list((output / "parts").glob("*.parquet"))) >= 9
    summary = bulk(source, output, model, settings=replace(SMALL, shard_rows=3))
    assert summary.undone == ()
    assert rows_of(output) == undisturbed


def test_a_shard_that_kills_its_workers_is_given_up_and_takes_no_other_along(monkeypatch):
    begun = []

    class Pool:
        """Dies of shard 1, while it is still at work on shard 0."""

        def submit(self, _, job, shard):
            begun.append(shard.start)
            future = Future()
            if shard.start == 1:
                future.set_exception(BrokenProcessPool())
            elif begun != [0]:
                future.set_result(Result(shard.name, rows=1))
            return future

    monkeypatch.setattr(workers, "_pool", lambda *_: nullcontext(Pool()))
    shards = [Shard(0, "a.jsonl", start, 1) for start in range(4)]
    job = workers.Job("", "", "", "", SMALL, "cpu")
    results = list(workers.run_shards(job, shards, 2))
    assert Counter(begun) == {0: 2, 1: workers.MOST_TRIES, 2: 1, 3: 1}
    assert sorted(one.name for one in results) == [shard.name for shard in shards]
    assert [one.name for one in results if one.error] == [shards[1].name]


def test_a_shard_that_cannot_be_read_is_reported_and_tried_again(
    source, model, tmp_path, undisturbed, monkeypatch
):
    real = tag_shard_module.read_rows

    def broken(source, shard, *more):
        if shard.start == 7:
            raise StorageError("the disk is gone")
        return real(source, shard, *more)

    with monkeypatch.context() as patch:
        patch.setattr(tag_shard_module, "read_rows", broken)
        summary = bulk(source, tmp_path / "out", model)
    assert [one.error for one in summary.undone] == ["the disk is gone"] * 2
    assert "00000-000000000007: the disk" in str(summary)
    assert bulk(source, tmp_path / "out", model).undone == ()
    assert rows_of(tmp_path / "out") == undisturbed


def test_rows_that_went_missing_since_the_plan_are_noticed(model, tmp_path):
    store = Storage(write_lines(tmp_path / "a.jsonl", ["one"] * 5))
    (shard,) = plan(store, store.files(), 100)
    write_lines(tmp_path / "a.jsonl", ["one"] * 4)
    job = workers.Job(
        str(model), model_digest(model), store.address, str(tmp_path / "out"), SMALL, "cpu"
    )
    assert "a.jsonl has changed: 4 rows" in workers.run_shard(job, shard).error
    assert not list((tmp_path / "out").glob("parts/*"))


def test_another_run_is_refused_in_one_line(source, model, tmp_path, undisturbed):
    def refused(message: str, used: Path = model, settings: BulkSettings = SMALL) -> None:
        with pytest.raises(BulkError, match=message) as caught:
            bulk(source, output, used, settings=settings)
        assert "\n" not in str(caught.value)

    output = tmp_path / "undisturbed"
    fresh = new_model("bert", small_data("bert").tags, seed=1)
    refused("another model", save_model(fresh, tokenizer_of("bert"), tmp_path / "other"))
    refused("column text, not utt", settings=replace(SMALL, column="utt"))
    write_lines(source / "c.jsonl", ["one more"])
    refused("other input files")
    (output / MANIFEST).write_text("{")
    refused("manifest.json cannot")
    (output / MANIFEST).unlink()
    refused("something else")
    assert rows_of(output) == undisturbed


@pytest.mark.skipif(not FORK, reason="forks")
def test_two_runs_never_write_to_the_same_folder(source, model, tmp_path):
    ends = []

    def meanwhile(_: Any) -> None:
        if not ends:
            ends.extend(in_processes(1, bulk, source, tmp_path / "out", model))

    bulk(source, tmp_path / "out", model, after_shard=meanwhile)
    assert ends[0][0] == "BulkError"
    assert "another run" in ends[0][1]


def test_other_storage_is_opened_by_fsspec(source, model, tmp_path, undisturbed):
    memory = fsspec.filesystem("memory")
    memory.put(str(source), "/day", recursive=True)
    first, second = (bulk("memory://day", "memory://tagged", model) for _ in range(2))
    assert (first.rows, first.earlier, second.rows, second.earlier) == (50, 0, 0, 8)
    memory.get("/tagged", str(tmp_path / "out"), recursive=True)
    assert rows_of(tmp_path / "out") == undisturbed
    assert not [path for path in memory.find("/tagged") if "/." in path]
    assert bulk(f"file://{source}", tmp_path / "again", model).rows == 50


@pytest.mark.parametrize("address", ["{folder}", "memory://half"])
def test_a_file_that_fails_half_way_is_not_there(tmp_path, address):
    store = Storage(address.format(folder=tmp_path))
    with suppress(ZeroDivisionError), store.new("parts/a") as file:
        file.write(b"half")
        file.write(b"the rest" * (1 // 0))
    assert store.system.find(store.root) == []


def test_the_command_line_tags_and_reports_mistakes_in_one_line(
    source, model, tmp_path, capsys, says
):
    command = [source, tmp_path / "out", "--model", model, "--workers", 0]
    assert "50 rows in" in says("bulk", *command)
    new, its_model = tmp_path / "x", ["--model", model]
    mistakes = {
        "no such file": [tmp_path / "no", new, *its_model],
        "no model in": [source, new, "--model", "none"],
        "column text, not utt": [*command, "--column", "utt"],
        "1 or more": [*command, "--shard-rows", 0],
        "nowhere://a/b": ["nowhere://a/b", new, *its_model],
    }
    if not torch.cuda.is_available():
        mistakes["'cuda' is not available"] = [source, new, *its_model, "--device", "cuda"]
    for message, arguments in mistakes.items():
        assert cli.main(["bulk", *map(str, arguments)]) == 2
        error = capsys.readouterr().err
        assert message in error
        assert "Traceback" not in error
        assert len(error.rpartition("nerlib: ")[2].splitlines()) == 1
    assert "shards to do" not in says("bulk", *command, "--quiet")


def test_a_folder_with_more_than_data(model, tmp_path, texts):
    source, heard = tmp_path / "in", list[str]()
    write_lines(source / "rows.json", texts[:3])
    (source / "README.md").write_text("# about")
    (source / "about.json").write_text('{"license": "none"}')
    (source / "state.json").write_text('{\n  "text": "spread over lines"\n}')
    summary = bulk(source, tmp_path / "out", model, report=heard.append)
    assert (summary.rows, summary.failed) == (3, 0)
    assert "README.md, about.json, state.json" in heard[1]
    (source / "rows.json").unlink()
    with pytest.raises(BulkError, match=r"README\.md, about\.json"):
        bulk(source, tmp_path / "out2", model)


@pytest.mark.parametrize("written", ["parquet", "jsonl"])
def test_tables_of_text_are_read_and_all_columns_are_kept(model, tmp_path, written):
    rows = [("wake me\nat nine", "1"), ('say "now"', "2"), ("at ten", "3")]
    source = tmp_path / "in"
    source.mkdir()
    for name, between in (("a.csv", ","), ("b.tsv", "\t")):
        with (source / name).open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file, delimiter=between).writerows([("text", "id"), *rows, ("cut off",)])
    (source / "c.jsonl").write_text('{"id": [7], "text": "at nine", "half": "\\ud83d"}')
    table = pyarrow.table({"text": ["a", "b"], "day": [datetime.date(2020, 1, 2), None]})
    parquet.write_table(table, source / "d.parquet")
    settings = BulkSettings(shard_rows=2, written=written)
    summary = bulk(source, tmp_path / "out", model, settings=settings)
    assert (summary.rows, summary.failed) == (11, 2)
    assert_failed(tmp_path / "out", [(name, 3, "1 cells, not 2") for name in ("a.csv", "b.tsv")])
    done = rows_of(tmp_path / "out", written)
    assert [row["text"] for row in done[:6]] == [text for text, _ in rows] * 2
    other = [json.loads(row["other"]) if written == "parquet" else row["other"] for row in done]
    assert [one.get("id") for one in other[:7]] == ["1", "2", "3"] * 2 + [[7]]
    assert [one.get("day") for one in other[7:]] == ["2020-01-02", None]


def test_an_output_inside_of_the_input_is_no_input(source, model):
    folder = source if source.is_dir() else source.parent
    first, again = (bulk(folder, folder / "found", model) for _ in range(2))
    assert (first.earlier, again.earlier) == (0, first.shards)


@pytest.mark.parametrize("folder", ["", "parts", "failed"])
def test_files_of_somebody_else_stay(folder, source, model, tmp_path):
    for place in (folder, "notes", "parts/deep"):
        (tmp_path / "out" / place).mkdir(parents=True, exist_ok=True)
    others = [tmp_path / "out" / name for name in ("notes/.x.part", "parts/deep/x.txt")]
    for path in others:
        path.write_text("mine")
    bulk(source, tmp_path / "out", model, settings=replace(SMALL, column="utt"))  # keeps nothing
    assert all(path.read_text() == "mine" for path in others)
    (tmp_path / "out" / folder / "precious.txt").write_text("mine")
    with pytest.raises(BulkError, match="something else"):
        bulk(source, tmp_path / "out", model)


NO_ROWS = ("a.jsonl.gz", "a.txt", "a", "damaged.parquet")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"id,text,id\n1,a,2\n", "called 'id'"),
        ("a.tsv", b'text\tn\nfine\t1\n"ok" he\t2\n', "line 3"),
        ("a.csv", "text\ncaf\xe9\n".encode("latin-1"), "UTF-8"),
        *((name, b"PAR1 and then nothing", re.escape(name)) for name in NO_ROWS),
    ],
)
def test_files_that_cannot_be_read_are_refused_with_the_place(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StorageError, match=message):
        planned_and_read(tmp_path, 100)


def test_columns_of_parquet_have_different_names(tmp_path):
    table = pyarrow.Table.from_arrays([pyarrow.array(["a"])] * 3, names=["text", "x", "x"])
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(StorageError, match="called 'x'"):
        planned_and_read(tmp_path, 100)


def test_what_json_does_not_have_is_kept_and_empty_lines_count(model, tmp_path):
    (tmp_path / "a.csv").write_text("text\nhello\n\n" + "x " * 70_000 + "\na bike\n")
    values = [float("nan"), float("inf"), 1.0]
    write_parquet(tmp_path / "b.parquet", "text", ["one", "two", "three"])
    table = parquet.read_table(tmp_path / "b.parquet").append_column("v", pyarrow.array(values))
    parquet.write_table(table, tmp_path / "b.parquet")
    (tmp_path / "c.jsonl").write_text('{"text": "a", "s": "\\ud83d"}')
    settings = BulkSettings(written="jsonl")
    summary = bulk(tmp_path, tmp_path / "out", model, settings=settings)
    assert (summary.rows, summary.failed) == (8, 2)
    assert_failed(tmp_path / "out", [("a.csv", 1, "empty"), ("a.csv", 2, "140,000 characters")])
    parts = sorted((tmp_path / "out" / "parts").iterdir())
    rows = [json.loads(line, parse_constant=pytest.fail) for p in parts for line in p.open("rb")]
    assert [row["row"] for row in rows[:2]] == [0, 3]
    assert [row["other"]["v"] for row in rows[2:5]] == ["NaN", "Infinity", 1.0]
    assert rows[5]["other"]["s"] == "\ud83d"


def test_a_model_that_was_replaced_is_noticed(model, tmp_path):
    job = workers.Job(str(model), "another", str(tmp_path), str(tmp_path / "out"), SMALL, "cpu")
    with pytest.raises(BulkError, match="has changed"):
        workers.run_shard(job, Shard(0, "a.jsonl", 0, 1))


def test_a_run_without_results_is_no_result(source, model, tmp_path, says):
    command = ["bulk", source, tmp_path / "out", "--model", model, "--workers", 0]
    said = says(*command, "--column", "utt", status=1)
    assert "no column 'utt': there is text (--column)" in said
    says(*command)


def test_many_failures_are_a_failure(model, tmp_path, says):
    source = write_lines(tmp_path / "a.jsonl", ["fine"] * 8 + [None])
    command = ["--model", model, "--workers", 0]
    said = says("bulk", source, tmp_path / "out", *command, status=1)
    assert "row 8 of a.jsonl" in said
    write_lines(source, ["fine"] * 10 + [None])
    says("bulk", source, tmp_path / "new", *command)
