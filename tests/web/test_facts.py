"""What the page learns of this machine and the services behind it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import requests

from huiyin.assistant.clients.services import NAMES
from huiyin.assistant.faces.cli import checks
from huiyin.assistant.faces.cli.checks.check import Check
from huiyin.assistant.faces.web import facts
from huiyin.configs.settings import Settings
from tests.support import ready_service
from tests.support.aiohttp_server import serving
from tests.web.door import KEY, open_door, settings_for


def at(**ports: int) -> Settings:
    """Settings with services at these ports, and none elsewhere."""
    settings = settings_for()
    return replace(settings, **{name: replace(getattr(settings, name), port=port) for name, port in ports.items()})


def test_setup_says_what_can_be_chosen(page: Path) -> None:
    with serving(ready_service.app("tts")) as tts, open_door(page, settings=at(tts=tts)) as url:
        setup = requests.get(f"{url}/api/setup").json()
    personas = {persona["name"]: persona for persona in setup["personas"]}
    assert personas["tutor"]["title"] == "林老师" and personas["tutor"]["language"] == "zh"
    assert setup["default_persona"] in personas
    assert setup["voices"] == [{"name": "heart", "language": "en", "gender": "female", "engine": "hibari"}]
    assert setup["limits"] == {"max_upload_mb": 2048, "keep_days": 7, "max_sessions": 4}
    assert setup["languages"] == ["zh", "en"] and setup["version"] and setup["key_required"] is False


def test_setup_says_how_each_service_is(page: Path) -> None:
    loading = ready_service.app("asr", ready=503, status="loading")
    failed = ready_service.app("llm", ready=503, status="failed")
    with serving(loading) as asr, serving(failed) as llm, open_door(page, settings=at(asr=asr, llm=llm)) as url:
        setup = requests.get(f"{url}/api/setup").json()
    assert setup["services"] == {"asr": "loading", "llm": "failed", "tts": "down"}
    assert setup["voices"] == []


def test_voices_come_as_soon_as_their_service_is_there(page: Path) -> None:
    settings = settings_for()
    with open_door(page, settings=settings) as url:
        assert requests.get(f"{url}/api/setup").json()["voices"] == []
        with serving(ready_service.app("tts"), settings.tts.port):
            assert len(requests.get(f"{url}/api/setup").json()["voices"]) == 1


def test_a_persona_of_ones_own_can_be_chosen(page: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('name = "Ada"\nlanguage = "en"\n[system]\nen = "You are Ada."\n')
    settings = settings_for(None, f"talk.persona={mine}")
    with open_door(page, settings=settings) as url:
        setup = requests.get(f"{url}/api/setup").json()
    chosen = next(persona for persona in setup["personas"] if persona["name"] == setup["default_persona"])
    assert chosen["title"] == "Ada"


def test_setup_says_that_there_is_a_key_to_those_who_have_it(page: Path) -> None:
    with open_door(page, key=KEY) as url:
        setup = requests.get(f"{url}/api/setup", headers={"Authorization": f"Bearer {KEY}"}).json()
    assert setup["key_required"] is True and KEY not in str(setup)


def test_system_shows_services_program_and_machine(page: Path) -> None:
    with serving(ready_service.app("asr")) as asr, open_door(page, settings=at(asr=asr)) as url:
        system = requests.get(f"{url}/api/system").json()
    assert system["services"]["asr"]["model"] == "model of asr"
    assert "llm" in system["services"]["llm"]["error"] and set(system["services"]) == set(NAMES)
    assert system["web"]["sessions"] == {"open": 0, "limit": 4}
    assert system["web"]["versions"].keys() >= {"huiyin", "aiohttp", "numpy"}
    assert system["machine"]["cpus"] >= 1 and system["machine"]["memory_gb"] > 0
    assert isinstance(system["machine"]["gpu"], list)


@pytest.mark.parametrize(
    ("printed", "found"),
    [
        ("NVIDIA H200, 143771\n", [{"name": "NVIDIA H200", "memory_gb": 140.4}]),
        ("A, 1024\nB, [N/A]\n", [{"name": "A", "memory_gb": 1.0}]),
        ("", []),
    ],
)
def test_graphics_cards_have_name_and_memory(printed: str, found: list[object]) -> None:
    assert facts.gpus_in(printed) == found


def test_the_doctor_answers_and_leaves_the_microphone_alone(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def good(settings: Settings):  # type: ignore[no-untyped-def]
        yield Check("warn", "doctor.service_loading", port=7870, service="asr")

    def broken(settings: Settings):  # type: ignore[no-untyped-def]
        raise ZeroDivisionError("by zero")
        yield

    monkeypatch.setattr(facts, "OF_THE_PAGE", [good, broken])
    with open_door(page) as url:
        first, second = requests.get(f"{url}/api/doctor").json()
        chinese, _ = requests.get(f"{url}/api/doctor?language=zh").json()
    assert first["text"] == "port 7870: the asr service is loading its model" and first["hint"] == "wait a little"
    assert (first["name"], first["status"]) == ("good", "warn")
    assert chinese["text"] == "端口 7870：asr 服务正在加载模型" and chinese["hint"] == "稍等一会儿"
    assert second["status"] == "fail" and "by zero" in second["text"]
    assert checks.sound.microphone in checks.QUESTIONS and checks.sound.microphone not in checks.OF_THE_PAGE
