"""Which of the two languages a text is in, and the reminder to answer in it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from huiyin.services.common.text import count_han, is_chinese

_LATIN_WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)?")
_LEAST_WORDS = 2  # a name alone is said in any language
_FEW = {"zh": 4, "en": 2}  # characters, or words: the model may not see in which language they are
_ENGLISH_ALONE = frozenset(
    ["hello", "hi", "hey", "thanks", "sorry", "goodbye", "please", "what", "why", "who", "where", "when", "how", "help"]
)
_IN_BOTH = frozenset(["ok", "okay", "bye"])  # Chinese speakers say them in Chinese sentences
_HINTS = {"zh": "（请用中文回答。）", "en": "(Answer in English.)"}


def language_of(text: str) -> str:
    """'zh' when `text` has any Chinese character (mixed text is spoken by the Chinese voice), else 'en'."""
    return "zh" if is_chinese(text) else "en"


def language_hint(
    user: str, last_reply: str, replies_in: str, prompt_in: Sequence[str] = (), *, is_first: bool = False
) -> str:
    """A line for the model where it would slip into the wrong language, else ''.

    `replies_in`: 'zh', 'en', 'user' for the language of the user's own words, or '' where that is not known.
    `prompt_in`: the languages of the system prompt, as far as they are known. `is_first`: the user has said nothing
    before.

    The embedded 1.5B model stays in the language of the last reply. Before there is one, under a prompt in both, it
    guesses where the words are few: "Hello." was answered in Chinese, 谢谢 in English. So the line stands where the
    language changes, and over such first words; under the line the model repeats a longer sentence. Words of both
    languages in one sentence change nothing.
    """
    spoken, words = language_of(user), _LATIN_WORD.findall(user)
    is_one_language = not words if spoken == "zh" else _are_english(words, is_first)
    if not replies_in or not is_one_language:
        return ""
    if replies_in != "user":
        return _HINTS[replies_in] if spoken != replies_in else ""
    before = {language_of(last_reply)} if last_reply else {*prompt_in}
    is_clear = not last_reply and (len(words) or count_han(user)) > _FEW[spoken]
    return _HINTS[spoken] if before - {spoken} and not is_clear else ""


def _are_english(words: Sequence[str], is_first: bool) -> bool:
    """Whether Latin words tell that the user speaks English. A word alone may be a name in a Chinese conversation."""
    known = [word.lower() for word in words]
    if len(words) != 1:
        return len(words) >= _LEAST_WORDS and not _IN_BOTH.issuperset(known)
    is_sign = words[0].isupper()  # NBA, A
    return known[0] in _ENGLISH_ALONE or (is_first and not is_sign and known[0] not in _IN_BOTH)
