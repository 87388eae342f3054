"""Who the assistant is: its words to the model, its voice, its greeting and its apologies. One persona, one voice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from huiyin.assistant.dialogue.clauses import split
from huiyin.assistant.dialogue.history import History, Message, by_other_voice
from huiyin.assistant.dialogue.language import language_hint, language_of
from huiyin.assistant.dialogue.mood import Mood, mood_line
from huiyin.assistant.dialogue.openers import KINDS
from huiyin.assistant.dialogue.situation import Situation
from huiyin.assistant.dialogue.summary import earlier
from huiyin.assistant.dialogue.tool_words import OCCASIONS, TOOL_WORDS
from huiyin.configs.errors import HuiyinError

LANGUAGES = ("zh", "en")
_STAGES = ("asr", "llm", "tts")
_KEYS = tuple(
    [
        "name",
        "about",
        "voice",
        "language",
        "replies_in",
        "system",
        "emotion",
        "greeting",
        "openers",
        "apologies",
        "tools",
        "pronunciations",
    ]
)
# The language habit, in each language that the system prompt is written in.
_REPLIES_IN = {
    "user": {
        "zh": "跟着用户说话的语言走：这一句是中文就用中文回答，这一句是英文就用英文回答。",
        "en": "Follow the user's language sentence by sentence: answer Chinese in Chinese, English in English.",
    },
    "zh": {
        "zh": "不管用户说什么语言，都用中文回答。",
        "en": "Always answer in Chinese, whatever language the user speaks.",
    },
    "en": {
        "zh": "不管用户说什么语言，都用英文回答。",
        "en": "Always answer in English, whatever language the user speaks.",
    },
}


class PersonaError(HuiyinError):
    """A persona that cannot be used. Its fact `place`, if any, is where in the file: 'greeting.zh'."""

    exit_status = 2


@dataclass(frozen=True)
class Persona:
    """`system` is the system prompt; `voice` a voice of the TTS service ('' lets the service choose); `language` the
    one it speaks until the user's is known; `written_in` the languages of `system`, in which the situation is told
    beside it: none, it is not. `about` maps language -> what it is, for lists; `greeting` -> its first words;
    `openers` language -> kind (`openers.KINDS`) -> what a late reply may begin with; `apologies` language -> stage ->
    the sentence for when that stage fails; `tools` language -> occasion (`tool_words`) -> the sentence where tools are
    at work; `pronunciations` a word -> how it is said."""

    name: str
    system: str
    about: Mapping[str, str] = field(default_factory=dict)
    voice: str = ""
    language: str = "zh"
    replies_in: str = "user"
    written_in: tuple[str, ...] = ()
    greeting: Mapping[str, str] = field(default_factory=dict)
    openers: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    apologies: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    tools: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    pronunciations: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Persona:
        """From a parsed TOML file. Raises PersonaError."""
        for key in data:
            if key not in _KEYS:
                raise PersonaError("persona.unknown_key", place=key, keys=_KEYS)
        language = _choice(data, "language", LANGUAGES, "zh")
        replies_in = _choice(data, "replies_in", tuple(_REPLIES_IN), "user")
        system = _in_languages(data, "system", language)
        if not system:
            raise PersonaError("persona.no_system")
        emotion = _in_languages(data, "emotion", language)
        for written_in in emotion:
            if written_in not in system:
                place = f"emotion.{written_in}"
                raise PersonaError("persona.emotion_without_system", place=place, language=written_in)
        # Its own language last: with English last the embedded 1.5B model answered 4 of 40 first questions in
        # Chinese in English, with Chinese last none, and English ones as before (1 of 30 in Chinese).
        system = dict(sorted(system.items(), key=lambda text: text[0] == language))
        prompt: list[str] = []
        for written_in, words in system.items():
            prompt += [words, _REPLIES_IN[replies_in][written_in]]
            if written_in in emotion:
                prompt.append(emotion[written_in])
        return cls(
            name=_text(data, "name", needed=True),
            system="\n".join(prompt),
            about=_in_languages(data, "about", "en"),
            voice=_text(data, "voice"),
            language=language,
            replies_in=replies_in,
            written_in=tuple(system),
            greeting=_in_languages(data, "greeting", language),
            openers=_openers(data),
            apologies=_sentences(data, "apologies", _STAGES),
            tools=_sentences(data, "tools", OCCASIONS),
            pronunciations=_pronunciations(data),
        )

    def about_in(self, language: str) -> str:
        """What the persona is, for its user; in another language where it is not told in this one."""
        return self.about.get(language) or next(iter(self.about.values()), "")

    @property
    def first_words(self) -> str:
        """The greeting in its own language, '' where it has none."""
        return self.greeting.get(self.language) or next(iter(self.greeting.values()), "")

    def opening(self) -> list[str]:
        """The greeting as clauses to be spoken; none where there is nothing in it that can be."""
        return split(self.first_words)

    def apology(self, stage: str, language: str) -> str:
        """The sentence for a failed stage in the user's language."""
        table = self.apologies.get(language) or self.apologies.get(self.language) or {}
        return table.get(stage, "")

    def words_for(self, occasion: str, language: str) -> str:
        """The sentence for an occasion of `tool_words`, in the user's language."""
        return self.tools.get(language, {}).get(occasion) or TOOL_WORDS[language][occasion]

    def all_apologies(self) -> list[str]:
        """Every apology, so that their sound can be made before it is needed."""
        return [text for table in self.apologies.values() for stage in _STAGES if (text := table.get(stage))]

    def all_prepared(self) -> list[str]:
        """Every opener and apology, each once: what is wanted first comes first."""
        openers = (text for kinds in self.openers.values() for texts in kinds.values() for text in texts)
        return list(dict.fromkeys([*openers, *self.all_apologies()]))

    def system_prompt(self, situation: Situation | None) -> str:
        """Who it is, and what it knows of here and now."""
        told = [situation.told(language) for language in self.written_in] if situation else []
        return "\n".join([self.system, *told])

    def messages(
        self, history: History, user: str | None, mood: Mood | None = None, situation: Situation | None = None,
        *, other_voice: bool = False,
    ) -> list[Message]:  # fmt: skip
        """What is sent to the model: the system prompt and the history (a stable prefix, so that prompt caches
        keep hitting), then the user's words, with lines before them on how they sounded, what is remembered, the time
        and the language to answer in, where these are worth one. `user` None: a reply to the history as it stands,
        such as to a tool's result; where it has nothing to be answered, a line asks for one. `other_voice`: another
        person says it."""
        lines = []
        if user:
            recent = history.last_turns()
            moods = [turn.mood for turn in recent]
            last_reply = next((turn.heard for turn in reversed(recent) if turn.heard), "")
            lines = [
                mood_line(mood, moods, language_of(user)) if mood else "",
                situation.memory_line(user) if situation else "",
                situation.time_line(user) if situation and self.written_in else "",
                language_hint(user, last_reply, self.replies_in, self.written_in, is_first=not history.users_words()),
            ]
            user = by_other_voice(user, other_voice=other_voice)
        words = history.opening(self.language) if user is None else "\n".join([*filter(None, lines), user])
        return [
            {"role": "system", "content": self.system_prompt(situation) + earlier(history.summary)},
            *history.messages(words),
        ]


