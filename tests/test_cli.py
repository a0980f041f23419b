"""The command line as a user meets it: results on standard output, mistakes in one line."""

import json
import subprocess
import sys

import pytest

from nerlib import __version__, load_corpus
from nerlib.tools import cli

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
    done = subprocess.run(command, input="\n".join(TEXTS).encode(), capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    records = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert [record["text"] for record in records] == TEXTS
    for record in records:
        for entity in record["entities"]:
            assert record["text"][entity["start"] : entity["end"]] == entity["text"]


def test_tag_survives_a_reader_that_has_seen_enough(model_folder):
    command = f"{sys.executable} -m nerlib tag --model {model_folder} | head -n 1"
    text = b"wake me up\n" * 20_000
    done = subprocess.run(command, shell=True, input=text, capture_output=True)
    assert b"Traceback" not in done.stderr
    assert json.loads(done.stdout)["text"] == "wake me up"


def test_evaluate_prints_a_table_and_json(model_folder, capsys):
    arguments = ["evaluate", "--model", str(model_folder), "--split", "validation[:40]"]
    assert cli.main(arguments) == 0
    table = capsys.readouterr().out
    assert cli.main([*arguments, "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    gold = sum(row.count("[") for row in load_corpus("en-US", "validation[:40]")["annot_utt"])
    assert scores["overall"]["gold"] == gold
    assert sum(score["gold"] for score in scores["per_type"].values()) == gold
    assert all(name.lower() in table for name in scores["per_type"])


def test_check_prints_lines_or_json(capsys):
    assert cli.main(["check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("OK  ") for line in lines)
    assert cli.main(["check", "--json"]) == 0
    assert [check["ok"] for check in json.loads(capsys.readouterr().out)] == [True] * len(lines)


def test_help_and_version(capsys):
    for arguments in (["--help"], ["--version"], *([name, "-h"] for name in cli.COMMANDS)):
        with pytest.raises(SystemExit) as stop:
            cli.main(arguments)
        assert not stop.value.code
        shown = capsys.readouterr().out
        assert __version__ in shown if arguments == ["--version"] else arguments[0] in shown


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
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line_and_exit_status_2(
    arguments, named, model_folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.delenv("NERLIB_MASSIVE_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").write_bytes(b"fine\n\xff not UTF-8\n")
    assert cli.main([str(model_folder) if value == "MODEL" else value for value in arguments]) == 2
    error = capsys.readouterr().err
    assert named in error
    assert len(error.splitlines()) == 1


def test_the_tour_goes_the_whole_way(tmp_path, capsys):
    assert cli.main(["run", *FEW, "--output", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    for part in ("[time : nine am]", "epoch  1", "recall", "utt/s", "Loaded again"):
        assert part in shown
    assert str(tmp_path / "learning_curve.png") in shown
