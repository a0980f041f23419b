"""Guesses: a reader writes down what will come out, before the cell that shows it."""

Answer = float | str


class Guesses:
    """What a reader expects in one lesson, beside what came out: compared kindly, with no score.

    >>> guesses = Guesses()
    >>> guesses.write("loss before training", 2.0)
    Noted: 2.0.
    >>> guesses.compare("loss before training", 4.71)
    You wrote 2.0. It is 4.71, which is 2.4 times as much.
    >>> guesses.write("best batch size", None)
    No guess yet: write one in place of None, or just read on.
    >>> guesses.compare("best batch size", 64)
    It is 64.
    >>> guesses
    loss before training: you wrote 2.0, it is 4.71
    best batch size: it is 64
    """

    def __init__(self) -> None:
        self.guesses: dict[str, Answer | None] = {}
        self.answers: dict[str, Answer] = {}

    def write(self, question: str, guess: Answer | None) -> None:
        """Note a guess; None is for readers who would rather not."""
        self.guesses[question] = guess
        hint = "No guess yet: write one in place of None, or just read on."
        print(hint if guess is None else f"Noted: {guess}.")

    def compare(self, question: str, answer: Answer) -> None:
        """Show what came out beside the guess, if there is one."""
        self.answers[question] = answer
        guess = self.guesses.get(question)
        words = f"You wrote {guess}. " if guess is not None else ""
        print(f"{words}It is {_rounded(answer)}{_distance(guess, answer)}.")

    def __repr__(self) -> str:
        return "\n".join(self._line(question) for question in self.guesses)

    def _line(self, question: str) -> str:
        guess, answer = self.guesses[question], self.answers.get(question)
        parts = [f"you wrote {guess}"] if guess is not None else []
        parts += [f"it is {_rounded(answer)}"] if answer is not None else []
        return f"{question}: {', '.join(parts)}"


def _rounded(answer: Answer) -> Answer:
    """Return an answer with at most three digits that count, as one would say it."""
    return float(f"{answer:.3g}") if isinstance(answer, float) else answer


def _distance(guess: Answer | None, answer: Answer) -> str:
    """Return how far a number lies from the guess, in words; nothing for other answers."""
    if isinstance(guess, str) or isinstance(answer, str) or guess is None:
        return ", as you wrote" if guess is not None and guess == answer else ""
    if abs(guess - answer) <= 0.1 * abs(answer):
        return ", very near"
    if guess * answer <= 0:
        return ""
    return f", which is {answer / guess:.2g} times as much"
