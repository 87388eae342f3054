"""The report's words, in Chinese and English."""

from __future__ import annotations

from collections.abc import Sequence

from huiyin.services.asr.report.track import NEGATIVE, EmotionSpan, course, negative, shares

NOT_SHOWN = ("neutral", "unknown")  # in subtitles
_MOSTLY = 0.5  # of the time
_CHANGE = 0.15  # of the time: the least change of the negative share that is a trend

EMOTIONS = {
    "happy": ("happy", "高兴"),
    "sad": ("sad", "悲伤"),
    "angry": ("angry", "愤怒"),
    "neutral": ("neutral", "平静"),
    "fearful": ("fearful", "恐惧"),
    "disgusted": ("disgusted", "厌恶"),
    "surprised": ("surprised", "惊讶"),
    "other": ("other", "其他"),
    "unknown": ("unclear", "不明"),
}
_EVENTS = {
    "laughter": ("laughter", "笑声"),
    "applause": ("applause", "掌声"),
    "music": ("music", "音乐"),
    "crying": ("crying", "哭声"),
    "cough": ("cough", "咳嗽"),
    "sneeze": ("sneeze", "喷嚏"),
    "breath": ("breath", "呼吸声"),
    "singing": ("singing", "歌声"),
    "noise": ("noise", "噪声"),
}
_LANGUAGES = {
    "zh": ("Chinese", "普通话"),
    "yue": ("Cantonese", "粤语"),
    "en": ("English", "英语"),
    "ja": ("Japanese", "日语"),
    "ko": ("Korean", "韩语"),
}
_PAGE = {
    "recording": ("Recording", "录音"),
    "length": ("Length", "时长"),
    "language": ("Language", "语言"),
    "recogniser": ("Recogniser", "识别模型"),
    "emotion": ("Emotion", "情感"),
    "share": ("Share of the speech", "占语音时间"),
    "probability": ("Mean probability", "平均概率"),
    "waveform": ("Sound", "波形"),
    "timeline": ("Timeline", "时间轴"),
    "transcript": ("Transcript", "文字"),
    "no_emotion": ("Emotion: not available with this recogniser", "情感：此识别模型不提供"),
    "no_speech": ("No speech was recognised.", "没有识别到语音。"),
    "estimate": (
        "Emotions are a model's estimate from the voice, and often wrong: take a single tag as a hint, not as a fact.",
        "情感由模型根据声音估计，常有差错：单个标签只供参考，不是事实。",
    ),
}


def page_language(code: str) -> str:
    """The language of the report's own words for a transcript in `code`: 'zh' or 'en'."""
    return "zh" if code in ("zh", "yue") else "en"


def emotion_word(label: str, language: str) -> str:
    """An emotion's name for readers of `language`."""
    return _in(EMOTIONS, label, language)


def event_word(label: str, language: str) -> str:
    """A sound's name for readers of `language`."""
    return _in(_EVENTS, label, language)


def language_word(code: str, language: str) -> str:
    """A language's name for readers of `language`."""
    return _in(_LANGUAGES, code, language)


def page_word(name: str, language: str) -> str:
    """A phrase of the page."""
    return _in(_PAGE, name, language)


def percent(share: float, language: str) -> str:
    """62 %, or 62% in Chinese."""
    return f"{share:.0%}" if page_language(language) == "zh" else f"{100 * share:.0f} %"


def in_plain_words(track: Sequence[EmotionSpan], language: str) -> str:
    """The main emotion, the course from beginning to end, the change of the negative share; '' for an empty track."""
    if not track:
        return ""
    sentences = [_prevails(shares(track), language)]
    if thirds := course(track):
        begin, middle, end = (emotion_word(max(third, key=lambda x: third[x]), language) for third in thirds)
        sentences += [_goes(begin, middle, end, language), _grows(negative(thirds[0]), negative(thirds[-1]), language)]
    return ("" if page_language(language) == "zh" else " ").join(filter(None, sentences))


def _prevails(share: dict[str, float], language: str) -> str:
    first, *others = share
    then = [(emotion_word(label, language), percent(share[label], language)) for label in others[:2]]
    name, part = emotion_word(first, language), percent(share[first], language)
    if page_language(language) == "zh":
        rest = "，其次是" + "、".join(f"{word}（{length}）" for word, length in then) if then else ""
        what = f"以{name}为主" if share[first] >= _MOSTLY else f"{name}最多"
        return f"{what}，占语音时间的 {part}{rest}。"
    rest = "; then " + " and ".join(f"{word} ({length})" for word, length in then) if then else ""
    what = "Mostly" if share[first] >= _MOSTLY else "Most often"
    return f"{what} {name}: {part} of the speech{rest}."


def _goes(begin: str, middle: str, end: str, language: str) -> str:
    chinese = page_language(language) == "zh"
    if begin == middle == end:
        return f"前、中、后三段都以{begin}为主。" if chinese else f"Each third of it is mostly {begin}."
    if begin == end:
        if chinese:
            return f"开头和结尾以{begin}为主，中段以{middle}为主。"
        return f"It begins and ends mostly {begin}, with a mostly {middle} middle."
    if middle in (begin, end):
        return (
            f"开头以{begin}为主，结尾以{end}为主。" if chinese else f"It begins mostly {begin} and ends mostly {end}."
        )
    if chinese:
        return f"开头以{begin}为主，中段以{middle}为主，结尾以{end}为主。"
    return f"It begins mostly {begin}, is mostly {middle} in the middle, and ends mostly {end}."


def _grows(before: float, after: float, language: str) -> str:
    if abs(after - before) < _CHANGE:
        return ""
    old, new = percent(before, language), percent(after, language)
    if page_language(language) == "zh":
        names = "、".join(emotion_word(label, language) for label in NEGATIVE)
        return f"负面情感（{names}）从前三分之一的 {old} {'升到' if after > before else '降到'}后三分之一的 {new}。"
    names = ", ".join(NEGATIVE)
    moves = "rises" if after > before else "falls"
    return f"Negative emotion ({names}) {moves} from {old} of the first third to {new} of the last."


def _in(table: dict[str, tuple[str, str]], name: str, language: str) -> str:
    english, chinese = table.get(name, (name, name))
    return chinese if page_language(language) == "zh" else english
