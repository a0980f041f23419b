"""The service without a browser: it answers as the tagger does, within limits."""

import io
import json
import random
import sys
import urllib.request
import webbrowser
from concurrent.futures import ThreadPoolExecutor

import pytest
from hostile_text import HOSTILE
from hypothesis import given, settings
from hypothesis import strategies as st
from served import LINE, SENTENCE, running, tagger, uvicorn
from starlette.testclient import TestClient
from tiny_encoders import small_corpus

from nerlib import Parser, Tagger
from nerlib.corpus import CorpusError, decode_lines
from nerlib.parsing import Span, spans_to_tags
from nerlib.tools.answers import Wanted, answers
from nerlib.tools.exchange.brackets import bracketed, read_lines, whole_words
from nerlib.tools.exchange.document import ExchangeError
from nerlib.tools.own_data import corpus_from_lines
from nerlib.tools.serve import LOOPBACK
from nerlib.tools.service import MOST_BYTES, MOST_CHARACTERS, MOST_TEXTS, application

TEXTS = [*small_corpus(6, seed=3)["utt"], "", "half \ud800", "<b>nine</b>"]
NO_TYPES = ["", "  ", "a]", "[", "\ud83d"]
STRANGE = "[]:#!.,'\"<>&$`{} \t\n\r\x0b\x1c\x85\u2028\ufeff\u200b\u202e\xa0\x00שת́👋🏽ß"
texts = st.one_of(
    st.text(max_size=40),
    st.text(alphabet=STRANGE + "abc", max_size=40),
    st.sampled_from(HOSTILE),
    st.lists(st.sampled_from(["wake", "at", "nine", "am!", "[", ":", "#", "a : b"])).map(" ".join),
)
parsers = st.sampled_from([Parser(), Parser("characters")])


@pytest.fixture
def client() -> TestClient:
    app = application(tagger(), LOOPBACK)
    return TestClient(app, "http://127.0.0.1:8000", raise_server_exceptions=False)


def post(client: TestClient, path: str, body: object, kind: str = "application/json"):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(path, content=content, headers={"content-type": kind})


def by_chance(text: str, seed: int) -> list[Span]:
    """Spans somewhere in a text, apart but not at the words' edges."""
    pick = random.Random(seed)
    edges = sorted(pick.choices(range(len(text) + 1), k=2 * pick.randrange(4)))
    names = ["time", "Place name", "дата", "a-b_1", "a : b", "<b>", "#", "\\"]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [Span(pick.choice(names), start, end) for start, end in pairs if start < end]


def one_line(reason: ExchangeError) -> None:
    """A reason that can be read: one line, nothing that a screen obeys."""
    assert str(reason)
    assert str(reason).isprintable()


class TestCorrections:
    @settings(max_examples=300)
    @given(texts, parsers, st.integers())
    def test_a_line_is_read_back_exactly_or_refused(self, text, parser, seed):
        """Through a file, by the reader of `validate` and `train --own`, and by the page's."""
        spans = by_chance(text, seed)
        try:
            line = bracketed(whole_words(text, spans, parser))
        except ExchangeError as reason:
            one_line(reason)
            return
        lines = decode_lines(io.BytesIO(line.encode() + b"\n"), "x", CorpusError)
        (row,) = corpus_from_lines(lines)
        parsed = parser.parse(row["annot_utt"])
        assert parsed.text == text
        named = [span.type.replace(" ", "_") for span in spans]
        assert [span.type for span in parsed.spans] == named
        assert parsed.words == tuple(parser.split_words(text))  # so no word is cut
        assert list(parsed.tags) == spans_to_tags(parsed.words, parsed.spans)
        for wide, span in zip(parsed.spans, spans, strict=True):
            marked = text[span.start : span.end].strip()
            assert marked in text[wide.start : wide.end] or not marked
        (again,) = read_lines(line)
        assert (again.text, again.spans) == (text, parsed.spans)

    @given(st.text("abcdäß,:!'<>& ", min_size=1).map(str.strip).filter(bool))
    def test_a_sentence_without_brackets_is_never_refused(self, text):
        assert bracketed(whole_words(text, [], Parser())) == text
        assert bracketed(whole_words("# note", [], Parser())) == "\\# note"

    @pytest.mark.parametrize("name", NO_TYPES)
    def test_what_no_file_can_hold_is_no_type(self, name):
        with pytest.raises(ExchangeError, match="type"):
            bracketed(whole_words("a", [Span(name, 0, 1)], Parser()))


