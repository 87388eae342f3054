"""Nothing that a command prints bypasses the tables of words: in a pseudo-language no plain letters are left.

What is left out, and why: `tests/support/pseudo_language.py`, `allowed_words.toml`. Not looked at are logs, JSON, and
the timeline of a scenario, which is in the names that scenarios are written with.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from importlib.metadata import distributions
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import ImageDraw, ImageFont

from huiyin.assistant.clients.services import NAMES
from huiyin.assistant.conversation import timeline
from huiyin.assistant.faces.cli import main, models_plan
from huiyin.assistant.faces.cli.demo_report import DemoReport
from huiyin.assistant.faces.cli.options import COMMANDS
from huiyin.assistant.faces.cli.transcribe_summary import Summary
from huiyin.assistant.ports.devices import Device, distinct
from huiyin.assistant.scenario.agents.scores import faults, table
from huiyin.assistant.scenario.api import Result, ScenarioError, parse, simulate
from huiyin.assistant.scenario.metrics import NAMES as FIGURES
from huiyin.assistant.scenario.picture import draw
from huiyin.assistant.scenario.report import summary
from huiyin.assistant.tools.memory import Memory, memory_file
from huiyin.configs.choice.choose import choose
from huiyin.configs.choice.facts import Looked
from huiyin.configs.choice.hubs import HubAnswer
from tests.choice.test_choose import CATALOG, FRESH, LADDERS
from tests.loop.test_agent_bench import results
from tests.loop.test_demo_report import report  # noqa: F401  a fixture
from tests.support.pseudo_language import plain_words, pseudo_language  # noqa: F401  a fixture
from tests.support.service_process import free_port
from tests.support.simple_agent import bad
from tests.support.stranger import stranger
from tests.support.stub_services import Stub

pytestmark = pytest.mark.usefixtures("pseudo_language")

Run = Callable[..., set[str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., set[str]]:
    """Run a command; gives the plain words that it has printed. Starting a service is a failure."""
    for name in NAMES:
        monkeypatch.setenv(f"HUIYIN_{name.upper()}_PORT", str(free_port()))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HUIYIN_TALK_SESSIONS_DIR", str(tmp_path / "sessions"))
    monkeypatch.chdir(tmp_path)
    start = "huiyin.assistant.clients.launcher.Launcher.start"
    monkeypatch.setattr(start, lambda self, names: pytest.fail(f"started {names}"))

    def run(*arguments: str, status: int = 0) -> set[str]:
        assert main.main(list(arguments)) == status, capsys.readouterr()
        printed = capsys.readouterr()
        assert printed.out + printed.err
        return plain_words(printed.out + printed.err)

    return run


# -- commands --------------------------------------------------------------------------------------------------------


def _helps() -> list[list[str]]:
    actions = [[name, action] for name, command in COMMANDS.items() for action in command.get("actions", ())]
    measurements = [["bench", what] for what in COMMANDS["bench"]["arguments"]["what"]["choices"]]
    return [[], *([name] for name in COMMANDS), *actions, *measurements]


@pytest.mark.parametrize("words", _helps(), ids=" ".join)
def test_every_help(words: list[str], run: Run) -> None:
    assert run(*words, "--help") == set()


@pytest.mark.parametrize(
    "line",
    [
        "version", "settings", "settings turns", "personas", "sessions list", "sessions delete --all", "memory list",
        "memory show tea", "privacy show", "models list", "tools list",
    ],
)  # fmt: skip
def test_what_commands_print(line: str, run: Run) -> None:
    assert run(*line.split(), "--set", "talk.place=上海") == set()


def test_a_persona(run: Run) -> None:
    assert run("personas", "tutor") - set(_words_of_the_prompt("tutor")) == set()


def _words_of_the_prompt(persona: str) -> list[str]:
    from huiyin.assistant.conversation.persona_files import load_persona

    return re.findall(r"[A-Za-z]+", load_persona(persona).system)


def test_licences(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """But for the names of parts and licences, and the legal reasons beside them."""
    main.main(["licences"])
    lines = capsys.readouterr().out.splitlines()
    heading = next(line for line in lines if "docs/licences.md" in line or "ｄｏｃｓ" in line)
    assert plain_words(heading) == set()


def test_memory(run: Run) -> None:
    Memory(memory_file(), "Huiyin").keep("喜欢喝绿茶")
    assert run("memory", "list") == set()
    assert run("memory", "forget", "--all") == set()


def test_devices(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["default", "sysdefault", "pulse", "jack", "dmix", "upmix", "front", "mine"]
    facts = {"hostapi": 0, "max_input_channels": 64, "max_output_channels": 2, "default_samplerate": 48_000.0}
    found = distinct([{**facts, "name": name} for name in names], [{"name": "ALSA"}], (0, 0))
    monkeypatch.setattr("huiyin.assistant.faces.cli.devices.list_devices", lambda: found)
    assert run("devices") - set(names) == set()
    one = Device(0, "麦克风", 0, 1, 48_000, "ALSA")
    monkeypatch.setattr("huiyin.assistant.faces.cli.devices.list_devices", lambda: [one])
    assert run("devices") == set()


def test_voices(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    voices = [{"name": "zf_xiaoxiao", "language": "zh-CN", "gender": g, "engine": "kokoro"} for g in ("female", "male")]
    monkeypatch.setattr("huiyin.assistant.clients.launcher.Launcher.start", lambda self, names: None)
    monkeypatch.setattr("huiyin.assistant.clients.services.Services.get", lambda *asked: {"voices": voices})
    assert run("say", "--voices") - {"zf_xiaoxiao", "zh", "kokoro"} == set()


def test_the_plan_of_models(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = replace(FRESH, metered=True, refused={"qwen3-4b": "它没有回答"})
    hubs = {"modelscope": HubAnswer(bytes_s=2e7), "huggingface": HubAnswer(why="404")}
    plan = choose(LADDERS, CATALOG, facts)
    choice = SimpleNamespace(look=lambda: (Looked(facts, hubs), plan), record=None, ladders=LADDERS)
    monkeypatch.setattr(models_plan, "model_choice", lambda *rest: nullcontext(choice))
    monkeypatch.setattr(models_plan, "processor", lambda: "CPU")
    # The titles and worth of rungs are data in two languages, read in the language of the program: `test_chinese`.
    worth = {word for rungs in LADDERS.values() for rung in rungs for word in re.findall("[A-Za-z]+", rung.worth)}
    assert run("models", "plan") - worth == set()


def test_a_typed_conversation_its_session_and_its_prompt(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("huiyin.assistant.clients.launcher.Launcher.start", lambda self, names: None)
    monkeypatch.setattr("huiyin.assistant.faces.cli.talk.list_devices", lambda: [])
    with Stub(llm_s=0.0, reply="中午了。") as stub:
        for name in NAMES:
            monkeypatch.setenv(f"HUIYIN_{name.upper()}_PORT", str(getattr(stub.settings(), name).port))
        monkeypatch.setattr("sys.stdin", io.StringIO("几点了？\n"))
        assert main.main(["talk", "--text", "--show-prompt"]) == 0
    printed = capsys.readouterr()
    roles = {"system", "user", "assistant"}
    shown = "\n".join(line for line in printed.err.splitlines() if not line.startswith("| "))
    heads = "\n".join(line for line in printed.err.splitlines() if "#" in line)
    (session,) = (path.stem for path in Path("sessions").iterdir())  # its name may be letters alone
    assert plain_words(printed.out + shown + heads) - roles - {session} == set()
    assert run("sessions", "list") | run("sessions", "show", "last") <= {session}
    assert run("sessions", "delete", "--all") <= {session}


def test_the_doctor(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    main.main(["doctor"])
    printed = capsys.readouterr().out
    libraries = {word for each in distributions() for word in re.findall("[a-z]+", each.metadata["Name"].lower())}
    assert {word.lower() for word in plain_words(printed)} - libraries == set()


# -- reports ---------------------------------------------------------------------------------------------------------


def test_the_table_of_a_demo(report: DemoReport) -> None:  # noqa: F811
    parts = {"hear", "hold", "play"}
    assert plain_words(report.table()) - parts == set()


def test_the_summary_of_transcriptions() -> None:
    summed = Summary(9, shown=False)
    for seconds in (20.0, 1000.0, 40_000.0):
        summed.transcribed(seconds)
    summed.done_before()
    summed.failures.append(("a.wav", "坏了"))
    assert plain_words("\n".join(summed.lines(30.0))) == set()


def test_agents_side_by_side() -> None:
    played = results.__wrapped__(bad)  # not those that other tests keep
    named = {"ours": played}
    figures = table(named).replace("ours", "")
    assert plain_words(figures) == set()
    assert plain_words(_without_moments(faults(played))) - {"en"} == set()


WRONG = """
turns:
- user: 你好。
  reply: 你好呀，很高兴见到你。
  expect:
  - {event: apology}
  - {event: reply starts, times: 2}
  - {event: reply starts, within_ms: 1}
  - {event: reply starts, not_before_ms: 9000}
  - {event: reply starts, since: apology, within_ms: 300}
  - {absent: reply starts}
  - {absent: reply starts, since: apology}
  - {heard: 再见}
  - {said: {begins: 再见}}
  - {said: {contains: 再见}}
  - {said: {without: 你好}}
  - {spoken: {style: gentle}}
  - {called: lamp}
  - {history: [{user: 再见, assistant: 你好}]}
  - {history: [{user: 你好, assistant: {begins: 你好}, interrupted: true}]}
  - {history: []}
