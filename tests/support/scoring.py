"""Word and character error rates, with what is only spelling ("Mr.", "9", full stops) taken out first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import cn2an

_ENGLISH_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_LONGEST_NUMBER = 16  # digits that cn2an reads as a number; a longer one, as of a recognition that loops, is read out
_ENGLISH_SPELLINGS = {"mr": "mister", "mrs": "missus", "dr": "doctor", "ok": "okay"}


def english_words(text: str) -> list[str]:
    """Lower-case words; small numbers and common short forms spelt out."""
    words = re.findall(r"[a-z']+|\d+", text.lower().replace("-", " "))
    return [_ENGLISH_NUMBERS[int(w)] if _is_small(w) else _ENGLISH_SPELLINGS.get(w, w) for w in words]


def _is_small(word: str) -> bool:
    return word.isdigit() and len(word) <= _LONGEST_NUMBER and int(word) < len(_ENGLISH_NUMBERS)


def chinese_characters(text: str) -> list[str]:
    """Letters and Chinese characters; numbers in Chinese numerals."""
    text = re.sub(r"[0-9０-９]+", lambda number: _numeral(number[0]), text)
    return re.findall(r"[^\W_]", text.lower())


def _numeral(digits: str) -> str:
    return str(cn2an.an2cn(digits, "low" if len(digits) <= _LONGEST_NUMBER else "direct"))


def tokens(text: str, language: str) -> list[str]:
    """What an error rate counts in this language."""
    return chinese_characters(text) if language == "zh" else english_words(text)


def errors(reference: Sequence[str], hypothesis: Sequence[str]) -> int:
    """Levenshtein distance."""
    row = list(range(len(hypothesis) + 1))
    for i, token in enumerate(reference, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(hypothesis, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (token != other))
    return row[-1]


def error_rate(pairs: Iterable[tuple[str, str]], language: str) -> float:
    """Errors over reference length, for all (reference, hypothesis) together: WER, or CER for 'zh'."""
    wrong = total = 0
    for reference, hypothesis in pairs:
        expected = tokens(reference, language)
        wrong += errors(expected, tokens(hypothesis, language))
        total += len(expected)
    return wrong / total
