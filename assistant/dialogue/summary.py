"""What stands for turns that are no longer sent: a few sentences, which the language model itself writes."""

from __future__ import annotations

from collections.abc import Sequence

from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.items import Turn
from huiyin.assistant.dialogue.language import language_of

SUMMARY_TOKENS = 120  # as long as it may become

_REQUEST = {
    "zh": "下面是一段对话的开头。请用两三句话记下以后还用得着的内容：用户的名字、处境、喜好、约定好的事。"
    "只写内容，不要评论。",
    "en": "Below is the beginning of a conversation. Note in two or three sentences what will still matter later: the "
    "user's name, situation, wishes, and what was agreed. Only the notes, no comment.",
}
_SO_FAR = {"zh": "之前的记录：", "en": "Notes so far: "}
_WHO = {"zh": ("用户：", "助手："), "en": ("User: ", "Assistant: ")}
_EARLIER = {"zh": "这次对话前面的内容：", "en": "Earlier in this conversation: "}


def summary_request(turns: Sequence[Turn], so_far: str) -> list[Message]:
    """The messages that ask for a summary of `turns` and of the summary `so_far`, in the language of most of them."""
    chinese = [turn for turn in turns if language_of(turn.user) == "zh"]
    language = "zh" if 2 * len(chinese) > len(turns) else "en"
    user, assistant = _WHO[language]
    lines = [_SO_FAR[language] + so_far] if so_far else []
    for turn in turns:
        if turn.user:
            lines.append(user + turn.user)
        if turn.heard:
            lines.append(assistant + turn.heard)
    return [{"role": "user", "content": _REQUEST[language] + "\n\n" + "\n".join(lines)}]


def earlier(summary: str) -> str:
    """The paragraph of the system prompt with this summary; '' for none."""
    summary = " ".join(summary.split())
    return f"\n\n{_EARLIER[language_of(summary)]}{summary}" if summary else ""
