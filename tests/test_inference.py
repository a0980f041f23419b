"""Text in, entities out: offsets, odd texts, streams, long texts in windows, loading errors."""

import itertools
from collections import deque
from functools import cache
from weakref import WeakSet

import pandas
import pytest
import torch
from fuzz_targets import check_entities
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tiny_encoders import (
    FAMILIES,
    MAX_SUBWORDS,
    SENTENCES,
    encoder_folder,
    new_model,
    special_tokens,
    tokenizer_of,
)

from nerlib import Tagger, TagSet, load_tokenizer, ner_inference
from nerlib.decoding import best_tags
from nerlib.subwords import (
    ENOUGH,
    SUBWORDS_A_WINDOW,
    Window,
    plan_windows,
    special_subwords,
    windows_by_length,
)

SPACES = [" ", "\n", "\t", "\u00a0", "\u200b", "\u00ad", "\u202e", "\ufeff", "\x00"]
RARE = ["👩‍👩‍👧", "🏳️‍🌈", "e\u0301", "שלום", "مرحبا", "東京", "İ", "ß", "[SEP]", "<s>"]
PIECES = [*SPACES, *RARE, "nine am", "friday", "девять", "don't", "7:30,"]
ODD = st.lists(st.text(max_size=8) | st.sampled_from(PIECES), max_size=12).map("".join)


def new_tagger(family="bert", batch_size=64, **settings):
    return Tagger(new_model(family, **settings), tokenizer_of(family), "cpu", "fp32", batch_size)


def without_context(family):
    """Return a tagger for which a word's tag depends on nothing but its own subwords."""
    many = TagSet.from_types(f"type{number}" for number in range(20))
    tagger = Tagger(new_model(family, many), tokenizer_of(family), "cpu", "fp32")
    encoder = tagger.model.encoder
    with torch.no_grad():
        encoder.embeddings.position_embeddings.weight.zero_()
        for layer in encoder.encoder.layer:
            layer.attention.output.dense.weight.zero_()
            layer.attention.output.dense.bias.zero_()
        # Large random weights, so that words differ in their tags.
        generator = torch.Generator().manual_seed(0)
        head = tagger.model.head
        for part in (encoder.embeddings.word_embeddings, head[1], head[3]):
            part.weight.normal_(generator=generator)
        head[3].bias[2::2] = -1e6  # no I- tags: what BIO allows is no context either
    return tagger


cached_tagger = cache(new_tagger)


def places(entities):
    """Return what entities are, without scores, which padding moves in the seventh digit."""
    return [(entity.type, entity.text, entity.start, entity.end) for entity in entities]


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=60)
@given(text=ODD)
def test_offsets_are_exact_for_any_text(family, text):
    check_entities(cached_tagger(family), text)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("text", ["", " ", "\n\t \u00a0", "\u2003\u3000"])
def test_texts_without_words_have_no_entities(family, text):
    tagger = cached_tagger(family)
    assert tagger(text) == []
    assert tagger([text, text]) == [[], []]
    assert list(tagger(iter([text]))) == [[]]
    assert tagger.tags(text) == []
    assert ner_inference(text, tagger.model, tagger.tokenizer) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_one_word_of_five_thousand_characters(family):
    tagger, word = cached_tagger(family), "wakemeup9" * 555 + "wakem"
    text = f"at {word} on friday"
    assert [w for w, _ in tagger.tags(text)] == ["at", word, "on", "friday"]
    check_entities(tagger, text)


LONG_FAMILIES = ("bert", "roberta", "xlm-roberta", "electra")  # their layers have the same names


def tags_of_all(tagger, texts):
    """The tags of some texts that follow each other, each text scored by itself."""
    scored = tagger.score_words([tagger.parser.split_words(text) for text in texts])
    logits, visible = (torch.cat(parts).unsqueeze(0) for parts in zip(*scored, strict=True))
    return [tagger.model.config.labels[n] for n in best_tags(logits, visible)[0][0].tolist()]


