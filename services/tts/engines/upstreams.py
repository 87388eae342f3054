"""Voices elsewhere: any server with OpenAI's ``/v1/audio/speech`` (CosyVoice, Kokoro-FastAPI, Huiyin on a GPU box).

The setting ``tts.upstreams`` names them in order, `embedded` for the engines of ``tts.engine`` on this machine. A text
goes there sentence by sentence. What one cannot say the next one says, from the beginning of the sentence.
"""

from __future__ import annotations

import http.client
import itertools
import json
import logging
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from huiyin.configs.settings import Settings, TtsSettings
from huiyin.services.common.strict_json import lenient
from huiyin.services.common.upstreams import trouble
from huiyin.services.common.upstreams.chain import Chain, open_upstreams
from huiyin.services.common.upstreams.credentials import per_url
from huiyin.services.common.upstreams.server import Server, head_of
from huiyin.services.common.upstreams.trouble import UpstreamError
from huiyin.services.tts.decode import NotSound, decoded
from huiyin.services.tts.sound import RATE
from huiyin.services.tts.voice_engine import PLAIN, UPSTREAM, Prosody, Sound, Speech, SynthesisFailed, Voice
from huiyin.services.tts.voice_selector import ALIASES

log = logging.getLogger(__name__)

_SPEECH, _VOICES = "/audio/speech", "/audio/voices"
_MODEL = "tts-1"  # the names that servers made for OpenAI's clients know
_VOICE = "alloy"
_LIST_TIMEOUT_S = 3.0
_LIST_LIMIT = 4 * 2**20  # bytes
_LAST_PATIENCE = 2  # factor of the last upstream's time limit: no other can be asked
_SENTENCE = re.compile(r".+?(?:[。！？!?…\n]+[”’」』）)\"']*|\.(?=\s|$)|$)\s*", re.S)
_CHINESE = re.compile(r"zh|z[fm]_|cmn|[\u4e00-\u9fff]")  # how the name of a Chinese voice begins
_MALE = re.compile(r"[a-z]m_")  # as Kokoro's names begin
_BOTH = frozenset({"zh", "en"})


class Remote(Server):
    """A server elsewhere."""

    def __init__(self, url: str, settings: TtsSettings, key: str, model: str, voice: str) -> None:
        """`voice`: spoken where another is asked for that the server does not list; '': its first."""
        super().__init__("tts", url, key, settings.connect_timeout_s)
        self.model, self._voice, self._idle_s = model or _MODEL, voice, settings.idle_timeout_s
        self._listed: tuple[str, ...] | None = None

    @property
    def voices(self) -> tuple[str, ...]:
        """Those it has, as far as is known; the first is its default."""
        listed = self._listed if self._listed is not None else tuple(ALIASES)
        first = self._voice or (self._listed[0] if self._listed else _VOICE)
        return tuple(dict.fromkeys([first, *listed]))

    def voice(self, name: str) -> str:
        """`name` where it has that voice, else its default."""
        return name if name in self.voices else self.voices[0]

    def learn_voices(self) -> None:
        """Ask which voices it has. It need not have a list."""
        try:
            self._listed = self.ask(self._voices_at)
        except (UpstreamError, TimeoutError) as error:
            log.info("the voices of %s are not known: %s", self.name, error)

    def speak(self, text: str, voice: str, speed: float, limit_s: float) -> Iterator[Sound]:
        """Sound (float32, 24 kHz), the first of it received. Raises UpstreamError, also while it is iterated."""
        until = time.monotonic() + limit_s

        def send(path: str) -> Iterator[Sound]:
            return self._begun(path, {**body, "response_format": "wav"}, until)

        body = {"model": self.model, "input": text, "voice": self.voice(voice), "speed": speed}
        try:
            return self.ask(send)
        except TimeoutError:
            raise trouble.too_slow(self, limit_s, "tts.first_sound_timeout_s") from None

    def facts(self) -> Mapping[str, Any]:
        """See `Link`."""
        known = None if self._listed is None else len(self._listed)
        return {"model": self.model, "voice": self.voices[0], "voices": known, "key": "set" if self.key else "none"}

    def _begun(self, path: str, body: Mapping[str, Any], until: float) -> Iterator[Sound]:
        exchange = self.client.exchange("POST", f"{path}{_SPEECH}{self.query}", json.dumps(body).encode())
        limits = [until]  # then none is fixed: each piece has its time

        def more() -> bytes:
            return exchange.piece(limits[0] if limits else time.monotonic() + self._idle_s, _stays)

        try:
            head = head_of(self, exchange, until, _stays, path=_SPEECH, placed=self.placed)
            sound = decoded(more, head.headers.get("content-type", ""))
            first = next(sound, None)
            if first is None:
                raise NotSound
        except NotSound:
            exchange.close()
            raise trouble.bad_answer(self, "tts.not_sound", misplaced=True) from None
        except (TimeoutError, UpstreamError):
            exchange.close()
            raise
        except (OSError, http.client.HTTPException) as error:
            exchange.close()
            raise trouble.broke_off(self, error) from error
        limits.clear()
        return self._rest(closing(exchange), itertools.chain([first], sound))

    def _rest(self, exchange: closing[Any], sound: Iterator[Sound]) -> Iterator[Sound]:
        with exchange:
            try:
                yield from sound
            except TimeoutError:
                raise trouble.stalled(self, self._idle_s, "tts.idle_timeout_s") from None
            except (OSError, http.client.HTTPException, NotSound) as error:
                raise trouble.broke_off(self, error) from error

    def _voices_at(self, path: str) -> tuple[str, ...]:
        until = time.monotonic() + _LIST_TIMEOUT_S
        try:
            with closing(self.client.exchange("GET", f"{path}{_VOICES}{self.query}")) as exchange:
                head_of(self, exchange, until, _stays, path=_VOICES, placed=self.placed)
                return tuple(_names_in(lenient(exchange.rest(until, _stays, _LIST_LIMIT))))
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException) as error:
            raise trouble.unreachable(self, error) from error
        except ValueError:
            raise trouble.bad_answer(self, "upstreams.not_json", misplaced=True) from None


