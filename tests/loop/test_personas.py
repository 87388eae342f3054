"""Personas: the files that come with Huiyin, one's own, and errors of a wrong one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.conversation.assemble import check_voice
from huiyin.assistant.conversation.persona_files import load_persona, names, reference
from huiyin.assistant.dialogue.history import HeardClause, History
from huiyin.assistant.dialogue.language import language_hint
from huiyin.assistant.dialogue.persona import Persona, PersonaError
from huiyin.assistant.faces.cli import main

WHOLE = """\
name = "Ann"
about = "a friend"
voice = "heart"
language = "en"
replies_in = "user"

[system]
zh = "你是安。"
en = '''
You are Ann.
emotion = nothing'''

[emotion]
en = "Be kind."

[greeting]
en = "Hi."

[apologies.en]
asr = "Pardon?"
"""


def written(folder: Path, text: str) -> str:
    path = folder / "ann.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", names())
def test_every_persona_that_comes_along_is_whole(name: str) -> None:
    persona = load_persona(name)
    assert persona.about and persona.voice and persona.first_words
    for language in ("zh", "en") if persona.replies_in == "user" else (persona.replies_in,):
        assert all(persona.apology(stage, language) for stage in ("asr", "llm", "tts"))
        mood = {"zh": "括号里的一行", "en": "A line in brackets"}[language]
        assert mood in persona.system, "it says what to do about the user's mood"


def test_the_system_prompt_is_made_of_words_habit_and_guidance_in_each_language(tmp_path: Path) -> None:
    persona = load_persona(written(tmp_path, WHOLE))
    assert persona.system.split("\n") == [
        "你是安。",
        "跟着用户说话的语言走：这一句是中文就用中文回答，这一句是英文就用英文回答。",
        "You are Ann.",
        "emotion = nothing",
        "Follow the user's language sentence by sentence: answer Chinese in Chinese, English in English.",
        "Be kind.",
    ]
    assert (persona.voice, persona.first_words, persona.apology("asr", "zh")) == ("heart", "Hi.", "Pardon?")


def test_a_greeting_is_spoken_in_clauses_and_only_what_can_be() -> None:
    def opening(text: str) -> list[str]:
        return Persona.from_dict({"name": "x", "system": "y", "greeting": text}).opening()

    assert opening("你好，我是林老师。今天想聊什么？") == ["你好，我是林老师。", "今天想聊什么？"]
    assert opening("👋") == opening("") == []


def test_a_text_alone_is_in_the_personas_own_language() -> None:
    persona = Persona.from_dict({"name": "x", "system": "Be brief.", "language": "en", "greeting": "Hello."})
    assert persona.greeting == {"en": "Hello."}
    assert persona.system.startswith("Be brief.\nFollow the user's language")


@pytest.mark.parametrize(
    ("old", "new", "line", "why"),
    [
        ('about = "a friend"', 'abuot = "a friend"', 2, "unknown key 'abuot'; a persona has: name, about"),
        ('name = "Ann"', 'name = " "', 1, "a persona needs 'name'"),
        ('voice = "heart"', "voice = 3", 3, "'voice' must be a text, not 3"),
        ('replies_in = "user"', 'replies_in = "fr"', 5, "'replies_in' is one of user, zh, en, not 'fr'"),
        ('en = "Be kind."', "en = true", 14, "'emotion.en' must be a text"),
        ('en = "Hi."', 'fr = "Salut."', 17, "unknown key 'fr' in 'greeting', which has: zh, en"),
        ('asr = "Pardon?"', 'ars = "Pardon?"', 20, "unknown key 'ars' in 'apologies.en', which has: asr, llm, tts"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, old: str, new: str, line: int, why: str) -> None:
    path = written(tmp_path, WHOLE.replace(old, new, 1))
    with pytest.raises(PersonaError) as refused:
        load_persona(path)
    assert str(refused.value).startswith(f"{path}:{line}: {why}")


def test_missing_keys_broken_toml_and_missing_files_are_named(tmp_path: Path) -> None:
    for text, why in (
        ('system = "x"', "ann.toml: a persona needs 'name'"),
        ('name = "x"', "ann.toml: a persona needs 'system'"),
        ('name = "x"\nvoice = = 3', "line 2"),
        ('name = "x"\nsystem = "y"\n[emotion]\nen = "z"', "ann.toml:4: 'emotion.en' stands beside no 'system.en'"),
    ):
        with pytest.raises(PersonaError, match=why.replace("(", r"\(")):
            load_persona(written(tmp_path, text))
    with pytest.raises(PersonaError, match="there is no file"):
        load_persona(str(tmp_path / "bob.toml"))
    with pytest.raises(PersonaError, match=r"no persona 'tutr' \(did you mean 'tutor'\?\)"):
        load_persona("tutr")


def test_a_session_finds_a_persona_of_ones_own_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, WHOLE)
    assert reference("ann.toml") == str(tmp_path / "ann.toml")
    assert reference("tutor") == "tutor"


def test_command_lists_and_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["personas"]) == 0
    listed = capsys.readouterr().out
    assert [line.split()[0] for line in listed.splitlines()] == names()
    assert "the one in use" in listed
    assert main.main(["personas", "tutor"]) == 0
    assert load_persona("tutor").system in capsys.readouterr().out
    assert main.main(["personas", "nobody"]) == 2


@pytest.mark.parametrize(
    ("user", "last_reply", "replies_in", "hint"),
    [
        ("I failed again.", "你好。", "user", "(Answer in English.)"),
        ("今天没考过。", "Hello.", "user", "（请用中文回答。）"),
        ("I failed again.", "Hello.", "user", ""),
        ("今天没考过。", "你好。", "user", ""),
        ("I failed again.", "", "user", ""),
        ("OK", "你好。", "user", ""),
        ("OK, bye.", "你好。", "user", ""),
        ("用 Python 写一个", "Hello.", "user", ""),
        ("What does 你好 mean?", "Hello.", "user", ""),
        ("I failed again.", "", "zh", "（请用中文回答。）"),
        ("今天没考过。", "Hello.", "en", "(Answer in English.)"),
        ("今天没考过。", "你好。", "zh", ""),
        ("Hello.", "你好。", "user", "(Answer in English.)"),
        ("Hello.", "Hello!", "user", ""),
        ("Siri.", "你好。", "user", ""),
        ("Hello.", "", "zh", "（请用中文回答。）"),
    ],
)
def test_the_language_is_named_where_the_model_would_slip(
    user: str, last_reply: str, replies_in: str, hint: str
) -> None:
    assert language_hint(user, last_reply, replies_in) == hint


@pytest.mark.parametrize(
    ("user", "greeting", "hint"),
    [
        ("Hello.", "", "(Answer in English.)"),
        ("Hello.", "Hello.", ""),
        ("Help!", "你好。", "(Answer in English.)"),
        ("Good morning!", "", "(Answer in English.)"),
        ("What is a lighthouse?", "", ""),
        ("谢谢。", "", "（请用中文回答。）"),
        ("谢谢。", "你好。", ""),
        ("灯塔是什么？", "", ""),
        ("OK", "", ""),
        ("NBA", "", ""),
        ("3.5", "", ""),
    ],
)
def test_few_first_words_need_the_hint_under_a_prompt_in_both_languages(user: str, greeting: str, hint: str) -> None:
    persona = Persona.from_dict({"name": "Ann", "system": {"zh": "你是安。", "en": "You are Ann."}})
    history = History()
    if greeting:
        history.commit("", [HeardClause(greeting, 1)], interrupted=False)
    asked = "\n".join(filter(None, [hint, user]))
    assert persona.messages(history, user)[-1]["content"] == asked


def test_the_hint_stands_before_the_last_words_and_not_in_the_history() -> None:
    persona, history = Persona("P", "You are P."), History()
    history.commit("你好", [HeardClause("你好。", 1)], interrupted=False)
    history.commit("Wait.", [], interrupted=True)
    assert persona.messages(history, "I failed again.")[-1]["content"] == "Wait.\n(Answer in English.)\nI failed again."
    history.commit("I failed again.", [HeardClause("Oh no.", 1)], interrupted=False)
    assert "Answer" not in str(persona.messages(history, "Yes, I did."))


def test_the_prompt_ends_in_the_language_of_the_persona() -> None:
    both = {"zh": "你是安。", "en": "You are Ann."}
    last = {own: Persona.from_dict({"name": "Ann", "language": own, "system": both}).written_in[-1] for own in both}
    assert last == {"zh": "zh", "en": "en"}
    assert load_persona("huiyin").system.rstrip("。")[-1] > "一", "its last words are Chinese"


# -- its voice -------------------------------------------------------------------------------------------------------


class TtsWithVoices:
    """A speech service that knows some names; `listed` False: one that keeps no list."""

    def __init__(self, *names: str, listed: bool = True) -> None:
        self.names, self.listed = names, listed

    def get(self, service: str, path: str) -> dict[str, list[dict[str, str]]]:
        if not self.listed:
            raise ServiceError("clients.refused", service=service, status=404)
        wanted = parse_qs(urlsplit(path).query).get("name", self.names)
        return {"voices": [{"name": name} for name in self.names if name in wanted]}


def test_a_voice_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    persona = replace(load_persona("huiyin"), voice="zf_xiaoxao")
    with pytest.raises(PersonaError) as refused:
        check_voice(TtsWithVoices("heart", "zf_xiaoxiao"), persona)  # type: ignore[arg-type]
    assert "'zf_xiaoxao'" in str(refused.value) and "did you mean 'zf_xiaoxiao'?" in str(refused.value)
    assert "`huiyin say --voices`" in refused.value.hint


@pytest.mark.parametrize(
    ("voice", "tts"),
    [
        ("heart", TtsWithVoices("heart")),
        ("", TtsWithVoices("heart")),
        ("their own", TtsWithVoices(listed=False)),
    ],
)
def test_a_voice_that_there_may_be_is_used(voice: str, tts: TtsWithVoices) -> None:
    check_voice(tts, replace(load_persona("huiyin"), voice=voice))  # type: ignore[arg-type]