@pytest.mark.parametrize("family", LONG_FAMILIES)
def test_a_long_text_gets_the_tags_of_its_sentences(family):
    """With a model that looks at single words, windows must change nothing at all."""
    tagger = without_context(family)
    assert len(set(tags_of_all(tagger, SENTENCES))) > 3
    for repeats in (1, 2, 7):
        for filler in ("", "\u200b ", "wakemeup" * 50 + " "):
            long = (filler + " ".join(SENTENCES) + " ") * repeats
            expected = tags_of_all(tagger, [filler, *SENTENCES] * repeats)
            assert [tag for _, tag in tagger.tags(long)] == expected


@pytest.mark.parametrize("family", LONG_FAMILIES)
def test_several_long_texts_are_not_mixed_up(family):
    tagger = without_context(family)
    texts = [" ".join(SENTENCES[i:] * (i + 1)) for i in range(len(SENTENCES))]
    assert [places(found) for found in tagger(texts)] == [places(tagger(text)) for text in texts]


@given(lengths=st.lists(st.integers(1, 600), max_size=80), most=st.integers(1, 20))
@example(lengths=[*[40] * 8, 60, 600], most=20)  # enough without the last
def test_batches_hold_every_window_once_and_no_more_than_there_is_room_for(lengths, most):
    windows = [Window(text, [7] * n, [], 0, 0, 0) for text, n in enumerate(lengths)]
    batches = list(windows_by_length(windows, most))
    longest = [max(len(window.input_ids) for window in batch) for batch in batches]
    assert sorted(window.text for batch in batches for window in batch) == list(range(len(lengths)))
    assert longest == sorted(longest)
    for batch, subwords in zip(batches, longest, strict=True):
        assert len(batch) <= most
        assert len(batch) == 1 or len(batch) * subwords <= SUBWORDS_A_WINDOW * most
    for batch, after in itertools.pairwise(batches):
        first, last, next_ = (len(one.input_ids) for one in (batch[0], batch[-1], after[0]))
        shortest = sum(len(one.input_ids) == first for one in batch) * first
        assert first == last or shortest < ENOUGH, "padding where there was enough without"
        assert first < next_ or len(batch) == most or (len(batch) + 1) * next_ > 32 * most


@given(words=st.integers(30, 200), limit=st.integers(12, 28))
def test_words_at_a_windows_edge_have_context_on_both_sides(words, limit):
    """Neighbours overlap, and the kept words stay clear of the cut edges."""
    windows = plan_windows([1] * words, limit)
    for (_, end, _, stop), (first, _, start, _) in itertools.pairwise(windows):
        assert end - first == limit // 4
        assert stop == start
        assert abs((end - stop) - (start - first)) <= 1


def test_no_window_is_longer_than_the_encoder():
    lengths = []
    for family in FAMILIES:
        tagger = new_tagger(family)
        tagger.model.encoder.register_forward_pre_hook(
            lambda _, __, inputs: lengths.append(inputs["input_ids"].shape[1]), with_kwargs=True
        )
        tagger.tags("wake me up at nine " * 30)
    assert max(lengths) <= MAX_SUBWORDS
    assert max(lengths) > MAX_SUBWORDS / 2


@pytest.mark.parametrize("family", FAMILIES)
def test_the_encoders_positions_count_when_the_tokenizer_knows_no_limit(family):
    tokenizer = load_tokenizer(str(encoder_folder(family)))  # its own, to be changed
    tokenizer.model_max_length = 10**30
    tagger = Tagger(new_model(family), tokenizer, "cpu", "fp32")
    text = "wake me up at nine " * 30
    assert tagger.tags(text) == cached_tagger(family).tags(text)


TEXTS = [*SENTENCES, "", "nine", "🎉", " ".join(SENTENCES), "   ", "\u200b", *SENTENCES[::-1]]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_list_iterator_and_single_texts_agree_in_order(family, batch_size):
    tagger = new_tagger(family, batch_size)
    one_by_one = [tagger(text) for text in TEXTS]
    for together in (tagger(TEXTS), tagger(tuple(TEXTS)), list(tagger(iter(TEXTS)))):
        assert [places(found) for found in together] == [places(found) for found in one_by_one]
        for found, wanted in zip(together, one_by_one, strict=True):
            assert [e.score for e in found] == pytest.approx([e.score for e in wanted], abs=1e-5)
    assert isinstance(tagger(TEXTS), list)


