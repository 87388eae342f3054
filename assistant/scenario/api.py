"""Scripted conversations from Python:

    from huiyin.assistant.scenario.api import parse, simulate

    result = simulate("tests/conversations/en_barge_in.yaml")
    assert result.passed, result.report()

A scenario can also be written in place, in the grammar of `huiyin.assistant.scenario.grammar`:

    story = parse({"turns": [{"user": "Tell me a story.", "expect": [{"event": "reply starts", "within_ms": 800}]}]})
    assert simulate(story).figures["takeover rate"] == 1
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from huiyin.assistant.clients.services import Services
from huiyin.assistant.scenario.always import problems
from huiyin.assistant.scenario.director import Director
from huiyin.assistant.scenario.expectations import Outcome, judge
from huiyin.assistant.scenario.grammar import ScenarioError, parse, read
from huiyin.assistant.scenario.log import Log
from huiyin.assistant.scenario.meaning_judge import judge_for
from huiyin.assistant.scenario.metrics import tally
from huiyin.assistant.scenario.moments import Moment
from huiyin.assistant.scenario.needs import lacking
from huiyin.assistant.scenario.result import NotPlayable, Result
from huiyin.assistant.scenario.runner import Runner
from huiyin.assistant.scenario.script import Depth, Scenario
from huiyin.assistant.scenario.simulated_services import JudgeText, Recognise, unjudged
from huiyin.assistant.turns.machine import State
from huiyin.configs.messages import said
from huiyin.configs.settings import Settings, SettingsConflict, load, with_overrides

__all__ = ["Log", "Moment", "NotPlayable", "Result", "Scenario", "ScenarioError", "parse", "read", "simulate"]


def _on_standard_error(text: str) -> None:
    print(f"· {text}", file=sys.stderr, flush=True)


def simulate(
    scenario: Scenario | Path | str,
    depth: Depth | None = None,
    seed: int | None = None,
    *,
    settings: Settings | None = None,
    services: Literal["simulated", "real"] = "simulated",
    place: Literal["room", "card"] = "room",
    judge_text: JudgeText = unjudged,
    recognise: Recognise | None = None,
    tell: Callable[[str], None] = _on_standard_error,
) -> Result:
    """Play a scenario (or the file that holds it), by default at the first of its own depths.

    `settings` are those of the conversation, before the scenario's own; by default text and room depth take no notice
    of this machine's. `services` real: those that run where `settings` say, in the virtual time of room depth; live
    depth has no others. `place` is for live depth: a simulated room, or the sound card that `settings` name.

    `judge_text` tells simulated services how complete the words of a turn are, where the scenario does not;
    `recognise` tells their recogniser what it makes of a part of an utterance: else it knows the script's words, evenly
    spread. `tell` is given what the user should know of real services and sound: that a model is missing, for example.

    Where services are real, the language model of the setting `simulate.judge` judges what replies mean; in virtual
    time with simulated ones nothing does, and the result says so.

    Raises NotPlayable; ScenarioError where the file is wrong or something it needs is missing; ServiceError or
    PortError where real services or sound cannot be had. A failed expectation is not an error.
    """
    if not isinstance(scenario, Scenario):
        scenario = read(scenario)
    depth = depth or scenario.depths[0]
    seed = scenario.seed if seed is None else seed
    real = services == "real" or depth == "live"
    check_playable(scenario, depth, real=real, card=depth == "live" and place == "card")
    if settings is None:
        settings = load() if real else load(environ={})
    settings = settings_for(scenario, depth, settings)
    clients = Services(settings) if real else None
    ask = judge_for([scenario], settings) if real else None
    if depth == "live":
        from huiyin.assistant.scenario.real_time import LiveRunner

        director = LiveRunner(scenario, seed, Services(settings), place, tell).run()
    else:
        runner = Runner(scenario, depth, seed, settings, clients, judge_text, recognise, tell=tell)
        director = runner.run()
    result = result_of(director, scenario, depth, seed, real=real)
    if real:
        return result.judged(ask) if ask else result
    return replace(result, outcomes=(*result.outcomes, *problems(result.log, settings.turns, runner.speak)))


def check_playable(scenario: Scenario, depth: Depth, *, real: bool, card: bool = False) -> None:
    """Raise NotPlayable where the scenario has steps or expectations that need something else; `real`: services."""
    if why := lacking(scenario, depth, real_services=real, card=card):
        source = scenario.path or scenario.name
        raise NotPlayable("scenario.not_playable", scenario=source, name=scenario.name, depth=depth, why=why)


def settings_for(scenario: Scenario, depth: Depth, settings: Settings) -> Settings:
    """`settings` with the scenario's own. Raises NotPlayable where these contradict others among them."""
    try:
        return with_overrides(settings, scenario.settings)
    except SettingsConflict as error:
        source, pairs = scenario.path or scenario.name, error.facts["pairs"]
        raise NotPlayable(
            "scenario.contrary_settings", scenario=source, name=scenario.name, depth=depth, pairs=pairs
        ) from error


def result_of(director: Director, scenario: Scenario, depth: Depth, seed: int, *, real: bool) -> Result:
    """What came of a scenario that was played to its end; `real`: against services that are.

    What takes a language model to judge has not been judged: `Result.judged`.
    """
    log = director.log
    counted = tally(log)
    outcomes, questions = judge(scenario, log, counted.figures(), depth)
    for step, when in director.unplayed:
        problem = said("scenario.never_began", number=step.number, turn=step.label(), when=when)
        outcomes.append(Outcome(step.line, step.number, problem, log.end_s))
    if director.state is not State.LISTENING and scenario.hang_up is None:
        problem = said("scenario.no_rest", state=director.state.name)
        outcomes.append(Outcome(1, 0, problem, log.end_s))
    services: Literal["simulated", "real"] = "real" if real else "simulated"
    return Result(scenario, depth, seed, services, log, tuple(outcomes), counted, tuple(questions))
