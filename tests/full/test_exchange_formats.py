"""Annotations go to other tools and come back exactly, or are refused with row and reason."""

import itertools
import json
import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import spacy
from datasets import Dataset
from hypothesis import example, given, settings
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities
from small_runs import files
from spacy.tokens import DocBin
from spacy.training.converters import conll_ner_to_docs

from nerlib import OwnDataError, Parser, Span, Word, corpus_from_lines, load_corpus
from nerlib import __main__ as cli
from nerlib.tools import extras
from nerlib.tools.exchange.conll import conll_sentence, spans_of_tags
from nerlib.tools.exchange.document import (
    Document,
    ExchangeError,
    Reading,
    documents_of,
    words_of,
)
from nerlib.tools.exchange.features import from_dataset
from nerlib.tools.exchange.formats import FORMATS, convert
from nerlib.tools.exchange.json_files import json_format
from nerlib.tools.exchange.spacy_docs import from_doc, to_doc
from nerlib.tools.exchange.span_rows import prodigy_task

WRITABLE = [name for name, one in FORMATS.items() if one.write is not None]
MARKS = ["[", "]", " : ", "#", "\n", "\r", "\t", " ", "\u00a0", "\\s", "|", "-DOCSTART-", "\ufeff"]
RARE = ["\u200b", "שלום", "\x00", "\x1c", "\u2028", "\x85", "nine am", "SpaceAfter=No"]
WORDS = ["wake", "me", "девять", "東京", "nine", "don't", "e\u0301té", "👩‍👩‍👧", "7:30"]
PIECES = st.text(max_size=6) | st.sampled_from([*MARKS, *RARE, *WORDS])
TYPES = st.sampled_from(["time", "PER", "place_name", "B-X", "ä", "a b", "[x]", "a:b", "O", "-"])


@st.composite
def any_documents(draw: st.DrawFn) -> Document:
    """Any text, with spans of any extent, that overlap or not, by a model or not."""
    text = "".join(draw(st.lists(PIECES, max_size=8)))
    spans = []
    if text:
        for _ in range(draw(st.integers(0, 3))):
            start = draw(st.integers(0, len(text) - 1))
            spans.append(Span(draw(TYPES), start, draw(st.integers(start + 1, len(text)))))
    scores = draw(st.none() | st.lists(st.floats(0, 1), min_size=len(spans), max_size=len(spans)))
    return Document(text, tuple(spans), scores=None if scores is None else tuple(scores))


@st.composite
def plain_documents(draw: st.DrawFn) -> Document:
    """Words in sentences, with spans of whole words that do not overlap: what all can hold."""
    text, spans = "", []
    for _ in range(draw(st.integers(1, 5))):
        start = len(text)
        text += " ".join(draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3)))
        if draw(st.booleans()):
            name = draw(st.sampled_from(["time", "place_name", "person"]))
            spans.append(Span(name, start, len(text)))
        text += draw(st.sampled_from([" ", ", ", "  "]))
    return Document(text.rstrip(), tuple(spans))


def there_and_back(name: str, documents: list[Document], folder: Path) -> list[Document]:
    path = folder / "file"
    FORMATS[name].write(documents, path)
    return read_from(name, path)


def read_from(
    name: str, path: Path, report: Callable[[str], object] = pytest.fail, **wishes: object
) -> list[Document]:
    reading = Reading(report, **wishes)
    documents = FORMATS[name].read(path, reading)
    reading.tell(path.name)
    return documents


def kept(name: str, document: Document) -> Document:
    """What of a document a format can hold: words that nobody fixed are not looked at."""
    scores = document.scores if FORMATS[name].keeps_scores else None
    return replace(document, words=None, scores=scores)


def read(
    name: str, content: object, folder: Path, report=pytest.fail, **wishes: object
) -> list[Document]:
    """Read a file with these bytes, this text or this JSON."""
    text = content if isinstance(content, bytes | str) else json.dumps(content)
    path = folder / "file"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_from(name, path, report, **wishes)


def lines(*rows: object) -> str:
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)