def reply_language(transcript_language: str, text: str) -> str:
    """'zh' or 'en': the recogniser's word for it, else the script of the text."""
    return transcript_language if transcript_language in LANGUAGES else language_of(text)


# -- reading


def _text(data: Mapping[str, Any], key: str, where: str = "", *, needed: bool = False) -> str:
    value = data.get(key, "")
    path = f"{where}{key}"
    if not isinstance(value, str):
        raise PersonaError("persona.not_text", place=path, value=value)
    if needed and not value.strip():
        raise PersonaError("persona.missing", place=path)
    return value.strip()


def _choice(data: Mapping[str, Any], key: str, words: tuple[str, ...], default: str) -> str:
    value = data.get(key, default)
    if value not in words:
        raise PersonaError("persona.no_choice", place=key, choices=words, value=value)
    return str(value)


def _table(value: Any, path: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise PersonaError("persona.not_a_table", place=path, keys=keys, value=value)
    for key in value:
        if key not in keys:
            place = f"{path}.{key}"
            raise PersonaError("persona.unknown_key_in_table", place=place, key=key, table=path, keys=keys)
    return value


def _in_languages(data: Mapping[str, Any], key: str, own: str) -> dict[str, str]:
    """A text by language; one text alone is in the persona's own. Empty ones are left out."""
    value = data.get(key, "")
    table = {own: value} if isinstance(value, str) else _table(value, key, LANGUAGES)
    texts = {language: _text(table, language, f"{key}.") for language in LANGUAGES if language in table}
    return {language: text for language, text in texts.items() if text}


def _openers(data: Mapping[str, Any]) -> dict[str, dict[str, tuple[str, ...]]]:
    table = _table(data.get("openers", {}), "openers", LANGUAGES)
    openers = {}
    for language in table:
        path = f"openers.{language}"
        kinds = _table(table[language], path, KINDS)
        openers[language] = {kind: _texts(kinds[kind], f"{path}.{kind}") for kind in kinds}
    return openers


def _texts(value: Any, place: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) and text.strip() for text in value):
        raise PersonaError("persona.not_texts", place=place, value=value)
    return tuple(text.strip() for text in value)


def _sentences(data: Mapping[str, Any], key: str, occasions: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """Language -> occasion -> sentence."""
    table = _table(data.get(key, {}), key, LANGUAGES)
    sentences = {}
    for language in table:
        path = f"{key}.{language}"
        texts = _table(table[language], path, occasions)
        sentences[language] = {occasion: _text(texts, occasion, f"{path}.") for occasion in texts}
    return sentences


def _pronunciations(data: Mapping[str, Any]) -> dict[str, str]:
    table = data.get("pronunciations", {})
    if not isinstance(table, Mapping):
        raise PersonaError("persona.pronunciations_no_table", place="pronunciations", value=table)
    return {word: _text(table, word, "pronunciations.", needed=True) for word in table}
