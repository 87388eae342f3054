"""Which sources of model files answer: a hub's name resolved and a small file of it fetched, both within 3 seconds."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import requests

from huiyin.configs.messages import said
from huiyin.configs.settings import StoreSettings
from huiyin.configs.store.catalog import ModelFile
from huiyin.configs.store.hub_addresses import HUBS, hub_url

PROBE_S = 3.0
_SAMPLE_S = 1.0  # a large file is read for so long, to see how fast it comes
_SAMPLE_BYTES = 16_000_000
_CHUNK_BYTES = 1 << 16
_HEADERS = {"User-Agent": "huiyin", "Accept-Encoding": "identity"}


@dataclass(frozen=True)
class HubAnswer:
    """How a hub answered."""

    bytes_s: float = 0.0
    """How fast a file came; 0: it did not answer as a hub does."""
    why: str = ""
    """What was wrong, in few words; '' where nothing was."""


def ask_hubs(settings: StoreSettings, files: Sequence[ModelFile], limit_s: float = PROBE_S) -> Mapping[str, HubAnswer]:
    """Hub -> its answer, for the hubs of the settings that have some of `files`; all are asked at once.

    The smallest file must arrive whole and right: a login page answers, too. The largest is read for a second to see
    how fast it comes. Takes at most `limit_s`.
    """
    answers: dict[str, HubAnswer] = {}
    deadline = time.monotonic() + limit_s

    def ask(hub: str, there: Sequence[ModelFile]) -> None:
        urls = [hub_url(settings, file, hub) for file in reversed(there)]
        answers[hub] = _ask(urls, there[0], deadline)

    threads = {}
    for hub in (source for source in settings.sources if source in HUBS):
        there = sorted((file for file in files if hub_url(settings, file, hub)), key=lambda file: file.bytes)
        if there:  # a daemon: a name that is not resolved in time is left to resolve
            threads[hub] = threading.Thread(target=ask, args=(hub, there), daemon=True, name=f"ask-{hub}")
            threads[hub].start()
    for thread in threads.values():
        thread.join(max(0.0, deadline - time.monotonic()))
    late = HubAnswer(why=said("choice.no_answer", limit_s=limit_s))
    return {hub: answers.get(hub, late) for hub in threads}


def _ask(urls: Sequence[str], small: ModelFile, deadline: float) -> HubAnswer:
    """`urls` of the files, the largest first; the last is that of `small`."""

    def left_s() -> float:
        return max(0.05, deadline - time.monotonic())

    try:
        with requests.Session() as session:
            session.headers.update(_HEADERS)
            response = session.get(urls[-1], timeout=left_s())
            if response.status_code != requests.codes.ok:
                return HubAnswer(why=f"HTTP {response.status_code}")
            if hashlib.sha256(response.content).hexdigest() != small.sha256:
                return HubAnswer(why=said("choice.sent_other"))
            for url in urls:
                if rate := _rate(session, url, left_s(), min(deadline, time.monotonic() + _SAMPLE_S)):
                    return HubAnswer(bytes_s=rate)
        return HubAnswer(why=said("choice.sends_no_file"))
    except requests.RequestException as error:
        return HubAnswer(why=type(error).__name__)


def _rate(session: requests.Session, url: str, timeout_s: float, until: float) -> float:
    """Bytes a second of the beginning of a file; 0 where none came."""
    started, count = time.monotonic(), 0
    with session.get(url, timeout=timeout_s, stream=True) as response:
        if response.status_code != requests.codes.ok:
            return 0.0
        for block in response.iter_content(_CHUNK_BYTES):
            count += len(block)
            if count >= _SAMPLE_BYTES or time.monotonic() >= until:
                break
    return count / max(time.monotonic() - started, 1e-6)
