"""Words matched to subwords, targets, batches, and the order in which rows are drawn."""

import gc

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_encoders import (
    FAMILIES,
    make_corpus,
    make_row,
    new_model,
    tokenizer_of,
)

from nerlib import (
    AnnotationError,
    LengthBucketSampler,
    NERDataset,
    Parser,
    TagSet,
    Word,
    collate,
    evaluate,
)
from nerlib.addons.long_rows import read_whole
from nerlib.corpus import rows_to_dataset
from nerlib.dataset import IGNORE
from nerlib.model import tagging_loss
from nerlib.subwords import (
    NO_WORD,
    encode_distinct_words,
    encode_words,
    subword_groups,
    word_ids_from_groups,
)

LIMIT = 48
TAGS = TagSet.from_types(["time", "date", "place_name"])
PIECES = st.one_of(
    st.text(min_size=1, max_size=8),
    st.text(alphabet="wakemeupatnin РАЗБУДИ'.-", min_size=1, max_size=14),
    st.sampled_from(["\u200b", "\u00ad", "🎉", "👩‍👩‍👧", "שלום", "東京", "ｆｕｌｌ", "e\u0301"]),
    st.sampled_from(["[SEP]", "<s>", "</s>", "[MASK]", "<mask>", "<pad>", "[PAD]", "[CLS]"]),
)
TEXTS = st.lists(PIECES, max_size=14).map(" ".join) | st.lists(PIECES, max_size=6).map("x".join)


split = Parser().split_words


def alone(tokenizer, word):
    """Return a word's subwords when it stands alone; what is special becomes unknown."""
    plain = {"is_split_into_words": True, "add_special_tokens": False, "verbose": False}
    ids = tokenizer([[word.text]], split_special_tokens=True, **plain)["input_ids"][0]
    return [tokenizer.unk_token_id if i in tokenizer.all_special_ids else i for i in ids]


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=60)
@given(text=TEXTS)
def test_each_group_covers_exactly_its_words_subwords_none_of_them_special(family, text):
    tokenizer, words = tokenizer_of(family), split(text)
    (encoded,) = encode_words(tokenizer, [words], LIMIT)
    position = 1  # behind the special subword in front
    for word, (first, count) in zip(words, encoded.subword_group, strict=True):
        wanted = alone(tokenizer, word)[: LIMIT - 1 - position]  # the last place is for [SEP]
        assert count == len(wanted)
        assert first == (position if count else 0)
        assert encoded.input_ids[first : first + count] == wanted
        position += count
    assert len(encoded.input_ids) == position + 1 <= LIMIT
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    places = [n for n, number in enumerate(encoded.input_ids) if number in special]
    assert places == [0, position]


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=60)
@given(texts=st.lists(TEXTS, max_size=6), limit=st.none() | st.integers(3, LIMIT))
def test_distinct_words_give_what_all_words_give(family, texts, limit):
    tokenizer, words = tokenizer_of(family), [split(text) for text in texts]
    found = encode_distinct_words(tokenizer, words, limit)
    assert found == encode_words(tokenizer, words, limit)


def test_the_garbage_collector_is_as_before():
    for enabled in (True, False):
        gc.enable() if enabled else gc.disable()
        try:
            with pytest.raises(AnnotationError):
                NERDataset(make_corpus("wake [time"), tokenizer_of("bert"), TAGS)
            assert gc.isenabled() == enabled
        finally:
            gc.enable()


@given(counts=st.lists(st.integers(0, 4), max_size=12), gap=st.integers(0, 2))
def test_word_ids_from_groups_inverts_subword_groups(counts, gap):
    inside = [word for word, count in enumerate(counts) for _ in range(count)]
    word_ids = [None] * gap + inside + [None]
    groups = torch.tensor(subword_groups(word_ids, len(counts)), dtype=torch.long).view(-1, 2)
    restored = word_ids_from_groups(groups, len(word_ids))
    assert restored.tolist() == [NO_WORD if word is None else word for word in word_ids]


