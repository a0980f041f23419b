"""Exercises that check themselves: `check` tries an answer out, `progress` shows what is done.

    from nerlib.course.checks import check, progress

    check("02.3", my_function)   # right, or a hint
    progress("02")

In a notebook both show a small box; elsewhere `print` them. No Jupyter is needed.
"""

from nerlib.course.checks.checking import check
from nerlib.course.checks.record import progress

__all__ = ["check", "progress"]
