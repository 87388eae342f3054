"""The report of a run of ``huiyin transcribe``: gathered as recordings are done, written at its end."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huiyin.assistant.faces.cli.shared import output_file
from huiyin.assistant.faces.cli.team_report.figures import Figures, figures_of
from huiyin.assistant.faces.cli.team_report.page import page, read_figures
from huiyin.assistant.faces.cli.transcribe_files import Named, printable, result_on_disk
from huiyin.assistant.faces.cli.transcribe_summary import Summary, print_line

_CHANNELS = "channels"


class TeamReport:
    """A context: at its end the report is written, whole. What recordings of earlier runs have in it stays."""

    def __init__(self, path: Path | None, summary: Summary) -> None:
        """`path` None: no report."""
        self._path, self._summary = path, summary
        self._before: dict[str, Figures] = {}
        self._rows: dict[str, Figures] = {}
        self._without: list[str] = []
        if path is not None and path.exists():
            self._before = {row.key: row for row in read_figures(path.read_text("utf-8", "replace"))}

    def __enter__(self) -> TeamReport:
        return self

    def __exit__(self, *error: object) -> None:
        if self._path is None or not (self._rows or self._without or self._summary.failures):
            return
        rows = sorted(self._rows.values(), key=lambda row: row.file)
        with output_file(self._path) as file:
            file.write(page(self._path.stem, rows, self._without, self._summary.failures).encode())
        print_line(f"-> {self._path}", sys.stderr)

    def transcribed(self, label: str, path: Path, result: Mapping[str, Any], speakers: str | None) -> None:
        """One more recording, whose result is here; `speakers` is how they were told apart."""
        if self._path is not None:
            key = _key(path)
            self._rows[key] = figures_of(printable(label), key, result, by_channel=speakers == _CHANNELS)

    def done_before(self, named: Named) -> None:
        """One more whose result is there: its figures are in that, or in the report as it was."""
        if self._path is None:
            return
        if result := result_on_disk(named.target):
            self.transcribed(named.label, named.path, result, result.get("speakers"))
        elif row := self._before.get(_key(named.path)):
            self._rows[row.key] = row
        else:
            self._without.append(printable(named.label))


def _key(path: Path) -> str:
    """Of a recording, the same wherever the command is run; it does not disclose the path."""
    return hashlib.sha256(str(path.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
