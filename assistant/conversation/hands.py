"""Does what the model calls for, and brings what came of it into the conversation.

The rules, each guarded by scripted conversations (`tests/conversations/*tool*`): a call is made once its reply has
begun, never while it is speculative; the user may go on talking meanwhile, and an interruption ends the assistant's
words, not the tool; every call gets one result, and one that comes while somebody speaks is used in the next reply;
what is dangerous, or what the output of a stranger's tool has led to, is done only after the user's yes.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.stages import Model, Parts
from huiyin.assistant.conversation.world import Plan, Run, Source, World
from huiyin.assistant.dialogue.consent import is_yes
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.items import ToolResult
from huiyin.assistant.dialogue.language import language_of
from huiyin.assistant.dialogue.tool_output import shown_output
from huiyin.assistant.dialogue.tools import CalledTool, Tool, ToolChoice
from huiyin.assistant.turns.machine import State
from huiyin.assistant.turns.stop_words import is_only_stop
from huiyin.configs.settings import Settings

# What the model is told in the place of an output.
_TIMED_OUT = "error: no answer within {:g} s"
_FAILED = "error: {}"
_UNKNOWN = "error: there is no tool {!r}"
_NOT_JSON = "error: the arguments are not a JSON object: {}"
_IS_ASKED = "not done yet: the user is being asked whether it is to be done"
_ONE_AT_A_TIME = "not done: the user can be asked about one thing at a time"
_ENOUGH = "not done: too many calls; answer with what is known"


class Toolbox(Protocol):
    """The tools of a conversation: `tools.toolbox.Toolbox`."""

    @property
    def offered(self) -> Sequence[Tool]:
        """What the model is told of, in an order that stays."""

    def meant(self, call: CalledTool) -> CalledTool:
        """The call that a call stands for: where tools are found by a search, they are called through another."""

    def find(self, name: str) -> Tool | None:
        """The tool with this name, offered or not."""

    def call(self, name: str, arguments: Mapping[str, Any]) -> Source[str]:
        """Its output. Nothing is done before the source is started."""


@dataclass
class _Wanted:
    """A call that waits for the user's yes. `generation`: of the reply that called."""

    generation: int
    call: CalledTool
    question: str  # up to the name of what is to be done
    is_asked: bool = False  # it has been heard


