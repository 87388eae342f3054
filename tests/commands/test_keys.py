"""The talk key in a real terminal: single keys, and the terminal as it was afterwards, whatever happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from huiyin.assistant.faces.cli.keyboard import TalkKey, has_terminal
from tests.support import ROOT
from tests.support.limits import PATIENCE_S, until

posix = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX's")

PROGRAM = """
import os, sys, threading
from huiyin.assistant.faces.cli.keyboard import has_terminal, keyboard
from tests.support.limits import PATIENCE_S, until
assert has_terminal()
done = threading.Event()
def on_key(key):
    os.write(2, f"<{key!r}>".encode())
    if key == "q": done.set()
with keyboard(on_key):
    os.write(2, b"ready")
    while not done.wait(0.1): pass  # a signal may reach another thread, and wakes no wait without a limit
    {ending}
os.write(2, b"over")
"""


@contextmanager
def in_terminal(ending: str = "pass") -> Iterator[tuple[int, int, subprocess.Popen[bytes]]]:
    """(the terminal's far side, its near side, the program in front of it). What the program writes can be read."""
    far, near = os.openpty()
    code = PROGRAM.replace("{ending}", ending)
    # A session of its own, whose terminal this becomes: as a shell would start it.
    launch = f"import fcntl, os, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n{code}"
    process = subprocess.Popen(
        [sys.executable, "-c", launch], stdin=near, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=ROOT
    )
    try:
        yield far, near, process
    finally:
        process.kill()
        process.communicate()
        os.close(far)
        os.close(near)


def read_until(process: subprocess.Popen[bytes], wanted: bytes) -> bytes:
    assert process.stderr is not None
    output = b""
    while wanted not in output:
        output += (piece := os.read(process.stderr.fileno(), 1024))
        assert piece, f"it ended, after {output!r}"
    return output


@posix
@pytest.mark.parametrize("ending", ["pass", "raise RuntimeError", "sys.exit(3)"])
def test_keys_come_one_by_one_and_the_terminal_is_as_it_was(ending: str) -> None:
    import termios

    with in_terminal(ending) as (far, near, process):
        before = termios.tcgetattr(near)
        read_until(process, b"ready")
        during = termios.tcgetattr(near)
        assert not during[3] & (termios.ECHO | termios.ICANON)
        assert during[3] & termios.ISIG, "Ctrl-C still works"
        os.write(far, " \x1b[A你q".encode())  # the space bar, an arrow, a word
        assert b"<' '>" in read_until(process, b"<'q'>")
        process.wait(PATIENCE_S)
        assert termios.tcgetattr(near) == before


@posix
@pytest.mark.parametrize("number", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_program_that_is_ended_from_outside_gives_the_terminal_back(number: str) -> None:
    import termios

    with in_terminal() as (_, near, process):
        before = termios.tcgetattr(near)
        read_until(process, b"ready")
        process.send_signal(getattr(signal, number))
        process.wait(PATIENCE_S)
        assert termios.tcgetattr(near) == before


@posix
def test_after_ctrl_z_and_fg_keys_come_one_by_one_again() -> None:
    import termios

    with in_terminal() as (far, near, process):
        before = termios.tcgetattr(near)
        read_until(process, b"ready")
        termios.tcsetattr(near, termios.TCSANOW, before)  # the shell's own way
        process.send_signal(signal.SIGCONT)
        until(lambda: not termios.tcgetattr(near)[3] & termios.ICANON)
        os.write(far, b" q")
        read_until(process, b"<'q'>")


def test_without_a_terminal_it_is_known() -> None:
    code = "from huiyin.assistant.faces.cli.keyboard import has_terminal; print(has_terminal())"
    done = subprocess.run(
        [sys.executable, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout.strip() == "False"
    assert isinstance(has_terminal(), bool)


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["turns.talk_key=true", "turns.barge_in=key"])
def test_talk_with_a_key_but_no_terminal_says_so(setting: str) -> None:
    code = (
        "import sys; from huiyin.assistant.faces.cli import talk, main; talk._no_microphone = lambda: ''; "
        f"sys.exit(main.main(['talk', '--set', '{setting}']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=ROOT
    )
    assert (done.returncode, "needs a terminal" in done.stderr) == (2, True), done.stderr


def pressed(keys: str, *, push_to_talk: bool) -> tuple[list[bool], list[str]]:
    presses: list[bool] = []
    notices: list[str] = []
    key = TalkKey(presses.append, notices.append, push_to_talk=push_to_talk)
    for one in keys:
        key(one)
    return presses, notices


def test_the_space_bar_interrupts() -> None:
    assert pressed(" x\n ", push_to_talk=False) == ([True, False, True, False], [])


def test_push_to_talk_begins_with_a_press_and_ends_with_the_next_or_enter() -> None:
    presses, notices = pressed("\n  x \r\r", push_to_talk=True)
    assert presses == [True, False, True, False]
    assert len(notices) == 2
