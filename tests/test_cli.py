"""The command line as a user meets it: results on standard output, mistakes in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nerlib import __main__ as cli
from nerlib import load_corpus

TEXTS = ["wake me up at nine am on friday", "", "  ", "напомни завтра 😀"]


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model trained for one epoch on a few rows, through the command line."""
    output = tmp_path_factory.mktemp("cli")
    arguments = ["train", "--train", "train[:48]", "--validation", "validation[:16]"]
    assert cli.main([*arguments, "--epochs", "1", "--output", str(output)]) == 0
    return output / "model"


def run(
    arguments: list[str], text: bytes = b"", **variables: str
) -> subprocess.CompletedProcess[bytes]:
    """Run the real program in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "nerlib", *arguments],
        input=text,
        capture_output=True,
        timeout=300,
    )


def test_train_leaves_model_history_and_figure(model_folder: Path) -> None:
    output = model_folder.parent
    history = json.loads((output / "history.json").read_text(encoding="utf-8"))
    assert [record["epoch"] for record in history] == [1]
    assert (output / "learning_curve.png").read_bytes().startswith(b"\x89PNG")
    names = {path.name for path in model_folder.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pkl"))]


def test_tag_reads_lines_and_writes_json_lines(model_folder: Path) -> None:
    done = run(["tag", "--model", str(model_folder)], "\n".join(TEXTS).encode())
    assert done.returncode == 0, done.stderr.decode()
    records = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert [record["text"] for record in records] == TEXTS
    for record in records:
        for entity in record["entities"]:
            assert record["text"][entity["start"] : entity["end"]] == entity["text"]


def test_tag_says_which_line_is_not_utf8(model_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "texts.txt"
    file.write_bytes(b"fine\n\xff broken\n")
    done = run(["tag", str(file), "--model", str(model_folder)])
    assert done.returncode == 2
    message = done.stderr.decode().splitlines()
    assert len(message) == 1
    assert "texts.txt, line 2: byte 0 is not UTF-8" in message[0]


def test_tag_survives_a_reader_that_has_seen_enough(model_folder: Path) -> None:
    text = b"wake me up\n" * 20_000
    command = f"{sys.executable} -m nerlib tag --model {model_folder} | head -n 1"
    done = subprocess.run(command, shell=True, input=text, capture_output=True, timeout=300)
    assert b"Traceback" not in done.stderr
    assert json.loads(done.stdout)["text"] == "wake me up"


def test_evaluate_prints_a_table_and_json(
    model_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", "--model", str(model_folder), "--split", "validation[:40]"]
    assert cli.main(arguments) == 0
    table = capsys.readouterr().out
    assert cli.main([*arguments, "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert "precision" in table
    assert "all (micro)" in table
    gold = sum(row.count("[") for row in load_corpus("en-US", "validation[:40]")["annot_utt"])
    assert scores["overall"]["gold"] == gold
    assert sum(score["gold"] for score in scores["per_type"].values()) == gold


def test_check_prints_lines_or_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("OK  ") for line in lines)
    assert cli.main(["check", "--json"]) == 0
    assert [check["ok"] for check in json.loads(capsys.readouterr().out)] == [True] * len(lines)


def test_recipes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["recipes"]) == 0
    assert "massive-offline" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--recipe", "offlin"], "did you mean offline?"),
        (["train", "--train", "trian"], "unknown split 'trian'"),
        (["train", "--locale", "en_US"], "did you mean en-US?"),
        (["train", "--epochs", "0"], "epochs and batch_size must be 1 or more"),
        (
            ["train", "--device", "cuda:9", "--train", "train[:8]"],
            "device 'cuda:9' is not available",
        ),
        (["evaluate", "--model", "no/such/folder"], "no model can be loaded from"),
        (["tag", "--model", "no/such/folder"], "no model can be loaded from"),
        (["tag", "no-such-file.txt", "--model", "MODEL"], "no-such-file.txt: No such file"),
        (["evaluate", "--model", "MODEL", "--source", "nowhere"], "there is no corpus at nowhere"),
        (["evaluate", "--model", "MODEL", "--split", "train[5000:]"], "has no rows"),
        (["train", "--train", "train[5000:]"], "nothing to train"),
    ],
)
def test_a_mistake_gives_one_line_and_exit_code_2(
    arguments: list[str],
    message: str,
    model_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = [str(model_folder) if value == "MODEL" else value for value in arguments]
    if arguments[0] == "train":
        arguments += ["--output", str(tmp_path)]
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


def test_a_missing_massive_folder_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("NERLIB_MASSIVE_DIR", raising=False)
    assert cli.main(["train", "--recipe", "massive-offline"]) == 2
    assert "set NERLIB_MASSIVE_DIR" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder", encoding="utf-8")
    assert cli.main(["train", "--train", "train[:8]", "--output", str(file / "build")]) == 2
    assert "Not a directory" in capsys.readouterr().err


def test_the_tour_goes_the_whole_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", "--train", "train[:48]", "--validation", "validation[:16]", "--epochs", "1"]
    assert cli.main([*arguments, "--output", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    for part in ("[time : nine am]", "epoch  1", "precision", "recall", "utt/s", "Loaded again"):
        assert part in told
    assert str(tmp_path / "learning_curve.png") in told