class Hands:
    """The tools at work in one conversation. `of` its parts, then `join` the session that is made of them.

    All calls in the conversation's thread.
    """

    def __init__(self, world: World, toolbox: Toolbox, settings: Settings) -> None:
        self._world, self._toolbox, self._rules = world, toolbox, settings.tools
        self._session: Session | None = None
        self._asked: dict[int, list[Message]] = {}  # generation -> what its model was asked
        self._running: dict[str, Run] = {}  # by id of the call
        self._unseen: set[str] = set()  # calls whose results no reply was asked for with yet
        self._words_heard = ""  # the last
        self._unwanted: set[str] = set()  # calls since which the user has ordered silence
        self._has_asked = False  # for a reply to results, which the model is not asked for yet
        self._has_told = False  # the user knows that it takes a while
        self._wanted: _Wanted | None = None
        self._agreed: set[int] = set()  # generations that answer the user's yes

    def of(self, parts: Parts) -> Parts:
        """These parts, with a model that calls what the user has said yes to, and must answer after too many calls."""
        return replace(parts, model=_Asked(parts.model, self._agree, self._rules.calls))

    def join(self, session: Session) -> None:
        """Offer the tools in this conversation, and do what is called there."""
        self._session = session
        session.configure(tools=self._toolbox.offered)
        session.observe(self._observe, at_once=True)

    @property
    def is_working(self) -> bool:
        """Whether more is to come: a tool runs, or its result is not yet being answered."""
        return bool(self._running or self._unseen or self._has_asked)

    # -- what happens

    def _observe(self, at_s: float, event: on.Public) -> None:
        match event:
            case on.ModelAsked(generation=generation, messages=messages):
                self._asked[generation] = messages
                self._has_asked = False
                self._has_told &= not _is_users(messages)
            case on.ToolsCalled(generation=generation, calls=calls):
                self._begin(generation, calls)
            case on.TurnCommitted():
                self._note_turn(event)
            case on.Recognised(transcript=transcript):
                self._words_heard = transcript.text
            case on.FloorChanged(after=State.LISTENING):
                self._note_stop()
                self._use_results()

    def _note_turn(self, turn: on.TurnCommitted) -> None:
        for old in [number for number in self._asked if number <= turn.generation]:
            del self._asked[old]
        self._unseen -= {message["tool_call_id"] for message in turn.messages if "tool_call_id" in message}
        wanted = self._wanted
        if wanted and turn.turn.heard.startswith(wanted.question):
            wanted.is_asked = True
            self._world.after(self._rules.confirm_s, lambda: self._forget(wanted))
        if not turn.transcript.text.strip():
            return
        if wanted and turn.generation not in (wanted.generation, *self._agreed):
            self._wanted = None  # that was no yes

    def _note_stop(self) -> None:
        """After an order for silence, which is no turn to be answered, what was called before is not spoken of."""
        if is_only_stop(self._words_heard):
            self._unwanted |= {*self._running, *self._unseen}
            self._unseen.clear()
        self._words_heard = ""

    def _forget(self, wanted: _Wanted) -> None:
        """Silence is a no; somebody who is speaking has not been silent."""
        if self._wanted is wanted and self._now.state is State.LISTENING:
            self._wanted = None

    # -- calls

    def _begin(self, generation: int, calls: Sequence[CalledTool]) -> None:
        asked = self._asked.get(generation, [])
        has_agreed = generation in self._agreed
        if has_agreed:
            self._wanted = None
        for call in calls:
            meant = self._toolbox.meant(call)
            tool, arguments = self._toolbox.find(meant.name), _arguments(meant.arguments)
            if _calls_since(asked) >= self._rules.calls:
                self._keep(call.call_id, _ENOUGH)
            elif tool is None:
                self._keep(call.call_id, _UNKNOWN.format(meant.name))
            elif arguments is None:
                self._keep(call.call_id, _NOT_JSON.format(meant.arguments))
            elif has_agreed or not self._needs_yes(tool, asked):
                self._run(call.call_id, tool, arguments)
            elif self._wanted:
                self._keep(call.call_id, _ONE_AT_A_TIME)
            else:
                self._ask_user(generation, call, tool, meant.arguments)
        words = self._words("waiting", generation)
        self._world.after(self._rules.waiting_s, lambda: self._tell_of_waiting(words))

    def _needs_yes(self, tool: Tool, asked: Sequence[Message]) -> bool:
        if tool.effect == "reads" or _is_named(tool.name, self._rules.safe):
            return False
        if tool.effect == "dangerous":
            return True
        return not tool.is_own and (_is_named(tool.name, self._rules.dangerous) or self._is_led(asked))

    def _is_led(self, asked: Sequence[Message]) -> bool:
        """Whether a reply to this answers what a stranger's tool has put out, not the user."""
        called = (each["function"] for message in _since_user(asked) for each in message.get("tool_calls", ()))
        calls = (self._toolbox.meant(CalledTool("", each["name"], each["arguments"])) for each in called)
        tools = (self._toolbox.find(call.name) for call in calls)
        return any(tool is None or not tool.is_own for tool in tools)

    def _ask_user(self, generation: int, call: CalledTool, tool: Tool, arguments: str) -> None:
        question = self._words("confirm", generation).format(tool.spoken_name)
        until_name = question[: question.index(tool.spoken_name) + len(tool.spoken_name)]
        self._wanted = _Wanted(generation, call, until_name)
        self._keep(call.call_id, _IS_ASKED, is_seen=True)
        self._now.tell(on.Notice(text=f"{tool.name} {arguments}"))  # arguments are for the eye alone
        self._now.say([question])

    def _run(self, call_id: str, tool: Tool, arguments: Mapping[str, Any]) -> None:
        pieces: list[str] = []

        def end(failure: Exception | None) -> None:
            finish("".join(pieces) if failure is None else _FAILED.format(str(failure) or type(failure).__name__))

        def finish(output: str) -> None:
            if self._running.pop(call_id, None):
                self._keep(call_id, output)
                self._use_results()

        def give_up() -> None:
            if run := self._running.get(call_id):
                run.cancel()
                finish(_TIMED_OUT.format(self._rules.timeout_s))

        self._running[call_id] = self._world.start(self._toolbox.call(tool.name, arguments), pieces.append, end)
        self._world.after(self._rules.timeout_s, give_up)

    def _keep(self, call_id: str, output: str, *, is_seen: bool = False) -> None:
        """The call's result, once."""
        shown = shown_output(output, self._rules.output_characters)
        self._now.history.add(ToolResult(call_id=call_id, output=shown))
        if not is_seen and call_id not in self._unwanted:
            self._unseen.add(call_id)

    # -- what is said

    def _use_results(self) -> None:
        """Reply to the results once all are there, in a silence; a reply to the user's words uses them, too."""
        if self._unseen and not self._running and self._now.state is State.LISTENING:
            self._unseen.clear()
            self._has_asked = True
            self._now.respond()

    def _tell_of_waiting(self, words: str) -> None:
        if self._running.keys() - self._unwanted and not self._has_told and self._now.state is State.LISTENING:
            self._has_told = True
            self._now.say([words])

    def _words(self, occasion: str, generation: int) -> str:
        """In the language of what the reply answers."""
        users = [message["content"] for message in self._asked.get(generation, ()) if message["role"] == "user"]
        language = language_of(_users_words(users[-1])) if users else self._now.users_language()
        return self._now.persona.words_for(occasion, language)

    def _agree(self, generation: int, words: str) -> CalledTool | None:
        """The call that these words of the user say yes to."""
        wanted = self._wanted
        if wanted is None or not wanted.is_asked or not is_yes(words):
            return None
        self._agreed.add(generation)
        return replace(wanted.call, call_id="")

    @property
    def _now(self) -> Session:
        assert self._session, "no conversation was joined"
        return self._session


