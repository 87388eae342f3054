"""The machine and what is installed on it: Python, libraries, processors, memory."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import psutil

from huiyin.assistant.clients.readiness import look
from huiyin.assistant.clients.services import NAMES, Services
from huiyin.assistant.faces.cli.checks.check import Check
from huiyin.configs.settings import Settings

_PYTHONS = ((3, 10), (3, 14))  # from, below
_SET_UP = "in the checkout: make setup, or pip install -e '.[embedded]'"

# distribution -> the module it is imported as
_ALWAYS = {
    "av": "av",
    "filelock": "filelock",
    "flask": "flask",
    "numpy": "numpy",
    "onnxruntime": "onnxruntime",
    "pillow": "PIL",
    "prometheus-client": "prometheus_client",
    "psutil": "psutil",
    "pywebrtc-audio": "pywebrtc_audio",
    "requests": "requests",
    "soxr": "soxr",
    "tqdm": "tqdm",
    "wsproto": "wsproto",
}
_WHISPER = {"faster-whisper": "faster_whisper"}
_EMBEDDED_LLM = {"xllamacpp": "xllamacpp"}
_VOICES = {"hibari-tts": "hibari", "onnx": "onnx", "jieba": "jieba", "pypinyin": "pypinyin"}
_EDGE = {"edge-tts": "edge_tts"}
_SENSEVOICE = {"kaldi-native-fbank": "kaldi_native_fbank", "sentencepiece": "sentencepiece", "pyyaml": "yaml"}
_FUNASR = {"torch": "torch", "funasr": "funasr"}

_CGROUP = Path("/sys/fs/cgroup")
_GIB = 2**30
_NEED_EMBEDDED_GIB = 4.5  # all processes of a conversation together; the bound the project holds itself to
_NEED_OTHER_LLM_GIB = 2.5  # without the language model
_NEED_JUDGE_GIB = 0.6  # the model that judges words


def python(settings: Settings) -> Iterator[Check]:
    """Whether this Python is one the project runs on."""
    version = platform.python_version()
    if _PYTHONS[0] <= sys.version_info[:2] < _PYTHONS[1]:
        yield Check("ok", f"Python {version}, {platform.system()} {platform.machine()}")
    else:
        yield Check("fail", f"Python {version} is not supported", "use Python 3.10 to 3.13")


def needed(settings: Settings) -> dict[str, str]:
    """The libraries that these settings need: distribution -> module."""
    wanted = {**_ALWAYS, **({"waitress": "waitress"} if os.name == "nt" else {"gunicorn": "gunicorn"})}
    if sys.version_info < (3, 11):
        wanted["tomli"] = "tomli"
    wanted |= _WHISPER if settings.asr.engine == "whisper" else _SENSEVOICE
    if settings.asr.engine == "paraformer" or settings.asr.runtime == "torch":
        wanted |= _FUNASR
    if "embedded" in settings.llm.upstreams:
        wanted |= _EMBEDDED_LLM
    return wanted | _VOICES | (_EDGE if settings.tts.engine == "edge" else {})


def libraries(settings: Settings) -> Iterator[Check]:
    """Whether the libraries that these settings need can be loaded."""
    good, wanted = [], needed(settings)
    judge = {name: module for name, module in _EMBEDDED_LLM.items() if settings.words_are_judged and name not in wanted}
    for name, module in {**wanted, **judge}.items():
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # FunASR's import talks of what it would like to have
                importlib.import_module(module)
            good.append(f"{name} {metadata.version(name)}")
        except ImportError as error:
            extra = "in the checkout: make funasr" if name in _FUNASR else _SET_UP
            if name in judge:  # a conversation goes on without it
                without = "; or do without: --set turns.endpoint_words=never"
                yield Check("warn", f"nothing judges the words of a turn: {error}", extra + without)
                continue
            yield Check("fail", f"library {name} cannot be loaded: {error}", extra)
        except Exception as error:  # a broken native library may raise anything
            yield Check("fail", f"library {name} is broken: {error}", f"pip install --force-reinstall {name}")
    yield Check("ok", f"libraries: {', '.join(good)}")


def processors(settings: Settings) -> Iterator[Check]:
    """How many processors there are, against the threads of the settings."""
    count = _processors()
    greedy = [name for name in NAMES if getattr(settings, name).threads > count]
    if greedy:
        change = " ".join(f"--set {name}.threads={count}" for name in greedy)
        yield Check("warn", f"{count} processor(s), fewer than {' and '.join(greedy)} would use at once", change)
    else:
        yield Check("ok", f"{count} processors")


def _processors() -> int:
    """Those this process may use."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:  # a container's share of time
        quota, period = (_CGROUP / "cpu.max").read_text().split()
        return max(1, min(count, round(int(quota) / int(period))))
    except (OSError, ValueError):
        return count


def memory(settings: Settings) -> Iterator[Check]:
    """Whether a conversation fits into the memory that is free."""
    free, embedded = _free_bytes() / _GIB, "embedded" in settings.llm.upstreams
    need = _NEED_EMBEDDED_GIB if embedded else _NEED_OTHER_LLM_GIB
    need += _NEED_JUDGE_GIB if settings.words_are_judged else 0
    if free >= need:
        yield Check("ok", f"memory: {free:.1f} GB free")
    elif all(look(Services(settings), name).kind == "ready" for name in NAMES):
        yield Check("ok", f"memory: {free:.1f} GB free, and the services have theirs already")
    else:
        smaller = "; or a smaller model: --set llm.model=qwen2.5-coder-0.5b-instruct-q4_k_m.gguf" if embedded else ""
        yield Check("warn", f"memory: {free:.1f} GB free, a conversation needs {need} GB", f"end programs{smaller}")


def _free_bytes() -> int:
    """What the system can still give, within a container's limit."""
    free = int(psutil.virtual_memory().available)
    try:
        limit, used = ((_CGROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
        return max(0, min(free, int(limit) - int(used)))
    except (OSError, ValueError):
        return free
