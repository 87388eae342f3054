"""Text on its way to a voice: what is said for it."""

from __future__ import annotations

import random
import re
import time
import unicodedata
from pathlib import Path

import pytest

from huiyin.assistant.dialogue.clauses import ClauseSplitter
from huiyin.services.common.text import HAN, is_chinese
from huiyin.services.tts.spoken import spoken
from huiyin.services.tts.spoken.numbers import cardinal_en, cardinal_zh, ordinal_en, year_en
from tests.support import DATA

CORPUS = DATA / "speech_text.tsv"
KINDS = DATA / "speech_text_kinds.tsv"
LEAST_EXACT = 0.98
FULL_STOPS = " .。，,、"


def pairs(corpus: Path) -> list[tuple[str, str, str, str]]:
    """(language, kind, text, spoken) of every line."""
    lines = [line for line in corpus.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    rows = [line.split("\t") for line in lines[1:]]
    return [(language, kind, text.replace("\\n", "\n"), said) for language, kind, text, said in rows]


def said_for(language: str, text: str) -> str:
    return spoken(text, "en" if language == "en" else "zh").rstrip(FULL_STOPS)


def test_texts_are_read_as_people_read_them() -> None:
    corpus = pairs(CORPUS)
    misses = [
        f"{language} {kind}: {text!r}\n  wanted {said}\n  got    {said_for(language, text)}"
        for language, kind, text, said in corpus
        if said_for(language, text) != said.rstrip(FULL_STOPS)
    ]
    assert len(corpus) >= 220
    assert {language for language, *_ in corpus} == {"zh", "en", "mixed"}
    assert len(misses) <= (1 - LEAST_EXACT) * len(corpus), "\n".join(misses)


def words(text: str) -> list[str]:
    """Chinese characters and words of other scripts; 二百 and 两百 are the same."""
    same = text.lower().replace("'", "").replace("二百", "两百").replace("二千", "两千")
    return re.findall(rf"[{HAN}]|[^\W{HAN}_]+", same)


@pytest.mark.parametrize("kind", sorted({kind for _, kind, *_ in pairs(KINDS)}))
def test_each_kind_of_sign_number_and_name_is_read(kind: str) -> None:
    misses = [
        f"{text!r}\n  wanted {said}\n  got    {said_for(language, text)}"
        for language, each, text, said in pairs(KINDS)
        if each == kind and words(said_for(language, text)) != words(said)
    ]
    assert not misses, "\n".join(misses)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Be there at 7:15 pm.", "Be there at seven fifteen p.m."),
        ("他走了―真的─吗", "他走了—真的—吗。"),
        ("先回家了QAQ 明天见", "先回家了，明天见。"),
        ("见[手册][2]\n\n[2]: https://example.org/m", "见手册。"),
    ],
)
def test_marks_are_those_a_voice_pauses_at(text: str, said: str) -> None:
    assert spoken(text, "zh" if is_chinese(text) else "en") == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("See https://example.com/a_b?c=d for `more`.", "See example dot com for more."),
        ("<speak>Hello</speak> <break time='1s'/> <b>there</b>", "Hello there."),
        ("# Title\n- one\n- two\n\nThe end", "Title. one. two. The end."),
        ("第一行\n第二行", "第一行。第二行。"),
        ("ＡＢＣ１２３", "ABC one twenty-three."),
        ("a\x00b\x07c\ud83d", "abc."),
        ("👍🏽 1️⃣ ok ❤️", "one ok."),
        ("I <3 you & 100% of $5", "I you and one hundred percent of five dollars."),
        ("<think>she is <think>sad</think> I see</think>Come in.", "Come in."),
        ("<think>never closed", ""),
        ("Sure. ```\nrm -rf", "Sure. a code block."),
        ("<script>alert(1)</script><!-- x -->Hi &lt;b&gt;", "Hi b."),
        ("他说：“I have 3 cats.”", "他说：“I have three cats.”"),
        ("今天-3~5℃，[情绪：开心]好的", "今天零下三到五摄氏度，好的。"),
        ("Привет, 3 кота", "Привет, 3 кота."),
        ("3個の猫がいます", "3個の猫がいます。"),
    ],
)
def test_what_cannot_be_said_is_taken_out(text: str, said: str) -> None:
    assert spoken(text) == said


@pytest.mark.parametrize(
    "text", ["😀👍🏽🏴", "…", "?!?!", " \n\t ", "***", "<br/>", "\x00\x01", "🇨🇳", "（）", "——", "|---|"]
)
def test_text_without_a_word_is_empty(text: str) -> None:
    assert spoken(text) == spoken(text, "zh") == ""


