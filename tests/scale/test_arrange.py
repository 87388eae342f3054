"""Who listens where, and with which keys."""

from __future__ import annotations

from huiyin.assistant.scale.arrange import SERVICE_KEY, WEB_KEY, Arrangement
from huiyin.assistant.scale.directory import PROGRAMS
from huiyin.configs.settings import load


def arranged(*overrides: str, host: str = "127.0.0.1", door: str = "", made: str = "", key: str = "") -> Arrangement:
    environ = {SERVICE_KEY: key} if key else {}
    return Arrangement(load(overrides=overrides, environ=environ), host, door, made)


def values(arrangement: Arrangement, program: str = "asr") -> dict[str, str]:
    start = arrangement.start(program, [], {"HUIYIN_ASR_THREADS": "1", "PATH": "/bin"})  # type: ignore[arg-type]
    assert start.environment["HUIYIN_ASR_THREADS"] == "1" and "PATH" not in start.environment
    return dict(text.split("=", 1) for text in start.arguments if "=" in text)


def test_on_this_machine_addresses_and_keys_are_the_usual_ones() -> None:
    here = arranged()
    places = {place.program: (place.host, place.port) for place in here.places(PROGRAMS)}
    assert places == {name: ("127.0.0.1", port) for name, port in zip(PROGRAMS, (7870, 21002, 7889, 8000), strict=True)}
    assert {place.keys.within for place in here.places(PROGRAMS)} == {""}
    assert values(here)["service.host"] == "127.0.0.1" and here.start("asr", [], {}).key == ""


def test_replicas_of_other_machines_always_have_a_key() -> None:
    there = arranged(host="10.0.0.5", made="made")
    assert {place.keys.within for place in there.places(PROGRAMS)} == {"made"}
    assert there.start("llm", [], {}).environment == {SERVICE_KEY: "made", WEB_KEY: "made"}
    own = arranged(host="10.0.0.5", made="made", key="mine", door="door-key")
    assert {place.keys.within for place in own.places(PROGRAMS)} == {""}
    assert own.start("web", [], {}).environment == {SERVICE_KEY: "mine", WEB_KEY: "door-key"}
    assert own.start("web", [], {}).key == "door-key" and own.start("tts", [], {}).key == "mine"


def test_the_page_of_another_machine_reaches_the_services_here() -> None:
    there = arranged(host="10.0.0.5", made="made")
    hosts = [(place.host, place.settings.api_key) for place in there.places(["asr"])]
    assert hosts == [("127.0.0.1", ""), ("10.0.0.5", "made")]
    assert values(there, "web")["service.host"] == "10.0.0.5"
    everywhere = arranged("service.host=0.0.0.0", host="10.0.0.5", key="mine")
    assert [place.host for place in everywhere.places(["asr"])] == ["0.0.0.0"]
    assert values(everywhere, "web")["service.host"] == "10.0.0.5"
    assert values(arranged("service.host=10.0.0.9", host="10.0.0.5", key="k"), "web")["service.host"] == "10.0.0.9"