def test_a_generator_is_lazy_and_holds_one_chunk_at_most():
    tagger, pulled = new_tagger(batch_size=1), 0

    def stream():
        nonlocal pulled
        for number in itertools.count():
            pulled += 1
            yield f"wake me at {number}"

    results = tagger(stream())
    assert pulled == 0
    for answered, found in enumerate(itertools.islice(results, 200), start=1):
        assert found == tagger(f"wake me at {answered - 1}")
        assert answered <= pulled <= answered + tagger.chunk - 1


def test_texts_that_were_answered_are_let_go():
    """A stream of many texts never has more than two chunks of them alive."""
    tagger, alive, most = new_tagger(batch_size=1), WeakSet(), 0

    class Text(str):
        __slots__ = ("__weakref__",)

    def stream():
        nonlocal most
        for number in range(300):
            text = Text(f"wake me at {number}")
            alive.add(text)
            most = max(most, len(alive))
            yield text

    deque(tagger(stream()), maxlen=0)
    assert tagger.chunk <= most <= 2 * tagger.chunk + 2


@pytest.mark.parametrize("make", [pandas.Series, dict.fromkeys, lambda texts: (t for t in texts)])
def test_any_collection_of_texts_comes_to_an_end(make):
    texts, tagger = ["wake me", "at nine", "on friday"], cached_tagger("bert")
    found = list(itertools.islice(tagger(make(texts)), 10))
    assert [places(f) for f in found] == [places(tagger(text)) for text in texts]


@pytest.mark.parametrize("wrong", [5, None, b"wake me", [b"wake me"], ["wake", 3], [None]])
def test_what_is_no_text_raises(wrong):
    with pytest.raises(TypeError):
        cached_tagger("bert")(wrong)


@pytest.mark.parametrize("many", [list, iter])
def test_what_is_no_text_among_others_is_named(many):
    with pytest.raises(TypeError, match=r"^text 3: .* float \(nan\)"):
        list(cached_tagger("bert")(many(["a", "b", float("nan"), None])))


@pytest.mark.parametrize("family", FAMILIES)
def test_ner_inference_gives_one_tag_number_per_word(family):
    tagger = cached_tagger(family)
    for text in SENTENCES:
        numbers = ner_inference(text, tagger.model, tagger.tokenizer)
        tags = tagger.model.config.tags
        assert [tags.get_label(number) for number in numbers] == [t for _, t in tagger.tags(text)]
        assert len(numbers) == len(tagger.parser.split_words(text))


@pytest.mark.parametrize("family", LONG_FAMILIES)
@pytest.mark.parametrize("form", ["wake {} me up", "wake x{}y me up", "{}", "wake me{}"])
def test_literal_special_tokens_are_plain_text(family, form):
    tagger = without_context(family)
    for literal in special_tokens(family).values():
        text = form.format(literal)
        check_entities(tagger, text)
        plain, found = logits_by_word(tagger, "wake me up"), logits_by_word(tagger, text)
        for word in plain.keys() & found.keys():
            torch.testing.assert_close(found[word], plain[word])


def logits_by_word(tagger, text):
    """The logits of each word of a text."""
    words = tagger.parser.split_words(text)
    ((logits, _),) = tagger.score_words([words])
    return {word.text: row for word, row in zip(words, logits, strict=True)}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_tagger_comes_back_from_its_folder(family, tmp_path):
    tagger = new_tagger(family, segmentation="characters", pooling="last")
    tagger.save_pretrained(tmp_path)
    loaded = Tagger.from_pretrained(tmp_path, "cpu", "fp32")
    text = "wake me up at nine 東京 a<s>b"
    assert loaded(text) == tagger(text)
    assert loaded.parser == tagger.parser
    assert special_subwords(loaded.tokenizer) == special_subwords(tagger.tokenizer)
    assert not loaded.model.training