def test_the_voice_decides_about_text_in_no_language() -> None:
    assert spoken("3:30", "zh") == "三点三十分。"
    assert spoken("3:30", "en") == "three thirty."
    assert spoken("```\nx = 1\n```", "zh") == "一段代码。"
    assert spoken("Es kostet 3,50 €", "de") == "Es kostet 3,50."


def test_numbers_in_words() -> None:
    assert [cardinal_zh(n) for n in (0, 10, 110, 1_001, 2_200, 100_010, 120_000_000)] == [
        "零", "十", "一百一十", "一千零一", "两千二百", "十万零一十", "一亿两千万",
    ]  # fmt: skip
    assert [cardinal_zh(n) for n in (10_000_001, 200_000_000, 1_000_002_000)] == ["一千万零一", "两亿", "十亿零两千"]
    assert cardinal_en(1_000_100) == "one million one hundred"
    assert [ordinal_en(n) for n in (1, 12, 20, 33, 100)] == [
        "first", "twelfth", "twentieth", "thirty-third", "one hundredth",
    ]  # fmt: skip
    assert [year_en(y) for y in (1066, 1900, 1905, 2000, 2009, 2010)] == [
        "ten sixty-six", "nineteen hundred", "nineteen oh five", "two thousand", "two thousand nine", "twenty ten",
    ]  # fmt: skip


MARKS = set(" ,.!?;:'\"()—–-…，。！？；：、“”‘’（）《》「」『』【】〈〉·«»¿¡")
PARTS_TEXT = (
    "** * _ ` ``` ```python\n \n | |---| #\x20 -\x20 > [x](http://a.b) <b> </b> <think> </think> <|HAPPY|> 😀 👍🏽 \x00"
    " \u202e \ud83d $ $x^2$ \\frac{1}{2} 3.14 10:30 -5 2 两 个 你好 ， 。 hello e.g. Dr. % @ # ~ ^ ( ) [ ] { } \\ / < >"
    " = http://x.y/z?a=1 www.a.com ½ ① ² ٣ १ é a\u0301\u0301\u0301\u0301 年 月 𝟛 𠮷 → … ... ! ？ “ ” ' \" &amp;"
    " &#128512; &#0; ﬁ ㎏ \u200b 1,000 v2.0 192.168.1.1 °C £ 5pm 1/2 13800138000 + ㊿ ⒈ Ⅷ 𑁦 〇 4K 第 万 % -"
)
PARTS = PARTS_TEXT.split(" ")


def test_nothing_unspeakable_reaches_a_voice() -> None:
    chance = random.Random(6)
    for _ in range(1500):
        text = "".join(chance.choices(PARTS, k=chance.randint(1, 25)))
        if chance.random() < 0.3:
            ranges = ((0, 0x80), (0x80, 0x250), (0x2000, 0x3000), (0x4E00, 0xA000), (0x1F000, 0x1FC00))
            text += "".join(chr(chance.randrange(*chance.choice(ranges))) for _ in range(20))
        said = spoken(text, chance.choice(("zh", "en")))
        strange = [c for c in said if c not in MARKS and unicodedata.category(c)[0] not in "LM"]
        assert not strange, f"{text!r} -> {said!r}"
        assert not said or any(map(str.isalpha, said))


@pytest.mark.slow
def test_no_clause_of_the_assistant_is_refused_as_silent() -> None:
    chance = random.Random(7)
    for _ in range(600):
        text = "".join(chance.choice(PARTS) + chance.choice(("", "", " ")) for _ in range(chance.randint(1, 25)))
        splitter = ClauseSplitter()
        for clause in [*splitter.feed(text), *splitter.finish()]:
            assert spoken(clause), f"{clause!r} of {text!r}"


@pytest.mark.parametrize("part", ["9", "a1", "*", "`", "<", "[", "1-", "$1", "1:", "a.b", "你1", "\\(", " ", "1.2."])
def test_no_text_takes_long(part: str) -> None:
    started = time.process_time()
    spoken((part * 5000)[:5000])
    assert time.process_time() - started < 2.0  # about 0.2 s


def test_an_ordinary_clause_takes_a_millisecond() -> None:
    clause = "今天最高25到30℃，我们在10:30开会，一共12个人，预算¥3,500。"
    spoken(clause)
    times = []
    for _ in range(20):
        started = time.process_time()
        spoken(clause)
        times.append(time.process_time() - started)
    assert min(times) < 0.005
