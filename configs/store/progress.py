"""How a download tells where it stands: a bar on a terminal, a line per file elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

from tqdm import tqdm

from huiyin.configs.messages import colon, said


class Progress:
    """What the store tells while it works: a bar on standard error when that is a terminal, else one line at the start
    and end of each file. Calls come in the order start, at…, finish; `say` at any time."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._label, self._total, self._started = "", 0, 0.0

    def start(self, name: str, source: str, total: int) -> None:
        """A file of `total` bytes begins to come from `source`."""
        self._label = said("store.getting", name=name, source=source)
        self._total, self._started = total, time.monotonic()
        if sys.stderr.isatty():
            self._bar = tqdm(
                total=total,
                desc=self._label,
                unit="B",
                unit_scale=True,
                leave=False,
                dynamic_ncols=True,
                file=sys.stderr,
            )
        else:
            self.say(f"{self._label} ({megabytes(total)}) ...")

    def at(self, position: int) -> None:
        """That many bytes of it are here."""
        if self._bar is not None:
            self._bar.update(min(position, self._total) - self._bar.n)

    def finish(self, problem: str = "") -> None:
        """It is complete, or `problem` says why this source could not give it."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        end = problem or said("store.done", took_s=time.monotonic() - self._started)
        self.say(f"{self._label}{colon()}{end}")

    def say(self, text: str) -> None:
        """A remark."""
        tqdm.write(f"huiyin{colon()}{text}", file=sys.stderr)


def megabytes(count: int) -> str:
    """A number of bytes for people: '1.1 GB', '145.2 MB', '2.3 kB' (powers of 1000, as the hubs count)."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count} B"
