"""Words on their way to a voice: cut into pieces, in phonemes."""

from __future__ import annotations

import json
import re
import time
from importlib import resources

import pytest
from hibari import Hibari
from pypinyin.constants import PINYIN_DICT
from pypinyin.contrib.tone_convert import to_tone3

from huiyin.services.tts import g2p_zh
from huiyin.services.tts.engines.hibari import HibariEngine, english_phonemes
from huiyin.services.tts.engines.kokoro import KokoroEngine
from huiyin.services.tts.phrases import FIRST_SYLLABLES, MOST_SYLLABLES, pause_s, pieces, syllables
from huiyin.services.tts.speakable import language
from huiyin.services.tts.spoken import spoken


def test_chinese_anywhere_makes_a_text_chinese() -> None:
    assert language("Python 好") == "zh"
    assert language("Hello, 123!") == "en"


# --- pieces -------------------------------------------------------------------------------------------------------

LONG = (
    "人工智能是计算机科学的一个分支，它企图了解智能的实质，并生产出一种新的智能机器。该领域的研究包括机器人、语言识别、"
    "图像识别和专家系统等。It is older than most people think: the word was coined in 1956. "
    "从诞生以来，理论和技术日益成熟。"
)


@pytest.mark.parametrize(
    "text",
    [
        LONG,
        "你好",
        "Hello.",
        "no marks at all " * 60,
        "啊" * 500,
        "他说：“好的。”然后走了。",
        "1.5, 2.5; e.g. three.",
        "。",
    ],
)
def test_pieces_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text


def test_first_piece_is_short_and_later_ones_longer() -> None:
    sizes = [syllables(piece) for piece in pieces("好的，我明白了。那我们从头开始，一步一步来，先看第一个问题。" * 4)]
    assert sizes[0] <= FIRST_SYLLABLES
    assert max(sizes) > 2 * FIRST_SYLLABLES
    assert max(sizes) <= MOST_SYLLABLES


@pytest.mark.parametrize(
    "text", ["Dr. Smith went home.", "It costs 3.50 dollars.", "J. K. Rowling wrote it.", "At 5 p.m. sharp, e.g. now."]
)
def test_a_dot_that_ends_no_sentence_does_not_cut(text: str) -> None:
    assert not [piece for piece in pieces(text * 10) if re.search(r"(Dr|\b3|J|K|p\.m|e\.g)\.$", piece.strip())]


def test_text_without_marks_is_cut_all_the_same() -> None:
    assert max(map(syllables, pieces("word " * 2000))) <= 60


@pytest.mark.parametrize("text", ["9" * 5000, "a1" * 2500, "a" + "=" * 4999, "9,9" * 1600, "word" * 1250, "好1" * 2500])
def test_no_portion_is_endless(text: str) -> None:
    for portions in (kokoro_without_model().pieces(text), hibari_without_model().pieces(text)):
        longest = max(portions, key=syllables)
        assert syllables(longest) <= 120
        assert len(english_phonemes(longest)) < 1500


def test_longest_text_is_cut_at_once() -> None:
    started = time.process_time()
    for text in ("字，" * 2500, "word " * 1000, "字" * 5000, "." * 5000, "“" * 5000, "1,2." * 1250):
        pieces(spoken(text))
    assert time.process_time() - started < 2


def test_sentences_are_followed_by_longer_pauses_than_clauses() -> None:
    assert pause_s("好。”") == pause_s("Yes! ") > pause_s("好，") > pause_s("苹果、") > pause_s("好") > 0


# --- phonemes -----------------------------------------------------------------------------------------------------


def vocabulary() -> set[str]:
    """Kokoro's alphabet: hibari, its pupil, has the same and carries it in its package."""
    return set(json.loads(resources.files("hibari").joinpath("assets/vocab.json").read_text(encoding="utf-8")))


def test_every_syllable_of_mandarin_has_phonemes_that_the_model_knows() -> None:
    known = vocabulary()
    pinyin = {syllable for readings in PINYIN_DICT.values() for syllable in readings.split(",")}
    spellings = {re.sub(r"\d", "", to_tone3(each)) for each in pinyin}
    assert len(spellings) > 400
    for spelling in spellings:
        for tone in "12345":
            sounds = g2p_zh.syllable(spelling + tone)
            assert sounds, spelling
            assert known.issuperset(sounds), spelling
            assert sum(arrow in sounds for arrow in "→↗↓↘") == (tone != "5")


@pytest.mark.parametrize(
    ("text", "expected"),  # what the misaki package gives, but for the tones that change inside a word
    [
        ("你好世界", "ni↗xau↓ ʂɨ↘ʨje↘"),
        ("今天天气", "ʨi→ntʰjɛ→ntʰjɛ→nʨʰi↘"),
        ("银行的行长正在行走", "i↗nxa↗ŋ tɤ xa↗ŋꭧa↓ŋ ꭧə↘ŋʦai↘ ɕi↗ŋʦou↓"),
        ("女儿学英语", "ny↓ɚ↗ ɕɥe↗ i→ŋy↓"),
        ("四十四", "sɨ↘ʂɨ↗sɨ↘"),
        ("一个不对", "i↗kɤ↘ pu↗twei↘"),
        ("一起去展览馆", "i↘ʨʰi↓ ʨʰy↘ ꭧa↗nla↗nkwa↓n"),
        ("十一点", "ʂɨ↗i→tjɛ↓n"),
        ("一月一日", "i→ɥe↘ i→ɻɨ↘"),
        ("一九四九年", "i→ʨjou↓sɨ↘ʨjou↓njɛ↗n"),
        ("第一百一十一", "ti↘ i→pai↓i→ʂɨ↗ i→"),
        ("不", "pu↘"),
        ("hello", ""),
        ("", ""),
    ],
)
def test_phonemes_of_chinese(text: str, expected: str) -> None:
    assert g2p_zh.phonemes(text) == expected


def kokoro_without_model() -> KokoroEngine:
    engine = KokoroEngine.__new__(KokoroEngine)
    engine.ids = dict.fromkeys(vocabulary(), 0)
    return engine


def hibari_without_model() -> HibariEngine:
    engine = HibariEngine.__new__(HibariEngine)
    engine._model = Hibari
    return engine


def kokoro_phonemes(text: str) -> str:
    return kokoro_without_model().phonemes(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("你好，世界。", "ni↗xau↓, ʂɨ↘ʨje↘."),
        ("我用 Python 3.11！", "wo↓jʊ↘ŋ pˈIθˌɑn sa→ntjɛ↓n i→i→!"),
        ("他说“好的”。", "tʰa→ ʂwo→ “xau↓ tɤ”."),
        ("Hello, world.", "həlˈO, wˈɜɹld."),
        ("A4 paper", "ˈAfˌɔɹ pˈApəɹ."),
        ("维生素A好", "wei↗ʂə→ŋsu↘ ˈA xau↓."),
        ("Привет こんにちは", ""),
        ("，。！", ""),
    ],
)
def test_phonemes_for_kokoro(text: str, expected: str) -> None:
    assert kokoro_phonemes(spoken(text, "zh")) == expected


@pytest.mark.parametrize(
    "text",
    [
        LONG,
        "α+β=γ",
        "𠮷野家",
        "㍿①Ⅳ½",
        "\u202eabc",
        "x" * 300,
        "9" * 300,
        "9," * 50,
        "9,999" * 20,
        "a1b2中3",
        "ǖǘǚ",
        "ﬁn",
    ],
)
def test_any_text_becomes_phonemes_that_the_model_knows(text: str) -> None:
    assert vocabulary().issuperset(kokoro_phonemes(spoken(text)))