@pytest.mark.parametrize("invisible", ["\u200b", "\u00ad", "\u200b\u200b"])
@pytest.mark.parametrize("family", ["bert", "distilbert", "electra"])
def test_words_without_subword_are_counted_and_shift_nothing(family, invisible):
    corpus = make_corpus(f"wake {invisible} me at [time : nine {invisible} am] [date : friday]")
    data = NERDataset(corpus, tokenizer_of(family), TAGS)
    gold = ["O", "O", "O", "O", "B-TIME", "I-TIME", "I-TIME", "B-DATE"]
    wanted = [IGNORE if i in (1, 5) else TAGS.get_id(tag) for i, tag in enumerate(gold)]
    assert data.report.words_without_subword == 2
    assert data.report.words_cut_off == 0
    assert "words without any subword, tagged O: 2" in str(data.report)
    assert list(data.gold[0]) == gold
    assert data[0]["target"].tolist() == wanted
    assert data[0]["subword_group"][[1, 5]].tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("family", FAMILIES)
def test_words_beyond_the_maximum_length_are_counted_and_stay_gold(family):
    corpus = make_corpus("me me me me me [time : nine] me me [date : friday friday]")
    tokenizer = tokenizer_of(family)
    size = len(alone(tokenizer, Word("me", 0, 2)))
    data = NERDataset(corpus, tokenizer, TAGS, max_length=2 + 4 * size)
    assert data.report.words_cut_off == 6
    assert data.report.words_without_subword == 0
    assert "words beyond the maximum length, tagged O: 6" in str(data.report)
    assert len(data[0]["input_ids"]) == 2 + 4 * size
    assert data[0]["target"].tolist() == [0] * 4 + [IGNORE] * 6
    assert data.gold[0][-2:] == ("B-DATE", "I-DATE")


def test_a_word_that_is_cut_in_the_middle_keeps_what_fits():
    tokenizer = tokenizer_of("xlm-roberta")
    nine = alone(tokenizer, Word("nine", 0, 4))
    data = NERDataset(make_corpus("[time : nine]"), tokenizer, TAGS, max_length=2 + len(nine) - 1)
    assert data[0]["subword_group"].tolist() == [[1, len(nine) - 1]]
    assert data[0]["target"].tolist() == [TAGS.get_id("B-TIME")]


def test_unknown_types_are_reported_ignored_in_the_loss_and_missed():
    tokenizer = tokenizer_of("bert")
    corpus = make_corpus("play [song : quiet jazz] at [time : nine]", "play [song : jazz]")
    data = NERDataset(corpus, tokenizer, TAGS)
    assert data.report.unknown_types == {"SONG": 2}
    assert "counted as missed: SONG (2)" in str(data.report)
    assert data[0]["target"].tolist() == [0, IGNORE, IGNORE, 0, TAGS.get_id("B-TIME")]
    model, batch, known = new_model("bert"), collate([data[0]], data.pad_id), [0, 3, 4]
    output = model(**batch)
    wanted = tagging_loss(output.logits[:, known], batch["labels"][:, known])
    assert torch.allclose(output.loss, wanted)
    scores, _ = evaluate(model, data)
    assert (scores.per_type["SONG"].gold, scores.per_type["SONG"].predicted) == (2, 0)
    assert scores.overall.gold == 3


def test_on_error_raise_stops_and_skip_leaves_rows_out_and_says_which_and_why():
    rows = [
        make_row(1, "wake me"),
        make_row(7, "wake me at [time : nine", text="wake me at nine"),
        make_row(8, "at [time : nine]", text="at ten"),
        make_row(9, "at [time : nine]"),
    ]
    with pytest.raises(AnnotationError, match="row 7, character 11"):
        NERDataset(rows_to_dataset(rows), tokenizer_of("bert"), TAGS)
    data = NERDataset(rows_to_dataset(rows), tokenizer_of("bert"), TAGS, on_error="skip")
    assert data.row_ids == ["1", "9"]
    assert len(data) == len(data.gold) == 2
    assert [error.row_id for error in data.report.skipped] == ["7", "8"]
    assert "2 rows left out" in str(data.report)
    assert "row 8" in str(data.report)


