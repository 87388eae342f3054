"""Language models that run on this machine already: Ollama, LM Studio, vLLM, llama-server on their usual ports."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.services import get_json
from huiyin.configs.messages import said

USUAL_PORTS = {"Ollama": 11434, "LM Studio": 1234, "vLLM": 8000, "llama-server": 8080}
_ANSWER_S = 0.5


@dataclass(frozen=True)
class LocalServer:
    """A server that speaks OpenAI's protocol and has a model."""

    name: str
    url: str
    """Its base URL."""
    model: str
    """The first that it lists."""

    def offer(self, command: str) -> str:
        """How to use it, in a line."""
        return said("shown.offer", name=self.name, model=self.model, command=command, url=self.url)


def find_local_servers() -> Iterator[LocalServer]:
    """Those that answer; all ports are asked at once. Nothing but the list of models is asked for."""
    with ThreadPoolExecutor(len(USUAL_PORTS)) as pool:
        for server in pool.map(lambda item: _look(*item), USUAL_PORTS.items()):
            if server:
                yield server


def _look(name: str, port: int) -> LocalServer | None:
    url = f"http://127.0.0.1:{port}/v1"
    try:
        models = get_json("it", url, "/models", timeout_s=_ANSWER_S)["data"]
        first = models[0]
        if first.get("owned_by") == "huiyin":  # `huiyin web` has vLLM's port
            return None
        return LocalServer(name, url, str(first["id"]))
    except (ServiceError, LookupError, TypeError, AttributeError):
        return None
