"""The command line as a user meets it: results on standard output, mistakes in one line."""

import io
import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nerlib import __version__, load_corpus
from nerlib.corpus import decode_lines
from nerlib.tools import cli
from nerlib.tools.commands import UsageError, lines_as_they_come

TEXTS = ["wake me up at nine am on friday", "", "  ", "напомни завтра 😀"]
FEW = ["--train", "train[:48]", "--validation", "validation[:16]", "--epochs", "1"]


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    """A model trained for one epoch on a few rows, through the command line."""
    output = tmp_path_factory.mktemp("cli")
    assert cli.main(["train", *FEW, "--output", str(output)]) == 0
    return output / "model"


def test_train_leaves_model_history_and_figure(model_folder):
    output = model_folder.parent
    history = json.loads((output / "history.json").read_text(encoding="utf-8"))
    assert [record["epoch"] for record in history] == [1]
    assert (output / "learning_curve.png").read_bytes().startswith(b"\x89PNG")
    names = {path.name for path in model_folder.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pkl"))]


def test_tag_reads_lines_and_writes_json_lines(model_folder):
    command = [sys.executable, "-m", "nerlib", "tag", "--model", str(model_folder)]
    narrow = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}  # as on Windows
    text = "\n".join(TEXTS).encode()
    done = subprocess.run(command, input=text, capture_output=True, env=narrow)
    assert done.returncode == 0, done.stderr.decode()
    records = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert [record["text"] for record in records] == TEXTS
    for record in records:
        for entity in record["entities"]:
            assert record["text"][entity["start"] : entity["end"]] == entity["text"]


def test_tag_answers_what_has_come_before_it_waits_for_more():
    number, other = os.pipe()
    with open(number, "rb") as reading, open(other, "wb", buffering=0) as writing:
        lines = lines_as_they_come(reading, "pipe")
        writing.write(b"wake me\nat nine\non fr")
        assert next(lines) == ["wake me", "at nine"]  # would wait forever for the third
        writing.write(b"iday\n\xff\n")
        with pytest.raises(UsageError, match="pipe, line 4: byte 0 "):
            next(lines)


@given(content=st.lists(st.sampled_from([b"a", b"\n", b"\r\n", "й".encode()])).map(b"".join))
def test_lines_are_the_same_in_blocks_of_any_size(content):
    class Slow(io.BytesIO):
        def read1(self, size=-1):
            return super().read1(min(3, size))

    lines = list(itertools.chain(*lines_as_they_come(Slow(content), "x")))
    assert lines == list(decode_lines(io.BytesIO(content), "x", ValueError))


def test_a_character_that_a_terminal_lacks_stops_nothing(tmp_path):
    (tmp_path / "own.txt").write_text("[тип : велосипед]", encoding="utf-8")
    narrow = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "nerlib", "validate", str(tmp_path / "own.txt")]
    done = subprocess.run(command, capture_output=True, env=narrow)
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"\u0442\u0438\u043f" in done.stdout


MISTYPED = {
    "a command": (["trian"], "train"),
    "an option": (["train", "--epoch", "3"], "--epochs"),
    "an option of a module": (["bulk", "a", "b", "--colum", "x"], "--column"),
    "nothing near": (["tag", "--zzz"], "--help"),
}