def test_an_empty_dataset_and_utterances_without_words():
    model, tokenizer = new_model("bert"), tokenizer_of("bert")
    for corpus in (make_corpus(), make_corpus("", "  "), make_corpus("", "at [time : nine]")):
        scores, loss = evaluate(model, NERDataset(corpus, tokenizer, TAGS))
        assert loss == loss  # not NaN
        assert 0 <= scores.overall.f1 <= 1


def test_collate_pads_every_field_with_its_own_filler():
    data = NERDataset(
        make_corpus("wake me at [time : nine]", "wake me"), tokenizer_of("roberta"), TAGS
    )
    batch = collate([data[0], data[1]], data.pad_id)
    subwords, short = data.lengths
    assert data.pad_id == tokenizer_of("roberta").pad_token_id != 0
    for name in ("input_ids", "attention_mask", "word_ids"):
        assert batch[name].shape == (2, subwords)
    assert batch["labels"].tolist() == [[0, 0, 0, TAGS.get_id("B-TIME")], [0, 0, IGNORE, IGNORE]]
    assert batch["input_ids"][1, short:].unique().tolist() == [data.pad_id]
    assert batch["attention_mask"].sum(1).tolist() == [subwords, short]
    assert batch["word_ids"][1, short:].unique().tolist() == [NO_WORD]
    assert batch["input_ids"][1, :short].tolist() == data[1]["input_ids"].tolist()


LENGTHS = st.lists(st.integers(1, 60), max_size=120)


@given(lengths=LENGTHS, size=st.integers(1, 9), pool=st.integers(1, 5), shuffle=st.booleans())
def test_every_row_comes_exactly_once(lengths, size, pool, shuffle):
    sampler = LengthBucketSampler(lengths, size, shuffle, pool=pool)
    batches = list(sampler)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    assert len(batches) == len(sampler)
    assert all(1 <= len(batch) <= size for batch in batches)


def test_the_order_follows_from_seed_and_epoch_alone():
    lengths = [7 * i % 23 + 1 for i in range(200)]

    def order(seed, epoch):
        sampler = LengthBucketSampler(lengths, 8, seed=seed, pool=4)
        sampler.set_epoch(epoch)
        torch.rand(3)  # the global generator has no say
        return list(sampler)

    assert order(0, 0) == order(0, 0)
    assert len({str(order(seed, epoch)) for seed in (0, 1) for epoch in (0, 1, 2)}) == 6


def test_bucketing_saves_padding():
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(4, 40, (400,), generator=generator).tolist()

    def padding(batches):
        return sum(max(lengths[i] for i in b) * len(b) for b in batches) - sum(lengths)

    rows = torch.randperm(400, generator=generator).tolist()
    at_random = padding([rows[i : i + 16] for i in range(0, 400, 16)])
    bucketed = padding(LengthBucketSampler(lengths, 16, pool=5))
    by_length = padding(LengthBucketSampler(lengths, 16, shuffle=False))
    assert by_length < bucketed < at_random / 2


@pytest.mark.parametrize("settings", [{"batch_size": 0}, {"batch_size": 2, "pool": 0}])
def test_impossible_sampler_settings_raise(settings):
    with pytest.raises(ValueError, match="1 or more"):
        LengthBucketSampler([1, 2], **settings)


def test_long_rows_are_trained_on_whole_each_word_once() -> None:
    long = "wake me at [time : nine am] on [date : friday] " * 30
    corpus = make_corpus("at [time : nine]", long.strip(), "on [date : friday]")
    tokenizer = tokenizer_of("bert")
    data, whole = (NERDataset(corpus, tokenizer, TAGS) for _ in range(2))
    assert data.report.words_cut_off
    read_whole(whole, tokenizer)
    assert whole.report.words_cut_off == 0
    assert max(whole.lengths) <= tokenizer.model_max_length
    found: dict[str, list[int]] = {}
    for row_id, item in zip(whole.row_ids, whole.items, strict=True):
        known = [t for t in item["target"].tolist() if t != IGNORE]
        found[row_id] = found.get(row_id, []) + known
    gold = [[TAGS.tag_to_id[tag] for tag in tags] for tags in data.gold]
    assert found == dict(zip(data.row_ids, gold, strict=True))
    batch = collate([whole[row] for row in range(len(whole))], whole.pad_id)
    assert new_model("bert", TAGS)(**batch).loss.isfinite()
