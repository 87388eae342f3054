"""Utterances with pauses in them, for `benchmarks.latency`: recorded speakers and offline voices, zh and en.

Each holds a pause of 200-700 ms that is not its end: the speaker's own, or one put in at a quiet place. Everything is
deterministic; what takes long (the voices, the recogniser's words) is kept in the cache folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.latency_services import Words
from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Samples
from huiyin.assistant.ports.wav import read_wav, wav_bytes
from huiyin.configs.files import write_whole
from huiyin.configs.settings import Settings
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.asr.recogniser import Hints, load_engine
from huiyin.services.common.audio import decode
from huiyin.services.common.text import is_chinese
from tests.support.service_process import free_port
from tests.support.speech_clips import recorded

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 0.7
_PAUSES_S = (0.3, 0.5, 0.7, 0.25, 0.4, 0.6)  # put in, in turn
_PEAK = 0.5
_FRAME = SAMPLE_RATE // 100
_QUIET = 0.02  # of the peak: a frame without a louder sample belongs to a pause
_ABOVE_NOISE = 4.0  # times the recording's noise (12 dB): less is not speech
_LOUDEST_NOISE = 0.02  # of the peak
_CLICK = 8  # frames: what fills less than half of them is a click
_SEARCH_S = 0.35  # around the place asked for, the quietest ...
_WINDOW_S = 0.04  # ... so long
_FADE = SAMPLE_RATE // 100
_TTS_LIMIT_S = 120.0

# (voice, text); "|" stands where the speaker pauses. An empty voice is the service's own choice: hibari for English.
SPOKEN = (
    ("", "I would like to book a table | for four people tonight."),
    ("", "Can you tell me how to get | from the station to the museum?"),
    ("", "My phone number is three one four, | five five two, nine eight."),
    ("", "Please remind me to call my mother | tomorrow morning at nine."),
    ("", "What is the weather like | in London at the moment?"),
    ("", "I was thinking about the red one, | but maybe the blue one is better."),
    ("am_michael", "I think we should leave early because | the traffic is terrible on Fridays."),
    ("am_michael", "Which of these two books | would you read first?"),
    ("am_michael", "Could you play something quiet, | I want to read for a while."),
    ("af_heart", "I have had a headache since this morning, | what should I do?"),
    ("af_heart", "Tell me a short story | about a lighthouse on an island."),
    ("bf_emma", "The train leaves at half past seven, | so we have to get up at six."),
    ("zm_yunxi", "今天下班有点累，| 晚饭吃什么好呢？"),
    ("zm_yunxi", "明天上海的天气怎么样，| 要不要带伞？"),
    ("zm_yunxi", "我想订一张去北京的高铁票，| 明天早上出发。"),
    ("zm_yunxi", "你能不能告诉我 | 番茄炒蛋怎么做？"),
    ("zf_xiaoxiao", "我最近总是睡不好，| 有什么办法吗？"),
    ("zf_xiaoxiao", "因为明天要下雨，所以 | 我们改到后天吧。"),
    ("zf_xiaoxiao", "帮我放一首 | 安静一点的歌。"),
    ("zf_xiaoxiao", "我的电话是一三八，| 零零一二，三四五六。"),
    ("zm_yunyang", "从这里到机场 | 大概要多长时间？"),
    ("zm_yunyang", "我本来想买红色的，但是 | 蓝色的好像更好看。"),
    ("zm_yunyang", "提醒我下午三点 | 给王老师打电话。"),
    ("zf_xiaobei", "周末有什么好看的电影，| 适合带小朋友去的？"),
)

# As above, but nothing was ever chosen by them: `--unseen` tells whether what was chosen by the others holds.
UNSEEN = (
    ("", "We are going to the lake on Sunday, | would you like to come along?"),
    ("", "The second chapter was boring, | but I liked the end of the book."),
    ("", "How long does it take | to boil an egg?"),
    ("", "Turn on the light in the kitchen | and close the blinds, please."),
    ("", "I forgot my keys at the office | and now I am locked out."),
    ("", "Is there a pharmacy near here | that is open at night?"),
    ("am_michael", "My brother lives in Canada, | he moved there three years ago."),
    ("am_michael", "Set an alarm for six thirty, | no, make that seven o'clock."),
    ("am_michael", "What is the capital | of New Zealand?"),
    ("am_michael", "I need a recipe with chicken | that takes less than half an hour."),
    ("af_heart", "My order number is four four two, | one seven, nine zero three."),
    ("af_heart", "I would love to learn the piano, | if only I had more time."),
    ("af_heart", "Who was the first woman | to win a Nobel Prize?"),
    ("af_heart", "Send a message to Anna | that I will be ten minutes late."),
    ("bf_emma", "The film was good, | although it was a little too long."),
    ("bf_emma", "Do you know whether the museum | is open on Mondays?"),
    ("bf_emma", "We have eggs, milk and flour, | what can I bake with that?"),
    ("bm_george", "I have two questions, | and the first one is about the price."),
    ("bm_george", "Explain to me in simple words | how a battery works."),
    ("bm_george", "It has been raining all week, | will it be dry tomorrow?"),
    ("zm_yunxi", "我们星期天去爬山，| 你要不要一起来？"),
    ("zm_yunxi", "这本书的开头很无聊，| 不过结尾写得特别好。"),
    ("zm_yunxi", "煮一个鸡蛋 | 需要多长时间？"),
    ("zm_yunxi", "把客厅的灯关掉，| 再把空调调到二十六度。"),
    ("zf_xiaoxiao", "我把钥匙忘在办公室了，| 现在进不了门。"),
    ("zf_xiaoxiao", "这附近有没有药店 | 晚上也开门的？"),
    ("zf_xiaoxiao", "我哥哥住在加拿大，| 他三年前搬过去的。"),
    ("zf_xiaoxiao", "定一个六点半的闹钟，| 算了，还是七点吧。"),
    ("zf_xiaobei", "新西兰的首都 | 是哪个城市？"),
    ("zf_xiaobei", "我想学做一道鸡肉的菜，| 半个小时以内能做好的。"),
    ("zf_xiaobei", "我的订单号是四四二，| 一七九零三。"),
    ("zf_xiaobei", "我一直很想学钢琴，| 就是没有时间。"),
    ("zm_yunyang", "第一位获得诺贝尔奖的 | 女科学家是谁？"),
    ("zm_yunyang", "给小张发个消息，| 说我要晚到十分钟。"),
    ("zm_yunyang", "这部电影挺好看的，| 就是有点太长了。"),
    ("zm_yunyang", "你知道那个博物馆 | 星期一开不开门吗？"),
    ("zm_yunjian", "家里有鸡蛋、牛奶和面粉，| 可以做什么点心？"),
    ("zm_yunjian", "我有两个问题，| 第一个是关于价格的。"),
    ("zm_yunjian", "请你用简单的话 | 给我解释一下电池的原理。"),
    ("zf_xiaoyi", "这个星期一直在下雨，| 明天会放晴吗？"),
)

# What the embedded model (Qwen2.5-Coder-1.5B) said to such questions with the default persona, to its second full stop.
REPLIES = {
    "zh": (
        "晚餐可以试试煮一份清淡的蔬菜汤，加入一些豆腐或鸡蛋，既健康又营养。",
        "明天上海的天气晴朗，可以带伞。",
        "当然可以，学做番茄炒蛋其实非常简单。首先，准备好鸡蛋、番茄和一些调味料。",
        "好的，为您更换一首歌曲。",
        "北京到广州的高铁大约需要3小时30分钟。",
        "首先，尝试调整你的睡眠时间，确保每晚有规律的睡眠时间。",
    ),
    "en": (
        "Paris is the capital of France.",
        "Sure, I can help with that! How many seats do you need on the table?",
        "Sure, I'll remind you to call your mother tomorrow at nine.",
        "Which book would you prefer to read first?",
        "If you have a headache, you can try taking an over-the-counter pain reliever. If your headache persists, you "
        "should consult a healthcare professional.",
    ),
}


@dataclass(frozen=True)
class BenchmarkUtterance:
    """`sound`: float32, 16 kHz, from the first audible sample to the last. `pauses`: (start, end) in seconds."""

    name: str
    language: str
    sound: Samples
    pauses: tuple[tuple[float, float], ...]
    reply: str

    @property
    def duration_s(self) -> float:
        """Of the sound."""
        return len(self.sound) / SAMPLE_RATE

    @property
    def stretches(self) -> list[tuple[float, float]]:
        """Speech between the pauses, each with half of the silence around it."""
        middles = [(start + end) / 2 for start, end in self.pauses]
        return list(zip([0.0, *middles], [*middles, self.duration_s], strict=True))


def utterances(
    settings: Settings, folder: Path, tell: Callable[[str], None], *, unseen: bool = False
) -> list[BenchmarkUtterance]:
    """All of them, zh and en in turn. Starts the TTS service when a sentence has not been synthesised yet.

    `unseen`: those of `UNSEEN` alone.
    """
    pauses, replies = cycle(_PAUSES_S), {language: cycle(lines) for language, lines in REPLIES.items()}
    made: list[BenchmarkUtterance] = []

    def add(name: str, language: str, sound: Samples, shares: tuple[float, ...]) -> None:
        for share in shares:
            sound = with_pause(sound, share, next(pauses))
        sound = shortened(sound)
        made.append(BenchmarkUtterance(name, language, sound, tuple(pauses_in(sound)), next(replies[language])))

    for path, language, _ in [] if unseen else recorded():
        sound = speech_in(decode(path, max_duration_s=60).samples)
        add(path.stem, language, sound, () if any(pauses_in(sound)) else (0.5,))
        add(f"{path.stem} +", language, sound, (0.35, 0.7) if len(sound) > 4 * SAMPLE_RATE else (0.65,))
    lines = UNSEEN if unseen else SPOKEN
    for (voice, text), sound in zip(lines, _voiced(settings, lines, folder, tell), strict=True):
        plain = _plain(text)
        language = "zh" if is_chinese(text) else "en"
        add(f"{voice or 'hibari'}: {plain}", language, speech_in(sound), (text.index("|") / len(plain),))
    return _in_turn(made)


def speech_in(sound: Samples) -> Samples:
    """The speech in `sound`, at `_PEAK`: without the silence, the noise and the clicks around it."""
    sound = (sound / np.abs(sound).max() * _PEAK).astype(np.float32)
    speech = np.flatnonzero(_speech_frames(sound))
    return sound[speech[0] * _FRAME : (speech[-1] + 1) * _FRAME]


def pauses_in(sound: Samples) -> Iterator[tuple[float, float]]:
    """Pauses of at least `SHORTEST_PAUSE_S` in `sound`: (start, end) in seconds."""
    at = np.flatnonzero(_speech_frames(sound))
    for before, after in pairwise(at):
        start_s, end_s = (before + 1) * _FRAME / SAMPLE_RATE, after * _FRAME / SAMPLE_RATE
        if end_s - start_s >= SHORTEST_PAUSE_S - 1e-9:
            yield start_s, end_s


def _speech_frames(sound: Samples) -> npt.NDArray[np.bool_]:
    """Which frames hold speech: louder than the recording's own noise, and no click."""
    count = len(sound) // _FRAME
    level = np.abs(sound[: count * _FRAME]).reshape(count, _FRAME).max(axis=1)
    noise = min(float(np.percentile(level, 10)), float(level.max()) * _LOUDEST_NOISE)  # where it is not all speech
    loud = level > max(float(level.max()) * _QUIET, _ABOVE_NOISE * noise)
    dense = np.convolve(loud, np.ones(_CLICK), "valid") > _CLICK // 2  # windows with more than a click in them
    return loud & (np.convolve(dense, np.ones(_CLICK), "full") > 0)


