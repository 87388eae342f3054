"""Programs that we start import nothing from the folder in which the user happens to be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from huiyin.assistant.faces.cli import main
from huiyin.configs.store.registry import Registries
from huiyin.services.common.child import module_command
from tests.support.limits import PATIENCE_S
from tests.support.service_process import start_service

pytestmark = pytest.mark.slow  # programs are started

TRAP = "raise SystemExit('imported from the current folder')"
NAMES = ("huiyin", "services", "configs", "queue", "runpy", "json", "flask", "aiohttp", "numpy", "pip", "xllamacpp")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, full of modules that must not be imported."""
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text(TRAP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    return tmp_path


def run(command: list[str], question: str = "") -> subprocess.CompletedProcess[str]:
    """Run it here."""
    return subprocess.run(command, input=question, capture_output=True, text=True, timeout=PATIENCE_S)


def test_the_traps_are_set() -> None:
    assert "imported from the current folder" in run([sys.executable, "-m", "huiyin.services", "--help"]).stderr


@pytest.mark.parametrize("version", [(3, 10), (3, 11)])
def test_a_module_runs_as_a_program_with_its_arguments(
    version: tuple[int, int], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if version > sys.version_info:
        pytest.skip("this Python does not know -P")
    modules = folder / "modules"
    modules.mkdir()
    (modules / "shown.py").write_text("import json, sys; print(json.dumps([__name__, *sys.argv, *sys.path]))")
    monkeypatch.setenv("PYTHONPATH", str(modules))
    monkeypatch.setattr(sys, "version_info", version)
    name, file, *arguments_and_path = json.loads(run(module_command("shown", "--one", "two")).stdout)
    assert (name, Path(file).name, arguments_and_path[:2]) == ("__main__", "shown.py", ["--one", "two"])
    assert arguments_and_path[2] == str(modules), "the current folder is not before it"


def test_a_service_starts(folder: Path) -> None:
    program = module_command("huiyin.services")[1:]
    with start_service(
        "llm", program=program, folder=folder, wait_ready=False, upstreams="http://127.0.0.1:9/v1"
    ) as url:
        assert requests.get(f"{url}/openapi.json", timeout=PATIENCE_S).json()["info"]["title"] == "Huiyin llm"


def test_the_process_of_the_language_model_starts() -> None:
    done = run(module_command("huiyin.services.llm.engines.llama_child"), '{"niceness": 0}\n')
    assert done.stderr == "" and "error" in json.loads(done.stdout)
    assert "current folder" not in done.stdout


def test_a_conversion_starts(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main.main(["models", "convert", str(folder)]) == 1
    told = capfd.readouterr()
    assert str(folder) in told.err and "current folder" not in told.err


def test_pip_is_asked_and_not_a_file_of_that_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    http: Any = None
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)  # then its own default is asked for
    assert Registries(http, environ={})._pip.indexes == ("https://pypi.org/simple",)
    configuration = folder / "pip.conf"
    configuration.write_text("[global]\nindex-url = https://packages.example/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(configuration))
    assert Registries(http, environ={})._pip.indexes[0] == "https://packages.example/simple"
