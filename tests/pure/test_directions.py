"""Stage directions and faces: which text is one, and which only looks like it."""

from __future__ import annotations

import pytest

from huiyin.services.common.directions import without_directions, without_kaomoji


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("*leans in closer* You know.", " You know."),
        ("Come in. *waves at the door* Sit.", "Come in.  Sit."),
        ("好的（微微点头）", "好的"),
        ("（低头想了想）也许吧", "也许吧"),
    ],
)
def test_directions_are_taken_out(text: str, rest: str) -> None:
    assert without_directions(text) == rest


@pytest.mark.parametrize(
    "text",
    [
        "It is *really* late.", "I liked *the whole book* very much.", "*sometimes it rains* here", "(see below)",
        "Take two (or three) of them.", "他（低声）说了一句", "这（其实）是《论语》里的话", "[the guide](http://a.b)",
    ],
)  # fmt: skip
def test_emphasis_and_remarks_stay(text: str) -> None:
    assert without_directions(text) == text


@pytest.mark.parametrize(
    "face", ["(^o^)", "(>_<)", "(｡•́︿•̀｡)", "\\(^o^)/", "¯\\_(ツ)_/¯", "(=^･ω･^=)", "QwQ", "T_T", "orz"]
)
def test_faces_are_taken_out(face: str) -> None:
    assert without_kaomoji(f"好 {face}").strip() == "好"


@pytest.mark.parametrize(
    "text", ["f(x)", "(1)", "（注）", "(a + b)", "(-3, 5)", "(TM)", "Oxo and QA", "x^2 (^ is a power)"]
)
def test_brackets_with_words_stay(text: str) -> None:
    assert without_kaomoji(text) == text
