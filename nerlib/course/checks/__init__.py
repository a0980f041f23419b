"""Exercises that check themselves: `check` tries an answer out, `progress` shows what is done.

    from nerlib.course.checks import check, progress

    check("02.3", my_function)   # right, or a hint
    progress("02")

In a notebook both show a small box; elsewhere `print` them. No Jupyter is needed.

`lesson_02` has the checks of lesson 02, and `nerlib/data/hints/02.toml` their words and cases. Most
checks are a `Comparison` (a function, its reference, and slips that name the hints of typical
mistakes) or `entry_by_entry` (a table); others ask the `Answer` themselves and call `answer.fail`
with the name of a hint.
"""

from nerlib.course.checks.checking import check
from nerlib.course.checks.record import progress

__all__ = ["check", "progress"]
