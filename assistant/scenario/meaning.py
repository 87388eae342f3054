"""`means: TEXT`: what a language model is asked about a reply, and how its answer is read. Pure.

It is asked with temperature 0, a fixed seed and a form for its answer, so that the same model judges alike. Only a yes
or a no is a verdict; a model that writes anything else has not decided.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from huiyin.assistant.dialogue.history import Message
from huiyin.configs.messages import said

Decision = Literal["yes", "no", "undecided"]

SEED = 7
"""Any; the same for all."""
_MOST_TOKENS = 1000  # of an answer: a model that thinks first needs most of them
_LONGEST_REASON = 240  # characters: a small model comes to no end by itself
_FORM = {
    "type": "json_schema",
    "json_schema": {
        "name": "verdict",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {
                "reason": {"type": "string", "maxLength": _LONGEST_REASON},
                "verdict": {"type": "string", "enum": ["yes", "no"]},
            },
            "required": ["reason", "verdict"],
            "additionalProperties": False,
        },
    },
}
FORMS: Sequence[Mapping[str, Any]] = (
    {"temperature": 0, "seed": SEED, "max_tokens": _MOST_TOKENS, "response_format": _FORM},
    {"temperature": 0, "seed": SEED, "max_tokens": _MOST_TOKENS},
    {},
)
"""What a request has beside its messages. A server that refuses one is asked with the next; only the first forces the
answer's form."""
_RULES = """\
You check what a voice assistant has said. You get the user's words, the assistant's reply as a recogniser wrote it \
down (spelling does not count), and a claim about the reply. Decide whether the claim is true of the reply.
Answer "no" where the reply says the opposite, gives another number, day, place or name, leaves out part of the \
claim, or only asks or promises. Answer "yes" where the reply says all of it, in whatever words or language; more may \
be said beside it.
Write only JSON: {"reason": "one short sentence", "verdict": "yes" or "no"}"""
_FENCE = re.compile(r"^```\w*\s*|\s*```$")


@dataclass(frozen=True)
class Question:
    """A reply that is to be judged. `line`, `step` (0: the whole scenario), `at_s`: as in `Outcome`."""

    line: int
    step: int
    at_s: float
    user: str  # what the user said before it
    reply: str  # what was heard of it
    claim: str  # what it is to mean

    def messages(self) -> list[Message]:
        """What the model is asked. The texts are quoted as JSON: none can pass for an instruction's end."""
        user, reply, claim = (json.dumps(text, ensure_ascii=False) for text in (self.user, self.reply, self.claim))
        asked = f"User: {user}\nReply: {reply}\nClaim about the reply: {claim}"
        return [{"role": "system", "content": _RULES}, {"role": "user", "content": asked}]


@dataclass(frozen=True)
class Verdict:
    """What a model made of a question."""

    decision: Decision
    reason: str  # of the model; where it has not decided, all that it wrote, or why it wrote nothing
    prompt: str  # every message that it was sent, each below its role
    model: str  # as its server calls it
    forced: bool = False  # whether its server took the form that the answer must have

    def problem(self, question: Question) -> str:
        """What is wrong; '' where the reply means what it is to mean."""
        if self.decision == "yes":
            return ""
        key = "scenario.undecided" if self.decision == "undecided" else "scenario.said_no"
        return said(key, claim=question.claim, why=self.reason, reply=question.reply)


def shown(messages: Sequence[Message]) -> str:
    """A prompt, word for word."""
    return "\n".join(f"[{message['role']}]\n{message['content']}" for message in messages)


def read_answer(answer: str) -> tuple[Decision, str]:
    """(the decision, its reason) of what a model wrote."""
    text = _FENCE.sub("", answer.strip()).strip()
    if (word := text.strip(" .!\"'").lower()) in ("yes", "no"):
        return ("yes" if word == "yes" else "no"), ""
    try:
        found = json.loads(text)
    except ValueError:
        return "undecided", answer
    decision = found.get("verdict") if isinstance(found, dict) else None
    if decision not in ("yes", "no"):
        return "undecided", answer
    return decision, str(found.get("reason", ""))
