"""The clients' own environments, outside the checkout: made once, kept between runs.

Their packages exclude one another, and none of them is wanted in Huiyin's own environment.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.environment import python_with
from huiyin.configs.settings import load
from tests.browser.conftest import CHROMIUM

SCRIPTS = Path(__file__).parent / "scripts"
PACKAGES = {
    "openai_sdk": ("openai[realtime]==3.51.0",),
    "agents_sdk": ("openai-agents[voice]==0.24.0", "openai==3.57.0"),
    "pipecat_service": ("pipecat-ai[openai]==1.14.0",),
    "livekit_plugin": ("livekit-agents==1.8.9", "livekit-plugins-openai==1.8.9", "openai==3.57.0"),
    "langchain": ("langchain-openai==1.7.4",),
    "instructor": ("instructor==1.17.0",),
    "litellm": ("litellm==1.110.2",),
}
SAME_AS = {
    "openai_live": "openai_sdk",
    "openai_once": "openai_sdk",
    "live_types": "openai_sdk",
    "pipecat_live": "pipecat_service",
    "livekit_live": "livekit_plugin",
}
"""Script -> the script whose environment it runs in."""
IN_BROWSER = {"agents_browser_websocket": "websocket", "agents_browser_webrtc": "webrtc"}
"""Name -> what `agents_browser.py` talks over. It runs in Huiyin's own environment, which has Playwright."""
NPM_PACKAGES = {
    "agents_js": {"@openai/agents": "0.20.0", "node": "22.23.3", "zod": "4.1.12"},
    "services_js": {
        "openai": "7.59.0",
        "@ai-sdk/openai": "4.0.118",
        "ai": "7.0.173",
        "node": "22.23.3",
        "zod": "4.6.7",
    },
}
_LEAST_PYTHON = (3, 11)  # of pipecat
_LIMIT_S = 600  # for an installation


def command_of(name: str, *arguments: str) -> list[str]:
    """The command that runs a client's script. Skips the test, with words, where its packages cannot be had."""
    script = SCRIPTS / f"{name}.py"
    if over := IN_BROWSER.get(name):
        pytest.importorskip("playwright.sync_api", reason=f"{name} needs Playwright")
        if CHROMIUM is None:
            pytest.skip(f"{name} needs Chromium")
        home = _node_of("agents_js").parents[3]
        return [sys.executable, str(SCRIPTS / "agents_browser.py"), over, *arguments, str(home), CHROMIUM]
    if name == "agents_js":
        node = _node_of(name)
        return [str(node), str(script.with_suffix(".mjs")), *arguments, str(node.parents[3])]
    return [str(_python_of(SAME_AS.get(name, name))), str(script), *arguments]


def runner_of(environment: str, folder: Path) -> tuple[list[str], str]:
    """What runs a file of code in `folder`, and how such a file's name ends. Skips the test as `command_of` does."""
    if environment == "sh":
        if shutil.which("curl") is None:
            pytest.skip("curl is not here")
        return ["sh", "-e"], ".sh"
    if environment in NPM_PACKAGES:
        node = _node_of(environment)
        (folder / "node_modules").symlink_to(node.parents[2])  # modules look for each other beside their code
        return [str(node)], ".mjs"
    return [str(_python_of(environment))], ".py"


def _python_of(environment: str) -> Path:
    if sys.version_info < _LEAST_PYTHON:
        pytest.skip(f"{environment} needs Python {'.'.join(map(str, _LEAST_PYTHON))}")
    with _skipping(environment):
        return python_with(_home(environment), *PACKAGES[environment])


def _node_of(environment: str) -> Path:
    with _skipping(environment):
        return _node_with(_home(environment), NPM_PACKAGES[environment])


def _home(environment: str) -> Path:
    return load().store.path.parent / "clients" / environment


@contextmanager
def _skipping(environment: str) -> Iterator[None]:
    try:
        yield
    except (subprocess.SubprocessError, OSError) as error:
        pytest.skip(f"the packages of {environment} cannot be installed here: {error}")


def _node_with(home: Path, packages: Mapping[str, str]) -> Path:
    """node >= 22 and the npm packages, in a folder: ``node_modules/node/bin/node`` in it."""
    wanted, node = json.dumps({"private": True, "dependencies": packages}), home / "node_modules/node/bin/node"
    ready = home / ".ready"
    if node.is_file() and ready.is_file() and ready.read_text() == wanted:
        return node
    npm, bootstrap = shutil.which("npm"), shutil.which("node")
    if npm is None or bootstrap is None:
        pytest.skip("this client needs npm")
    home.mkdir(parents=True, exist_ok=True)
    (home / "package.json").write_text(wanted)
    subprocess.run([npm, "install", "--no-audit", "--no-fund", "--silent"], cwd=home, check=True, timeout=_LIMIT_S)
    # npm no longer runs a package's own installation unasked; this one fetches the binary, a package of npm's, too.
    setup = [bootstrap, "installArchSpecificPackage.js"]
    subprocess.run(setup, cwd=home / "node_modules/node", check=True, timeout=_LIMIT_S, capture_output=True)
    ready.write_text(wanted)
    return node
