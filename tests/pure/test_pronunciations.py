"""Words of the user's own: another spelling, pinyin or phonemes, in a request, a persona or a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.dialogue.persona import PersonaError
from huiyin.services.common.pronunciations import PronunciationError, Pronunciations, parts, read_pronunciations
from huiyin.services.tts import g2p_zh
from huiyin.services.tts.engines.kokoro_reading import read
from tests.pure.test_tts_text import vocabulary

OURS = Pronunciations.of({"GIF": "jif", "解知遥": "xie4 zhi1 yao2", "Siobhan": "/ʃəvˈɔn/", "吕旅": "lü3 lv3"})


def test_what_a_word_is_said_as_tells_whether_it_is_a_spelling_pinyin_or_phonemes() -> None:
    assert OURS.spellings == {"GIF": "jif"}
    assert OURS.pinyin == {"解知遥": ("xie4", "zhi1", "yao2"), "吕旅": ("lv3", "lv3")}
    assert OURS.phonemes == {"Siobhan": "ʃəvˈɔn"}


def test_a_spelling_stands_in_for_whole_words_only() -> None:
    assert OURS.respelt("A GIF, GIFs; 发GIF给我") == "A jif, GIFs; 发jif给我"


def test_the_longest_word_counts() -> None:
    assert list(parts("小解知遥来了", {"解知": "", "解知遥": ""})) == ["小", "解知遥", "来了"]


def test_a_request_goes_before_the_file() -> None:
    both = OURS | Pronunciations.of({"GIF": "gif file", "解知遥": "小遥"})
    assert both.spellings == {"GIF": "gif file", "解知遥": "小遥"}
    assert both.pinyin == {"吕旅": ("lv3", "lv3")}


def test_pinyin_of_the_users_own_is_read_as_written_and_the_rest_as_usual() -> None:
    said = dict(g2p_zh.readings("解知遥还书", OURS.pinyin))
    assert list(said.values()) == ["xie4", "zhi1", "yao2", "huan2", "shu1"]


@pytest.mark.parametrize(
    ("text", "phonemes"),
    [
        ("解知遥，你好。", "ɕje↘ꭧɨ→jau↗, ni↗xau↓."),
        ("Hello Siobhan, hello.", "həlˈO ʃəvˈɔn, həlˈO."),
        ("我叫Siobhan。", "wo↓ ʨjau↘ ʃəvˈɔn."),
    ],
)
def test_the_voice_gets_the_phonemes_of_the_users_own(text: str, phonemes: str) -> None:
    reading = read(text, vocabulary(), sounds=g2p_zh.sounds(OURS))
    assert reading.phonemes == phonemes
    assert len(reading.spans) == len(phonemes)


@pytest.mark.parametrize(
    ("forms", "key"),
    [
        ({"单田芳": "shan4 tian2"}, "services.syllables_missing"),
        ({"好": 3}, "services.bad_pronunciation"),
        ({"好": " "}, "services.bad_pronunciation"),
        ({" ": "x"}, "services.bad_pronunciation"),
        ({str(i): "x" for i in range(1001)}, "services.too_many_pronunciations"),
    ],
)
def test_what_cannot_be_said_is_an_error(forms: dict[str, object], key: str) -> None:
    with pytest.raises(PronunciationError) as error:
        Pronunciations.of(forms)
    assert error.value.key == key


def test_a_syllable_that_mandarin_does_not_have_is_an_error() -> None:
    with pytest.raises(PronunciationError, match="bar1"):
        g2p_zh.sounds(Pronunciations.of({"X": "bar1"}))


def test_a_file_has_a_line_a_word(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('"解知遥" = "xie4 zhi1 yao2"\nGIF = "jif"\n', encoding="utf-8")
    assert read_pronunciations(str(path)).pinyin == {"解知遥": ("xie4", "zhi1", "yao2")}
    assert not read_pronunciations("")
    with pytest.raises(PronunciationError, match=r"no\.toml"):
        read_pronunciations(str(tmp_path / "no.toml"))


def test_a_persona_says_a_familys_names_as_the_family_does(tmp_path: Path) -> None:
    path = tmp_path / "family.toml"
    text = 'name = "A"\nsystem = "B"\n[pronunciations]\n"解知遥" = "{}"\n'
    path.write_text(text.format("xie4 zhi1 yao2"), encoding="utf-8")
    assert load_persona(str(path)).pronunciations == {"解知遥": "xie4 zhi1 yao2"}
    path.write_text(text.format("xie4"), encoding="utf-8")
    with pytest.raises(PersonaError, match="3 characters"):
        load_persona(str(path))
