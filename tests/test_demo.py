"""The demo without a browser: corrections, sessions, the gate, the command, many users at once."""

# ruff: noqa: F811 (arguments have the names of imported fixtures)

from __future__ import annotations

import ast
import http.client
import io
import json
import random
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from demo_page import LINE, SENTENCE, Page, demo_model, demo_page  # noqa: F401  (fixtures)
from hypothesis import given, settings
from hypothesis import strategies as st
from local_pages import free_port
from test_html import HOSTILE
from tiny_encoders import encoder_folder, one_thread  # noqa: F401  (a fixture)

from benchmarks.demo_load import load
from nerlib import Parser, TrainConfig, get_recipe, prepare, train
from nerlib import __main__ as cli
from nerlib.corpus import CorpusError, decode_lines
from nerlib.parsing import spans_to_tags
from nerlib.tools.demo import command, session
from nerlib.tools.demo.corrections import (
    LONGEST_TYPE,
    Sentence,
    added,
    bracketed,
    changed,
    readable_type,
    removed,
    tagged,
)
from nerlib.tools.demo.gate import LARGEST_REQUEST
from nerlib.tools.demo.markup import entity_table, marked, marked_sentences, message
from nerlib.tools.demo.models import Models, find_models, name_places
from nerlib.tools.demo.sentences import (
    MOST_CHARACTERS,
    MOST_SENTENCES,
    RefusedError,
    cut_sentences,
)
from nerlib.tools.demo.session import Session
from nerlib.tools.demo.visitor import VisitError, Visitor
from nerlib.tools.own_data import corpus_from_lines
from nerlib.tools.own_recipe import own_recipe

STRANGE = "[]:#!.,'\"<>&$`{} \t\n\r\x0b\x1c\x85\u2028\ufeff\u200b\u202e\xa0\x00שت́👋🏽ß"
texts = st.one_of(
    st.text(max_size=40),
    st.text(alphabet=STRANGE + "abc", max_size=40),
    st.sampled_from(HOSTILE),
    st.lists(st.sampled_from(["wake", "at", "nine", "am!", "[", ":", "#", "a : b"])).map(" ".join),
)
parsers = st.sampled_from([Parser(), Parser("characters")])


def one_line(reason: RefusedError) -> None:
    """A reason that somebody can read: not empty, one line, nothing that a screen obeys."""
    assert str(reason)
    assert len(str(reason).splitlines()) == 1
    assert str(reason).isprintable()


def corrected(text: str, parser: Parser, seed: int) -> Sentence:
    """A sentence after some corrections by chance; those that are refused change nothing."""
    pick = random.Random(seed)
    sentence = tagged(text, [], parser)
    for _ in range(pick.randrange(8)):
        first, last = (pick.randrange(len(sentence.words) + 1) for _ in range(2))
        slot_type = pick.choice(["time", "Place name", "[x", "", "дата", "a-b_1"])
        try:
            kind = pick.choice([added, changed, removed])
            arguments: list[object] = [sentence, pick.randrange(3), slot_type, first, last]
            if kind is added:
                del arguments[1]
            sentence = kind(*(arguments[:2] if kind is removed else arguments))
        except RefusedError as reason:
            one_line(reason)
    return sentence


