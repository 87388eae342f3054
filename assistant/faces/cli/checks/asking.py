"""Asking the questions of `huiyin doctor`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from huiyin.assistant.faces.cli.checks import Question
from huiyin.assistant.faces.cli.checks.check import Check
from huiyin.configs.errors import HuiyinError
from huiyin.configs.settings import Settings


def findings(settings: Settings, questions: Iterable[Question]) -> Iterator[tuple[str, Check]]:
    """What each question finds, with the question's name. One that fails is itself a finding."""
    for question in questions:
        try:
            for check in question(settings):
                yield question.__name__, check
        except HuiyinError as error:
            yield question.__name__, Check("fail", "doctor.cannot_be_checked", error=error, hint=error.hint)
        except Exception as error:  # the other questions are still worth asking
            about = (question.__doc__ or question.__name__).splitlines()[0]
            kind = type(error).__name__
            yield question.__name__, Check("fail", "doctor.check_failed", kind=kind, error=error, about=about)
