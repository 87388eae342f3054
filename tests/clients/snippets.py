"""The code of docs/clients.md, and what runs it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.support import ROOT

PAGE = ROOT / "docs" / "clients.md"
ADDRESS = "http://127.0.0.1:8000"
"""What the page calls the web program."""

_SECTION = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.M | re.S)
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.M | re.S)


@dataclass(frozen=True)
class Run:
    """How the code of a section is run: in which environment, and what it must print."""

    environment: str
    prints: str
    """A regular expression, found anywhere."""
    script: str = ""
    """Of `scripts`: is given the code, and uses what it makes; '': the code is run by itself."""
    makes: str = ""
    """A sound file that it leaves."""


RUNS = {
    "curl": Run("sh", r"(?i)capital of france.*paris", makes="answer.mp3"),
    "OpenAI for Python": Run("openai_sdk", r"(?i)capital of france\?.*paris", makes="answer.mp3"),
    "OpenAI for JavaScript": Run("services_js", "(?i)paris", makes="answer.aac"),
    "Vercel AI SDK": Run(
        "services_js", r"(?si)\{ city: 'Paris.*\}.*(sunny|21).*(Danube|Rhine|Volga|Thames|Seine|Loire)"
    ),
    "LangChain": Run("langchain", r"(?s)get_weather.*Paris.*name='Paris' country='France'"),
    "instructor": Run("instructor", "name='Paris' country='France'"),
    "LiteLLM": Run("litellm", r"(?is)capital of france\?.*paris", makes="answer.mp3"),
    "pipecat": Run(
        "pipecat_service", r"(?is)heard: .*capital of france.*answered: .*paris.*spoke: [1-9]", "pipecat_classes"
    ),
    "LiveKit Agents": Run(
        "livekit_plugin", r"(?is)heard: .*capital of france.*answered: .*paris.*spoke: [1-9]", "livekit_classes"
    ),
}
"""Sections whose code is run."""
REQUESTS = ("Open WebUI", "Home Assistant")
"""Sections with settings alone: a test sends what these programs send to the address that stands there."""


def code_of(section: str) -> str:
    """The only piece of code of a section."""
    (code,) = codes()[section]
    return code


def codes() -> dict[str, list[str]]:
    """Section -> its pieces of code; sections without any are left out."""
    found = {
        name: [code for _, code in _BLOCK.findall(text)] for name, text in _SECTION.findall(PAGE.read_text("utf-8"))
    }
    return {name: blocks for name, blocks in found.items() if blocks}
