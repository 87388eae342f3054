"""Error rates, where a recognition has gone astray."""

from __future__ import annotations

from tests.support.scoring import chinese_characters, english_words, error_rate


def test_a_number_without_end_is_counted_digit_by_digit() -> None:
    assert chinese_characters("共1" + "0" * 16) == list("共一") + ["零"] * 16
    assert english_words("7 " + "7" * 5000) == ["seven", "7" * 5000]
    assert error_rate([("一二", "12" * 10)], "zh") == 9.0


def test_digits_of_other_scripts_are_characters() -> None:
    assert chinese_characters("１２ 和 ٣") == ["十", "二", "和", "٣"]