class TestSentences:
    @given(texts)
    def test_they_are_single_lines_in_any_file(self, text: str) -> None:
        try:
            sentences = cut_sentences(text)
        except RefusedError as reason:
            one_line(reason)
            return
        file = "\n".join(sentences).encode()
        assert list(decode_lines(io.BytesIO(file), "x", ValueError)) == sentences
        assert [line for s in sentences for line in s.splitlines()] == sentences

    @given(st.lists(st.text("ab ", min_size=1).filter(str.strip), min_size=1, max_size=9))
    def test_nothing_but_blanks_and_line_ends_is_lost(self, lines: list[str]) -> None:
        for end in ("\n", "\r\n", "\r", "\u2028"):
            assert cut_sentences(end.join(lines)) == [line.strip() for line in lines]

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "there is no text yet"),
            (" \n\t\ufeff \u2029", "there is no text yet"),
            ("a" * (MOST_CHARACTERS + 1), "take at most 5,000 at a time"),
            ("a\n" * (MOST_SENTENCES + 1), "has 51 lines: take at most 50"),
            ("half \ud83d", "character 5 is half a character"),
        ],
    )
    def test_what_is_refused(self, text: str, reason: str) -> None:
        with pytest.raises(RefusedError, match=reason) as refused:
            cut_sentences(text)
        one_line(refused.value)

    def test_what_is_just_allowed(self) -> None:
        assert cut_sentences("a" * MOST_CHARACTERS) == ["a" * MOST_CHARACTERS]
        assert len(cut_sentences("a\n" * MOST_SENTENCES)) == MOST_SENTENCES


class TestCorrections:
    @settings(max_examples=300)
    @given(texts, parsers, st.integers())
    def test_a_line_is_read_back_exactly_or_refused(
        self, text: str, parser: Parser, seed: int
    ) -> None:
        """Through a file, by the reader that `validate` and `train --own` use."""
        sentence = corrected(text, parser, seed)
        try:
            line = bracketed(sentence)
        except RefusedError as reason:
            one_line(reason)
            return
        lines = decode_lines(io.BytesIO(line.encode() + b"\n"), "x", CorpusError)
        (row,) = corpus_from_lines(lines)
        assert (row["utt"], row["annot_utt"]) == (sentence.text, line)
        spans = [sentence.span(mark) for mark in sentence.marks]
        parsed = parser.parse(line)
        assert list(parsed.spans) == spans
        assert parsed.words == sentence.words
        assert list(parsed.tags) == spans_to_tags(sentence.words, spans)

    @given(st.text("abcdäß,:!'<>& ", min_size=1).map(str.strip).filter(bool), st.integers())
    def test_a_sentence_without_brackets_is_never_refused(self, text: str, seed: int) -> None:
        assert bracketed(corrected(text, Parser(), seed))

    @given(texts, parsers, st.integers())
    def test_marks_stand_in_order_and_apart(self, text: str, parser: Parser, seed: int) -> None:
        marks = corrected(text, parser, seed).marks
        for before, after in pairwise(marks):
            assert before.first < before.end <= after.first

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("call [me]", "'[' at character 5 cannot be written"),
            ("call ]", "']' at character 5"),
            ("# a note", "a line that starts with '#' is a comment"),
            (" blank", "one line, with no blanks around it"),
            ("two\nlines", "one line"),
            ("", "one line"),
            ("half \ud83d", "half a character"),
        ],
    )
    def test_what_no_file_can_hold(self, text: str, reason: str) -> None:
        with pytest.raises(RefusedError) as refused:
            bracketed(tagged(text, [], Parser()))
        assert reason in str(refused.value)

    def test_a_mark_on_the_first_word_makes_a_comment_a_sentence(self) -> None:
        sentence = added(tagged("# note", [], Parser()), "sign", 0, 0)
        assert bracketed(sentence) == "[sign : #] note"

    def test_overlapping_marks_name_the_other_one(self) -> None:
        sentence = added(tagged(SENTENCE, [], Parser()), "time", 4, 5)
        with pytest.raises(RefusedError, match=r"'nine am' \(time\) stands on some of these"):
            added(sentence, "date", 5, 7)
        assert bracketed(changed(sentence, 0, "date", 5, 7)).endswith("nine [date : am on friday]")

    @pytest.mark.parametrize(("first", "last"), [(2, 1), (-1, 0), (0, 8), (8, 8)])
    def test_words_that_are_not_there(self, first: int, last: int) -> None:
        with pytest.raises(RefusedError, match="the first not behind the last"):
            added(tagged(SENTENCE, [], Parser()), "time", first, last)

    @pytest.mark.parametrize("number", [-1, 1, 10**9])
    def test_marks_that_are_not_there(self, number: int) -> None:
        sentence = added(tagged(SENTENCE, [], Parser()), "time", 4, 5)
        for correction in (removed, lambda s, n: changed(s, n, "date", 0, 0)):
            with pytest.raises(RefusedError, match="choose one of the entities"):
                correction(sentence, number)

    @pytest.mark.parametrize("name", ["", "  ", "a]", "a:b", "<b>", "x" * (LONGEST_TYPE + 1), "\0"])
    def test_types_that_cannot_be_written(self, name: str) -> None:
        with pytest.raises(RefusedError) as refused:
            readable_type(name)
        one_line(refused.value)

    def test_a_mark_of_the_users_has_no_score(self) -> None:
        assert [m.score for m in added(tagged("at nine", [], Parser()), "time", 1, 1).marks] == [
            None
        ]


