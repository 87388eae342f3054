"""The voice for a text: the named one, else a default; for clauses in a language it does not speak, another one."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

from huiyin.configs import messages
from huiyin.services.common.errors import ApiError
from huiyin.services.common.text import HAN
from huiyin.services.tts.speakable import Language, language, speakable
from huiyin.services.tts.voice_engine import VOICE_TABLE, Engine, Gender, Voice

log = logging.getLogger(__name__)

# OpenAI's voice names -> a voice of the same gender.
ALIASES: dict[str, Gender] = {name: gender for gender, names in VOICE_TABLE["aliases"].items() for name in names}
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
    """The voice for a text."""

    engine: Engine
    voice: Voice
    other: Choice | None = None
    """The voice for clauses in a language that this one does not speak."""
    warning: str = ""
    """For the caller: that another voice than the requested one speaks."""


class VoiceSelector:
    """Chooses among the voices of all engines."""

    def __init__(self, engines: Sequence[Engine], default_voice: str) -> None:
        """`engines` in order of preference; `default_voice` speaks where a request names none."""
        self._engines = {engine.name: engine for engine in engines}
        self._default_voice = default_voice
        self._first = engines[0].name

    def choose(self, text: str, voice: str = "", engine: str = "") -> Choice:
        """The named voice, else the default voice, else a default of `engine` or of any.

        A voice of the same gender speaks the clauses in a language that the named one does not speak.
        Raises ApiError 400 for an unknown voice, or when no engine here speaks the language.
        """
        lang = language(text)
        name = voice or ("" if engine else self._default_voice)
        named = self._find(name) if name else None
        if named is None and (not name or name in ALIASES):
            return self._default(lang, ALIASES.get(name, "female"), engine)
        if named is None:
            names = [v.name for e in self._engines.values() for v in e.voices]
            raise ApiError(400, "tts.unknown_voice", voice=name, known=names)
        if lang in named.voice.speaks:
            return named
        other = self._default(lang, named.voice.gender, "")
        facts = {"voice": named.voice.name, "language": lang, "other": other.voice.name}
        warning = messages.text("tts.other_voice", facts)
        log.warning(warning)
        if any(speaks for _, speaks in _by_language(text, named.voice)):
            return Choice(named.engine, named.voice, other, warning)
        return Choice(other.engine, other.voice, warning=warning)

    def named(self, name: str) -> list[Voice]:
        """The voice of that name, as `choose` would take it; none where it would refuse."""
        try:
            return [self.choose("", name).voice]
        except ApiError:
            return []

    def language(self, voice: str) -> str:
        """The language of the named voice, else of the default one: 'zh', 'en', 'de' ...; 'en' without either."""
        named = self._find(voice or self._default_voice)
        return named.voice.language[:2] if named else "en"

    def stand_in(self, choice: Choice, text: str) -> Choice | None:
        """The voice to say `text` after the engine of `choice` has failed, a local one where there is one."""
        lang = language(text)
        named = self._find(_DEFAULTS[lang, choice.voice.gender])
        if named is not None and named.engine is not choice.engine:
            return named
        others = [c for c in self._speaking(lang) if c.engine is not choice.engine]
        return min(others, key=lambda c: c.engine.remote, default=None)

    def _find(self, name: str) -> Choice | None:
        for engine in self._engines.values():
            voice = engine.voice(name)
            if voice is not None:
                return Choice(engine, voice)
        return None

    def _default(self, lang: Language, gender: Gender, engine: str) -> Choice:
        preferred = engine or (self._first if self._engines[self._first].remote else "")
        named = self._find(_DEFAULTS[lang, gender])
        if named is not None and not preferred:
            return named
        choices = self._speaking(lang)
        if not choices:
            raise ApiError(400, "tts.language_not_spoken", engines=list(self._engines), language=lang)

        def rank(choice: Choice) -> tuple[bool, bool, bool]:
            """The engine counts most, then the gender, then that it is the voice's own language."""
            voice = choice.voice
            return choice.engine.name == preferred, voice.gender == gender, voice.language.startswith(lang)

        return max(choices, key=rank)

    def _speaking(self, lang: Language) -> list[Choice]:
        return [Choice(e, v) for e in self._engines.values() for v in e.voices if lang in v.speaks]


def parts(text: str, choice: Choice) -> list[tuple[str, Choice]]:
    """`text` in parts, each with its voice; joined they are `text`."""
    if choice.other is None:
        return [(text, choice)]
    return [(part, choice if speaks else choice.other) for part, speaks in _by_language(text, choice.voice)]


def _by_language(text: str, voice: Voice) -> list[tuple[str, bool]]:
    """`text` in parts, cut between clauses, and for each whether `voice` speaks its language.

    A clause without letters goes with the one before.
    """
    parts: list[tuple[str, bool]] = []
    for clause in _CLAUSE.findall(text):
        speaks = language(clause) in voice.speaks
        has_letters = speakable(re.sub(r"\d", "", clause))
        if parts and (not has_letters or speaks == parts[-1][1]):
            parts[-1] = (parts[-1][0] + clause, parts[-1][1])
        else:
            parts.append((clause, speaks))
    return parts
