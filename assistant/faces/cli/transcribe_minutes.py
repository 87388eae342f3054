"""``huiyin transcribe --summary``: minutes by the language model, made once all transcripts are written."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.minutes import minutes, spoken_lines
from huiyin.assistant.faces.cli.shared import output_file
from huiyin.assistant.faces.cli.transcribe_files import SUFFIXES, Named, printable
from huiyin.assistant.faces.cli.transcribe_summary import print_line, print_problem
from huiyin.configs.errors import HuiyinError
from huiyin.configs.messages import said
from huiyin.configs.settings import Settings

SUFFIX = ".minutes.md"
_TIMEOUT_S = 300.0  # a small model on a busy machine reads a full context for minutes
_ANSWER_S = 10.0


@dataclass(frozen=True)
class _Waiting:
    """A transcript without minutes."""

    label: str
    text: str
    target: Path | None
    """Of the minutes; None: the screen."""


class Minutes:
    """Gathers transcripts, and writes minutes of them at the end."""

    def __init__(self, form: str, *, wanted: bool) -> None:
        """`form`: of the transcripts."""
        self._form, self._wanted = form, wanted
        self._waiting: list[_Waiting] = []

    def transcribed(self, label: str, target: Path | None, result: Mapping[str, Any]) -> None:
        """One more transcript is where it belongs, in `target`."""
        if self._wanted and result["text"]:
            self._waiting.append(_Waiting(label, spoken_lines(result["segments"]), target and self._beside(target)))

    def done_before(self, named: Named) -> None:
        """One more was there already. Where it has no minutes yet, its text is read if it is in the result."""
        if not self._wanted or named.target is None:
            return
        target = self._beside(named.target)
        if target.exists():
            return
        if text := _text_of(named.target, self._form):
            self._waiting.append(_Waiting(named.label, text, target))
        else:
            print_problem(named.label, said("cli.minutes_need_text"))

    def write(self, settings: Settings, arguments: Sequence[str]) -> bool:
        """Ask the model, which is started where it does not run. False where some minutes could not be written."""
        if not self._waiting:
            return True
        done = 0
        with Launcher(settings, arguments) as launcher:
            try:
                launcher.start(["llm"])
                model = str(launcher.services.get("llm", "/v1/models", _ANSWER_S)["data"][0]["id"])
                for waiting in tqdm(self._waiting, desc=said("cli.making_minutes"), disable=None, leave=False):
                    self._write(waiting, launcher, model)
                    done += 1
            except (HuiyinError, LookupError, TypeError) as error:  # LookupError: models listed in no known form
                for waiting in self._waiting[done:]:
                    print_problem(waiting.label, said("cli.no_minutes", why=error))
                return False
        return True

    def _write(self, waiting: _Waiting, launcher: Launcher, model: str) -> None:
        def ask(messages: Sequence[Message], most_tokens: int) -> str:
            answer = launcher.services.ask(messages, timeout_s=_TIMEOUT_S, max_tokens=most_tokens, background=True)
            return "".join(answer)

        text = minutes(waiting.text, launcher.settings.llm.context_tokens, ask)
        if not text:
            raise ServiceError("cli.empty_answer")
        title = said("cli.minutes_of", name=printable(Path(waiting.label).name))
        document = f"# {title}\n\n> {said('cli.minutes_by', model=model)}\n\n{text}\n"
        if waiting.target is None:
            print_line(f"\n{document.rstrip()}", sys.stdout)
            return
        with output_file(waiting.target) as file:
            file.write(document.encode())
        print_line(f"{waiting.label} -> {waiting.target}", sys.stderr)

    def _beside(self, target: Path) -> Path:
        suffix = SUFFIXES[self._form]
        name = target.name.removesuffix(suffix) if target.name.endswith(suffix) else target.stem
        return target.with_name(name + SUFFIX)


def _text_of(target: Path, form: str) -> str:
    """What is said, from a result on disk; '' from one of another form."""
    try:
        text = target.read_text("utf-8")
        if form == "json":
            return spoken_lines(json.loads(text)["segments"])
    except (OSError, ValueError, LookupError, TypeError):
        return ""
    return text if form == "text" else ""
