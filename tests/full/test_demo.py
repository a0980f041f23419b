"""The demo without a browser: corrections, the gate, the command, many users at once."""

# ruff: noqa: F811 (arguments have the names of imported fixtures)

import http.client
import io
import random
import socket
import sys

import pytest
from demo_load import VisitError, Visitor, load
from demo_page import LINE, SENTENCE, Page, demo_model, demo_page  # noqa: F401  (fixtures)
from hostile_text import HOSTILE
from hypothesis import given, settings
from hypothesis import strategies as st
from local_pages import free_port
from small_runs import tiny_recipe
from tiny_encoders import encoder_folder

from nerlib import Parser, TrainConfig, prepare, train
from nerlib import __main__ as cli
from nerlib.corpus import CorpusError, decode_lines
from nerlib.parsing import Span, spans_to_tags
from nerlib.tools.demo.corrections import (
    MOST_CHARACTERS,
    MOST_SENTENCES,
    bracketed,
    bracketed_lines,
    cut_sentences,
    lines_apart,
    readable_type,
)
from nerlib.tools.demo.gate import LARGEST_REQUEST
from nerlib.tools.demo.models import Models, find_models, name_places
from nerlib.tools.exchange.document import ExchangeError
from nerlib.tools.own_data import corpus_from_lines
from nerlib.tools.own_recipe import own_recipe

LOCAL = "http://127.0.0.1/"
NO_PAGES = [
    *(f"/gradio_api/{name}" for name in ("file=/etc/passwd", f"file={LOCAL}", f"proxy={LOCAL}")),
    *("/gradio_api/info", "/gradio_api/runs", "/monitoring", "/docs", "/openapi.json"),
    *("/static/../../../../etc/passwd", "/static/..%2f..%2f..%2f..%2fetc/passwd"),
    "/assets/%2e%2e/%2e%2e/__init__.py",
]
NO_STEPS = ["upload", "run/predict", "call/find", "component_server", "vibe-edit/", "stream/x"]
NO_TYPES = ["", "  ", "label", "a]", "a:b", "<b>", "x" * 41, "\0"]
# A piece of text as the page sends it.
PIECE: dict[str, str | None] = {"token": "three", "class_or_confidence": None}
STRANGE = "[]:#!.,'\"<>&$`{} \t\n\r\x0b\x1c\x85\u2028\ufeff\u200b\u202e\xa0\x00שת́👋🏽ß"
texts = st.one_of(
    st.text(max_size=40),
    st.text(alphabet=STRANGE + "abc", max_size=40),
    st.sampled_from(HOSTILE),
    st.lists(st.sampled_from(["wake", "at", "nine", "am!", "[", ":", "#", "a : b"])).map(" ".join),
)
parsers = st.sampled_from([Parser(), Parser("characters")])


def one_line(reason: ExchangeError) -> None:
    """A reason that can be read: not empty, one line, nothing that a screen obeys."""
    assert str(reason)
    assert str(reason).isprintable()


def by_chance(text: str, seed: int) -> list[Span]:
    """Spans somewhere in a text, apart but not at the words' edges."""
    pick = random.Random(seed)
    edges = sorted(pick.choices(range(len(text) + 1), k=2 * pick.randrange(4)))
    names = ["time", "Place name", "дата", "a-b_1"]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [Span(pick.choice(names), start, end) for start, end in pairs if start < end]


class TestSentences:
    @given(texts)
    def test_they_are_single_lines_in_any_file(self, text):
        try:
            sentences = cut_sentences(text)
        except ExchangeError as reason:
            one_line(reason)
            return
        file = "\n".join(sentences).encode()
        assert list(decode_lines(io.BytesIO(file), "x", ValueError)) == sentences
        assert [line for s in sentences for line in s.splitlines()] == sentences

    @given(st.lists(st.text("ab ", min_size=1).filter(str.strip), min_size=1, max_size=9))
    def test_nothing_but_blanks_and_line_ends_is_lost(self, lines):
        for end in ("\n", "\r\n", "\r", "\u2028"):
            assert cut_sentences(end.join(lines)) == [line.strip() for line in lines]


