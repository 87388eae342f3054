"""A transcript as plain text is read in paragraphs, not as one line."""

from __future__ import annotations

from huiyin.services.asr.text.paragraphs import as_text
from tests.support.transcripts import segment


def test_a_long_pause_ends_a_paragraph_and_a_short_one_does_not() -> None:
    said = [segment(0, 2, "One."), segment(2.5, 4, "Two."), segment(8, 9, "Three.")]
    assert as_text(said) == "One. Two.\n\nThree.\n"
    assert as_text([]) == "\n"


def test_another_language_begins_a_paragraph_but_a_foreign_word_does_not() -> None:
    turns = [segment(0, 2, "你好。", "zh"), segment(2.1, 4, "Hello."), segment(4.2, 6, "再见。", "zh")]
    assert as_text(turns) == "你好。\n\nHello.\n\n再见。\n"
    words = [segment(0, 2, "我们用", "zh"), segment(2.1, 3, "PyTorch"), segment(3.1, 5, "训练。", "zh")]
    assert as_text(words) == "我们用PyTorch训练。\n"


def test_a_talk_without_long_pauses_has_paragraphs_all_the_same() -> None:
    sentence, each_s = "a quick brown fox jumps over the lazy dog", 4.0
    for gap_s, mark in ((0.9, ""), (0.5, ""), (0.0, "."), (0.0, "")):
        said = [segment(i * each_s, (i + 1) * each_s - gap_s, sentence + mark) for i in range(600)]
        paragraphs = as_text(said).strip().split("\n\n")
        assert len(paragraphs) > 10 and max(map(len, paragraphs)) < 2200, (gap_s, mark)
        assert " ".join(paragraphs).split() == " ".join(s.text for s in said).split(), "every word, once"
