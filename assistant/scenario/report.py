"""What came of scenarios: for people, for programs (JSON), for whatever shows test results (JUnit XML).

Nothing in a report depends on the machine or the time of day: the same scenarios and seed give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as xml

from huiyin.assistant.scenario.api import NotPlayable, Result, together
from huiyin.assistant.scenario.expectations import Outcome

_AROUND_S = 1.5  # of the timeline is shown before and after what failed


def text_report(results: Sequence[Result], *, verbose: bool = False) -> str:
    """One line a scenario; for a failed one (`verbose`: for each) what was expected and the timeline around it."""
    lines: list[str] = []
    for result in results:
        passed, count = sum(outcome.met for outcome in result.outcomes), len(result.outcomes)
        mark = "ok  " if result.passed else "FAIL"
        lines.append(f"{mark} {title(result)}  {passed}/{count} expectations, {result.log.end_s:.1f} s")
        for outcome in result.failures:
            lines += ["", f"  {place(result, outcome)}: {outcome.problem}", "", *_timeline(result, outcome), ""]
        if verbose:
            lines += ["", *(f"    {moment}" for moment in result.log.moments), ""]
    return "\n".join(lines)


def summary(results: Sequence[Result], refused: Sequence[NotPlayable] = ()) -> str:
    """The figures of all scenarios, how many went as expected, and which could not be played and why."""
    figures = {name: value for name, value in together(results).items() if value is not None}
    width = max(map(len, figures), default=0)
    table = [f"  {name:{width}}  {value:g}" for name, value in figures.items()]
    failed = sum(not result.passed for result in results)
    not_played = [f"not played: {why}" for why in refused]
    counted = f"{len(results) - failed} passed, {failed} failed" + (f", {len(refused)} not played" if refused else "")
    return "\n".join([*not_played, *([""] if refused else []), *table, counted])


def json_report(results: Sequence[Result], refused: Sequence[NotPlayable] = ()) -> str:
    """Everything, as JSON."""
    document = {
        "passed": all(result.passed for result in results),
        "not_played": [str(why) for why in refused],
        "metrics": together(results),
        "scenarios": [_as_data(result) for result in results],
    }
    return json.dumps(document, ensure_ascii=False, indent=1)


def junit_report(results: Sequence[Result], refused: Sequence[NotPlayable] = ()) -> str:
    """JUnit's XML, one test case a scenario and depth; those that could not be played are skipped ones."""
    suite = xml.Element("testsuite", name="conversations", tests=str(len(results) + len(refused)))
    suite.set("failures", str(sum(not result.passed for result in results)))
    suite.set("skipped", str(len(refused)))
    for why in refused:
        case = xml.SubElement(
            suite, "testcase", classname=f"conversations.{why.depth}", name=f"{why.name} [{why.depth}]"
        )
        xml.SubElement(case, "skipped", message=str(why))
    for result in results:
        file = result.scenario.path.as_posix() if result.scenario.path else result.scenario.name
        case = xml.SubElement(suite, "testcase", classname=f"conversations.{result.depth}", name=title(result))
        case.set("file", file)
        case.set("time", f"{result.log.end_s:.3f}")
        for outcome in result.failures:
            failure = xml.SubElement(case, "failure", message=f"{place(result, outcome)}: {outcome.problem}")
            failure.text = "\n".join(_timeline(result, outcome))
    xml.indent(suite)
    return xml.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def title(result: Result) -> str:
    """The scenario and how it was played; the seed where it is not the scenario's own."""
    how: list[str] = [result.depth]
    if result.services == "real" and result.depth != "live":
        how.append("real services")
    if result.seed != result.scenario.seed:
        how.append(f"seed {result.seed}")
    return f"{result.scenario.name} [{', '.join(how)}]"


def place(result: Result, outcome: Outcome) -> str:
    """Where the expectation stands."""
    return f"{result.scenario.path or result.scenario.name}:{outcome.line}"


def _timeline(result: Result, outcome: Outcome) -> list[str]:
    start_s, end_s = outcome.at_s - _AROUND_S, outcome.at_s + _AROUND_S
    return [f"    {moment}" for moment in result.log.moments if start_s <= moment.at_s <= end_s]


def _as_data(result: Result) -> dict[str, Any]:
    log = result.log
    return {
        "name": result.scenario.name,
        "file": result.scenario.path.as_posix() if result.scenario.path else None,
        "about": result.scenario.about,
        "depth": result.depth,
        "seed": result.seed,
        "services": result.services,
        "passed": result.passed,
        "length_s": round(log.end_s, 3),
        "expectations": [{"line": o.line, "turn": o.step, "met": o.met, "problem": o.problem} for o in result.outcomes],
        "metrics": result.figures,
        "history": [{"user": t.user, "assistant": t.heard, "interrupted": t.interrupted} for t in log.history],
        "moments": [
            {"at_s": round(m.at_s, 4), "moment": m.name, "detail": m.detail, "generation": m.generation, "turn": m.step}
            for m in log.moments
        ],
    }
