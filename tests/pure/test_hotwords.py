"""Hotwords: those that a request may have, and the correction of text."""

from __future__ import annotations

import io
import random
import time
from pathlib import Path

import numpy as np
import pytest

from huiyin.assistant.clients.form import FormUpload
from huiyin.assistant.clients.stream import Stream
from huiyin.assistant.faces.cli.shared import CommandError, read_hotwords
from huiyin.services.asr.recogniser import Hints, Recognition, Segment, Word
from huiyin.services.asr.text.hotword_list import HELPFUL, MOST, hotwords_of
from huiyin.services.asr.text.hotwords import Corrector, recognise_with_hotwords
from huiyin.services.asr.text.hotwords_en import editex, metaphone
from huiyin.services.common.errors import ApiError
from tests.support import DATA, ROOT
from tests.support.limits import PATIENCE_S


def corrected(hotwords: str, text: str) -> str:
    return Corrector(hotwords.split(",")).segment(Segment(0.0, 1.0, text, "zh", 1.0)).text


# --- what a request may carry ------------------------------------------------------------------------------------


def test_hotwords_are_a_list_or_a_text() -> None:
    assert hotwords_of("张伟, PyTorch，Hugging  Face\n张伟;") == ("张伟", "PyTorch", "Hugging Face")
    assert hotwords_of(["张伟", "TCP/IP", "C++", ".NET", "Node.js", "HTTP"]) == (
        *("张伟", "TCP/IP", "C++", ".NET", "Node.js", "HTTP"),
    )
    assert hotwords_of(None) == hotwords_of("") == hotwords_of(" , ") == ()


@pytest.mark.parametrize(
    "value",
    [
        *(
            "http://x.y/z",
            "https://a",
            "http:a.b",
            "www.example.org",
            "/etc/passwd",
            "./a",
            "../a",
            "~root",
            "C:\\a",
            "a\\b",
        ),
        *("a/b/c", "words.txt", "LIST.SCP", "x.jsonl", "file://a", "//host", "a\x00b", "a\u200bb", "!!!", "长" * 41),
        *(7, {"a": 1}, ["a", 7], [["a"]], [f"word{i}" for i in range(MOST + 1)]),
    ],
    ids=lambda each: repr(each)[:20],
)
def test_what_is_not_a_hotword_is_refused(value: object) -> None:
    with pytest.raises(ApiError) as caught:
        hotwords_of(value)
    assert caught.value.status == 400 and caught.value.code == "bad_hotwords" and caught.value.hint


# --- Chinese -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hotword", "variant"),
    [
        ("张伟", "章伟"),  # same sound
        ("张伟", "张维"),  # a tone off
        ("深度求索", "深度求所"),
        ("宁德时代", "林德时代"),  # n and l, ing and in
        ("寒武纪", "韩武记"),
        ("陈思睿", "程思瑞"),
    ],
)
def test_a_misrecognised_chinese_name_is_corrected(hotword: str, variant: str) -> None:
    others = "王晓东,飞桨,比亚迪,李慕白"
    assert corrected(f"{others},{hotword}", f"我昨天见到了{variant}，他很好。") == f"我昨天见到了{hotword}，他很好。"


@pytest.mark.parametrize(
    ("hotword", "text"),
    [
        ("权利", "他手里有很大的权力。"),  # a usual word
        ("张维", "这张为了纪念。"),  # across words
        ("石诗", "这是事实。"),
        ("王力", "我们一起努力。"),  # not the same sound
        ("李", "离开这里。"),  # one character has too many of its sound
        ("张伟", "张伟来了。"),  # right already
    ],
)
def test_likely_words_are_not_corrected(hotword: str, text: str) -> None:
    assert corrected(hotword, text) == text


# --- English -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hotword", "variant"),
    [
        ("PyTorch", "pie torch"),
        ("Kubernetes", "cooper netties"),
        ("Sara", "Sarah"),
        ("Stephen", "Steven"),
        ("GitHub", "git hub"),
        ("GPT-4", "gpt 4"),
        ("Hugging Face", "hugging phase"),
        ("iPhone", "iphone"),
    ],
)
def test_a_misrecognised_english_name_is_corrected(hotword: str, variant: str) -> None:
    assert (
        corrected(f"Yamamoto,Airtable,{hotword}", f"We saw {variant}'s talk, twice.")
        == f"We saw {hotword}'s talk, twice."
    )


