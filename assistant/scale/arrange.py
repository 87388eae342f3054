"""Who listens where, with which keys, and what a replica is told of it. Pure.

On this machine alone everything is on its loopback address, and keys are the user's own. On several machines replicas
listen on their nodes' addresses: a key is then made that the router shows them in place of its callers'. The replicas
of the web program ask the services at an address that every node reaches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from huiyin.assistant.scale.directory import Program
from huiyin.assistant.scale.process import Start
from huiyin.assistant.scale.router import Keys
from huiyin.configs.settings import ServiceSettings, Settings
from huiyin.services.common.access import EVERYWHERE, is_loopback

VARIABLES = "HUIYIN_"
WEB_KEY, SERVICE_KEY = "HUIYIN_WEB_KEY", "HUIYIN_SERVICE_API_KEY"


@dataclass(frozen=True)
class Place:
    """An address of a program that a router listens on."""

    program: Program
    host: str
    port: int
    settings: ServiceSettings
    """With this host, and the key that is wanted here ('' for none)."""
    keys: Keys


@dataclass(frozen=True)
class Arrangement:
    """Of all programs, from one command."""

    settings: Settings
    host: str
    """The router's machine, as the other nodes call it."""
    door_key: str
    """Of the web program; '': none is needed."""
    made_key: str = ""
    """Shown to replicas where the user has no key; '' on this machine alone."""

    def places(self, programs: Sequence[Program]) -> Iterator[Place]:
        """Where the routers listen."""
        service, web = self.settings.service, self.settings.web
        for program in programs:
            port = getattr(self.settings, program).port
            if program == "web":
                keys = Keys() if self.door_key else Keys(self.made_key)
                yield Place(program, web.host, port, replace(service, host=web.host, api_key=""), keys)
                continue
            keys = Keys() if service.api_key else Keys(self.made_key)
            yield Place(program, service.host, port, service, keys)
            if self._inner_host != service.host and service.host not in EVERYWHERE:
                within = replace(service, host=self._inner_host, api_key=self._service_key)
                yield Place(program, self._inner_host, port, within, keys)

    def start(self, program: Program, arguments: Sequence[str], environ: Mapping[str, str]) -> Start:
        """What its replicas are started with. `arguments`: the settings of the command; `environ`: its environment."""
        ray = self.settings.ray
        own = {name: value for name, value in environ.items() if name.startswith(VARIABLES)}
        keys = {SERVICE_KEY: self._service_key, WEB_KEY: self.door_key or self.made_key}
        return Start(
            program,
            (*arguments, "--set", f"service.host={self._inner_host}", "--set", f"web.host={self.settings.web.host}"),
            {**own, **{name: key for name, key in keys.items() if key}},
            keys[WEB_KEY if program == "web" else SERVICE_KEY],
            ray.start_s,
            ray.drain_s,
            (ray.upscale_delay_s, ray.downscale_delay_s),
        )

    @property
    def _service_key(self) -> str:
        return self.settings.service.api_key or self.made_key

    @property
    def _inner_host(self) -> str:
        """Where all nodes reach the services' routers."""
        host = self.settings.service.host
        is_everywheres = host not in EVERYWHERE and not is_loopback(host)
        is_here = is_loopback(host) and is_loopback(self.host)
        return host if is_everywheres or is_here else self.host
