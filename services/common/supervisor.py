"""How one of our processes runs another: started, its output followed, asked to end, and killed where it does not.

The child's standard input is a pipe that closes when this process is gone, however that happens. The child watches it
and then ends (`serve.stop_with_parent`, or its own loop): nothing is left behind.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import IO

STOP_LIMIT_S = 5.0  # for a child to end when it is asked to
_TAIL_LINES = 15


class Child:
    """A process that runs `command`. All methods may be called after its end."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        show: Callable[[str], None] = lambda line: None,
        own_errors: bool = False,
        own_session: bool = False,
        defaults: Mapping[str, str] | None = None,
    ) -> None:
        """`show` is given each line of its output, from another thread. `defaults`: of environment variables.

        `own_errors`: its standard error is this process's, not a part of its output. `own_session`: Ctrl-C in the
        terminal does not reach it (POSIX). Raises OSError when it cannot be started.
        """
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if own_errors else subprocess.STDOUT,
            start_new_session=own_session,
            env={"PYTHONUNBUFFERED": "1", **(defaults or {}), **os.environ},
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._input: IO[bytes] = self._process.stdin
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)
        """The last lines of its output."""
        self._has_output = threading.Event()
        self._reader = threading.Thread(
            target=self._read, args=(self._process.stdout, show), name=f"output-{self.pid}", daemon=True
        )
        self._reader.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The status with which it has ended; None while it runs."""
        return self._process.poll()

    def write(self, line: str) -> None:
        """A line for its standard input; it is lost when the child has ended."""
        with contextlib.suppress(OSError, ValueError):  # it has closed the pipe, or we have
            os.write(self._input.fileno(), f"{line}\n".encode())

    def first_line(self) -> str:
        """Of its output, waited for; '' when it ends without one. Only before it has written many."""
        self._has_output.wait()
        return self.tail[0] if self.tail else ""

    def terminate(self) -> None:
        """Ask it to end."""
        with contextlib.suppress(OSError):
            self._process.terminate()

    def kill(self) -> None:
        """End it now."""
        self._process.kill()
        self.wait(STOP_LIMIT_S)

    def wait(self, limit_s: float) -> None:
        """Wait for its end, and for the end of its output; kill it when that takes too long."""
        try:
            self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(limit_s)
        self._input.close()

    def _read(self, output: IO[bytes], show: Callable[[str], None]) -> None:
        with output:
            for raw in output:
                line = raw.decode(errors="replace").rstrip()
                self.tail.append(line)
                self._has_output.set()
                show(line)
        self._has_output.set()


def stop_all(children: Sequence[Child], limit_s: float = STOP_LIMIT_S) -> None:
    """Ask all of them to end, at the same time; kill those that do not within `limit_s`."""
    for child in children:
        child.terminate()
    for child in children:
        child.wait(limit_s)
