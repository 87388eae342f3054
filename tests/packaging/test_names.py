"""The packages have one name each: huiyin.services, never services, in every kind of process that we start.

From the checkout's folder both could be imported, and every module would be there twice: the second is an error that
names the first.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from huiyin.services.common.child import module_command
from tests.support import ROOT
from tests.support.limits import PATIENCE_S
from tests.support.service_process import start_service

pytestmark = pytest.mark.slow  # programs are started

NAMES = ("assistant", "services", "configs")
WRONG_IMPORT = "import services"
ERROR = "import huiyin.services, not services"


def run(command: list[str], question: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    """Run it in the checkout's folder, as a developer would; `question` is its standard input."""
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environ},
        input=question,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )


def error_of_import(name: str) -> str:
    """What importing `name` says; '' when it works. (A function of its own for a process of its own.)"""
    try:
        importlib.import_module(name)
    except ImportError as error:
        return str(error)
    return ""


@pytest.fixture
def wrong_package(tmp_path: Path) -> str:
    """A path for PYTHONPATH: llama.cpp's and sherpa's packages import services, and the checkout is on the path."""
    for name in ("xllamacpp", "sherpa_onnx"):
        (tmp_path / f"{name}.py").write_text(WRONG_IMPORT)
    return os.pathsep.join([str(tmp_path), str(ROOT), os.environ.get("PYTHONPATH", "")])


@pytest.mark.parametrize("name", NAMES)
def test_in_pytest_the_short_name_is_an_error_that_names_the_right_one(name: str) -> None:
    assert f"import huiyin.{name}, not {name}" in error_of_import(name)


@pytest.mark.parametrize(
    ("module", "right"),
    [
        ("services", "python -m huiyin.services"),
        ("services.tts.spoken", "import huiyin.services, not services"),
        ("assistant.turns.table", "import huiyin.assistant, not assistant"),
        ("configs.settings", "import huiyin.configs, not configs"),
    ],
)
def test_python_m_with_the_short_name_names_the_right_one(module: str, right: str) -> None:
    done = run([sys.executable, "-m", module, "asr"])
    assert done.returncode == 1
    assert right in done.stderr.splitlines()[-1]


def test_in_a_spawned_process_it_is_the_same_error() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert ERROR in pool.apply(error_of_import, ("services",))


@pytest.mark.slow
def test_in_the_web_servers_worker_it_is_the_same_error() -> None:
    with start_service("asr", program=("-m", "tests.support.wrong_import"), wait_ready=False) as url:
        assert ERROR in requests.get(f"{url}/import", timeout=PATIENCE_S).text


def test_in_the_process_that_holds_the_language_model_it_is_the_same_error(wrong_package: str) -> None:
    command = module_command("huiyin.services.llm.engines.llama_child")
    done = run(command, question='{"niceness": 0}\n', PYTHONPATH=wrong_package)
    assert ERROR in json.loads(done.stdout)["error"]


def test_in_a_benchmarks_worker_it_is_the_same_error(wrong_package: str) -> None:
    command = [sys.executable, "-m", "benchmarks.recogniser.worker", "sherpa", "folder", "1"]
    done = run(command, PYTHONPATH=wrong_package)
    assert done.returncode == 1
    assert ERROR in done.stderr.splitlines()[-1]
