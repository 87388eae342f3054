"""What came of many scenarios: for people, for programs (JSON), for whatever shows test results (JUnit XML).

Nothing in a report depends on the machine or the time of day: the same scenarios and seed give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as xml

from huiyin.assistant.scenario.metrics import total
from huiyin.assistant.scenario.result import NotPlayable, Result, prompt_of
from huiyin.configs.messages import said


def summary(results: Sequence[Result], refused: Sequence[NotPlayable] = ()) -> str:
    """The figures of all scenarios, how many went as expected, and which could not be played and why."""
    figures = {name: value for name, value in together(results).items() if value is not None}
    width = max(map(len, figures), default=0)
    table = [f"  {name:{width}}  {value:g}" for name, value in figures.items()]
    failed = sum(not result.passed for result in results)
    not_played = [said("scenario.not_played", why=why) for why in refused]
    key = "scenario.passed_and_refused" if refused else "scenario.passed"
    counted = said(key, passed=len(results) - failed, failed=failed, refused=len(refused))
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
        name, depth = why.facts["name"], why.facts["depth"]
        case = xml.SubElement(suite, "testcase", classname=f"conversations.{depth}", name=f"{name} [{depth}]")
        xml.SubElement(case, "skipped", message=str(why))
    for result in results:
        file = result.scenario.path.as_posix() if result.scenario.path else result.scenario.name
        case = xml.SubElement(suite, "testcase", classname=f"conversations.{result.depth}", name=result.title)
        case.set("file", file)
        case.set("time", f"{result.log.end_s:.3f}")
        for outcome in result.failures:
            failure = xml.SubElement(case, "failure", message=result.explain(outcome))
            failure.text = "\n".join(filter(None, [prompt_of(outcome), *result.timeline(outcome)]))
        notes = [*result.met_by_verdict(), *map(result.unjudged, result.not_judged)]
        if notes:
            xml.SubElement(case, "system-out").text = "\n".join(notes)
    xml.indent(suite)
    return xml.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def together(results: Sequence[Result]) -> dict[str, float | None]:
    """The figures of all of them."""
    return total(result.tally for result in results).figures()


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
        "expectations": [
            {
                "line": o.line,
                "turn": o.step,
                "met": o.met,
                "problem": o.problem,
                **({"verdict": vars(o.verdict)} if o.verdict else {}),
            }
            for o in result.outcomes
        ],
        **({"not_judged": [vars(question) for question in result.not_judged]} if result.not_judged else {}),
        **({"unseen": [expectation.line for expectation in result.unseen]} if result.unseen else {}),
        "metrics": result.figures,
        "history": [{"user": t.user, "assistant": t.heard, "interrupted": t.interrupted} for t in log.history],
        "moments": [
            {"at_s": round(m.at_s, 4), "moment": m.name, "detail": m.detail, "generation": m.generation, "turn": m.step}
            for m in log.moments
        ],
    }