class TestCorrections:
    @settings(max_examples=300)
    @given(texts, parsers, st.integers())
    def test_a_line_is_read_back_exactly_or_refused(self, text, parser, seed):
        """Through a file, by the reader that `validate` and `train --own` use."""
        spans = by_chance(text, seed)
        try:
            line = bracketed(text, spans, parser)
        except ExchangeError as reason:
            one_line(reason)
            return
        lines = decode_lines(io.BytesIO(line.encode() + b"\n"), "x", CorpusError)
        (row,) = corpus_from_lines(lines)
        assert row["utt"] == text
        assert line in (row["annot_utt"], "\\" + row["annot_utt"])  # else it would be a comment
        parsed = parser.parse(row["annot_utt"])
        assert [span.type for span in parsed.spans] == [readable_type(span.type) for span in spans]
        assert parsed.words == tuple(parser.split_words(text))  # so no word is cut
        assert list(parsed.tags) == spans_to_tags(parsed.words, parsed.spans)
        for wide, span in zip(parsed.spans, spans, strict=True):
            marked = text[span.start : span.end].strip()
            assert marked in text[wide.start : wide.end] or not marked

    @given(st.text("abcdäß,:!'<>& ", min_size=1).map(str.strip).filter(bool))
    def test_a_sentence_without_brackets_is_never_refused(self, text):
        assert bracketed(text, [], Parser()) == text
        assert bracketed("# note", [Span("sign", 0, 1)], Parser()) == "[sign : #] note"
        assert bracketed("# note", [], Parser()) == "\\# note"

    @pytest.mark.parametrize(
        ("function", "arguments", "reason"),
        [
            (cut_sentences, [""], "no text"),
            (cut_sentences, [" \n\t\ufeff \u2029"], "no text"),
            (cut_sentences, ["a" * (MOST_CHARACTERS + 1)], "at most 5,000"),
            (cut_sentences, ["a\n" * (MOST_SENTENCES + 1)], "51 lines"),
            (cut_sentences, ["half \ud83d"], "character 5"),
            (bracketed, ["call [me]", [], Parser()], "character 5"),
            (bracketed, ["call ]", [], Parser()], "character 5"),
            (bracketed, [" blank", [], Parser()], "no blanks"),
            (bracketed, ["two\nlines", [], Parser()], "one line"),
            (bracketed, ["half \ud83d", [], Parser()], "character 5"),
            (bracketed, ["at  nine", [Span("time", 2, 4)], Parser()], "character 2 covers"),
            (bracketed, ["at nine", [Span("a", 3, 5), Span("b", 5, 7)], Parser()], "overlap"),
            *((readable_type, [name], "type") for name in NO_TYPES),
        ],
    )
    def test_what_is_refused(self, function, arguments, reason):
        with pytest.raises(ExchangeError, match=reason) as refused:
            function(*arguments)
        one_line(refused.value)

    def test_a_refused_sentence_is_named_and_keeps_no_other_from_its_line(self):
        pieces = [("one\n[two]\nat ", None), ("ni", "time"), ("ne\n", None), ("x", "<b>")]
        lines, (second, fourth) = bracketed_lines(pieces, Parser())
        assert lines == {"one": "one", "at nine": "at [time : nine]"}
        assert second.startswith("line 2: ")
        assert fourth.startswith("line 4: ")

    @given(st.lists(st.tuples(st.text("a\n"), st.sampled_from([None, "time"]))))
    def test_pieces_stay_the_same_text_with_lines_apart(self, pieces):
        apart = lines_apart(pieces)
        assert "".join(text for text, _ in apart) == "".join(text for text, _ in pieces)
        assert all(text == "\n" or "\n" not in text for text, _ in apart)
        assert lines_apart(apart) == apart