def sample(rows: int, locale: str = "en-US") -> list[Document]:
    return list(documents_of(load_corpus(locale, f"train[:{rows}]")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("formats")


class TestThereAndBack:
    @pytest.mark.parametrize("name", WRITABLE)
    @settings(max_examples=60)
    @given(documents=st.lists(any_documents(), min_size=1, max_size=3))
    @example(documents=[Document("nine "), Document("  nine\\s\t am\n")])
    @example(documents=[Document("\ufeffnine")])
    @example(documents=[Document("-DOCSTART- -X-"), Document("# text = a"), Document("#")])
    @example(documents=[Document("a\x85b\u2028c\u00a0d \x1ce", (Span("x", 0, 1),))])
    def test_any_document_comes_back_exactly_or_is_refused(self, name, documents, folder):
        path = folder / "file"
        path.unlink(missing_ok=True)
        try:
            back = there_and_back(name, documents, folder)
        except ExchangeError as error:
            assert re.match("row [123]: .", str(error))  # noqa: PT017
            assert not list(folder.glob("*file*"))
        else:
            assert [kept(name, one) for one in back] == [kept(name, one) for one in documents]

    @pytest.mark.parametrize("name", WRITABLE)
    @settings(max_examples=40)
    @given(documents=st.lists(plain_documents(), min_size=1, max_size=4))
    @example(documents=[Document("1 2 3", (Span("x", 0, 1),))])  # words that are numbers
    def test_what_all_can_hold_is_refused_by_none(self, name, documents, folder):
        back = there_and_back(name, documents, folder)
        assert [kept(name, one) for one in back] == documents

    @pytest.mark.parametrize("name", ["conll", "prodigy", "spacy", "parquet"])
    @settings(max_examples=30)
    @given(document=plain_documents())
    def test_words_stay_as_they_were_fixed(self, name, document, folder):
        places = [place for place, letter in enumerate(document.text) if not letter.isspace()]
        letters = (Word(document.text[place], place, place + 1) for place in places)
        fixed = replace(document, words=tuple(letters))
        assert there_and_back(name, [fixed], folder) == [fixed]

    def test_the_sample_goes_from_tool_to_tool(self, folder):
        FORMATS["brackets"].write(sample(60) + sample(60, "ru-RU"), folder / "brackets")
        tools = ["brackets", "conll", "label-studio", "spacy", "prodigy", "parquet", "back"]
        for name, other in itertools.pairwise(tools):
            to = other.replace("back", "brackets")
            convert(folder / name, folder / other, name, to, Reading(pytest.fail))
        assert (folder / "back").read_bytes() == (folder / "brackets").read_bytes()


REFUSED = {
    "overlap": ("at nine am", [("a", 3, 7), ("b", 5, 10)], {"brackets", "conll", "spacy"}),
    "nested": ("at nine am", [("a", 3, 10), ("b", 3, 7)], {"brackets", "conll", "spacy"}),
    "bracket in the text": ("at [9]", [], {"brackets"}),
    "line end": ("at\nnine", [], {"brackets"}),
    "space at an end": (" at nine", [], {"brackets"}),
    "carriage return": ("at\rnine", [], {"brackets"}),
    "no text": ("", [], {"brackets", "conll"}),
    "type of two words": ("at nine", [("a b", 3, 7)], {"brackets", "conll"}),
    "space alone": ("at  nine", [("a", 2, 4)], {"brackets", "conll"}),
    "space at a span's end": ("at nine am", [("a", 3, 8)], {"conll", "prodigy", "spacy"}),
}


@pytest.mark.parametrize(("text", "spans", "formats"), REFUSED.values(), ids=REFUSED)
def test_what_a_format_cannot_hold_names_the_row(text, spans, formats, tmp_path):
    document = Document(text, tuple(Span(*span) for span in spans))
    for name in formats:
        with pytest.raises(ExchangeError, match=r"^row 2: ."):
            FORMATS[name].write([Document("fine"), document], tmp_path / "file")
        assert not list(tmp_path.iterdir())


class TestDocument:
    def test_spans_and_scores_are_put_in_order_together(self):
        document = Document("at nine am", (Span("b", 8, 10), Span("a", 3, 7)), scores=(0.1, 0.9))
        assert document.spans == (Span("a", 3, 7), Span("b", 8, 10))
        assert document.scores == (0.9, 0.1)

    @pytest.mark.parametrize(
        ("text", "span", "message"),
        [
            ("at", Span("a", 0, 3), "'a' at 0 to 3"),
            ("at", Span("a", 1, 1), "'a' at 1 to 1"),
            ("at", Span("a", -1, 1), "'a' at -1 to 1"),
            ("at", Span(" ", 0, 1), "' '"),
            ("a\ud83d", Span("a", 0, 1), "character 1"),
        ],
    )
    def test_spans_outside_of_the_text(self, text, span, message):
        with pytest.raises(ExchangeError, match=message):
            Document(text, (span,))

    @pytest.mark.parametrize(
        "words", [[("at", 0), ("at", 0)], [("x", 0)], [("", 1)], [("nine", 3), ("at", 0)]]
    )
    def test_words_that_are_not_at_their_places(self, words):
        placed = tuple(Word(text, start, start + len(text)) for text, start in words)
        with pytest.raises(ExchangeError, match=repr(words[-1][0])):
            Document("at nine", words=placed)

    @pytest.mark.parametrize("write", [conll_sentence, to_doc])
    def test_text_that_is_in_no_word(self, write):
        with pytest.raises(ExchangeError, match="its words"):
            write(Document("at nine", words=(Word("at", 0, 2),)))

    def test_words_of_a_corpus_are_those_of_training(self):
        for row in load_corpus("en-US", "train[:50]"):
            (document,) = documents_of([row])
            words = Parser().parse(row["annot_utt"]).words
            assert words_of(document) == words_of(replace(document, words=None)) == words


VERA = "Vera in Oslo", [("PER", "Vera"), ("LOC", "Oslo")]
# A file, its texts and marks, and how many remarks are made about it.
COLUMNS = {
    "GermEval: a number, outer and nested entities": (
        "#\thttp://x\t[2009-10-17]\n1\tVera\tB-PER\tO\n2\tin\tO\tO\n3\tOslo\tB-ORG\tB-LOC\n",
        [("Vera in Oslo", [("PER", "Vera"), ("ORG", "Oslo")])],
        2,
    ),
    "UNER: comments, a number, the annotator": (
        "# newdoc\n# text = Vera in Oslo\n1\tVera\tB-PER\t-\tw\n2\tin\tO\t-\tw\n"
        "3\tOslo\tB-LOC\t-\tw\n",
        [VERA],
        1,
    ),
    "CoNLL-U: joined words, words left out, a tag with a name": (
        "1\tVera\tname=B-PER\n2-3\timo\t_\n2\ti\tname=O\n3\to\tname=O|SpaceAfter=No\n3.1\tx\t_\n",
        [("Vera i o", [("PER", "Vera")])],
        2,
    ),
    "MultiCoNER: a comment with a tab": (
        "# id 123\tdomain=en\nVera _ _ B-PER\nin _ _ O\nOslo _ _ B-LOC\n",
        [VERA],
        0,
    ),
    "HIPE: heads of columns, comments, several columns of tags": (
        "TOKEN\tNE-COARSE\tNE-FINE\tMISC\n# hipe2022:lang = en\nVera\tB-PER\tB-PER.ind\t_\n"
        "in\tO\tO\t_\n# a page ends\nOslo\tB-LOC\tB-LOC.town\t_\n",
        [VERA],
        2,
    ),
    "CoNLL-2003: chunks are no entities": (
        "Vera NNP B-NP B-PER\nin IN B-PP O\nOslo NNP B-NP B-LOC\n",
        [VERA],
        0,
    ),
    "a hash at the start of a word": (
        "#ner\tO\n#\tO\n#Oslo\tB-LOC\n",
        [("#ner # #Oslo", [("LOC", "#Oslo")])],
        0,
    ),
    "a word of two in a file with tabs": (
        "New York\tB-LOC\nis\tO\t\nold\tO\n",
        [("New York is old", [("LOC", "New York")])],
        0,
    ),
    "no-break space in a word": ("10\u00a0000 O\n€ O\n", [("10\u00a0000 €", [])], 0),
    "a column of no entities": ("Vera O B-PER\nin O O\nOslo O B-LOC\n", [VERA], 0),
}


class TestConll:
    @pytest.mark.parametrize(
        ("tags", "line", "between"),
        [
            ("I-PER I-PER B-PER O I-LOC", "{} NNP I-NP {}\n", "\n"),  # IOB1, as in CoNLL-2003
            ("B-PER I-PER B-PER O B-LOC", "{}\t{}\n", "\n\n# id = 1\n"),  # IOB2
            ("B-PER E-PER S-PER O S-LOC", "{} {}\r\n", " \r\n"),  # BIOES
            ("B-PER L-PER U-PER O U-LOC", "{} {}\n", "\t\n"),  # BILOU
        ],
    )
    def test_all_schemes_say_the_same(self, tags, line, between, tmp_path):
        words = "John Smith Ann in Oslo"
        sentence = "".join(map(line.format, words.split(), tags.split()))
        text = "\ufeff-DOCSTART- -X- O\n\n" + sentence + between + line.format("Hi", "O")
        first, second = read("conll", text, tmp_path)
        assert first.text == words
        assert first.marked == [("PER", "John Smith"), ("PER", "Ann"), ("LOC", "Oslo")]
        assert (second.text, second.spans) == ("Hi", ())

    def test_where_nothing_is_an_entity_chunks_are_none(self, tmp_path):
        text = "EU NNP I-NP O\nrejects VBZ I-VP O\n"
        assert read("conll", text, tmp_path)[0].spans == ()

    def test_hipe_says_where_no_blank_follows(self, tmp_path):
        text = "New\tB-loc\tNoSpaceAfter\n-\tI-loc\tNoSpaceAfter|x=y\nYork\tI-loc\t_\n"
        assert read("conll", text, tmp_path)[0].text == "New-York"

    @given(tags=st.lists(st.sampled_from(["O", *(f"{k}-{n}" for k in "BIES" for n in "XY")])))
    def test_entities_are_those_of_seqeval(self, tags):
        ours = [(name, first, end - 1) for name, first, end in spans_of_tags(tags)]
        assert ours == get_entities(tags)

    @pytest.mark.parametrize(("content", "found", "told"), COLUMNS.values(), ids=COLUMNS)
    def test_relatives_of_conll(self, content, found, told, tmp_path):
        heard: list[str] = []
        documents = read("conll", content, tmp_path, heard.append)
        assert [(one.text, one.marked) for one in documents] == found
        assert len(heard) == told, heard

    def test_the_reader_chooses_the_columns(self, tmp_path):
        content = COLUMNS["GermEval: a number, outer and nested entities"][0]
        (document,) = read("conll", content, tmp_path, columns=(2, 4))
        assert document.marked == [("LOC", "Oslo")]
        with pytest.raises(ExchangeError, match="--columns 2,5"):
            read("conll", content, tmp_path, columns=(2, 5))

    def test_words_with_blanks_need_tabs(self, tmp_path):
        words = (Word("New York", 0, 8), Word("#", 9, 10), Word("a\u00a0b", 11, 14))
        document = Document("New York # a\u00a0b", (Span("LOC", 0, 8),), words)
        FORMATS["conll"].write([document], tmp_path / "a.tsv")
        assert read_from("conll", tmp_path / "a.tsv") == [document]
        with pytest.raises(ExchangeError, match=r"'New York'.*\.tsv"):
            FORMATS["conll"].write([document], tmp_path / "a.conll")

    def test_spacy_reads_what_is_written(self, tmp_path):
        documents = sample(40)
        FORMATS["conll"].write(documents, tmp_path / "file")
        docs = conll_ner_to_docs((tmp_path / "file").read_text(), no_print=True)
        found = [(e.label_, "".join(e.text.split())) for doc in docs for e in doc.ents]
        marked = [one for document in documents for one in document.marked]
        assert found == [(name, "".join(text.split())) for name, text in marked]
        assert len(found) > 20


class TestSpacy:
    def test_an_empty_doc_is_a_document(self):
        assert from_doc(to_doc(Document(""))) == Document("", words=())

    def test_groups_of_spans(self):
        doc = spacy.blank("en")("in New York City")
        doc.spans["sc"] = [doc.char_span(3, 11, "place"), doc.char_span(3, 16, "city")]
        assert from_doc(doc).marked == [("place", "New York"), ("city", "New York City")]
        doc.spans["other"] = [doc.char_span(0, 2, "in")]
        with pytest.raises(ExchangeError, match="--spans-key sc or other"):
            from_doc(doc)
        assert from_doc(doc, "other").marked == [("in", "in")]
        with pytest.raises(ExchangeError, match="--spans-key x: there are sc, other"):
            from_doc(doc, "x")

    def test_documents_that_nobody_has_annotated_are_left_out(self, tmp_path):
        docs, told = [spacy.blank("en")(text) for text in ("at nine", "hello", "hi")], list[str]()
        docs[0].ents = [docs[0].char_span(3, 7, "time")]
        docs[0].spans["sc"] = [docs[0].char_span(0, 2, "x")]
        docs[1].ents = []
        DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "file")
        documents = read_from("spacy", tmp_path / "file", told.append)
        assert [document.marked for document in documents] == [[("time", "nine")], []]
        assert [line[:10] for line in told] == ["file: 1 do"] * 2

    def test_files_are_those_of_spacy(self, tmp_path):
        documents = sample(20, "ru-RU")
        FORMATS["spacy"].write(documents, tmp_path / "a.spacy")
        docs = list(DocBin().from_disk(tmp_path / "a.spacy").get_docs(spacy.vocab.Vocab()))
        assert [[(e.label_, e.text) for e in d.ents] for d in docs] == [d.marked for d in documents]

    def test_a_bomb_is_not_unpacked(self, tmp_path, monkeypatch):
        monkeypatch.setattr("nerlib.tools.exchange.spacy_docs.LARGEST", 2**20)
        with pytest.raises(ExchangeError, match="more than 1 MiB"):
            read("spacy", zlib.compress(b"0" * 2**21), tmp_path)


def region(start: object, end: object, *labels: str, text: str | None = None, **more: object):
    value = {"start": start, "end": end, "labels": list(labels)}
    value |= {} if text is None else {"text": text}
    return {"type": "labels", "from_name": "l", "to_name": "t", "value": value, **more}


def task(text: str, *annotations: list, **more: object) -> dict:
    return {"data": {"text": text}, "annotations": [{"result": a} for a in annotations], **more}


class TestLabelStudio:
    def test_an_export_as_the_tool_writes_it(self, tmp_path):
        result = region(3, 7, "time", text="nine", id="x", origin="manual")
        predictions = [{"result": [region(0, 2, "date")], "score": 0.5}]
        export = task("at nine", [result], id=7, predictions=predictions)
        (document,) = read("label-studio", [export], tmp_path)
        assert document == Document("at nine", (Span("time", 3, 7),))  # not the prediction

    def test_predictions_keep_their_scores(self, tmp_path):
        found = Document("at nine am", (Span("time", 3, 10),), scores=(0.75,))
        nothing = Document("hello", scores=())
        assert there_and_back("label-studio", [found, nothing], tmp_path) == [found, nothing]
        first, second = json.loads((tmp_path / "file").read_text())
        assert first["predictions"][0]["score"] == 0.75
        assert "annotations" not in first
        assert second["predictions"][0]["result"] == []

    def test_what_is_left_out_is_told(self, tmp_path):
        told = []
        skipped = {"data": {"text": "b"}, "annotations": [{"result": [], "was_cancelled": True}]}
        choice = {"type": "choices", "value": {"choices": ["yes"]}}
        marked = task("at nine", [region(3, 7, "time"), choice])
        (document,) = read("label-studio", [skipped, marked, task("c")], tmp_path, told.append)
        assert document.marked == [("time", "nine")]
        assert sorted(line.split(" (")[0] for line in told) == [
            "file: 1 cancelled tasks are left out",
            "file: 1 results that mark no span",
            "file: 1 tasks without an annotation are left out",
        ]

    def test_predictions_that_are_numbers_or_have_no_score(self, tmp_path):
        bare = {"data": {"text": "b"}, "predictions": [{"result": [region(0, 1, "x")]}]}
        listed, told = {"data": {"text": "a"}, "predictions": [512]}, list[str]()
        read("label-studio", [listed, bare, task("c", [])], tmp_path, told.append)
        assert [line[:15] for line in told] == ["file: 1 tasks w"] * 2

    def test_the_small_export(self, tmp_path):
        label = [{"start": 0, "end": 1_000, "text": "x" * 1_000, "labels": ["long"]}]
        flat = {"id": 1, "said": "x" * 1_001, "label": label, "created_at": "today"}
        nothing = {"id": 2, "said": "y", "annotation_id": 7}
        first, second = read("label-studio", [flat, nothing], tmp_path)
        assert (first.marked, second.marked) == ([("long", "x" * 1_000)], [])
        with pytest.raises(ExchangeError, match="--text-field: said, title"):
            read("label-studio", [{**flat, "title": "z"}], tmp_path)
        (third,) = read("label-studio", [{**flat, "title": "z"}], tmp_path, text_field="said")
        assert third == first
        told: list[str] = []
        assert not read("label-studio", [{"text": "to be annotated"}], tmp_path, told.append)
        assert told == ["file: 1 tasks without an annotation are left out"]
        rated = {**flat, "rating": [{"start": 0, "end": 1, "choices": ["good"]}]}
        assert read("label-studio", [rated], tmp_path, told.append) == [first]
        assert "1 results that mark no span" in told[1]

    def test_annotators_who_agree_or_whom_somebody_approved(self, tmp_path):
        one, other = [region(3, 7, "time")], [region(3, 7, "date")]
        assert len(read("label-studio", [task("at nine", one, one)], tmp_path)) == 1
        approved = task("at nine", one, other)
        approved["annotations"][1]["ground_truth"] = True
        assert read("label-studio", [approved], tmp_path)[0].marked == [("date", "nine")]
        with pytest.raises(ExchangeError, match="task 1: its 2 annotations"):
            read("label-studio", [task("at nine", one, other)], tmp_path)
        guesses = [{"result": [{**r, "score": 0.5}]} for r in (*one, *other)]
        with pytest.raises(ExchangeError, match="its 2 predictions"):
            read("label-studio", [task("at nine") | {"predictions": guesses}], tmp_path)

    def test_a_score_that_json_lacks(self, tmp_path):
        document = Document("a", (Span("x", 0, 1),), scores=(float("nan"),))
        with pytest.raises(ExchangeError, match="row 1: a score is not finite"):
            there_and_back("label-studio", [document], tmp_path)


class TestProdigy:
    def test_tokens_and_spans_fit_together(self):
        made = prodigy_task(Document("wake me at nine am, please", (Span("time", 11, 18),)))
        (span,), tokens = made["spans"], made["tokens"]
        covered = tokens[span["token_start"] : span["token_end"] + 1]
        assert [token["text"] for token in covered] == ["nine", "am"]
        assert "".join(token["text"] + " " * token["ws"] for token in tokens) == made["text"]

    @given(document=plain_documents(), space=st.sampled_from([" ", "  ", "\t", "\n", "\u00a0"]))
    def test_tokens_are_those_of_spacy_and_give_the_text_back(self, document, space):
        text = space + document.text.replace("  ", space + " " + space) + space
        made = prodigy_task(Document(text))["tokens"]
        assert "".join(token["text"] + " " * token["ws"] for token in made) == text
        words = [word.text for word in words_of(Document(text))]
        cut, blanks = spacy.util.get_words_and_spaces(words, text)
        assert [(t["text"], t["ws"]) for t in made] == list(zip(cut, blanks, strict=True))

    def test_what_was_rejected_is_left_out(self, tmp_path):
        told, spans = list[str](), [{"start": 0, "end": 2, "label": "x", "answer": "reject"}]
        spans.append({"start": 3, "end": 7, "label": "time"})
        answers = ("accept", "reject", "ignore")
        rows = [{"text": "at nine", "spans": spans, "answer": answer} for answer in answers]
        (document,) = read("prodigy", lines(*rows, ""), tmp_path, told.append)
        assert document.marked == [("time", "nine")]
        assert sorted(line[:8] for line in told) == ["file: 1 ", "file: 2 "]

    def test_a_corrected_suggestion_is_a_person_s(self, tmp_path):
        spans = [{"start": 0, "end": 1, "label": "x", "score": 0.5}]
        suggestion = {"text": "a", "spans": spans}
        rows = lines({**suggestion, "answer": "accept"}, suggestion)
        corrected, suggested = read("prodigy", rows, tmp_path)
        assert (corrected.scores, suggested.scores) == (None, (0.5,))


LABEL = {"text": "at nine", "label": [[3, 7, "time"]]}
SUGGESTION = {"start": 3, "end": 7, "type": "time", "text": "nine", "score": 0.5}
RELATED = {"id": 1, "label": "time", "start_offset": 3, "end_offset": 7}
UNREADABLE = {
    "conll": [
        (b"John B-PER\nSmith\n", "line 2: 'Smith'"),
        (b"a O\n\nb PERSON\n", "line 3: the tag 'PERSON'"),
        (b"a X-PER\n", "line 1: the tag 'X-PER'"),
        (b"a B-\n", "line 1: the tag 'B-'"),
        (b"\n\n-DOCSTART- O\n", "^file holds no sentence"),
        (b"# a\n\n# b c\n", "^file holds no sentence"),
        (b"Vera\tNN\tO\n\tNN\tB-PER\nfixes\tVB\tO\n", "line 2: the cell of the word"),
        (b"Vera NN O\n NN B-PER\nfixes VB O\n", "line 2: ' NN B-PER' has 2 col"),
        (b"Vera\tNN\tO\nfixes\tO\n", "line 2: .* 2 columns"),
        (b"Vera NN O\nfixes\tO\n\nme O\n", "line 2: .* 2 columns .*and 1 more: 4"),
        (b"Vera O\rfixes O\r", "line 1: .* CR"),
        (b"1\tVera\tO\n3\tfixes\tO\n", "1 3.*--columns"),
        (b"a O\ncaf\xe9 O\n", "line 2: byte 3"),
    ],
    "brackets": [
        (b"at [time : nine]\rat ten\r", "line 1, character 16: .* CR"),
    ],
    "spacy": [
        *((content, "^file is not") for content in (b"", b"text")),
        *((zlib.compress(content), "^file is not") for content in (b"\x93", b"x")),
    ],
    "parquet": [(b"PAR1 no", "^file is not")],
    "label-studio": [
        *((c, "^file: not JSON") for c in (b"", b"{", b"[" * 100_000, b"\xff\xfe", b'["caf\xe9"]')),
        ([task("at nine", [region(3, 99, "time")])], "^file, task 1: 'time' at 3 to 99"),
        ([task("at nine", [region(3.0, 7, "time")])], "start of a span .* not float"),
        ([task("at nine", [region(True, 7, "time")])], "start of a span .* not bool"),
        ([task("at nine", [region(3, 7)])], "one label"),
        ([task("at nine", [region(3, 7, "a", "b")])], "one label"),
        ([task("at", [region(0, 2, "a", text="no")])], "'a' at 0 to 2 is not 'no'"),
        ([task("at \ud83d", [])], "character 3"),
        ([{"data": {"a": "x", "b": "y"}}], "which field .* --text-field: of data, a, b"),
        ([{"data": "at nine"}], "data must .* not str"),
        ([task("a", [{"type": "hypertextlabels", "value": {}}])], "hypertextlabels"),
        ([{"data": {"text": "a"}, "predictions": 7}], "predictions must .* not int"),
        ({"data": {"text": "a"}, "annotations": {}}, "annotations must .* not dict"),
        ([7], "not int"),
        ('"text"', "not str"),
    ],
    "prodigy": [
        (b"\n \n", "^file holds no row"),
        ({"text": "a", "label": "x"}, "no row has spans .* text, label"),
        (lines({"text": "fine", "spans": []}, {"text": 7}), "^file, line 2: text .* not int"),
        (lines({"text": "fine"}, "[1]"), "line 2: .* not list"),
        ({"spans": []}, "line 1: which field holds the text"),
        ({"text": "a", "spans": [], "answer": "maybe"}, "line 1: .*'maybe'"),
        ({"text": "a", "spans": [{"start": 0, "end": 1}]}, "line 1: the type"),
        (
            {"text": "a", "spans": [], "tokens": [{"text": "b", "start": 0, "end": 1}]},
            "line 1: the word 'b'",
        ),
        ({"text": "a", "spans": [{"start": 0, "end": 5, "label": "x"}]}, "line 1: 'x'"),
        ('{"text": "a"', "line 1: not JSON"),
        ('{"text": "a", "n": ' + "9" * 9000 + ', "spans": 1}', "spans .* not int"),
    ],
    "doccano": [
        ({"text": "a", "tags": []}, "no row has spans .* text, tags"),
        (lines({"id": 1}, {"utt": "at nine"}), "the fields are id, utt"),
        ({"text": "at nine", "entities": [SUGGESTION, RELATED]}, "line 1: some spans"),
        ({"text": "a", "label": [[0, 1]]}, r"a mark that is not \[start"),
        ({"text": "a", "label": [[0, 1.0, "x"]]}, "end of a span .* not float"),
        ({"text": "a", "label": [[0, 2, "x"]]}, "line 1: 'x' at 0 to 2"),
    ],
    "tag": [
        ({"text": "a", "entities": [{"type": "x", "start": 0, "end": 1, "score": s}]}, "finite")
        for s in (None, "1", float("nan"))
    ],
}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [(name, *case) for name, cases in UNREADABLE.items() for case in cases],
)
def test_what_cannot_be_read_names_the_place(name, content, message, tmp_path):
    with pytest.raises((ExchangeError, OwnDataError), match=message):
        read(name, content, tmp_path)