class Upstreams:
    """The URLs of ``tts.upstreams``, as one engine: see `huiyin.services.tts.voice_engine.Engine`."""

    name = UPSTREAM
    sample_rate = RATE
    remote = True

    def __init__(self, upstreams: Sequence[Remote], settings: TtsSettings) -> None:
        self.chain = Chain(upstreams, settings)
        self.version = " ".join(f"{up.name} {up.model}" for up in upstreams)
        self._settings = settings

    @property
    def voices(self) -> tuple[Voice, ...]:
        """See `Engine`."""
        names = itertools.chain.from_iterable(up.voices for up in self.chain.upstreams)
        return tuple(map(_voice, dict.fromkeys(names)))

    def voice(self, name: str) -> Voice | None:
        """See `Engine`. Where ``tts.upstream_voice`` is set, that one speaks for any other."""
        if self._settings.upstream_voice:
            return _voice(self.chain.upstreams[0].voice(name))
        return next((voice for voice in self.voices if voice.name == name), None)

    def pieces(self, text: str) -> list[str]:
        """Sentences: what breaks off is said again from the beginning of one."""
        return _SENTENCE.findall(text)

    def synthesise(self, text: str, voice: str, prosody: Prosody = PLAIN) -> Iterator[Speech]:
        """See `Engine`."""
        broken: list[Remote] = []
        failures: list[UpstreamError] = []
        while True:
            spoken = list[Remote]()

            def ask(upstream: Remote, spoken: list[Remote] = spoken) -> Iterator[Sound]:
                spoken.append(upstream)
                patience = _LAST_PATIENCE if self.chain.is_last(upstream) else 1
                limit_s = patience * self._settings.first_sound_timeout_s
                return upstream.speak(text, voice, prosody.speed, limit_s)

            try:
                whole = [up for up in self.chain.upstreams if up not in broken]
                sound = self.chain.first(ask, failures, whole)
                if sound is None:
                    break
                yield from sound
                return
            except UpstreamError as failure:
                log.warning("%s", failure)
                failures.append(failure)
                if not failure.elsewhere:
                    break
                broken.append(spoken[-1])
        raise SynthesisFailed("tts.upstreams_failed", text, why=trouble.all_failed(failures))

    def warm_up(self) -> None:
        """Which voices there are."""
        for upstream in self.chain.upstreams:
            upstream.learn_voices()


def load(settings: Settings) -> Upstreams:
    """The engine of the URLs in ``tts.upstreams``, at least one. Raises what `open_upstreams` raises."""
    tts = settings.tts
    voices = per_url("tts", "tts.upstream_voice", tts.upstream_voice, tts.urls)

    def remote(url: str, key: str, model: str) -> Remote:
        return Remote(url, tts, key, model, voices[url])

    return Upstreams(open_upstreams("tts", tts, None, remote), tts)


def _names_in(document: Any) -> list[str]:
    """The voices in a list, of which there are several forms: names, or objects with a name.

    >>> _names_in({"voices": ["af_heart", {"id": "zf_xiaoxiao"}]})
    ['af_heart', 'zf_xiaoxiao']
    """
    rows = document
    if isinstance(document, Mapping):
        rows = document.get("voices") or document.get("data") or document.get("result")
    names = []
    for row in rows if isinstance(rows, list) else []:
        named = row
        if isinstance(row, Mapping):
            named = next((row[each] for each in ("id", "voice_id", "uri", "name", "voice") if row.get(each)), None)
        if isinstance(named, str):
            names.append(named)
    return names


def _voice(name: str) -> Voice:
    """What a name tells of a voice; that it speaks both languages is assumed."""
    return Voice(
        name,
        UPSTREAM,
        "zh-CN" if _CHINESE.match(name) else "en-US",
        "male" if _MALE.match(name) else "female",
        _BOTH,
        gain=None,
    )


def _stays() -> bool:
    """Of a client: it is looked after between two pieces of sound."""
    return False