def with_pause(sound: Samples, share: float, pause_s: float) -> Samples:
    """`sound` with the quietest place near `share` of it made a pause of `pause_s`, unless it is a longer one."""
    reach, window = round(_SEARCH_S * SAMPLE_RATE), round(_WINDOW_S * SAMPLE_RATE)
    start = max(0, round(len(sound) * share) - reach)
    power = np.convolve(sound[start : start + 2 * reach] ** 2, np.ones(window, np.float32), "valid")
    at = start + int(power.argmin()) + window // 2
    loud = np.flatnonzero(np.abs(sound) > np.abs(sound).max() * _QUIET)
    after_it = int(np.searchsorted(loud, at))
    quiet = int(loud[after_it] - loud[after_it - 1]) if 0 < after_it < len(loud) else 0
    before, after = sound[:at].copy(), sound[at:].copy()
    ramp = np.linspace(0, 1, _FADE, dtype=np.float32)
    before[-_FADE:] *= ramp[::-1]
    after[:_FADE] *= ramp
    return np.concatenate([before, np.zeros(max(0, round(pause_s * SAMPLE_RATE) - quiet), np.float32), after])


def shortened(sound: Samples) -> Samples:
    """`sound` with no pause longer than `LONGEST_PAUSE_S`."""
    for start_s, end_s in reversed(list(pauses_in(sound))):
        if end_s - start_s > LONGEST_PAUSE_S:
            half = LONGEST_PAUSE_S / 2
            sound = np.concatenate(
                [sound[: round((start_s + half) * SAMPLE_RATE)], sound[round((end_s - half) * SAMPLE_RATE) :]]
            )
    return sound


