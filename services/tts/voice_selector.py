"""Who speaks a text: the named voice, else a default; where a voice lacks the language, one that has it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from huiyin.configs import messages
from huiyin.services.common.errors import ApiError
from huiyin.services.common.text import HAN
from huiyin.services.tts.speakable import Language, language, speakable
from huiyin.services.tts.voice_engine import Engine, Gender, Voice

log = logging.getLogger(__name__)

# OpenAI's voice names -> a voice of the same gender.
ALIASES: dict[str, Gender] = {
    **dict.fromkeys(("alloy", "coral", "nova", "sage", "shimmer", "fable", "marin"), "female"),
    **dict.fromkeys(("ash", "ballad", "echo", "onyx", "verse", "cedar"), "male"),
}
# hibari is the fastest for English; Kokoro's Chinese voices speak both languages.
_DEFAULTS: dict[tuple[Language, Gender], str] = {
    ("zh", "female"): "zf_xiaoxiao",
    ("zh", "male"): "zm_yunxi",
    ("en", "female"): "heart",
    ("en", "male"): "am_michael",
}
_CLAUSE = re.compile(rf".+?(?:[。！？；，：…\n]+|[.!?;,:](?=[\s{HAN}])|$)[\s”’」』）)\"']*", re.S)


@dataclass(frozen=True)
class Choice:
    """What will speak a text."""

    engine: Engine
    voice: Voice
    other: Choice | None = None
    """Who says the clauses in a language that this voice does not speak."""
    warning: str = ""
    """What the caller should know: that it is not the voice that was asked for."""


class VoiceSelector:
    """The voices of all engines, and which of them speaks what."""

    def __init__(self, engines: Sequence[Engine], default_voice: str) -> None:
        """`engines` in order of preference; `default_voice` speaks where a request names none."""
        self._engines = {engine.name: engine for engine in engines}
        self._default_voice = default_voice
        self._first = engines[0].name

    def choose(self, text: str, voice: str = "", engine: str = "") -> Choice:
        """Who speaks `text`: the named voice, else the default voice, else a default of `engine` or of any.

        What a voice cannot say is said by one of the same gender that can, never as gibberish.
        Raises ApiError 400 for an unknown voice, or when no engine here speaks the language.
        """
        lang = language(text)
        name = voice or ("" if engine else self._default_voice)
        if not name or name in ALIASES:
            return self._default(lang, ALIASES.get(name, "female"), engine)
        named = self._find(name)
        if named is None:
            names = [v.name for e in self._engines.values() for v in e.voices]
            raise ApiError(400, "tts.unknown_voice", voice=name, known=names)
        if lang in named.voice.speaks:
            return named
        other = self._default(lang, named.voice.gender, "")
        facts = {"voice": named.voice.name, "language": lang, "other": other.voice.name}
        warning = messages.text("tts.other_voice", facts)
        log.warning(warning)
        if any(can for _, can in _by_ability(text, named.voice)):
            return Choice(named.engine, named.voice, other, warning)
        return Choice(other.engine, other.voice, warning=warning)

    def language(self, voice: str) -> str:
        """Of the named voice, else of the default one: 'zh', 'en', 'de' ...; 'en' where there is neither."""
        named = self._find(voice or self._default_voice)
        return named.voice.language[:2] if named else "en"

    def stand_in(self, choice: Choice, text: str) -> Choice | None:
        """A local voice for what is left of `text` when an engine fails."""
        lang = language(text)
        named = self._find(_DEFAULTS[lang, choice.voice.gender])
        if named is not None and named.engine is not choice.engine:
            return named
        return next((c for c in self._speaking(lang) if c.engine is not choice.engine and not c.engine.remote), None)

    def _find(self, name: str) -> Choice | None:
        for engine in self._engines.values():
            voice = engine.voice(name)
            if voice is not None:
                return Choice(engine, voice)
        return None

    def _default(self, lang: Language, gender: Gender, engine: str) -> Choice:
        only = engine or (self._first if self._engines[self._first].remote else "")
        named = self._find(_DEFAULTS[lang, gender])
        if named is not None and not only:
            return named
        choices = self._speaking(lang)
        if not choices:
            raise ApiError(400, "tts.language_not_spoken", engines=list(self._engines), language=lang)
        # The asked-for engine before the gender, the gender before whether it is the voice's own language.
        return max(
            choices,
            key=lambda c: (c.engine.name == only, c.voice.gender == gender, c.voice.language.startswith(lang)),
        )

    def _speaking(self, lang: Language) -> list[Choice]:
        return [Choice(e, v) for e in self._engines.values() for v in e.voices if lang in v.speaks]


def parts(text: str, choice: Choice) -> list[tuple[str, Choice]]:
    """`text` in parts, each with who speaks it; joined they are `text`."""
    if choice.other is None:
        return [(text, choice)]
    return [(part, choice if can else choice.other) for part, can in _by_ability(text, choice.voice)]


def _by_ability(text: str, voice: Voice) -> Iterator[tuple[str, bool]]:
    """`text` cut between clauses, where what the voice can say meets what it cannot."""
    clauses: list[tuple[str, bool]] = []
    for clause in _CLAUSE.findall(text):
        letters = speakable(re.sub(r"\d", "", clause))
        can = language(clause) in voice.speaks if letters or not clauses else clauses[-1][1]
        clauses.append((clause, can))
    for can, group in groupby(clauses, key=lambda each: each[1]):
        yield "".join(clause for clause, _ in group), can