# Rows of JSON files that a person has marked, or a model.
SPAN_ROWS = [
    [LABEL],
    [{"text": "at nine", "labels": [[3, 7, "time"]]}],
    [{"text": "at nine", "entities": [[3, 7, "time"]]}],
    [{"text": "at nine", "entities": [RELATED], "relations": []}],
    [{"text": "at nine", "label": "question", "entities": [SUGGESTION]}],
    [{"text": "hello", "entities": []}, {"text": "at nine", "entities": [SUGGESTION]}],
    [{"text": "hello"}, {"text": "at nine", "spans": [{**SUGGESTION, "label": "time"}]}],
]
TASKS = [json.dumps([{"data": {"text": "at nine"}}])], ["{", '"data": {"text": "at nine"}}']


class TestJson:
    @pytest.mark.parametrize("rows", SPAN_ROWS)
    @pytest.mark.parametrize("suffix", [".json", ".jsonl"])
    def test_rows_of_any_program_are_read(self, rows, suffix, tmp_path):
        path = tmp_path / f"file{suffix}"
        path.write_text(lines(*rows))
        (*_, last) = read_from(json_format(path), path)
        assert last.marked == [("time", "nine")]
        assert last.scores == ((0.5,) if "score" in str(rows) else None)

    @pytest.mark.parametrize("rows", SPAN_ROWS)
    def test_so_are_those_of_a_list(self, rows, tmp_path):
        content = [json.loads(row) if isinstance(row, str) else row for row in rows]
        (*_, last) = read("label-studio", content, tmp_path, lambda line: None)
        assert last.marked == [("time", "nine")]

    def test_a_list_that_is_empty_hides_no_other(self, tmp_path):
        row = {"text": "at nine", "spans": [], "entities": [[3, 7, "time"]]}
        (one,) = read("prodigy", row, tmp_path)
        assert (one.marked, one.scores) == ([("time", "nine")], None)

    @pytest.mark.parametrize("rows", TASKS)
    def test_tasks_are_known_by_how_they_begin(self, rows, tmp_path):
        (tmp_path / "file.json").write_text(lines(*rows))
        assert json_format(tmp_path / "file.json") == "label-studio"

    @pytest.mark.parametrize(
        ("text", "start", "end"),
        [
            ("😀 wake me on friday", 14, 20),  # in UTF-16 units
            ("wake me\r\non friday", 11, 17),  # without carriage returns
            ("é wake me on friday", 14, 20),  # in bytes of UTF-8
        ],
    )
    def test_other_ways_to_count_are_put_right(self, text, start, end, tmp_path):
        told: list[str] = []
        (one,) = read(
            "label-studio",
            [task(text, [region(start, end, "d", text="friday")])],
            tmp_path,
            told.append,
        )
        spans = [{"start": start, "end": end, "label": "d", "text": "friday"}]
        (other,) = read("prodigy", {"text": text, "spans": spans}, tmp_path, told.append)
        assert one.marked == other.marked == [("d", "friday")]
        assert [line[:14] for line in told] == ["file: 1 texts "] * 2

    def test_what_fits_in_no_way_is_refused(self, tmp_path):
        alike = r"'cafe\\u0301' but 'caf\\xe9'"
        for text, quote, said in (
            ("😀 on friday", "sunday", "'sunday'"),
            ("caf\u00e9", "cafe\u0301", alike),
        ):
            spans = [{"start": 0, "end": 4, "label": "d", "text": quote}]
            with pytest.raises(ExchangeError, match=f"line 1: .* not {said}"):
                read("prodigy", {"text": text, "spans": spans}, tmp_path)