class TestMarkup:
    @pytest.mark.parametrize("text", HOSTILE, ids=ascii)
    def test_text_is_text(self, text: str) -> None:
        """What `display.escape` makes of it stands there, and nothing of it as it was."""
        words = tagged(text, [], Parser()).words
        sentence = replace(corrected(text, Parser(), 5), text=text, words=words)
        shown = marked(sentence) + marked_sentences([sentence] * 2, 0) + entity_table(sentence)
        for piece in ("<script", "<img", "<svg", "<iframe", "<a ", "<base", "<link", "\u202e"):
            assert piece not in (shown + message(text)).lower()

    def test_the_type_is_said_and_not_only_shown(self) -> None:
        sentence = added(tagged("at nine", [], Parser()), "time", 1, 1)
        assert "<b>time</b>" in marked(sentence)
        assert "being corrected" in marked_sentences([sentence, sentence], 1)


class TestModels:
    def test_folders_below_build_are_found(self, demo_model: Path, tmp_path: Path) -> None:
        for name in ("own/model", "b", "model"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).symlink_to(demo_model, target_is_directory=True)
        (tmp_path / "figures").mkdir()
        (tmp_path / "broken").mkdir()
        (tmp_path / "broken" / "config.json").write_text("{")
        (tmp_path / "broken" / "model.safetensors").write_text("")
        (tmp_path / "encoder").symlink_to(encoder_folder("bert"), target_is_directory=True)
        found = find_models(tmp_path)
        assert [path.relative_to(tmp_path).as_posix() for path in found] == [
            "model",
            "b",
            "own/model",
        ]
        names = list(name_places(found))
        assert names[1:] == ["b", "own"]
        assert str(tmp_path) not in " ".join(names)

    def test_a_model_that_is_gone_is_told_without_its_place(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        models = Models({"tagger": tmp_path / "gone"})
        with pytest.raises(RefusedError) as refused:
            models.tag("tagger", ["at nine"])
        assert str(refused.value) == "the model 'tagger' cannot be loaded: choose another"
        assert "gone" in capsys.readouterr().err
        models.close()

    def test_a_model_is_loaded_once(
        self,
        demo_model: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        from nerlib import Tagger

        loaded, load_tagger = [], Tagger.from_pretrained
        monkeypatch.setattr(
            Tagger, "from_pretrained", lambda *a: loaded.append(a) or load_tagger(*a)
        )
        models = Models({"tiny": demo_model}, "cpu")
        answers = [models.tag("tiny", [SENTENCE]) for _ in range(3)]
        assert len(loaded) == 1
        assert answers[0] == answers[2]
        models.close()


@pytest.fixture
def models(demo_model: Path) -> Iterator[Models]:
    made = Models({"tiny": demo_model}, "cpu")
    yield made
    made.close()


class TestSession:
    def test_lines_are_sentences_and_keeping_goes_on_to_the_next(self, models: Models) -> None:
        here = session.find(Session(), models, "tiny", f"{SENTENCE}\n\nremind me to call anna\n")
        assert [sentence.text for sentence in here.sentences] == [
            SENTENCE,
            "remind me to call anna",
        ]
        here = session.keep(here)
        assert here.sentence.text == "remind me to call anna"
        assert session.keep(here).file == f"{LINE}\nremind me to call anna\n"

    def test_a_sentence_corrected_again_takes_its_own_place(self, models: Models) -> None:
        here = session.keep(session.find(Session(), models, "tiny", SENTENCE))
        here = session.keep(session.change(here, 1, "Day of week", 7, 7))
        assert here.file == LINE.replace("date", "day_of_week") + "\n"
        again = session.find(here, models, "tiny", "play some quiet jazz")
        assert "day_of_week" in again.types
        assert session.clear(again).file == ""

    def test_nothing_found_yet_is_told(self, models: Models) -> None:
        for step in (session.keep, lambda s: session.remove(s, 0)):
            with pytest.raises(RefusedError, match="nothing to correct yet"):
                step(Session())
        with pytest.raises(RefusedError, match="choose one of the models"):
            session.find(Session(), models, "/etc", SENTENCE)

    def test_the_number_of_lines_is_bounded(
        self, models: Models, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(session, "MOST_KEPT", 2)
        here = session.find(Session(), models, "tiny", "one\ntwo\nthree")
        here = session.keep(session.keep(here))
        with pytest.raises(RefusedError, match="2 lines are kept already"):
            session.keep(here)
        assert session.keep(session.choose(here, 0)).file == here.file

    def test_a_downloaded_file_is_validated_and_trained_on(
        self, models: Models, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        here = session.find(Session(), models, "tiny", f"{SENTENCE}\ncall me at seven\nhello <b>")
        for _ in range(3):
            here = session.keep(here)
        file = tmp_path / "corrections.txt"
        file.write_text(here.file, encoding="utf-8")
        assert cli.main(["validate", str(file)]) == 0
        count = here.file.count("[")
        told = f"sentences that can be read: 3; entities marked: {count}"
        assert told in capsys.readouterr().out
        tiny = replace(get_recipe("offline"), encoder=str(encoder_folder("bert")))
        experiment = prepare(own_recipe(str(file), tiny), tmp_path)
        once = TrainConfig(epochs=1, batch_size=2, device="cpu", precision="fp32")
        history = train(experiment.model, experiment.train_set, experiment.validation_set, once)
        assert len(history) == 1


class TestCommand:
    @pytest.fixture(autouse=True)
    def elsewhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    def mistake(self, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
        assert cli.main(["demo", "--no-browser", *arguments]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        return line

    def test_no_model_says_how_to_make_one(self, capsys: pytest.CaptureFixture[str]) -> None:
        pytest.importorskip("gradio")
        told = self.mistake([], capsys)
        assert "there is no model in build yet: run `python -m nerlib train` first" in told

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (["--model", "nowhere"], "no model can be loaded from 'nowhere'"),
            (["--threads", "0"], "--threads must be 1 or more"),
            (["--port", "70000"], "--port 70000: a port is a number from 1 to 65535"),
            (["--port", "7999", "--host", "203.0.113.1"], "--host 203.0.113.1: "),
            (["--model", "."], "not one of nerlib"),
        ],
    )
    def test_mistakes_are_one_line(
        self, arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        pytest.importorskip("gradio")
        assert reason in self.mistake(arguments, capsys)

    def test_a_taken_port_is_named(self, capsys: pytest.CaptureFixture[str]) -> None:
        pytest.importorskip("gradio")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            assert f"port {port} is taken: choose another" in self.mistake(["--port", port], capsys)

    def test_without_gradio_it_says_what_to_install(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setitem(sys.modules, "gradio", None)
        assert 'pip install "nerlib[demo]"' in self.mistake([], capsys)

    def test_it_says_where_the_page_is(
        self,
        demo_model: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        gradio = pytest.importorskip("gradio")
        seen = []

        def use_it_and_stop(app: object) -> None:
            visitor = Visitor(app.local_url)  # type: ignore[attr-defined]
            seen.append(visitor.choices("model"))
            app.close(verbose=False)  # type: ignore[attr-defined]

        monkeypatch.setattr(gradio.Blocks, "block_thread", use_it_and_stop)
        port = str(free_port())
        arguments = ["--no-browser", "--port", port, "--model", str(demo_model), "--threads", "1"]
        assert cli.main(["demo", *arguments]) == 0
        assert f"The page is at http://127.0.0.1:{port}/" in capsys.readouterr().out
        assert seen == [["tiny"]]


def test_a_notebook_shows_the_page(demo_model: Path) -> None:
    pytest.importorskip("gradio")
    from nerlib.tools.demo.notebook import show

    page = show(str(demo_model), device="cpu")
    assert Visitor(page.local_url).choices("model") == ["tiny"]
    page.close(verbose=False)


def ask(address: str, method: str, path: str, body: bytes | None = None) -> tuple[int, str]:
    """Return status and text of the answer to a request."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


class TestServer:
    def test_a_correction_from_text_to_line(self, demo_page: Page) -> None:
        visitor = Visitor(demo_page.address)
        shown = visitor.step("find", "tiny", SENTENCE)
        assert shown["line"] == LINE
        assert "nine am <b>time</b>" in str(shown["marked"])
        shown = visitor.step("apply", 0, "Wake time", 4, 4)
        assert shown["line"] == LINE.replace("[time : nine am]", "[wake_time : nine] am")
        assert visitor.step("entity", 1)["type"] == "date"
        shown = visitor.step("remove", 1)
        assert shown["line"] == "wake me up at [wake_time : nine] am on friday"
        shown = visitor.step("apply", -1, "date", 7, 7)
        assert shown["line"] == "wake me up at [wake_time : nine] am on [date : friday]"
        assert visitor.step("keep")["kept"] == f"{shown['line']}\n"
        assert visitor.step("clear")["kept"] == ""

    def test_what_one_user_keeps_never_appears_for_another(self, demo_page: Page) -> None:
        first, second = Visitor(demo_page.address), Visitor(demo_page.address)
        mine = first.step("find", "tiny", "the first user's secret")["line"]
        other = second.step("find", "tiny", "something else")["line"]
        assert first.step("keep")["kept"] == f"{mine}\n"
        assert second.step("keep")["kept"] == f"{other}\n"
        third = Visitor(demo_page.address)
        assert "nothing to correct yet" in str(third.step("keep")["status"])
        assert "secret" not in ask(demo_page.address, "GET", "/config")[1]

    @pytest.mark.parametrize("text", HOSTILE, ids=ascii)
    def test_hostile_text_is_an_answer_or_one_line(self, text: str, demo_page: Page) -> None:
        visitor = Visitor(demo_page.address)
        shown = visitor.step("find", "tiny", text)
        assert ("Not done: " in str(shown["status"])) != ("line" in shown)
        visitor.step("keep")

    def test_too_long_a_text_is_refused_by_the_server_too(self, demo_page: Page) -> None:
        shown = Visitor(demo_page.address).step("find", "tiny", "a" * 100_000)
        assert "the text has 100,000 characters: take at most 5,000" in str(shown["status"])
        assert "line" not in shown
        with pytest.raises(VisitError, match="413"):
            Visitor(demo_page.address).step("find", "tiny", "a" * (LARGEST_REQUEST + 1))

    @pytest.mark.parametrize(
        ("step", "values"),
        [
            ("find", ["elsewhere", "at nine"]),
            ("find", [["tiny"], {"a": 1}]),
            ("apply", [99, "time", 0, 0]),
            ("apply", [0, "time", 10**20, "x"]),
            ("apply", [None, None, None, None]),
            ("remove", [None]),
            ("sentence", [7]),
            ("entity", [-5]),
        ],
        ids=str,
    )
    def test_values_that_no_page_sends_change_nothing(
        self,
        step: str,
        values: list[object],
        demo_page: Page,
    ) -> None:
        visitor = Visitor(demo_page.address)
        visitor.step("find", "tiny", SENTENCE)
        with suppress(VisitError):
            visitor.step(step, *values)
        assert visitor.step("keep")["kept"] == f"{LINE}\n"

    @pytest.mark.parametrize(
        "path",
        [
            "/gradio_api/file=/etc/passwd",
            "/gradio_api/file=http://127.0.0.1/",
            "/gradio_api/proxy=http://127.0.0.1/",
            "/file=/etc/passwd",
            "/gradio_api/info",
            "/gradio_api/runs",
            "/monitoring",
            "/docs",
            "/openapi.json",
            "/static/../../../../etc/passwd",
            "/static/..%2f..%2f..%2f..%2fetc/passwd",
            "/assets/%2e%2e/%2e%2e/__init__.py",
        ],
    )
    def test_no_other_page_is_found(self, path: str, demo_page: Page) -> None:
        status, text = ask(demo_page.address, "GET", path)
        assert status in (403, 404), text
        assert "root:" not in text

    @pytest.mark.parametrize(
        "path",
        ["upload", "run/predict", "call/find", "component_server", "vibe-edit/", "stream/x"],
    )
    def test_nothing_else_can_be_done(self, path: str, demo_page: Page) -> None:
        assert ask(demo_page.address, "POST", f"/gradio_api/{path}", b"{}")[0] == 404
        assert ask(demo_page.address, "DELETE", "/")[0] == 404

    def test_a_body_of_no_stated_length_is_refused(self, demo_page: Page) -> None:
        connection = http.client.HTTPConnection(demo_page.address.removeprefix("http://"))
        body = iter([b"{}"])
        connection.request("POST", "/gradio_api/queue/join", body, encode_chunked=True)
        assert connection.getresponse().status == 413
        connection.close()

    def test_fifty_users_at_once_get_their_own_answers(self, demo_page: Page) -> None:
        result = load(demo_page.address, users=50, rounds=2)
        assert result.errors == []
        assert len(result.seconds["find"]) == len(result.seconds["keep"]) == 100

    def test_an_error_under_load_is_counted(self) -> None:
        result = load(f"http://127.0.0.1:{free_port()}", users=2, rounds=1)
        assert len(result.errors) == 2

    def test_the_page_names_no_place_of_this_machine(self, demo_page: Page) -> None:
        config = json.loads(ask(demo_page.address, "GET", "/config")[1])
        assert str(Path(str(demo_page.models._places["tiny"])).parent) not in json.dumps(config)

    def test_this_process_asked_nobody_else(self, demo_page: Page) -> None:
        Visitor(demo_page.address).step("find", "tiny", SENTENCE)
        assert demo_page.asked == []
        with pytest.raises(OSError, match=r".+"):
            socket.create_connection(("a.name.that.is.not", 80), timeout=1)
        assert demo_page.asked == ["a.name.that.is.not"]  # else nothing would have been noticed
        demo_page.asked.clear()


def test_only_two_modules_need_gradio_and_nothing_imports_them_at_once() -> None:
    """Neither the library nor the other commands need the extra."""
    needing = {"nerlib.tools.demo.app", "nerlib.tools.demo.server"}
    root = Path(command.__file__).parents[3]
    for path in (root / "nerlib").rglob("*.py"):
        module = ".".join(path.relative_to(root).with_suffix("").parts)
        if module not in needing:
            imported = set(imports_at_once(path))
            assert not {name for name in imported if name.partition(".")[0] == "gradio"}, module
            assert not imported & needing, module


def imports_at_once(path: Path) -> Iterator[str]:
    """The modules that a module imports as soon as it is imported itself."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