class TestModels:
    def test_folders_below_build_are_found(self, demo_model, tmp_path):
        for name in ("own/model", "b", "model"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).symlink_to(demo_model, target_is_directory=True)
        (tmp_path / "encoder").symlink_to(encoder_folder("bert"), target_is_directory=True)
        for name in ("figures", "broken"):
            (tmp_path / name).mkdir()
        (tmp_path / "broken" / "config.json").write_text("{")
        (tmp_path / "broken" / "model.safetensors").write_text("")
        found = find_models(tmp_path)
        assert found == [tmp_path / name for name in ("model", "b", "own/model")]
        assert list(name_places(found))[1:] == ["b", "own"]

    def test_a_model_that_is_gone_is_reported_without_its_place(self, tmp_path, capsys):
        models = Models({"tagger": tmp_path / "gone"})
        with pytest.raises(ExchangeError, match="'tagger'") as refused:
            models.tagger("tagger")
        assert "gone" not in str(refused.value)
        assert "gone" in capsys.readouterr().err

    def test_a_model_is_loaded_once(self, demo_model):
        models = Models({"tiny": demo_model}, "cpu")
        assert models.tagger("tiny") is models.tagger("tiny")


class TestCommand:
    @pytest.fixture(autouse=True)
    def elsewhere(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)

    def mistake(self, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
        assert cli.main(["demo", "--no-browser", *arguments]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        return line

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            ([], "no model in build"),
            (["--model", "nowhere"], "'nowhere'"),
            (["--threads", "0"], "--threads"),
            (["--port", "70000"], "--port 70000"),
            (["--port", "7999", "--host", "203.0.113.1"], "--host 203.0.113.1"),
            (["--model", "."], "not one of"),
        ],
    )
    def test_mistakes_are_one_line(self, arguments, reason, capsys):
        pytest.importorskip("gradio")
        assert reason in self.mistake(arguments, capsys)

    def test_a_taken_port_and_a_missing_package_are_named(self, monkeypatch, capsys):
        pytest.importorskip("gradio")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            assert f"--port {port}" in self.mistake(["--port", port], capsys)
        monkeypatch.setitem(sys.modules, "gradio", None)
        assert "nerlib[demo]" in self.mistake([], capsys)

    def test_it_says_where_the_page_is(self, demo_model, monkeypatch, capsys):
        gradio = pytest.importorskip("gradio")
        seen = []

        def use_it_and_stop(app: object) -> None:
            seen.append(Visitor(app.local_url).choices("model"))  # type: ignore[attr-defined]
            app.close(verbose=False)  # type: ignore[attr-defined]

        monkeypatch.setattr(gradio.Blocks, "block_thread", use_it_and_stop)
        port = str(free_port())
        arguments = ["--no-browser", "--port", port, "--model", str(demo_model), "--threads", "1"]
        assert cli.main(["demo", *arguments]) == 0
        assert f"http://127.0.0.1:{port}/" in capsys.readouterr().out
        assert seen == [["tiny"]]


