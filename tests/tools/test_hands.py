"""What the model calls is done, and what came of it answered: beyond what scripted conversations show."""

from __future__ import annotations

import json
from dataclasses import replace

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.hands import Hands
from huiyin.assistant.conversation.stages import Parts
from huiyin.assistant.dialogue.items import ToolCall, ToolResult, UserItem
from huiyin.assistant.dialogue.tools import CalledTool
from huiyin.assistant.scenario.scripted_tools import ScriptedTool, ScriptedToolbox, ToolAnswer
from tests.support.talk import CALL, SETTINGS, Talk, kinds

WEATHER = ScriptedTool("weather", "The weather.", effect="reads", answer=ToolAnswer(0.3, "sunny"))


class _Searched(ScriptedToolbox):
    """Its tools are called through another."""

    def meant(self, call: CalledTool) -> CalledTool:
        return replace(call, name=json.loads(call.arguments)["name"], arguments="{}")


class HandyTalk(Talk):
    """A talk whose calls are carried out. `toolbox.calls` are those that were."""

    def __init__(
        self,
        *replies: list[str | CalledTool],
        tools: tuple[ScriptedTool, ...] = (WEATHER,),
        heard: str = "How is the weather?",
    ) -> None:
        super().__init__(*replies, heard=heard)
        self.toolbox = ScriptedToolbox(self.world, tools)
        self.hands = Hands(self.world, self.toolbox, SETTINGS)
        self.hands.join(self.session)


def test_the_tools_are_offered_and_the_history_holds_call_result_and_answer() -> None:
    talk = HandyTalk([CALL], ["It is sunny."])
    talk.user_speaks()
    talk.committed(2)
    assert [tool.name for tool in talk.asked[0][1]] == ["weather"]
    assert kinds(talk.session.history.items)[:3] == [UserItem, ToolCall, ToolResult]
    assert talk.asked[1][0][-1] == {"role": "tool", "content": "sunny", "tool_call_id": "call_1"}


def test_what_is_said_while_a_tool_works_is_one_message_with_its_call() -> None:
    talk = HandyTalk([CALL], ["It is sunny."], tools=(replace(WEATHER, answer=ToolAnswer(4.0, "sunny")),))
    talk.user_speaks()
    talk.committed(3)
    messages = talk.asked[1][0]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "tool"]
    assert messages[2]["content"] == "One moment, I'm on it." and "tool_calls" in messages[2]


def test_a_result_is_there_once_however_late_the_tool_answers() -> None:
    limit_s = SETTINGS.tools.timeout_s
    talk = HandyTalk([CALL], ["It did not answer."], tools=(replace(WEATHER, answer=ToolAnswer(limit_s + 5, "late")),))
    talk.user_speaks()
    talk.committed(3)
    talk.listen(limit_s + 10)
    results = [item for item in talk.session.history.items if isinstance(item, ToolResult)]
    assert [result.output for result in results] == [f"error: no answer within {limit_s:g} s"]


def test_arguments_that_are_no_object_are_an_error_for_the_model() -> None:
    for arguments in ("[1]", "{", "null", "[" * 100_000):
        talk = HandyTalk([replace(CALL, arguments=arguments)], ["Sorry."])
        talk.user_speaks()
        talk.committed(2)
        assert talk.toolbox.calls == []
        assert "not a JSON object" in talk.asked[1][0][-1]["content"]


def test_after_too_many_calls_the_model_must_answer_until_the_user_speaks_again() -> None:
    talk = HandyTalk()
    model = talk.hands.of(Parts(talk, talk, talk)).model
    call = {"role": "assistant", "content": None, "tool_calls": []}
    calls = [call, {"role": "tool", "content": "nothing", "tool_call_id": "1"}] * SETTINGS.tools.calls
    user = {"role": "user", "content": "Find my keys."}
    for messages in ([user, *calls], [user, *calls, *calls[:2]], [user, *calls, *calls[:2], user]):
        model.ask(1, messages, (WEATHER,))
    assert [choice for _, _, choice in talk.asked] == ["auto", "none", "auto"]


def test_nothing_of_a_talk_that_has_ended_is_done() -> None:
    talk = HandyTalk([CALL], ["It is sunny."])
    talk.user_speaks()
    talk.wait(on.ToolsCalled)
    talk.session.close()
    talk.listen(5.0)
    assert len(talk.asked) == 1


def test_what_a_found_tool_puts_out_leads_to_no_act_either() -> None:
    read = CalledTool("c1", "use_tool", '{"name": "read_page"}')
    act = CalledTool("c2", "use_tool", '{"name": "heating"}')
    talk = Talk([read], [act], ["There is nothing."])
    tools = (ScriptedTool("read_page", effect="reads"), ScriptedTool("heating"), ScriptedTool("use_tool", own=True))
    toolbox = _Searched(talk.world, tools)
    Hands(talk.world, toolbox, SETTINGS).join(talk.session)
    talk.user_speaks()
    talk.committed(3)
    assert [call.name for call in toolbox.calls] == ["read_page"] and talk.spoken == ["heating: shall I do that?"]


def test_a_search_leads_to_the_tool_itself_and_its_rules() -> None:
    wipe = ScriptedTool("wipe", effect="dangerous")
    talk = Talk([CalledTool("c", "use_tool", '{"name": "wipe"}')], ["Done."])
    toolbox = _Searched(talk.world, (wipe,))
    Hands(talk.world, toolbox, SETTINGS).join(talk.session)
    talk.user_speaks()
    talk.committed(2)
    assert toolbox.calls == [] and talk.spoken == ["wipe: shall I do that?"]
