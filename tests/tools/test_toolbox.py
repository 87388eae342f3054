"""All tools behind one door; a search where they are too many."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from huiyin.assistant.clients.stream import Stream
from huiyin.assistant.dialogue.tools import CalledTool, Tool
from huiyin.assistant.tools.own import own_tool
from huiyin.assistant.tools.toolbox import Toolbox, best_matches, prompt_tokens

SCHEMA = {"type": "object", "properties": {"room": {"type": "string", "description": "the room"}}, "required": ["room"]}
NAMED = [
    Tool("light_on", "Switch on the light in a room.", SCHEMA), Tool("light_off", "Switch off the light.", SCHEMA),
    Tool("weather", "Weather forecast of a city.", SCHEMA), Tool("play_music", "Play a song or an album.", SCHEMA),
    Tool("天气", "查询城市的天气预报。", SCHEMA),
]  # fmt: skip
MANY = [*NAMED, *(Tool(f"other_{n}", f"Something else, number {n}.", SCHEMA) for n in range(35))]


class Server:
    """Where tools come from."""

    def __init__(self, tools: list[Tool]) -> None:
        self.tools = tools

    def call(self, name: str, arguments: Mapping[str, Any]) -> Stream[str]:
        async def answer() -> Any:
            yield f"{name} {dict(arguments)}"

        return Stream(answer)


CLOCK = own_tool("clock", "The time.", lambda arguments: "noon")


def test_few_tools_are_all_offered_in_the_order_in_which_they_come() -> None:
    toolbox = Toolbox([CLOCK], [Server(NAMED)])
    assert [tool.name for tool in toolbox.offered] == ["clock", *(tool.name for tool in NAMED)]
    assert toolbox.call("clock", {}).one() == "noon"
    assert toolbox.call("weather", {"city": "Ulm"}).one() == "weather {'city': 'Ulm'}"


def test_the_first_of_two_tools_of_one_name_counts() -> None:
    toolbox = Toolbox([CLOCK], [Server([Tool("clock", "Another.")])])
    assert len(toolbox.offered) == 1 and toolbox.call("clock", {}).one() == "noon"


def test_many_tools_are_found_by_a_search_and_called_through_another() -> None:
    toolbox = Toolbox([CLOCK], [Server(MANY)], budget=500)
    assert [tool.name for tool in toolbox.offered] == ["clock", "find_tools", "use_tool"]
    assert prompt_tokens(toolbox.offered) < 500 < prompt_tokens(MANY)
    found = toolbox.call("find_tools", {"task": "turn on the light in the kitchen"}).one()
    first = json.loads(found.splitlines()[0])
    assert first["name"] == "light_on" and first["parameters"] == SCHEMA
    meant = toolbox.meant(CalledTool("c", "use_tool", json.dumps({"name": "light_on", "arguments": {"room": "hall"}})))
    assert (meant.name, json.loads(meant.arguments)) == ("light_on", {"room": "hall"})
    assert toolbox.find("light_on") == NAMED[0]
    assert toolbox.call("find_tools", {"task": "quantum"}).one() == "no tool fits"


@pytest.mark.parametrize("arguments", ["", "[]", "{}", "nonsense", '{"arguments": {}}'])
def test_a_wrong_call_through_another_is_told_what_is_right(arguments: str) -> None:
    toolbox = Toolbox([], [Server(MANY)], budget=500)
    call = CalledTool("c", "use_tool", arguments)
    assert toolbox.meant(call) == call
    with pytest.raises(ValueError, match="find_tools"):
        toolbox.call("use_tool", {"name": "x", "arguments": {}}).one()


@pytest.mark.parametrize(
    ("task", "best"),
    [("what's the weather like", "weather"), ("put on some music", "play_music"), ("lights off please", "light_off"),
     ("明天天气怎么样", "天气")],
)  # fmt: skip
def test_the_best_match_comes_first(task: str, best: str) -> None:
    assert best_matches(task, MANY)[0].name == best