def test_a_notebook_shows_the_page(demo_model):
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
    def test_what_is_kept_is_validated_and_trained_on(self, demo_page, tmp_path, capsys):
        visitor = Visitor(demo_page.address)
        found, table = visitor.step("find", "tiny", f"{SENTENCE}\ncall me at seven\nhello <b>")
        assert "nine am" in table
        (kept,) = visitor.step("keep", "tiny", found, "")
        assert kept.splitlines()[0] == LINE
        assert len(kept.splitlines()) == 3
        found[1]["class_or_confidence"] = "Wake time"  # as a user corrects it
        (kept,) = visitor.step("keep", "tiny", found, kept)
        assert kept.splitlines()[0] == LINE.replace("time", "wake_time")
        assert len(kept.splitlines()) == 3  # a sentence corrected again takes its own place
        file = tmp_path / "corrections.txt"
        file.write_text(kept, encoding="utf-8")
        assert cli.main(["validate", str(file)]) == 0
        assert f"entities marked: {kept.count('[')}" in capsys.readouterr().out
        experiment = prepare(own_recipe(str(file), tiny_recipe()), tmp_path)
        once = TrainConfig(epochs=1, batch_size=2, device="cpu", precision="fp32")
        data = experiment.train_set, experiment.validation_set
        assert len(train(experiment.model, *data, once)) == 1
        assert visitor.step("clear") == [""]

    def test_what_cannot_be_kept_is_named_and_changes_nothing(self, demo_page):
        visitor = Visitor(demo_page.address)
        found, _ = visitor.step("find", "tiny", "call [<b>me] at seven")
        assert visitor.step("keep", "tiny", found, f"{LINE}\n") == [f"{LINE}\n"]
        (warning,) = visitor.warnings
        assert "line 1: " in warning
        assert "<" not in warning

    def test_the_number_of_lines_is_bounded(self, demo_page, monkeypatch):
        monkeypatch.setattr("nerlib.tools.demo.page.MOST_KEPT", 2)
        visitor, pieces = Visitor(demo_page.address), [{**PIECE, "token": "two"}]
        assert visitor.step("keep", "tiny", pieces, "one\n") == ["one\ntwo\n"]
        with pytest.raises(VisitError, match="2 lines"):
            visitor.step("keep", "tiny", [PIECE], "one\ntwo\n")

    def test_what_one_user_keeps_never_appears_for_another(self, demo_page, demo_model):
        first, second = Visitor(demo_page.address), Visitor(demo_page.address)
        mine, _ = first.step("find", "tiny", "the first user's secret")
        other, _ = second.step("find", "tiny", "something else")
        assert "secret" in first.step("keep", "tiny", mine, "")[0]
        assert "secret" not in second.step("keep", "tiny", other, "")[0]
        config = ask(demo_page.address, "GET", "/config")[1]
        assert not any(private in config for private in ("secret", str(demo_model.parent)))

    @pytest.mark.parametrize(("length", "reason"), [(100_000, "5,000"), (LARGEST_REQUEST, "413")])
    def test_too_much_at_once_is_refused_by_the_server_too(self, length, reason, demo_page):
        with pytest.raises(VisitError, match=reason):
            Visitor(demo_page.address).step("find", "tiny", "a" * length)

    @pytest.mark.parametrize(
        ("step", "values"),
        [
            ("find", ["elsewhere", "at nine"]),
            ("find", [["tiny"], {"a": 1}]),
            ("keep", ["/etc", [PIECE], ""]),
            ("keep", ["tiny", [{"token": 7}], ""]),
            ("keep", ["tiny", "text", ""]),
        ],
        ids=str,
    )
    def test_values_that_no_page_sends_are_errors(self, step, values, demo_page):
        with pytest.raises(VisitError):
            Visitor(demo_page.address).step(step, *values)

    @pytest.mark.parametrize("path", NO_PAGES)
    def test_no_other_page_is_found(self, path, demo_page):
        status, text = ask(demo_page.address, "GET", path)
        assert status in (403, 404), text
        assert "root:" not in text

    @pytest.mark.parametrize("path", NO_STEPS)
    def test_nothing_else_can_be_done(self, path, demo_page):
        assert ask(demo_page.address, "POST", f"/gradio_api/{path}", b"{}")[0] == 404
        assert ask(demo_page.address, "DELETE", "/")[0] == 404

    def test_a_body_of_no_stated_length_is_refused(self, demo_page):
        connection = http.client.HTTPConnection(demo_page.address.removeprefix("http://"))
        body = iter([b"{}"])
        connection.request("POST", "/gradio_api/queue/join", body, encode_chunked=True)
        assert connection.getresponse().status == 413
        connection.close()

    def test_fifty_users_at_once_get_their_own_answers(self, demo_page):
        result = load(demo_page.address, users=50, rounds=2)
        assert result.errors == []
        assert len(result.seconds["find"]) == len(result.seconds["keep"]) == 100

    def test_an_error_under_load_is_counted(self):
        result = load(f"http://127.0.0.1:{free_port()}", users=2, rounds=1)
        assert len(result.errors) == 2

    def test_this_process_asked_nobody_else(self, demo_page):
        Visitor(demo_page.address).step("find", "tiny", SENTENCE)
        with pytest.raises(OSError, match=r".+"):
            socket.create_connection(("a.name.that.is.not", 80), timeout=1)
        assert demo_page.asked == ["a.name.that.is.not"]  # so what is asked is noticed
        demo_page.asked.clear()
