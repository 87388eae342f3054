"""The link to an agent that is a program: `command:…`.

It gets the microphone on standard input, 20 ms every 20 ms, and writes what is to be played to standard output: int16,
little-endian, mono, 16 kHz, without a header. What it has written is played, in order: an agent that wants to fall
silent must not have written ahead. It gets a little silence, and is ready once it has written its first samples
(silence will do). Its standard error is its log, and when it exits it has hung up. At the end standard input is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shlex
import shutil
from asyncio.subprocess import PIPE, Process
from collections import deque

import numpy as np

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.scenario.agents.line import AgentError
from huiyin.assistant.scenario.agents.sound_line import Recognise, SoundLine

_START_LIMIT_S = 60.0  # to load its models
_FIRST_SILENCE_S = 0.2  # for an agent that reads before it writes, in blocks of any usual length
_END_LIMIT_S = 2.0  # after standard input is closed, and again after it is asked to end
_MOST_BYTES = 64 * 1024  # of one read
_LOG_LINES = 200
_SAMPLE_BYTES = 2


def words_of(command: str) -> list[str]:
    """As a shell takes them apart. Raises AgentError where that cannot be done, or there is no such program."""
    try:
        words = shlex.split(command)
        if not shutil.which(words[0]):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), words[0])
    except (OSError, ValueError, IndexError) as error:
        raise AgentError("agents.not_started", command=command, why=error) from error
    return words


class CommandLink:
    """A `Link` to a child process."""

    def __init__(self, command: str, recognise: Recognise | None = None) -> None:
        """`command`: words as a shell takes them apart; no shell runs it."""
        self.command = command
        self.line = SoundLine(self._write, recognise)
        self._log: deque[str] = deque(maxlen=_LOG_LINES)
        self._process: Process | None = None
        self._odd = b""  # half a sample

    @property
    def log(self) -> list[str]:
        """The newest lines of its standard error."""
        return list(self._log)

    async def open(self) -> None:
        """As `Link.open`."""
        words = words_of(self.command)
        try:
            self._process = await asyncio.create_subprocess_exec(*words, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        except (OSError, ValueError) as error:
            raise AgentError("agents.not_started", command=self.command, why=error) from error
        self._reading_log = asyncio.create_task(self._read_log(self._process))
        self._write(np.zeros(round(_FIRST_SILENCE_S * SAMPLE_RATE), np.int16))
        try:
            await asyncio.wait_for(self._read(), _START_LIMIT_S)
        except asyncio.TimeoutError as error:
            raise AgentError("agents.silent", command=self.command, seconds=_START_LIMIT_S) from error

    async def carry(self) -> None:
        """As `Link.carry`."""
        while True:
            await self._read()

    async def close(self) -> None:
        """As `Link.close`."""
        process = self._process
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        for end in (process.terminate, process.kill):
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(process.wait(), _END_LIMIT_S)
            if process.returncode is not None:
                break
            end()
        await process.wait()
        await self._reading_log

    def _write(self, mic: Pcm16) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(mic.astype("<i2").tobytes())

    async def _read(self) -> None:
        """Take what it has written, when it has written something. Raises AgentError when it has ended."""
        process = self._process
        assert process is not None and process.stdout is not None
        data = await process.stdout.read(_MOST_BYTES)
        if not data:
            status = await process.wait()
            await self._reading_log
            raise AgentError("agents.ended", status=status, last=self._log[-1] if self._log else "")
        data = self._odd + data
        whole = len(data) // _SAMPLE_BYTES * _SAMPLE_BYTES
        self._odd = data[whole:]
        self.line.receive(np.frombuffer(data[:whole], "<i2").astype(np.int16))

    async def _read_log(self, process: Process) -> None:
        assert process.stderr is not None
        while data := await process.stderr.readline():
            self._log.append(data.decode(errors="replace").rstrip())
