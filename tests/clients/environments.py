"""The clients' own environments, outside the checkout: made once, kept between runs.

Their packages exclude one another, and none of them is wanted in Huiyin's own environment.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
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
NPM_PACKAGES = {"@openai/agents": "0.20.0", "node": "22.23.3", "zod": "4.1.12"}
_LEAST_PYTHON = (3, 11)  # of pipecat
_LIMIT_S = 600  # for an installation


def command_of(name: str, *arguments: str) -> list[str]:
    """The command that runs a client's script. Skips the test, with words, where its packages cannot be had."""
    environment = SAME_AS.get(name, name)
    clients = load().store.path.parent / "clients"
    home = clients / environment
    try:
        if over := IN_BROWSER.get(name):
            pytest.importorskip("playwright.sync_api", reason=f"{name} needs Playwright")
            if CHROMIUM is None:
                pytest.skip(f"{name} needs Chromium")
            home = clients / "agents_js"
            _node_with(home)
            return [sys.executable, str(SCRIPTS / "agents_browser.py"), over, *arguments, str(home), CHROMIUM]
        if name == "agents_js":
            return [str(_node_with(home)), str(SCRIPTS / "agents_js.mjs"), *arguments, str(home)]
        if sys.version_info < _LEAST_PYTHON:
            pytest.skip(f"{name} needs Python {'.'.join(map(str, _LEAST_PYTHON))}")
        return [str(python_with(home, *PACKAGES[environment])), str(SCRIPTS / f"{name}.py"), *arguments]
    except (subprocess.SubprocessError, OSError) as error:
        pytest.skip(f"the packages of {name} cannot be installed here: {error}")


def _node_with(home: Path) -> Path:
    """node >= 22 and the npm packages, in a folder."""
    wanted, node = json.dumps({"private": True, "dependencies": NPM_PACKAGES}), home / "node_modules/node/bin/node"
    ready = home / ".ready"
    if node.is_file() and ready.is_file() and ready.read_text() == wanted:
        return node
    npm, bootstrap = shutil.which("npm"), shutil.which("node")
    if npm is None or bootstrap is None:
        pytest.skip("agents_js needs npm")
    home.mkdir(parents=True, exist_ok=True)
    (home / "package.json").write_text(wanted)
    subprocess.run([npm, "install", "--no-audit", "--no-fund", "--silent"], cwd=home, check=True, timeout=_LIMIT_S)
    # npm no longer runs a package's own installation unasked; this one fetches the binary, a package of npm's, too.
    setup = [bootstrap, "installArchSpecificPackage.js"]
    subprocess.run(setup, cwd=home / "node_modules/node", check=True, timeout=_LIMIT_S, capture_output=True)
    ready.write_text(wanted)
    return node
