"""Facts about the user that they told without asking to have them remembered, found by the language model afterwards.

It is asked once, when the conversation is over, and is shown the user's words alone: what a tool or a page put out, or
the assistant said, becomes no fact. It may still invent one, so a fact is only kept where its words are the user's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from huiyin.assistant.clients.services import Services
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.language import language_of
from huiyin.assistant.tools.memory import LONGEST
from huiyin.assistant.tools.words import telling_words

_TOKENS = 200  # of the answer
_TIMEOUT_S = 30.0  # who has ended a conversation waits for no more
_MOST_CHARACTERS = 6000  # of the newest words: a context of 4,096 tokens holds them in Chinese, too
_MOST_FACTS = 8
_OWN_WORDS = 0.7  # of a fact's words that the user must have said: a name that is put in is one word of three or four
_REQUEST = {
    "zh": "下面是用户在一次对话里说的话。列出用户说到的、关于自己的、以后还有用的事实：名字、家人、住处、工作、"
    "喜好、过敏、固定的安排。一行一条，用第一人称和用户自己的说法，例如“我姐姐住在成都。”。问题、要求、一时的事不算。没有就写“无”。",
    "en": "Below is what a user said in a conversation. List the facts about the user that will still matter later: "
    "name, family, home, work, likes, allergies, regular plans. One a line, in the first person and in the user's own "
    'words, as "My sister lives in Leeds." Questions, requests and passing things are no facts. Write "none" where '
    "there is none.",
}
_MARK = re.compile(r"^\s*(?:[-*•·]|\d+[.)、])\s*")
_NONE = re.compile(r"(?i)[\s\W]*(?:none|no facts?|nothing|无|没有)[\s\W]*")
_QUESTION = re.compile(r"[?？]\s*$")


def find_facts(services: Services, said: Sequence[str]) -> list[str]:
    """The facts in what the user `said`, turn by turn. Raises ServiceError."""
    words = "\n".join(each for each in said if each.strip())[-_MOST_CHARACTERS:]
    if not words:
        return []
    answer = "".join(services.ask(facts_request(words), timeout_s=_TIMEOUT_S, max_tokens=_TOKENS, background=True))
    return list(facts_in(answer, words))[:_MOST_FACTS]


def facts_request(words: str) -> list[Message]:
    """The messages that ask for the facts in these words, in their language."""
    return [{"role": "user", "content": f"{_REQUEST[language_of(words)]}\n\n{words}"}]


def facts_in(answer: str, words: str) -> Iterator[str]:
    """The lines of the model's `answer` that say in the user's `words` what they tell, each once."""
    own, seen = set(telling_words(words)), set[str]()
    for line in answer.splitlines():
        fact = " ".join(_MARK.sub("", line).strip('"“” ').split())
        telling = telling_words(fact)
        is_fact = telling and len(fact) <= LONGEST and not _NONE.fullmatch(fact) and not _QUESTION.search(fact)
        if not is_fact or fact.lower() in seen:
            continue
        if sum(word in own for word in telling) >= _OWN_WORDS * len(telling):
            seen.add(fact.lower())
            yield fact