class TestDatasets:
    def test_tags_have_their_names_in_parquet_too(self, tmp_path):
        documents, path = sample(40), tmp_path / "a.parquet"
        FORMATS["parquet"].write(documents, path)
        data = Dataset.from_parquet(str(path), cache_dir=str(tmp_path / "cache"))
        for row, source in zip(data, load_corpus("en-US", "train[:40]"), strict=True):
            names = data.features["tags"].feature.int2str(row["tags"])
            assert names == Parser()(source["utt"], source["annot_utt"])
        assert from_dataset(data) == documents

    def test_other_columns(self):
        with pytest.raises(ExchangeError, match="row 1: not the columns"):
            from_dataset([{"text": "a"}])


class TestCommand:
    @pytest.fixture
    def in_folder(self, tmp_path, monkeypatch) -> Path:
        """Work in a folder with a few files."""
        monkeypatch.chdir(tmp_path)
        scored = Document("at nine", (Span("time", 3, 7),), scores=(0.5,))
        write = FORMATS["label-studio"].write
        write([scored], tmp_path / "scored.json")
        write([Document("fine"), Document("see [1]")], tmp_path / "brackets.json")
        Path("a.txt").write_text("at [time : nine]\n")
        return tmp_path

    def test_from_label_studio_to_a_trained_model(self, tmp_path, says):
        tasks, own, output = (tmp_path / name for name in ("tasks.json", "own.txt", "build"))
        FORMATS["label-studio"].write(sample(60), tasks)
        assert "60 texts with" in says("convert", tasks, own)
        source = load_corpus("en-US", "train[:60]")
        assert corpus_from_lines(own.read_text())["annot_utt"][:] == source["annot_utt"][:]
        says("train", "--own", own, "--epochs", 1, "--output", output)

        # And back: what the model finds is where annotating goes on.
        texts, found, target = (tmp_path / name for name in ("texts.txt", "found.jsonl", "p.json"))
        texts.write_text("wake me at nine am\n", encoding="utf-8")
        found.write_text(says("tag", texts, "--model", output / "model"), encoding="utf-8")
        says("convert", found, target)
        (document,) = read_from("label-studio", target, pytest.fail)
        entities = json.loads(found.read_text())["entities"]
        assert document.marked == [(entity["type"], entity["text"]) for entity in entities]
        assert document.scores == tuple(entity["score"] for entity in entities)

    @pytest.mark.parametrize(
        ("names", "message"),
        [
            (["a.txt", "b.xyz"], "which format is b.xyz"),
            (["a.txt", "b.conll", "--from", "x"], "--from x"),
            (["a.txt", "a.txt"], "a.txt is there already"),
            (["a.txt", "a.txt", "--overwrite"], "a.txt is a folder"),
            (["a.txt", "brackets.json"], "brackets.json is there already"),
            (["brackets.json", "b.txt", "--text-field", "x"], "--text-field: of data, text"),
            (["a.txt", "b.jsonl", "--to", "tag"], "tag is a format"),
            (["missing.json", "b.txt"], "missing.json"),
            (["a.txt", "b.txt", "--from", "conll"], "a.txt, line 1: the tag 'nine]'"),
            (["brackets.json", "b.txt"], "row 2: "),
        ],
    )
    def test_mistakes_are_one_line_and_change_no_file(self, names, message, in_folder, says):
        before = files(in_folder)
        assert message in says("convert", *names, status=2)
        assert files(in_folder) == before

    @pytest.mark.parametrize(
        ("content", "line"),
        [("I O\nYork B-loc\nextra\n\nbye O\n", 3), ("I O\nYork b-loc\n\nbye O\n", 2)],
    )
    def test_a_table_with_a_broken_row_is_a_table(self, content, line, in_folder, says):
        Path("t.txt").write_text(content)
        assert f"t.txt, line {line}: " in says("convert", "t.txt", "o.txt", status=2)

    def test_a_file_without_a_suffix_is_known_by_what_it_holds(self, in_folder, says):
        for name in ("scored.json", "a.txt"):
            Path(name).rename(Path(name).stem)
        says("validate", "a")
        says("convert", "scored", "b.txt", "--predictions")
        assert Path("b.txt").read_text() == "at [time : nine]\n"
        Path("a").rename("a.md")
        assert "python -m nerlib convert a.md" in says("validate", "a.md", status=2)

    def test_columns_are_chosen_and_repeats_are_told(self, in_folder, capsys):
        Path("c.conll").write_text("B-x 1 O\n\nB-x 1 B-y\n")
        assert cli.main(["convert", "c.conll", "d.txt", "--columns", "2,1"]) == 0
        assert Path("d.txt").read_text() == "[x : 1]\n[x : 1]\n"
        assert "same marks, as '1'" in capsys.readouterr().err
        assert cli.main(["convert", "c.conll", "d.txt", "--columns", "2,3", "--overwrite"]) == 0
        assert "other marks, as '1'" in capsys.readouterr().err

    def test_columns_are_two_numbers(self, in_folder, capsys):
        for wrong in ("2", "2,x", "1,2,3"):
            with pytest.raises(SystemExit):
                cli.main(["convert", "a.txt", "b.txt", "--columns", wrong])
            assert "two numbers" in capsys.readouterr().err

    def test_what_only_a_model_has_marked_is_left_out(self, in_folder, capsys):
        found = [{"text": "at ten", "entities": [SUGGESTION | {"text": "ten", "end": 6}]}]
        Path("found.jsonl").write_text(lines(*found))
        for source in ("scored.json", "found.jsonl"):
            assert cli.main(["convert", source, "b.txt"]) == 2
            assert "1 texts that only a model" in capsys.readouterr().err
            assert not Path("b.txt").exists()
        mixed = [
            task("at nine", [region(3, 7, "time")]),
            *json.loads(Path("scored.json").read_text()),
        ]
        Path("mixed.json").write_text(json.dumps(mixed))
        for more, expected in (([], 1), (["--predictions"], 2)):
            assert cli.main(["convert", "mixed.json", "b.txt", "--overwrite", *more]) == 0
            assert Path("b.txt").read_text() == "at [time : nine]\n" * expected
        assert "brackets keeps no" in capsys.readouterr().err
        assert cli.main(["convert", "mixed.json", "b.jsonl"]) == 0  # where scores have a place
        assert len(Path("b.jsonl").read_text().splitlines()) == 2
        Path("doccano.jsonl").write_text(lines({"text": "so", "entities": [], "relations": []}))
        assert cli.main(["convert", "doccano.jsonl", "c.txt"]) == 0  # where a person found none
        assert Path("c.txt").read_text() == "so\n"

    def test_without_spacy_the_others_work(self, in_folder, monkeypatch, says):
        monkeypatch.setitem(extras.EXTRAS, "exchange", ("a_package_that_nobody_has",))
        assert 'pip install "nerlib[exchange]"' in says("convert", "a.txt", "a.spacy", status=2)
        says("convert", "a.txt", "a.conll")


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
KEYS = "text data annotations predictions result value labels type start end spans tokens label"
NAMES = st.sampled_from(
    f"{KEYS} answer entities score start_offset was_cancelled ground_truth".split()
)
JSON = st.recursive(
    LEAVES | st.sampled_from(["labels", "accept", "at nine"]),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(NAMES, inside, max_size=5),
    max_leaves=20,
)


BYTES = st.binary(max_size=40) | st.text(max_size=40).map(str.encode)


@pytest.mark.parametrize(
    ("name", "contents"),
    [(name, BYTES) for name in FORMATS if name != "brackets"]
    + [(name, JSON) for name in ("label-studio", "prodigy", "doccano", "tag")],
)
@settings(max_examples=100)
@given(data=st.data())
def test_anything_is_read_or_refused(name, contents, data, folder):
    try:
        documents = read(name, data.draw(contents), folder, report=lambda _: None)
    except ExchangeError as error:
        assert str(error).startswith("file")  # noqa: PT017
    else:
        assert all(isinstance(document, Document) for document in documents)
