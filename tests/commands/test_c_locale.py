"""Chinese is typed and read in a terminal whose locale knows no letters but ASCII's."""

from __future__ import annotations

import os
import select
import subprocess
import sys

import pytest

from huiyin.assistant.clients.services import NAMES
from tests.support import ROOT
from tests.support.limits import PATIENCE_S
from tests.support.stub_services import Stub

PROGRAM = """
from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.faces.cli import main, talk
Launcher.start = lambda self, names: None
talk.list_devices = lambda: []
raise SystemExit(main.main(["talk", "--text", "--private"]))
"""
END_OF_INPUT = b"\x04"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX's")
@pytest.mark.parametrize("utf8_mode", ["", "0"], ids=["as usual", "Python takes the locale at its word"])
def test_chinese_is_typed_and_read_where_the_locale_is_c(utf8_mode: str) -> None:
    with Stub(reply="从前有座山。", llm_s=0.0) as stub:
        ports = {f"HUIYIN_{name.upper()}_PORT": str(getattr(stub.settings(), name).port) for name in NAMES}
        locale = {"LC_ALL": "C", **({"PYTHONUTF8": utf8_mode, "PYTHONCOERCECLOCALE": "0"} if utf8_mode else {})}
        far, near = os.openpty()
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], stdin=near, stdout=near, stderr=near, cwd=ROOT, start_new_session=True,
            env={**os.environ, **ports, **locale},
        )  # fmt: skip
        os.close(near)
        try:
            shown = read_until(far, b"Enter sends")
            os.write(far, "讲个故事。\n".encode())
            shown += read_until(far, "huiyin: 从前有座山。".encode())
            os.write(far, END_OF_INPUT)
            process.wait()
        finally:
            process.kill()
            process.wait()
            os.close(far)
        assert stub.asked[-1]["messages"][-1]["content"].endswith("讲个故事。")
        assert "讲个故事。\r\n".encode() in shown, "what was typed is seen"


def read_until(terminal: int, wanted: bytes) -> bytes:
    output = b""
    while wanted not in output:
        assert select.select([terminal], [], [], PATIENCE_S)[0], output.decode(errors="replace")
        output += os.read(terminal, 4096)
    return output