class _Asked:
    """A `Model` that is not asked where the user's words are the yes that a call waits for, and that calls nothing
    after more than `most_calls` since the user's words."""

    def __init__(self, model: Model, agree: Callable[[int, str], CalledTool | None], most_calls: int) -> None:
        self._model, self._agree, self._most_calls = model, agree, most_calls

    def ask(
        self, generation: int, messages: Sequence[Message], tools: Sequence[Tool] = (), tool_choice: ToolChoice = "auto"
    ) -> Source[str | CalledTool]:
        """As `Model.ask`."""
        if _is_users(messages) and (call := self._agree(generation, _users_words(messages[-1]["content"]))):
            return Plan([(0.0, call)], 0.0)
        choice: ToolChoice = "none" if _calls_since(messages) > self._most_calls else tool_choice
        return self._model.ask(generation, messages, tools, choice)

    def warm(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> Source[str | CalledTool] | None:
        """As `Model.warm`."""
        return self._model.warm(messages, tools)

    def summarise(self, messages: Sequence[Message]) -> Source[str]:
        """As `Model.summarise`."""
        return self._model.summarise(messages)


def _is_users(messages: Sequence[Message]) -> bool:
    """Whether the last of these are the user's words."""
    return messages[-1]["role"] == "user"


def _users_words(content: str) -> str:
    """A message of the user without the lines in brackets before the words (`Persona.messages`)."""
    return "\n".join(line for line in content.split("\n") if not line.startswith(("(", "（")))


def _since_user(messages: Sequence[Message]) -> list[Message]:
    """What came after the user's last words."""
    last = max((index for index, message in enumerate(messages) if message["role"] == "user"), default=-1)
    return list(messages[last + 1 :])


def _calls_since(messages: Sequence[Message]) -> int:
    """How many tools were called since the user's last words."""
    return sum("tool_calls" in message for message in _since_user(messages))


def _arguments(text: str) -> dict[str, Any] | None:
    """The arguments as an object; None where they are none."""
    try:
        arguments = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return None
    return arguments if isinstance(arguments, dict) else None


def _is_named(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)
