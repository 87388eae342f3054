"""The wheel as somebody else installs it: in a clean environment, outside the checkout, beside a project of their own.

These tests download packages (pip keeps them in its own cache) and take a minute or two: ``make release-test``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.service_process import free_port

pytestmark = [pytest.mark.release, pytest.mark.slow]

PACKAGES = ("assistant", "services", "configs")
BIN = "Scripts" if os.name == "nt" else "bin"
OURS = ("PYTHON", "HUIYIN_", "VIRTUAL_ENV", "COVERAGE", "PYTEST_")  # of the environment; nothing of it is handed on
SCENARIO = """\
turns:
  - user: Hello!
    reply: Hi.
    expect: {event: reply ends}
huiyin: scenario
"""

VALIDATE = """\
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
print(JsonStrictValidator(SchemaVersion.V1_6).validate_str(open("bill.json", encoding="utf-8").read()))
"""

FOREIGN = {
    "pytest.ini": "[pytest]\naddopts = --strict-markers --strict-config -W error\n",
    "conftest.py": "",  # pytest puts its folder on the path
    "assistant/__init__.py": "OWNER = 'they'\n",
    "services/__init__.py": "",
    "services/asr.py": "OWNER = 'they'\n",
    "configs/__init__.py": "",
    "configs/settings.py": "OWNER = 'they'\n",
    "tests/test_theirs.py": """\
import assistant, configs.settings, services.asr
import huiyin.configs.settings

def test_their_names_are_theirs():
    assert {assistant.OWNER, configs.settings.OWNER, services.asr.OWNER} == {'they'}

def test_ours_are_beside_them():
    assert huiyin.configs.settings is not configs.settings
    assert huiyin.configs.settings.load(environ={}).asr.port == 7870
""",
    "tests/conversations/intents.yaml": "version: '3.1'\nintents:\n  - greet\n",
    "tests/conversations/dialogue.yml": "turns:\n  - {user: hi, bot: hello}\nspeakers: [user, bot]\n",
    "tests/conversations/broken.yaml": "turns: [unclosed\n  'quote\nspeakers: x\n",
}


def run(*command: str | Path, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run it in `folder`, with nothing of the environment of these tests."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return subprocess.run(
        list(map(str, command)), cwd=folder, env={**clean, **environ}, capture_output=True, text=True, timeout=900
    )


def done(*command: str | Path, folder: Path, **environ: str) -> str:
    """What the command prints; it must succeed."""
    result = run(*command, folder=folder, **environ)
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    return result.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the checkout, so that no `build` folder is left in it or used."""
    folder = tmp_path_factory.mktemp("build")
    assert ROOT not in folder.parents
    leave = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist", "demo")
    shutil.copytree(ROOT, folder / "source", ignore=leave)
    done(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", "wheels", "./source", folder=folder)
    (built,) = (folder / "wheels").glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that holds the wheel without extras."""
    folder = tmp_path_factory.mktemp("clean")
    done(sys.executable, "-m", "venv", "venv", folder=folder)
    programs = folder / "venv" / BIN
    done(programs / "python", "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", wheel, folder=folder)
    return programs


@pytest.fixture(scope="session")
def with_pytest(installed: Path) -> Path:
    """The same, with pytest."""
    done(installed / "python", "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", "pytest", folder=installed)
    return installed


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A project with packages named like our folders, and conversations of another kind."""
    for name, content in FOREIGN.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


def test_the_wheel_holds_our_packages_with_their_data_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    about = {name for name in names if ".dist-info/" in name}
    assert any(name.endswith("/licenses/LICENSE") for name in about)
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file())
    ours = {f"huiyin/{path.relative_to(ROOT).as_posix()}" for path in files if path.suffix != ".pyc"}
    assert set(names) - about == ours
    assert {Path(name).suffix for name in ours} == {
        ".py", ".typed", ".toml", ".txt", ".css", ".html", ".jinja", ".js", ".npy", ".svg", ".yaml"
    }  # fmt: skip


def test_the_commands_work_without_extras(installed: Path, tmp_path: Path) -> None:
    assert done(installed / "huiyin", "--version", folder=tmp_path).startswith("huiyin 0.")
    result = run(installed / "huiyin", "doctor", folder=tmp_path, HUIYIN_STORE_DIR=str(tmp_path / "store"))
    assert result.returncode in (0, 1) and result.stdout
    assert "Traceback" not in result.stdout + result.stderr
    result = run(installed / "huiyin", "bench", "echo", folder=tmp_path)
    assert result.returncode == 1 and result.stderr.startswith("huiyin: benchmarks come with a checkout")


@pytest.mark.parametrize("typed", ["say hello --out hello.wav", "ask hello", "talk --text", "serve asr", "demo"])
def test_what_needs_an_extra_says_which_in_a_line(installed: Path, tmp_path: Path, typed: str) -> None:
    ports = {f"HUIYIN_{name}_PORT": str(free_port()) for name in ("ASR", "LLM", "TTS")}
    result = run(installed / "huiyin", *typed.split(), folder=tmp_path, HUIYIN_STORE_CHOOSE="false", **ports)
    assert result.returncode == 1
    assert result.stderr.startswith("huiyin: not installed: ") and len(result.stderr.splitlines()) == 1
    assert result.stderr.endswith('pip install "huiyin[embedded]"\n')


def test_the_bill_of_materials_is_what_cyclonedx_says(installed: Path, tmp_path: Path) -> None:
    """By CycloneDX's own schema, in its own library's environment."""
    done(installed / "huiyin", "licences", "--sbom", "bill.json", folder=tmp_path)
    done(sys.executable, "-m", "venv", "tool", folder=tmp_path)
    tool = tmp_path / "tool" / BIN / "python"
    done(tool, "-m", "pip", "install", "-q", "cyclonedx-python-lib[json-validation]", folder=tmp_path)
    assert done(tool, "-c", VALIDATE, folder=tmp_path) == "None\n"


def test_a_scenario_plays(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "hello.yaml").write_text(SCENARIO)
    assert "hello" in done(installed / "huiyin", "simulate", "hello.yaml", folder=tmp_path)


def test_a_scenario_is_a_test_in_another_project(with_pytest: Path, tmp_path: Path) -> None:
    (tmp_path / "conversations").mkdir()
    (tmp_path / "conversations" / "hello.yaml").write_text(SCENARIO)
    assert "1 passed" in done(with_pytest / "pytest", folder=tmp_path)


@pytest.mark.parametrize("way", [("pytest",), ("python", "-m", "pytest")], ids=" ".join)
def test_a_project_with_the_same_folder_names_is_unharmed(
    with_pytest: Path, foreign: Path, way: tuple[str, ...]
) -> None:
    program, *arguments = way
    printed = done(with_pytest / program, *arguments, folder=foreign)
    assert "2 passed" in printed and "huiyin:" not in printed


def test_our_programs_work_in_the_folder_of_such_a_project(installed: Path, foreign: Path) -> None:
    (foreign / "hello.yaml").write_text(SCENARIO)
    done(installed / "huiyin", "simulate", "hello.yaml", folder=foreign)
    assert "asr" in done(installed / "python", "-m", "huiyin.services", "--help", folder=foreign)