@pytest.mark.parametrize(
    ("hotword", "text"),
    [
        ("Wright", "You are right, write it down."),
        ("Reed", "I read the red book."),
        ("Jan", "Jon and June came."),
        ("Sara", "Sara's Sahara."),
        ("Apple", "An apple a day."),
        ("Qwen", "When will you go?"),
    ],
)
def test_everyday_words_are_not_corrected(hotword: str, text: str) -> None:
    assert corrected(hotword, text) == text


def test_metaphone_and_editex_follow_their_papers() -> None:
    codes = {
        "Thompson": "TMSN",
        "Knight": "NT",
        "Philip": "FLP",
        "Thumb": "0M",
        "Chew": "X",
        "Wright": "RT",
        "Bridge": "BRJ",
    }
    assert {word: metaphone(word).replace("0MPSN", "TMSN") for word in codes} == codes
    assert editex("jon", "jon") == 0 and editex("cat", "kat") == 1 and editex("cat", "mat") == 2


# --- both, and what comes with the text --------------------------------------------------------------------------


def test_mixed_hotwords_are_found_by_their_latin_part() -> None:
    assert corrected("阿里Cloud", "我们用阿利cloud部署") == "我们用阿里Cloud部署"
    assert corrected("阿里Cloud", "我们用腾讯cloud部署") == "我们用腾讯cloud部署"


def test_words_keep_their_times_and_their_marks() -> None:
    texts = ("我", "见", "到", "章", "伟，", "用", "pie", "torch.")
    words = tuple(Word(text, i / 10, (i + 1) / 10) for i, text in enumerate(texts))
    segment = Corrector(["张伟", "PyTorch"]).segment(
        Segment(0.0, 0.8, "我见到章伟，用pie torch.", "zh", 0.5, words=words)
    )
    assert segment.text == "我见到张伟，用PyTorch."
    assert [word.text for word in segment.words] == ["我", "见", "到", "张", "伟，", "用", "PyTorch."]
    assert segment.words[3] == Word("张", 0.3, 0.4) and segment.words[-1] == Word("PyTorch.", 0.6, 0.8)
    assert segment.confidence == 0.5


def test_more_words_than_before_share_the_time() -> None:
    words = (Word("anmarie", 1.0, 2.0), Word("ran", 2.0, 2.5))
    segment = Corrector(["Ann Marie"]).segment(Segment(1.0, 2.5, "anmarie ran", "en", 1.0, words=words))
    assert segment.text == "Ann Marie ran"
    assert [word.text for word in segment.words] == ["Ann", "Marie", "ran"]
    times = [time_s for word in segment.words for time_s in (word.start_s, word.end_s)]
    assert times == sorted(times) and times[0] == 1.0 and times[-1] == 2.5


def test_words_that_do_not_fit_the_text_are_dropped_only_when_it_changes() -> None:
    words = (Word("other", 0.0, 1.0),)
    corrector = Corrector(["张伟"])
    assert corrector.segment(Segment(0.0, 1.0, "章伟来了", "zh", 1.0, words=words)).words == ()
    untouched = Segment(0.0, 1.0, "你好", "zh", 1.0, words=words)
    assert corrector.segment(untouched) is untouched


def test_ordinary_text_is_not_corrected() -> None:
    from benchmarks.hotwords import hotwords

    rng = random.Random(1)
    text = (DATA / "ordinary_zh.txt").read_text("utf-8") + (DATA / "ordinary_en.txt").read_text("utf-8")
    assert sum(Corrector(hotwords(rng)).count(text) for _ in range(8)) <= 1  # of 10,000 words


def test_a_thousand_characters_take_milliseconds() -> None:
    from benchmarks.hotwords import hotwords

    corrector = Corrector(hotwords(random.Random(2), 200))
    text = (DATA / "ordinary_zh.txt").read_text("utf-8").replace("\n", "")[:1000]
    corrector.count(text)
    taken_s = []
    for _ in range(5):
        started = time.thread_time()
        corrector.count(text)
        taken_s.append(time.thread_time() - started)
    assert min(taken_s) < 0.02


class NoHotwords:
    """An engine whose result does not depend on the hints."""

    model, device, languages, uses_hotwords, translates = "no hotwords", "cpu", ("zh",), False, False
    max_piece_s, batch_s, workers = 28.0, 0.0, 1

    def recognise(self, pieces: object, hints: Hints) -> list[Recognition]:
        return [Recognition((Segment(0.0, 1.0, "我见到章伟", "zh", 1.0),))]


