"""What ``huiyin serve … --ray`` says where it cannot begin; and where a program behind a router listens."""

from __future__ import annotations

import sys

import pytest

from huiyin.assistant.faces.cli import main
from huiyin.configs.settings import ServiceSettings, SettingsError
from huiyin.services.common.serve import listener_of, listens_on
from tests.support.service_process import free_port

PORTS = [word for name in ("asr", "llm", "tts", "web") for word in ("--set", f"{name}.port={free_port()}")]


def complaint(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = main.main(["serve", *words, *PORTS])
    return status, capsys.readouterr().err.splitlines()[-1]


def test_without_ray_it_names_the_extra(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    stated = ["ray[data,serve]>=2.60; extra == 'ray'"]  # an environment may hold those of yesterday
    monkeypatch.setattr("huiyin.configs.packages.extras._requirements", lambda: stated)
    monkeypatch.delitem(sys.modules, "huiyin.assistant.scale.cluster", raising=False)
    status, words = complaint(capsys, "tts", "--ray", "--set", "tts.engine=hibari")
    assert status == 1 and "ray" in words and words.endswith('pip install "huiyin[ray]"')


@pytest.mark.parametrize(
    ("words", "about"),
    [
        (("wyoming", "--ray"), "one program"),
        (("asr", "--ray", "--port", "7870"), "--port"),
        (("all", "--ray", "--insecure"), "--insecure"),
        (("all", "--ray", "--host", "0.0.0.0"), "HUIYIN_SERVICE_API_KEY"),
    ],
)
def test_what_does_not_go_with_it_is_refused(
    words: tuple[str, ...], about: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, line = complaint(capsys, *words)
    assert status == 2 and about in line


def test_a_program_listens_where_it_is_told_and_is_known_as_before() -> None:
    settings = ServiceSettings(host="talk.example", listen="127.0.0.1:0")
    assert listens_on(settings) == "127.0.0.1" and listens_on(ServiceSettings()) == "127.0.0.1"
    assert listens_on(ServiceSettings(listen="[::1]:7000")) == "::1"
    with listener_of(settings, 7870) as listener:
        assert listener.getsockname()[0] == "127.0.0.1" and listener.getsockname()[1] != 7870


@pytest.mark.parametrize("where", ["7870", "127.0.0.1:", ":7870:x", "host:99999", "127.0.0.1:-1"])
def test_a_place_that_is_none_is_refused(where: str) -> None:
    with pytest.raises(SettingsError, match=r"service\.listen"):
        listener_of(ServiceSettings(listen=where), 7870)