def _in_turn(made: list[BenchmarkUtterance]) -> list[BenchmarkUtterance]:
    """Spread evenly over speakers and languages, so that the first few stand for all."""
    return sorted(made, key=lambda utterance: hashlib.sha256(utterance.name.encode()).digest())


def _plain(text: str) -> str:
    return text.replace("| ", "").replace("|", "")


def _voiced(
    settings: Settings, lines: Sequence[tuple[str, str]], folder: Path, tell: Callable[[str], None]
) -> list[Samples]:
    texts = [(voice, _plain(text)) for voice, text in lines]
    files = [folder / f"{hashlib.sha256(f'{v}|{t}'.encode()).hexdigest()[:16]}.wav" for v, t in texts]
    if not all(path.is_file() for path in files):
        tell(f"synthesising {len(files)} sentences (once) …")
        port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        settings = replace(settings, tts=replace(settings.tts, port=port))
        with Launcher(settings, ["--set", f"tts.port={port}"], tell) as launcher:
            launcher.start(["tts"])
            services = launcher.services
            for (voice, text), path in zip(texts, files, strict=True):
                if not path.is_file():
                    sound = np.concatenate([*services.speak(services.call("tts", _TTS_LIMIT_S), text, voice)])
                    write_whole(path, wav_bytes(sound, SAMPLE_RATE))
    return [read_wav(path) for path in files]