@pytest.mark.parametrize(("arguments", "meant"), MISTYPED.values(), ids=MISTYPED)
def test_what_is_mistyped_is_refused_with_what_was_meant(arguments, meant, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert f"did you mean {meant}?" in error or f"{meant}`" in error
    assert error.count("\n") == 1


def test_tag_survives_a_reader_that_has_seen_enough(model_folder):
    command = f"{sys.executable} -m nerlib tag --model {model_folder} | head -n 1"
    text = b"wake me up\n" * 20_000
    done = subprocess.run(command, shell=True, input=text, capture_output=True)
    assert b"Traceback" not in done.stderr
    assert json.loads(done.stdout)["text"] == "wake me up"


def test_evaluate_prints_a_table_and_json(model_folder, says):
    arguments = ["evaluate", "--model", model_folder, "--split", "validation[:40]"]
    table, scores = says(*arguments), json.loads(says(*arguments, "--json"))
    gold = sum(row.count("[") for row in load_corpus("en-US", "validation[:40]")["annot_utt"])
    assert scores["overall"]["gold"] == gold
    assert sum(score["gold"] for score in scores["per_type"].values()) == gold
    assert all(name.lower() in table for name in scores["per_type"])


def test_check_prints_lines_or_json(says):
    lines = says("check").splitlines()
    assert all(line.startswith("OK  ") for line in lines)
    assert [check["ok"] for check in json.loads(says("check", "--json"))] == [True] * len(lines)


def test_help_and_version(capsys):
    for arguments in (["--help"], ["--version"], *([name, "-h"] for name in cli.COMMANDS)):
        with pytest.raises(SystemExit) as stop:
            cli.main(arguments)
        assert not stop.value.code
        shown = capsys.readouterr().out
        assert __version__ in shown if arguments == ["--version"] else arguments[0] in shown


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_help_has_examples_that_can_be_typed(name):
    parser = cli.build_parser([name])
    for line in cli.TABLES["examples"][name]:
        options = parser.parse_args(line.split())
        assert (options.name, options.quiet) == (name, False)
        assert f"nerlib {line}\n" in options.parser.format_help()


def test_the_help_names_every_environment_variable():
    code = " ".join(path.read_text("utf-8") for path in Path(cli.__file__).parents[1].rglob("*.py"))
    read = set(re.findall(r"\bNERLIB_[A-Z_]+\b", code))
    assert read == set(cli.TABLES["variables"])
    assert all(name in cli.build_parser([]).format_help() for name in read)


def test_results_come_as_json_and_nothing_else_where_it_is_quiet(tmp_path, says, capsys):
    (tmp_path / "own.txt").write_text("[x : a] b\n[x : a] b\n", "utf-8")
    record = json.loads(says("validate", tmp_path / "own.txt", "--json", "--quiet"))
    assert (record["sentences"], record["types"], len(record["remarks"])) == (2, {"x": 2}, 1)
    assert "offline" in [recipe["name"] for recipe in json.loads(says("recipes", "--json"))]
    out = str(tmp_path / "out.conll")
    assert cli.main(["convert", str(tmp_path / "own.txt"), out, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    new = tmp_path / "other.conll"
    assert "nothing.txt" in says("convert", "nothing.txt", new, "--quiet", status=2)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["train", "--recipe", "offlin"], "offline"),
        (["train", "--recipe", "massive-offline"], "NERLIB_MASSIVE_DIR"),
        (["train", "--train", "trian"], "'trian'"),
        (["train", "--locale", "en_US"], "en-US"),
        (["train", "--epochs", "0"], "epochs"),
        (["train", "--device", "cuda:9", "--train", "train[:8]"], "cuda:9"),
        (["train", "--train", "train[5000:]"], "nothing to train"),
        (["train", *FEW, "--output", "FILE/build"], "Not a directory"),
        (["evaluate", "--model", "no/such/folder"], "no/such/folder"),
        (["evaluate", "--model", "MODEL", "--source", "nowhere"], "nowhere"),
        (["evaluate", "--model", "MODEL", "--split", "train[5000:]"], "train[5000:]"),
        (["tag", "--model", "no/such/folder"], "no/such/folder"),
        (["tag", "no-such-file.txt", "--model", "MODEL"], "no-such-file.txt: No such file"),
        (["tag", "FILE", "--model", "MODEL"], "line 2"),
        (["tag", "--types", "tiem, date", "--model", "MODEL"], "did you mean time?"),
        (["tag", "--min-score", "nan", "--model", "MODEL"], "0 to 1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line_and_exit_status_2(
    arguments, named, model_folder, tmp_path, monkeypatch, says
):
    monkeypatch.delenv("NERLIB_MASSIVE_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").write_bytes(b"fine\n\xff not UTF-8\n")
    chosen = [model_folder if value == "MODEL" else value for value in arguments]
    assert named in says(*chosen, status=2)


def test_the_tour_goes_the_whole_way(tmp_path, says):
    shown = says("run", *FEW, "--output", tmp_path)
    for part in ("[time : nine am]", "epoch  1", "recall", "utt/s", "Loaded again"):
        assert part in shown
    assert str(tmp_path / "learning_curve.png") in shown
