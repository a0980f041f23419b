"""The rebuilt tutorial's answers for nerlib's words, so that both can be scored alike."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import torch
from transformers import PreTrainedTokenizerFast

from nerlib.course.tutorial_rebuilt import TutorialClassifier, TutorialParser, ner_inference
from nerlib.parsing import OUTSIDE, Word


@torch.no_grad()
def tags_for_words(
    text: str,
    words: Sequence[Word],
    model: TutorialClassifier,
    tokenizer: PreTrainedTokenizerFast,
    parser: TutorialParser,
) -> list[str]:
    """Return the tutorial's tag for each of nerlib's words.

    The model is left in its mode: in training mode dropout takes part, as in the tutorial's
    validation.
    """
    numbers = ner_inference(text, model, tokenizer)
    places = places_of_words(text, words, tokenizer)
    labels = list(parser.tag_to_id)
    return [OUTSIDE if at is None else labels[numbers[at]] for at in places]


def places_of_words(
    text: str, words: Sequence[Word], tokenizer: PreTrainedTokenizerFast
) -> list[int | None]:
    """Return, for each of nerlib's words, which of the tokenizer's words holds its first character.

    The count is of those that have a subword, as in `encode`; None if there is none.
    """
    encoding = tokenizer(text, verbose=False)
    known = [word for word, _ in groupby(encoding.word_ids()) if word is not None]
    found = [encoding.char_to_word(word.start) for word in words]
    return [None if word is None else known.index(word) for word in found]