- user: 再见。
  after: apology
expect:
- {metric: takeover rate > 2}
- {metric: stop latency p50 ms < 1}
"""


@pytest.fixture
def failed() -> Result:
    """A conversation of which nothing is as expected."""
    return simulate(parse(WRONG, name="s"), tell=lambda text: None)


def test_what_was_not_as_expected(failed: Result) -> None:
    assert len(failed.failures) > 15
    printed = f"{failed.report(verbose=True)}\n{summary([failed])}"
    assert plain_words(_without_moments(printed)) - {"user", "assistant", "lamp"} == set()


def _without_moments(text: str) -> str:
    """Without the lines of the timeline, and the names of figures."""
    text = re.sub(r"\d+\.\d{3} s  .*", "", text)
    for name in sorted(FIGURES, key=len, reverse=True):
        text = text.replace(name, "")
    return text


def test_the_picture_of_a_conversation(failed: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(ImageDraw.ImageDraw, "text", lambda self, at, text, **how: drawn.append(text))
    monkeypatch.setattr(timeline, "font_of", lambda size: (ImageFont.load_default(size), True))
    draw(failed.log, failed.title, failed.failures)
    assert plain_words(_without_moments("\n".join(drawn))) == set()


# -- errors ----------------------------------------------------------------------------------------------------------


WRONG_CALLS = """
transcirbe a.wav | nothing | settings --set asr.thread=4 | --set asr.threads=many settings |
settings --set asr.threads=0 | settings --set asr.engine=ears | settings --set asr.threads |
settings --set store.offline=maybe | settings --set asr.languages=, | settings --set | settings nothing |
settings --profile embeded | settings --profile nope.toml | settings asrr | settings --jsom | devices 3 |
transcribe | transcribe a.wav --format doc | transcribe a.wav b.wav --format srt |
transcribe a.wav b.wav --format srt --out x.srt | transcribe a.wav --tags | transcribe a.wav --speakers x |
transcribe a.wav --no-embed-audio | transcribe a.wav --out no/such.txt | transcribe *.nothing | transcribe -r . |
transcribe --live --out x | transcribe --live a.wav b.wav | transcribe a.wav --device 1 | say |
say hi --out hi.m4a | say hi --out no/such/hi.wav | say hi --speed fast | ask | serve | serve everything |
serve all --port 9000 | serve all --host 0.0.0.0 | serve tts --set service.host=:: | serve web --insecure |
talk --set service.api_key=SECRET | talk --text --persona nobody | talk --persona x.toml |
serve asr --tls self-signed | web --tls cert.pem | web --tls a b c | web --port http | web --port 70000 |
web --key secret | web --set web.key_file=/there/is/none | models ftech | models path nope | demo --seed x |
sessions show | sessions delete | sessions delete --all x | memory forget | memory forget 99 |
tools call nope | tools call now [] | tools call now { | simulate | simulate none.yaml | simulate . |
simulate none.yaml --repeat 0 | simulate none.yaml --seed -1 | simulate a --depth live --services simulated |
simulate none.yaml --against nobody | simulate none.yaml --sound card | help transcirbe | bench nothing |
bench agent --against a --only nothing | completion tcsh | serve wyoming --port 0 | --lang fr settings |
serve wyoming --host 0.0.0.0 | settings --lang | bench asr --tiny | bench echo --rooms many
"""


@pytest.mark.parametrize("line", [call.strip() for call in WRONG_CALLS.split("|")])
def test_wrong_calls(line: str, run: Run) -> None:
    assert run(*line.split(), status=2) - {*re.findall("[A-Za-z]+", line)} == set()


@pytest.mark.parametrize(
    "line",
    [
        "transcribe nowhere.wav", "sessions show zzz", "models fetch nope --set store.offline=true",
        "models verify nope",
        "enroll nowhere.wav", "enroll", "talk", "talk --resume last", "say hi --output nobody",
    ],
)  # fmt: skip
def test_what_cannot_be_done(line: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huiyin.assistant.faces.cli.talk.list_devices", lambda: [])
    monkeypatch.setattr("huiyin.assistant.ports.devices.list_devices", lambda: [])
    monkeypatch.setattr("huiyin.assistant.faces.cli.enroll.list_devices", lambda: [])
    status = 2 if "nope" in line or "zzz" in line or "last" in line else 1
    assert run(*line.split(), status=status) - set(line.split()) == set()


@pytest.mark.parametrize(
    "text",
    [
        "turns:\n- usr: x", "turns:\n- user: x\n  types: x", "turns:\n- user: x\n  after: reply start",
        "turns:\n- user: x\n  after: start + 2 sec", "turns:\n- user: x [700] y", "turns: x", "turns:\n- user: a: b",
        "turns:\n- user: x\n  expect:\n  - event: reply starts\n    within: 3", "turns:\n- user: x\n  complete: 2",
        "turns:\n- user: x\n  expect: [{absent: apology, times: 2}]", "turns:\n- audio: nowhere.wav", "turns:\n- 3",
        "turns:\n- user: x\nexpect: [{metric: takeover <= 1}]", "turns:\n- user: x\n  fails: {llm: explode}",
        "turns:\n- user: [x]", "turns:\n- user:", "settings: {turns.endpoint: 3}\nturns:\n- user: x", "x: [",
        "turns:\n- user: x\n  expect: [{event: reply starts, said: x}]", "turns:\n- user: x\n  expect: [{times: 2}]",
        "turns:\n- user: x\n  user: y", "turns: []", "about: x", "",
        "turns:\n- user: x\n  expect: [{metric: yield rate, times: 1}]",
    ],
)  # fmt: skip
def test_mistakes_of_a_scenario(text: str) -> None:
    with pytest.raises(ScenarioError) as error:
        parse(text, name="s")
    problem = re.sub(r"(?<=ｎｏｔ ＹＡＭＬ: )[a-z ,']+", "", str(error.value))  # the library's own words
    assert plain_words(problem) - _written(text) == set()


def _written(text: str) -> set[str]:
    return set(re.findall("[A-Za-z]+", text))


def test_a_port_that_is_taken_and_a_package_that_is_missing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from huiyin.services.common.serve import PortTaken, listen

    with stranger() as port, pytest.raises(PortTaken) as error:
        listen("127.0.0.1", port)
    assert plain_words(f"{error.value} {error.value.hint}") == set()

    def without(args: Any, settings: Any) -> int:
        raise ModuleNotFoundError("No module named 'mcp'", name="mcp")

    def locked(args: Any, settings: Any) -> int:
        raise PermissionError(13, os.strerror(13), "/there")

    monkeypatch.setattr("huiyin.assistant.faces.cli.personas.run", without)
    assert run("personas", status=1) - {"mcp", "pip", "install"} == set()
    monkeypatch.setattr("huiyin.assistant.faces.cli.personas.run", locked)
    assert run("personas", status=1) == set()