class TestAnswers:
    def test_it_answers_as_the_tagger_does(self, client):
        wanted = answers(tagger(), TEXTS, Wanted(0.2, ("time", "date"), 2))
        wishes = {"min_score": 0.2, "types": ["time", "date"], "alternatives": 2}
        assert post(client, "/tag", {"texts": TEXTS} | wishes).json() == {"results": wanted}
        (found,) = answers(tagger(), TEXTS[:1], Wanted())
        assert post(client, "/tag", {"text": TEXTS[0]}).json() == {"entities": found}
        assert post(client, "/tag", {"texts": []}).json() == {"results": []}
        assert found

    def test_marks_become_a_line_and_lines_become_marks(self, client):
        marks = [{"type": "time", "start": 15, "end": 20}, {"type": "date", "start": 26, "end": 27}]
        answer = post(client, "/mark", {"text": SENTENCE, "spans": marks}).json()
        assert answer.pop("line") == LINE
        assert [SENTENCE[s["start"] : s["end"]] for s in answer["spans"]] == ["nine am", "friday"]
        lines = {"text": f"# checked\n{LINE}\nhello\n"}
        sentences = post(client, "/lines", lines).json()["sentences"]
        assert sentences == [answer, {"text": "hello", "spans": []}]

    def test_it_counts_and_says_what_it_knows(self, client):
        health = client.get("/health").json()
        assert health["types"] == list(tagger().model.config.type_names.values())
        post(client, "/tag", {"texts": TEXTS})
        post(client, "/tag", b"{")
        lines = dict(line.rsplit(" ", 1) for line in client.get("/metrics").text.splitlines())
        assert int(lines["nerlib_texts_total"]) == len(TEXTS)
        assert int(lines["nerlib_entities_total"]) == sum(map(len, tagger()(TEXTS)))
        assert int(lines['nerlib_requests_total{status="400"}']) == 1

    def test_fifty_users_at_once_get_their_own_answers(self):
        texts = [f"call me at {'nine' if user % 2 else 'seven'}, user {user}" for user in range(50)]
        with running(application(tagger(), LOOPBACK)) as address:

            def ask(text: str) -> object:
                body = json.dumps({"text": text}).encode()
                headers = {"content-type": "application/json"}
                asked = urllib.request.Request(f"{address}/tag", body, headers)
                with urllib.request.urlopen(asked) as answer:
                    return json.load(answer)["entities"]

            with ThreadPoolExecutor(50) as users:
                found = list(users.map(ask, texts))
            with urllib.request.urlopen(f"{address}/") as page:
                assert b"call me" not in page.read()
        assert found == answers(tagger(), texts, Wanted())


