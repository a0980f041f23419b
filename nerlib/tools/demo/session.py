"""What one user of the page has before them and has kept; every step gives a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nerlib.tools.demo.corrections import Sentence, added, bracketed, changed, removed, tagged
from nerlib.tools.demo.models import Models
from nerlib.tools.demo.sentences import RefusedError, cut_sentences

MOST_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class Session:
    """The sentences under work, which of them is chosen, and the lines kept for training.

    `known_types` are those of the model, `own_types` those that the user has written; `kept` has a
    bracketed line for each plain text, so that a sentence corrected again takes the place of its
    first version.
    """

    sentences: tuple[Sentence, ...] = ()
    chosen: int = 0
    known_types: tuple[str, ...] = ()
    own_types: tuple[str, ...] = ()
    kept: Mapping[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> Sentence:
        """The sentence that is being corrected; raises `RefusedError` before there is any."""
        if not self.sentences:
            raise RefusedError("there is nothing to correct yet: type a text and find its entities")
        return self.sentences[self.chosen]

    @property
    def types(self) -> list[str]:
        """All types to choose from."""
        return list(dict.fromkeys((*self.known_types, *self.own_types)))

    @property
    def file(self) -> str:
        """What the downloaded file holds: one bracketed sentence a line."""
        return "".join(f"{line}\n" for line in self.kept.values())


def find(session: Session, models: Models, name: str, text: str) -> Session:
    """Return the session with a text's sentences, and what a model finds in them."""
    texts = cut_sentences(text)
    answer = models.tag(name, texts)
    pairs = zip(texts, answer.entities, strict=True)
    sentences = tuple(tagged(text, entities, answer.parser) for text, entities in pairs)
    return replace(session, sentences=sentences, chosen=0, known_types=answer.types)


def choose(session: Session, number: int) -> Session:
    """Return the session with another of its sentences to correct, counted from 0."""
    if not 0 <= number < len(session.sentences):
        raise RefusedError("choose one of the sentences in the list")
    return replace(session, chosen=number)


def change(session: Session, number: int | None, slot_type: str, first: int, last: int) -> Session:
    """Return the session with an entity changed, or with a new one if `number` is None."""
    sentence = session.sentence
    if number is None:
        sentence = added(sentence, slot_type, first, last)
    else:
        sentence = changed(sentence, number, slot_type, first, last)
    return _with_sentence(session, sentence)


def remove(session: Session, number: int) -> Session:
    """Return the session with an entity taken away."""
    return _with_sentence(session, removed(session.sentence, number))


def keep(session: Session) -> Session:
    """Return the session with the chosen sentence kept, and the next one chosen."""
    sentence = session.sentence
    kept = {**session.kept, sentence.text: bracketed(sentence)}
    if len(kept) > MOST_KEPT:
        raise RefusedError(f"{MOST_KEPT:,} lines are kept already: download them, then clear")
    following = min(session.chosen + 1, len(session.sentences) - 1)
    return replace(session, kept=kept, chosen=following)


def clear(session: Session) -> Session:
    """Return the session with no line kept."""
    return replace(session, kept={})


def _with_sentence(session: Session, sentence: Sentence) -> Session:
    """Return the session with the chosen sentence replaced, and with its new types."""
    sentences = list(session.sentences)
    sentences[session.chosen] = sentence
    new = sorted({mark.type for mark in sentence.marks} - set(session.types))
    own_types = (*session.own_types, *new)
    return replace(session, sentences=tuple(sentences), own_types=own_types)
