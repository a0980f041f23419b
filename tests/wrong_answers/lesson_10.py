"""What people get wrong in lesson 10, besides the mistakes that its checks know by name."""

from __future__ import annotations


def divides_by_no_words(gradients, words):
    return sum(g * w for g, w in zip(gradients, words, strict=True)) / sum(words)


WRONG = {"10.2": [(divides_by_no_words, "ZeroDivisionError")]}
