"""All tools of a conversation behind one door, and what the model is told of them.

Descriptions cost reading: 30 tools are some 3,000 tokens. Where they would be more than `budget` tokens the model is
offered those that come with Huiyin and a search: `find_tools` names the few that fit, `use_tool` calls one of them.
What it is offered stays the same for the whole conversation, so that the prompt cache keeps hitting.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from huiyin.assistant.clients.stream import Stream
from huiyin.assistant.dialogue.tokens import estimated_tokens
from huiyin.assistant.dialogue.tools import CalledTool, Tool
from huiyin.assistant.tools.own import Argument, OwnTool, own_tool
from huiyin.assistant.tools.words import telling_words, words_of

_FOUND = 4  # tools that a search names
_FIND, _USE = "find_tools", "use_tool"


class Source(Protocol):
    """Where tools come from: `mcp_servers.McpServers`."""

    @property
    def tools(self) -> Sequence[Tool]:
        """What there is."""

    def call(self, name: str, arguments: Mapping[str, Any]) -> Stream[str]:
        """The output of one of them."""


class Toolbox:
    """As `conversation.hands.Toolbox`."""

    def __init__(self, own: Sequence[OwnTool], sources: Sequence[Source] = (), budget: int = 900) -> None:
        """`budget`: tokens of descriptions. The first of two tools of one name counts."""
        self._own = {each.tool.name: each for each in own}
        self._others: dict[str, Source] = {}
        self._tools = {name: each.tool for name, each in self._own.items()}
        for source in sources:
            for tool in source.tools:
                if tool.name not in self._tools:
                    self._tools[tool.name], self._others[tool.name] = tool, source
        self._is_searched = prompt_tokens(list(self._tools.values())) > budget and len(self._others) > 1
        if self._is_searched:
            self._own |= {each.tool.name: each for each in self._search_tools()}
            self._tools |= {name: self._own[name].tool for name in (_FIND, _USE)}

    @property
    def all(self) -> Sequence[Tool]:
        """Offered or not."""
        return tuple(self._tools.values())

    @property
    def offered(self) -> Sequence[Tool]:
        """As `hands.Toolbox.offered`."""
        return tuple(each for name, each in self._tools.items() if not self._is_searched or name in self._own)

    def meant(self, call: CalledTool) -> CalledTool:
        """As `hands.Toolbox.meant`."""
        if call.name != _USE or not self._is_searched:
            return call
        try:
            wanted = json.loads(call.arguments)
            arguments = wanted.get("arguments") or {}
            name = str(wanted["name"])
        except (ValueError, KeyError, AttributeError, TypeError):
            return call
        return CalledTool(call.call_id, name, arguments if isinstance(arguments, str) else json.dumps(arguments))

    def find(self, name: str) -> Tool | None:
        """As `hands.Toolbox.find`."""
        return self._tools.get(name)

    def call(self, name: str, arguments: Mapping[str, Any]) -> Stream[str]:
        """As `hands.Toolbox.call`."""
        own = self._own.get(name)
        return own.call(arguments) if own else self._others[name].call(name, arguments)

    def _search_tools(self) -> list[OwnTool]:
        kinds = ", ".join(sorted({tool.spoken_name for name, tool in self._tools.items() if name in self._others}))
        find = own_tool(
            _FIND, f"Find tools for a task, to be called with {_USE}. There are: {kinds[:400]}", self._found,
            Argument("task", "what is to be done, in a few words"), effect="reads",
        )  # fmt: skip
        use = own_tool(
            _USE, f"Call a tool that {_FIND} has named.", _unfound,
            Argument("name", "its name"), Argument("arguments", "its arguments", "object"),
        )  # fmt: skip
        return [find, use]

    def _found(self, arguments: Mapping[str, Any]) -> str:
        others = [self._tools[name] for name in self._others]
        found = best_matches(str(arguments["task"]), others)[:_FOUND]
        if not found:
            return "no tool fits"
        return "\n".join(json.dumps(tool.as_openai()["function"], ensure_ascii=False) for tool in found)


def prompt_tokens(tools: Sequence[Tool]) -> int:
    """Tokens of these descriptions in a prompt, estimated."""
    return sum(estimated_tokens(json.dumps(tool.as_openai(), ensure_ascii=False)) for tool in tools)


def best_matches(task: str, tools: Sequence[Tool]) -> list[Tool]:
    """The tools that share words with a task, best first, by BM25 without its length term (Robertson 2009): a rare word
    counts for more. Chinese counts by character."""
    texts = [Counter(words_of(f"{tool.spoken_name} {tool.name} {tool.description}")) for tool in tools]
    wanted = telling_words(task)
    in_how_many = {word: sum(word in text for text in texts) for word in wanted}

    def score(text: Counter[str]) -> float:
        return sum(
            math.log(1 + (len(texts) - count + 0.5) / (count + 0.5)) * text[word] / (text[word] + 1)
            for word, count in in_how_many.items()
            if text[word]
        )

    scored = [(score(text), tool) for text, tool in zip(texts, tools, strict=True)]
    return [tool for points, tool in sorted(scored, key=lambda each: -each[0]) if points > 0]


def _unfound(arguments: Mapping[str, Any]) -> str:
    raise ValueError(f"call it with the name of a tool that {_FIND} has named")