def with_words(
    settings: Settings, spoken: list[BenchmarkUtterance], folder: Path, tell: Callable[[str], None]
) -> Iterator[Words]:
    """What the embedded recogniser hears in each utterance and in every run of its stretches."""
    file = folder / "words.json"
    known: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    recogniser = None
    for number, utterance in enumerate(spoken, 1):
        heard = {}
        stretches = utterance.stretches
        for first in range(len(stretches)):
            for last in range(first, len(stretches)):
                part = utterance.sound[
                    round(stretches[first][0] * SAMPLE_RATE) : round(stretches[last][1] * SAMPLE_RATE)
                ]
                key = hashlib.sha256(part.tobytes()).hexdigest()[:24]
                if key not in known:
                    if recogniser is None:
                        tell("hearing what a recogniser hears in every part of the recordings (once) …")
                        recogniser = load_engine(settings.asr, ModelStore(settings.store).ensure)
                    recognition = recogniser.recognise([part], Hints((utterance.language,)))[0]
                    known[key] = "".join(segment.text for segment in recognition.segments).strip()
                heard[f"{first}-{last}"] = known[key]
        if recogniser is not None and (number % 8 == 0 or number == len(spoken)):
            write_whole(file, json.dumps(known, ensure_ascii=False, indent=0).encode())
        yield Words(utterance.sound, stretches, heard, utterance.language, utterance.reply)