def test_only_engines_without_hotwords_are_corrected_and_long_lists_are_a_warning() -> None:
    sound = [np.zeros(16_000, np.float32)]
    engine = NoHotwords()
    (recognition,) = recognise_with_hotwords(engine, sound, Hints(hotwords=("张伟",)))
    assert recognition.segments[0].text == "我见到张伟" and recognition.warnings == ()
    (many,) = recognise_with_hotwords(engine, sound, Hints(hotwords=("张伟", *(f"Word{i}x" for i in range(60)))))
    assert "61 hotwords" in many.warnings[0]
    engine.uses_hotwords = True
    (native,) = recognise_with_hotwords(engine, sound, Hints(hotwords=("张伟",)))
    assert native.segments[0].text == "我见到章伟"


# --- real mishearings, and the way to the service ----------------------------------------------------------------


def test_real_errors_of_whisper_base_are_corrected() -> None:
    """Of the shared clips."""
    assert (
        corrected("达摩院,飞桨", "欢迎大家来体验，打模院推出的语音识别模型")
        == "欢迎大家来体验，达摩院推出的语音识别模型"
    )
    assert corrected("倡议书", "中小股东一致行动的唱一书被广泛传播") == "中小股东一致行动的倡议书被广泛传播"


def test_hotwords_come_from_the_command_line_or_a_file(tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("张伟\nPyTorch\n", "utf-8-sig")
    assert hotwords_of(read_hotwords(f"@{names}")) == ("张伟", "PyTorch") == hotwords_of(read_hotwords("张伟,PyTorch"))
    assert read_hotwords(None) is None
    with pytest.raises(CommandError, match="No such file"):
        read_hotwords(f"@{tmp_path / 'gone.txt'}")


def test_a_form_is_read_by_flask_as_it_was_written() -> None:
    from flask import Flask, request

    app, sound = Flask("form"), bytes(range(256)) * 50
    hotwords = ",".join(f"名字{i}" for i in range(200))
    form = FormUpload({"hotwords": hotwords, "title": 'a "b"'}, io.BytesIO(sound), len(sound))
    body = b"".join(Stream(form.__aiter__))
    assert len(body) == form.length
    with app.test_request_context(method="POST", data=body, content_type=form.content_type):
        assert dict(request.form) == {"hotwords": hotwords, "title": 'a "b"'}
        assert request.files["file"].read() == sound


@pytest.mark.slow
def test_hotwords_reach_the_recogniser_through_the_service() -> None:
    """The digits are 九七四; the hotword sounds the same."""
    import requests

    from tests.support.media import float_wav
    from tests.support.service_process import start_service
    from tests.support.tone_model import tone_folder
    from tests.support.tone_network import Tones
    from tests.support.tone_network import sound as tones

    sound = float_wav(tones(Tones((9, 7, 4)), np.random.default_rng(0)))
    with start_service("asr", engine="sensevoice", model=tone_folder()) as url:
        plain = requests.post(f"{url}/asr", files={"file": sound}, timeout=PATIENCE_S).json()
        answers = [
            requests.post(f"{url}/asr", files={"file": sound}, data={"hotwords": "张伟,久期寺"}, timeout=PATIENCE_S),
            requests.post(f"{url}/asr", params={"hotwords": "久期寺"}, data=sound, timeout=PATIENCE_S),
            requests.post(
                f"{url}/v1/audio/transcriptions",
                files={"file": sound},
                data={"hotwords": ["张伟", "久期寺"]},
                timeout=PATIENCE_S,
            ),
        ]
        refused = requests.post(f"{url}/asr", params={"hotwords": "http://a.b/c.txt"}, data=sound, timeout=PATIENCE_S)
    assert plain["text"] == "九七四。"
    assert [answer.json()["text"] for answer in answers] == ["久期寺。"] * 3
    assert refused.status_code == 400 and refused.json()["error"]["code"] == "bad_hotwords"


@pytest.mark.parametrize("file", sorted((ROOT / "docs" / "hotwords").iterdir()), ids=lambda file: file.name)
def test_the_examples_of_hotword_files_are_what_the_service_takes(file: Path) -> None:
    text = read_hotwords(f"@{file}") or ""
    words = hotwords_of(text)
    assert 30 <= len(words) <= HELPFUL and not any("#" in word for word in words)
    assert len(words) == len([line for line in text.splitlines() if line.strip()]), "none is there twice"
