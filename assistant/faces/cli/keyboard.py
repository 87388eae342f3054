"""Single keys from a terminal: the talk key of ``huiyin talk``. Works over ssh, too.

A terminal reports when a key goes down, never when it goes up. So with push-to-talk the first press begins a turn, the
second (or Enter) ends it.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from huiyin.assistant.faces.cli.signals import ended_like_ctrl_c, on_signal
from huiyin.configs.messages import said

_POLL_S = 0.1
_TALK = " "
_SEND = ("\r", "\n")


def has_terminal() -> bool:
    """Whether keys can be read: there is a terminal, and this program is in front of it."""
    try:
        if not sys.stdin.isatty():
            return False
        return sys.platform == "win32" or os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (AttributeError, OSError, ValueError):  # no standard input at all, or a closed one
        return False


@contextmanager
def keyboard(on_key: Callable[[str], None]) -> Iterator[None]:
    """Calls `on_key` with every key, from a thread of its own. No key is echoed; Ctrl-C works as usual.

    The terminal is as before afterwards, also when the program is ended from outside. Requires `has_terminal`.
    """
    stopped = threading.Event()

    def read() -> None:
        for key in _keys(stopped):
            on_key(key)

    with _single_keys():
        thread = threading.Thread(target=read, name="keys", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()


class TalkKey:
    """Turns key strokes into the talk key. `press` gets whether it is down, `tell` what the user should know."""

    def __init__(self, press: Callable[[bool], None], tell: Callable[[str], None], *, push_to_talk: bool) -> None:
        """`push_to_talk` false: the space bar interrupts, and that is all."""
        self._press, self._tell, self._push_to_talk = press, tell, push_to_talk
        self._is_down = False

    def __call__(self, key: str) -> None:
        """One key."""
        if key == _TALK and not self._push_to_talk:
            self._press(True)
            self._press(False)
        elif key == _TALK or (key in _SEND and self._is_down):
            self._is_down = not self._is_down
            self._press(self._is_down)
            if self._is_down:
                self._tell(said("notices.listening"))


if sys.platform == "win32":
    import msvcrt

    @contextmanager
    def _single_keys() -> Iterator[None]:
        yield  # the console always gives single keys

    def _keys(stopped: threading.Event) -> Iterator[str]:
        while not stopped.wait(_POLL_S / 4):
            while msvcrt.kbhit():
                key = msvcrt.getwch()
                if key in ("\0", "\xe0"):  # a function key: a second code follows
                    msvcrt.getwch()
                else:
                    yield key

else:
    import select
    import termios

    @contextmanager
    def _single_keys() -> Iterator[None]:
        terminal = sys.stdin.fileno()
        before = termios.tcgetattr(terminal)

        def take(*_: Any) -> None:
            mode = termios.tcgetattr(terminal)
            mode[3] &= ~(termios.ECHO | termios.ICANON)
            termios.tcsetattr(terminal, termios.TCSADRAIN, mode)

        def give_back() -> None:
            with suppress(termios.error):  # the terminal may be gone
                termios.tcsetattr(terminal, termios.TCSADRAIN, before)

        atexit.register(give_back)
        # After Ctrl-Z the shell has set the terminal its own way.
        with on_signal(signal.SIGCONT, take), ended_like_ctrl_c():
            take()
            try:
                yield
            finally:
                give_back()
                atexit.unregister(give_back)

    def _keys(stopped: threading.Event) -> Iterator[str]:
        terminal = sys.stdin.fileno()
        while not stopped.is_set():
            if not select.select([terminal], [], [], _POLL_S)[0]:
                continue
            try:
                read = os.read(terminal, 64)
            except OSError:
                return
            if not read:
                return  # the terminal is gone
            yield from read.decode(errors="ignore")