NO_MARK = {"text": "nine", "spans": [{"type": "time", "start": True, "end": 4}]}
MARK = {"type": "t", "start": 0, "end": 1}
BAD: dict[str, tuple[str, object, int]] = {
    "no JSON": ("/tag", b"nine", 400),
    "not UTF-8": ("/tag", b'"\xff"', 400),
    "deep": ("/tag", b"[" * 100_000, 400),
    "no object": ("/tag", [], 400),
    "nothing": ("/tag", {}, 400),
    "both": ("/tag", {"text": "a", "texts": []}, 400),
    "a number": ("/tag", {"text": 3}, 400),
    "null": ("/tag", {"texts": [None]}, 400),
    "another field": ("/tag", {"text": "a", "scores": 1}, 400),
    "another type": ("/tag", {"text": "a", "types": ["tiem"]}, 400),
    "no share": ("/tag", {"text": "a", "min_score": 7}, 400),
    "not a number": ("/tag", b'{"text": "a", "min_score": NaN}', 400),
    "true": ("/tag", {"text": "a", "alternatives": True}, 400),
    "many": ("/tag", {"texts": ["a"] * (MOST_TEXTS + 1)}, 413),
    "long": ("/tag", {"text": "a" * (MOST_CHARACTERS + 1)}, 413),
    "large": ("/tag", b" " * (MOST_BYTES + 1), 413),
    "no spans": ("/mark", {"text": "a"}, 400),
    "no place": ("/mark", NO_MARK, 400),
    "no word": ("/mark", {"text": "a", "spans": [{"type": "t", "start": 7, "end": 9}]}, 400),
    "brackets": ("/mark", {"text": "[a]", "spans": []}, 400),
    "half": ("/mark", {"text": "a\ud800", "spans": []}, 400),
    "many marks": ("/mark", {"text": "a", "spans": [MARK] * (MOST_TEXTS + 1)}, 413),
    "broken": ("/lines", {"text": "[time : nine"}, 400),
    "many lines": ("/lines", {"text": "a\n" * (MOST_TEXTS + 1)}, 413),
}


class TestRefusals:
    @pytest.mark.parametrize(("path", "body", "status"), BAD.values(), ids=BAD)
    def test_what_it_cannot_answer_is_refused_with_advice(self, path, body, status, client):
        answer = post(client, path, body)
        assert answer.status_code == status
        assert set(answer.json()) == {"error", "advice"}
        assert all(answer.json().values())

    def test_other_ways_in_are_closed(self, client):
        assert post(client, "/tag", {"text": "a"}, "text/plain").status_code == 415
        assert post(client, "/tag", {"text": "a"}, "Application/JSON; charset=x").status_code == 200
        ways = [("GET", "/docs", 404), ("GET", "/../etc/passwd", 404), ("GET", "/tag", 405)]
        for how, path, status in [*ways, ("POST", "/health", 405), ("PUT", "/", 405)]:
            answer = client.request(how, path)
            assert (answer.status_code, set(answer.json())) == (status, {"error", "advice"})
        assert client.get("/health", headers={"host": "other.example"}).status_code == 400

    def test_a_fault_of_its_own_is_told_without_its_inside(self, client, monkeypatch):
        monkeypatch.setattr(Tagger, "_tag", lambda *_: 1 / 0)
        answer = post(client, "/tag", {"text": "a"})
        assert answer.status_code == 500
        assert "division" not in answer.text


class TestCommand:
    @pytest.fixture(scope="class")
    def folder(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("serve")
        tagger().save_pretrained(folder)
        return folder

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (["--model", "nowhere"], "'nowhere'"),
            (["--threads", "0"], "--threads"),
            (["--port", "70000"], "--port 70000"),
            (["--port", "7999", "--host", "203.0.113.1"], "--host 203.0.113.1"),
        ],
    )
    def test_mistakes_are_one_line(self, folder, arguments, reason, says):
        assert reason in says("serve", "--model", folder, *arguments, status=2)

    def test_a_missing_package_is_named(self, monkeypatch, says):
        monkeypatch.setitem(sys.modules, "uvicorn", None)
        assert "nerlib[serve]" in says("serve", status=2)

    def test_it_says_where_it_is_and_opens_it(self, folder, monkeypatch, says):
        opened: list[str] = []
        monkeypatch.setattr(webbrowser, "open", opened.append)
        monkeypatch.setattr(uvicorn.Server, "run", lambda *_, **__: None)
        said = says("serve", "--model", folder, "--port", 0, "--open")
        assert opened[0].startswith("http://127.0.0.1:")
        assert opened[0] in said
