"""Speech to measure with: synthesised once and kept beside the models, or a folder of recordings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.echo.scenes import Speech
from benchmarks.synthesis import synthesised
from huiyin.assistant.ports.level import at_speech_level
from huiyin.assistant.ports.port import Samples
from huiyin.assistant.ports.wav import WavError, read_wav
from huiyin.configs.settings import Settings

# (voice, text). An empty voice is the service's own choice: hibari for English.
ASSISTANT = (
    ("", "Hello, I am your voice assistant. You can interrupt me at any time."),
    ("", "Once upon a time there was a lighthouse on a small island, and nobody had lived in it for many years."),
    ("", "To make a good soup you need onions, carrots, a little salt, and above all patience."),
    ("af_heart", "Tomorrow it will be mostly cloudy, with a little rain in the afternoon."),
    ("zf_xiaobei", "你好，我是你的语音助手，你可以随时打断我。"),
    ("zf_xiaobei", "明天大部分地区多云，下午有小雨，气温十五度左右，出门记得带伞。"),
    ("zf_xiaoxiao", "从前有一座灯塔，立在离海岸很远的小岛上，很多年没有人住过了。"),
    ("zm_yunyang", "要做一锅好汤，你需要洋葱、胡萝卜、一点盐，最重要的是耐心。"),
)
USER = (
    ("am_michael", "Sorry, how tall was that lighthouse?"),
    ("am_michael", "Wait a moment, I have a question."),
    ("bf_emma", "No, that is not what I meant."),
    ("bm_george", "Stop, please. What about tomorrow?"),
    ("zm_yunxi", "等一下，我想问个问题。"),
    ("zm_yunxi", "不是，我说的是后天。"),
    ("zf_xiaoyi", "别说了，换个话题吧。"),
    ("zm_yunjian", "那晚饭吃什么好呢？"),
)


def voices(settings: Settings, arguments: Sequence[str]) -> Speech:
    """The sentences above. `arguments`: of the TTS service, where it must be started."""
    folder = settings.store.path.parent / "bench-speech"
    sounds = [at_speech_level(sound) for sound in synthesised(settings, (*ASSISTANT, *USER), folder, arguments)]
    return Speech(sounds[: len(ASSISTANT)], sounds[len(ASSISTANT) :])


def recorded(folder: Path) -> list[Samples]:
    """All WAV files of a folder, by name. Raises SystemExit when there are none."""
    files = sorted(folder.glob("*.wav"))
    if not files:
        raise SystemExit(f"there are no .wav files in {folder}")
    try:
        return [sound for sound in (at_speech_level(read_wav(path)) for path in files) if len(sound)]
    except WavError as error:
        raise SystemExit(str(error)) from error
