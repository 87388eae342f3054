"""Key phrases are found as they are said: whatever the marks, capitals, and form of the characters."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from huiyin.assistant.faces.cli.shared import UsageError, read_phrases
from huiyin.services.asr.recogniser import Segment, Word
from huiyin.services.asr.report.page import report
from huiyin.services.asr.text.formats import as_csv
from huiyin.services.asr.text.phrases import BUILT_IN, LONGEST, MOST, as_table, groups_of, marked, mentions
from huiyin.services.common.errors import ApiError
from tests.support.transcripts import segment, spoken, transcript, waveform_of


def found(text: str, groups: str, language: str = "en") -> list[tuple[str, str]]:
    said = mentions([segment(0.0, 4.0, text, language)], groups_of(groups))
    return [(mention.group, mention.text) for mention in said]


@pytest.mark.parametrize(
    ("text", "groups", "expected"),
    [
        ("I'm so sorry, really.", "apology", [("apology", "sorry")]),
        ("We apologised. My, mistake!", "apology", [("apology", "apologised"), ("apology", "My, mistake")]),
        ("I’LL call you back.", "promise", [("promise", "I’LL call you back")]),
        ("I'll  call\nyou back", "promise", [("promise", "I'll call you back")]),
        ("真的很對不起，请您放心。", "apology,promise", [("apology", "對不起"), ("promise", "您放心")]),
        ("请放心。", "promise", [("promise", "请放心")]),
        ("ＶＩＰ，退 款", "vip\n退款", [("vip", "ＶＩＰ"), ("退款", "退 款")]),
        ("The refunder came; a refund did not.", "refund", [("refund", "refund")]),
        ("Refunds, refunded", "money: refund*", [("money", "Refunds"), ("money", "refunded")]),
        ("I promise. I promise", "oath: I promise; we swear", [("oath", "I promise"), ("oath", "I promise")]),
        ("Nothing of it.", "apology, promise", []),
    ],
)
def test_a_phrase_is_found_as_it_is_said(text: str, groups: str, expected: list[tuple[str, str]]) -> None:
    assert found(text, groups) == expected


def test_the_longest_phrase_counts_once_and_groups_count_each() -> None:
    assert found("您放心", "a: 放心, 您放心, 心\nb: 放心") == [("a", "您放心"), ("b", "放心")]


def test_lists_are_read_as_people_write_them() -> None:
    groups = groups_of("# ours\napology：\nrefund: money back， 退款; refund\n\nlawyer\n")
    assert groups == {"apology": BUILT_IN["apology"], "refund": ("money back", "退款", "refund"), "lawyer": ("lawyer",)}
    assert groups_of("") == {}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("insults:", "'insults' has no phrases"),
        ("x" * (LONGEST + 1), "too long"),
        ("a: ?!", "no letter"),
        ("\n".join(f"word {i}" for i in range(MOST + 1)), "at most"),
    ],
)
def test_a_list_that_cannot_be_looked_for_is_refused(text: str, why: str) -> None:
    with pytest.raises(ApiError, match=why) as raised:
        groups_of(text)
    assert (raised.value.status, raised.value.code) == (422, "bad_phrases")


def test_a_phrase_has_the_time_of_its_words_and_its_speaker() -> None:
    words = spoken("Well, we are very sorry for that.", gaps={4: 2.0})
    said = replace(segment(1.0, 9.0, "Well, we are very sorry for that.", words=words), speaker="S2")
    (one,) = mentions([segment(0.0, 1.0, "Hello."), said], groups_of("apology"))
    assert (one.start_s, one.end_s) == pytest.approx((words[4].start_s, words[4].end_s))
    assert one.as_dict() == {
        "group": "apology", "text": "sorry", "start_s": 4.2, "end_s": 4.5, "speaker": "S2", "segment": 1,
    }  # fmt: skip
    chinese = "给您添麻烦了。"
    timed = [Word(char, i * 0.2, i * 0.2 + 0.2) for i, char in enumerate(chinese)]
    (one,) = mentions([Segment(0.0, 2.0, chinese, "zh", 1.0, words=tuple(timed))], groups_of("添麻烦"))
    assert (one.start_s, one.end_s) == pytest.approx((0.4, 1.0))


def test_documents_show_them() -> None:
    said = [
        replace(segment(0, 2, "Sorry. <b>"), speaker="S1"),
        replace(segment(62, 64, "我保证。", "zh"), speaker="S2"),
    ]
    key = mentions(said, groups_of("apology,promise,sorry"))
    assert as_table(key, "en") == (
        "Key phrases:\n0:00  S1  apology  Sorry\n0:00  S1  sorry    Sorry\n1:02  S2  promise  我保证\n"
    )
    assert as_table(key, "zh").startswith("关键词句:\n0:00  S1  道歉") and as_table([], "en") == ""
    rows = list(csv.DictReader(io.StringIO(as_csv(said, key).removeprefix("\ufeff"))))
    assert [row["phrases"] for row in rows] == ["apology: Sorry; sorry: Sorry", "promise: 我保证"]
    assert "phrases" not in as_csv(said)
    page = "".join(report(transcript(*said), waveform_of(64.0), "call", said=key))
    assert '<mark title="apology">Sorry</mark>. &lt;b&gt;' in page and '<a href="#s2">1:02</a>' in page
    assert "<mark>" not in "".join(report(transcript(*said), waveform_of(64.0), "call"))


def test_the_text_in_parts_is_the_text() -> None:
    text = "Sorry,  I  promise: sorry."
    said = mentions([segment(0, 2, text)], groups_of("apology,promise,i promise sorry"))
    parts = list(marked(text, said))
    assert "".join(part for part, _ in parts) == "Sorry, I promise: sorry."
    assert [group for _, group in parts if group] == ["apology", "promise", "apology"]


def test_a_file_of_phrases_may_be_toml(tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    file.write_text('apology = []\nrefund = ["money, back", "退款"]\n', encoding="utf-8")
    text = read_phrases(f"@{file}")
    assert text is not None
    assert groups_of(text) == {"apology": BUILT_IN["apology"], "refund": ("money back", "退款")}
    for wrong in ("refund = 1\n", "refund ="):
        file.write_text(wrong)
        with pytest.raises(UsageError, match=r"ours\.toml"):
            read_phrases(f"@{file}")
    assert read_phrases("apology") == "apology" and read_phrases(None) is None
