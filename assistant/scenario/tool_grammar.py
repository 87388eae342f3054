"""How the tools of a script are read; `grammar` explains what they mean."""

from __future__ import annotations

from typing import Any, get_args

from huiyin.assistant.dialogue.tools import Effect
from huiyin.assistant.scenario import script
from huiyin.assistant.scenario.reader import Node, Readers, fields
from huiyin.assistant.scenario.scripted_tools import ScriptedTool, ToolAnswer


def read_tools(node: Node) -> tuple[ScriptedTool, ...]:
    """The list under `tools:`."""
    return tuple(map(_tool, node.items()))


def read_answers(node: Node) -> dict[str, ToolAnswer]:
    """How tools answer from a turn on: name -> what is said of it there."""
    return {name: _answer(value.mapping(_ANSWER)) for name, value in node.mapping(()).items()}


def read_calls(node: Node) -> tuple[tuple[script.Call, ...], ...]:
    """What the model calls: in one reply, or one reply after the other."""
    return tuple(
        tuple(
            script.Call(name, arguments)
            for name, value in reply.mapping(()).items()
            for arguments in map(_arguments, value.item_or_items())
        )
        for reply in node.item_or_items()
    )


def read_arguments(node: Node) -> dict[str, Any]:
    """The arguments of a call."""
    return _arguments(node)


def _tool(node: Node) -> ScriptedTool:
    keys = node.mapping((*_TOOL, *_ANSWER), needs=["name"])
    return ScriptedTool(**fields(keys, _TOOL), answer=_answer(keys))


def _answer(keys: dict[str, Node]) -> ToolAnswer:
    return ToolAnswer(**fields(keys, _ANSWER))


def _arguments(node: Node) -> dict[str, Any]:
    """A mapping of plain values; a value alone is `{}` where it says nothing."""
    if node.is_text:
        return {} if node.text_or_nothing() in ("", "{}") else node.mapping(())  # which tells what is wrong
    return {key: value.plain() for key, value in node.mapping(()).items()}


_TOOL: Readers = {
    "name": Node.text,
    "description": Node.text,
    "title": Node.text,
    "effect": lambda node: node.choice(get_args(Effect)),
    "own": Node.flag,
}
_ANSWER: Readers = {
    "takes_ms": Node.seconds,
    "output": Node.text_or_nothing,
    "fails": lambda node: node.choice(("error", "hang")),
}
