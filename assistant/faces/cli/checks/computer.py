"""The machine and what is installed on it: Python, libraries, processors, memory."""

from __future__ import annotations

import contextlib
import importlib
import io
import platform
import sys
from collections.abc import Iterator
from importlib import metadata

from huiyin.assistant.clients.readiness import look
from huiyin.assistant.clients.services import NAMES, Services
from huiyin.assistant.faces.cli.checks.check import Check
from huiyin.configs.choice.machine import cores, free_memory_bytes
from huiyin.configs.packages.extras import EMBEDDED_LLM, commands_for, module_of, needed_by
from huiyin.configs.settings import Settings

_OLDEST_PYTHON = (3, 10)
_FIRST_UNTESTED_PYTHON = (3, 14)

# Distributions.
_ALWAYS = (
    "aiohttp", "argcomplete", "av", "cryptography", "filelock", "flask", "jinja2", "numpy", "onnxruntime", "packaging",
    "pillow", "prometheus-client", "protobuf", "psutil", "pywebrtc-audio", "pyyaml", "requests", "segno", "soxr",
    "tqdm",
)  # fmt: skip

_GIB = 2**30
_NEED_EMBEDDED_GIB = 4.5  # all processes of a conversation together: the project's own limit
_NEED_OTHER_LLM_GIB = 2.5  # without the language model
_SMALLER_MODEL = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
_NEED_JUDGE_GIB = 0.6  # the model that judges words


def python(settings: Settings) -> Iterator[Check]:
    """Whether this Python is one the project runs on."""
    version = platform.python_version()
    if _OLDEST_PYTHON <= sys.version_info[:2] < _FIRST_UNTESTED_PYTHON:
        yield Check("ok", "doctor.python", version=version, system=f"{platform.system()} {platform.machine()}")
    else:
        yield Check("fail", "doctor.python_unsupported", version=version)


def needed(settings: Settings) -> list[str]:
    """The distributions that these settings need."""
    toml = ["tomli"] if sys.version_info < (3, 11) else []
    return [*_ALWAYS, *toml, *(library for name in NAMES for library in needed_by(name, settings))]


def libraries(settings: Settings) -> Iterator[Check]:
    """Whether the libraries that these settings need can be loaded."""
    loaded = []
    required = needed(settings)
    optional = [EMBEDDED_LLM] if settings.words_are_judged and EMBEDDED_LLM not in required else []
    for name in [*required, *optional]:
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # FunASR prints a message when it is imported
                importlib.import_module(module_of(name))
            loaded.append(f"{name} {metadata.version(name)}")
        except ImportError as error:
            commands = commands_for([name])
            if name in required:
                yield Check("fail", "doctor.library_missing", name=name, error=error, commands=commands)
            else:  # a conversation works without it
                yield Check("warn", "doctor.no_judge", error=error, commands=commands)
        except Exception as error:  # a broken native library may raise anything
            yield Check("fail", "doctor.library_broken", name=name, error=error)
    yield Check("ok", "doctor.libraries", names=loaded)


def processors(settings: Settings) -> Iterator[Check]:
    """How many processors there are, against the threads of the settings."""
    count = cores()
    too_many = [name for name in NAMES if getattr(settings, name).threads > count]
    if too_many:
        changes = [f"--set {name}.threads={count}" for name in too_many]
        yield Check("warn", "doctor.too_many_threads", count=count, services=too_many, changes=changes)
    else:
        yield Check("ok", "doctor.processors", count=count)


def memory(settings: Settings) -> Iterator[Check]:
    """Whether a conversation fits into the memory that is free."""
    free = free_memory_bytes() / _GIB
    embedded = settings.llm.has_embedded
    need = _NEED_EMBEDDED_GIB if embedded else _NEED_OTHER_LLM_GIB
    if settings.words_are_judged:
        need += _NEED_JUDGE_GIB
    if free >= need:
        yield Check("ok", "doctor.memory", free_gib=free)
    elif all(look(Services(settings), name).kind == "ready" for name in NAMES):
        yield Check("ok", "doctor.memory_in_use", free_gib=free)
    elif embedded:
        yield Check("warn", "doctor.memory_short_for_embedded", free_gib=free, need_gib=need, smaller=_SMALLER_MODEL)
    else:
        yield Check("warn", "doctor.memory_short", free_gib=free, need_gib=need)
