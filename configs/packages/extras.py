"""The packages that settings need beyond those that are always there, and the command that installs them.

`pip install huiyin` brings neither recogniser nor language model: the extras of pyproject.toml do. Who asks for what is
missing is told so before anything else happens.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata

from huiyin.configs.errors import HuiyinError
from huiyin.configs.plugins import RECOGNISERS, VOICES, plugins
from huiyin.configs.settings import Settings

PROJECT = "huiyin"
MODULES = {
    "hibari-tts": "hibari",
    "pillow": "PIL",
    "protobuf": "google.protobuf",
    "pyyaml": "yaml",
}
"""Distribution -> its module, where the names differ."""
FUNASR = ("torch", "funasr")
EMBEDDED_LLM = "xllamacpp"

_DEFAULT_EXTRA = "embedded"
_ONLY_FOR_DEVELOPERS = "dev"
_EXTRA = re.compile(r"""extra == ["']([\w-]+)""")
_FUNASR_EXTRA = "funasr"
# FunASR comes without its dependencies, see pyproject.toml; the version is that of setup.sh.
_FUNASR_ALONE = "pip install --no-deps funasr==1.4.16"


class LibraryMissing(HuiyinError):
    """A package that is not installed, or cannot be loaded; the message has the command that installs it."""


def module_of(distribution: str) -> str:
    """The module that it is imported as."""
    return MODULES.get(distribution, distribution.replace("-", "_"))


def needed_by(service: str, settings: Settings) -> list[str]:
    """The distributions that a service (asr, llm, tts) needs by these settings, but for those that are always there."""
    if service == "llm":
        return [EMBEDDED_LLM] if settings.llm.has_embedded else []
    if service == "tts":
        local = ["jieba", "pypinyin", "pypinyin-dict"]  # numbers and names are read out for servers elsewhere, too
        if settings.tts.has_embedded and settings.tts.engine not in plugins(VOICES):
            local += ["hibari-tts", "onnx"]
        return [*local, "edge-tts"] if settings.tts.engine == "edge" else local
    if not settings.asr.has_embedded or settings.asr.engine in plugins(RECOGNISERS):
        return []
    names = ["faster-whisper"] if settings.asr.engine == "whisper" else ["kaldi-native-fbank", "sentencepiece"]
    if settings.asr.engine == "paraformer" or settings.asr.runtime == "torch":
        names += FUNASR
    return names


def check_installed(services: Iterable[str], settings: Settings) -> None:
    """Raises LibraryMissing, with all that these services need and that is not there."""
    check_present(name for service in services for name in needed_by(service, settings))


def check_present(distributions: Iterable[str]) -> None:
    """Raises LibraryMissing, with those that are not there."""
    names = dict.fromkeys(distributions)
    if absent := [name for name in names if not _is_there(module_of(name))]:
        raise LibraryMissing("packages.missing", packages=absent, commands=commands_for(absent))


def missing(error: ImportError) -> LibraryMissing:
    """What an import said, for a person."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return LibraryMissing("packages.unusable", error=error)
    module = error.name.partition(".")[0]
    named = {known: name for name, known in MODULES.items()}
    name = named.get(module, module.replace("_", "-"))
    return LibraryMissing("packages.missing", packages=[name], commands=commands_for([name]))


@contextmanager
def told_by_name() -> Iterator[None]:
    """An ImportError within becomes a LibraryMissing."""
    try:
        yield
    except ImportError as error:
        raise missing(error) from error


def commands_for(distributions: Sequence[str]) -> list[str]:
    """The commands, to be entered one after the other, that install them."""
    extras = dict.fromkeys(_extra_of(name) for name in distributions)
    commands = [f'pip install "{PROJECT}[{",".join(extras)}]"']
    return [*commands, _FUNASR_ALONE] if _FUNASR_EXTRA in extras else commands


def _extra_of(distribution: str) -> str:
    """The extra that brings it."""
    from packaging.requirements import Requirement  # only where something is missing

    if distribution in FUNASR:
        return _FUNASR_EXTRA
    requirements = _requirements()
    extras = dict.fromkeys(_EXTRA.findall(" ".join(requirements)))
    extras.pop(_ONLY_FOR_DEVELOPERS, None)
    for requirement in map(Requirement, requirements):
        if requirement.name == distribution and requirement.marker:
            for extra in extras:
                if requirement.marker.evaluate({"extra": extra}):
                    return str(extra)
    return _DEFAULT_EXTRA


def _requirements() -> list[str]:
    try:
        return metadata.requires(PROJECT) or []
    except metadata.PackageNotFoundError:  # the folder alone is on the path
        return []


def _is_there(module: str) -> bool:
    if module in sys.modules:
        return sys.modules[module] is not None
    return importlib.util.find_spec(module) is not None
