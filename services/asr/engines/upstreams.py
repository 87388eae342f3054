"""Recognisers elsewhere: any server with OpenAI's ``/v1/audio/transcriptions``, also Huiyin on another machine.

The setting ``asr.upstreams`` names them in order, `embedded` for the engine of ``asr.engine`` on this machine. Each
piece of a recording is a request of its own: what one upstream cannot do the next one does.
"""

from __future__ import annotations

import http.client
import io
import threading
import time
import wave
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from urllib3 import encode_multipart_formdata

from huiyin.configs.settings import AsrSettings
from huiyin.configs.upstream_settings import EMBEDDED
from huiyin.services.asr.engines.transcription import recognition_in
from huiyin.services.asr.recogniser import Engine, Hints, Recognition
from huiyin.services.common.audio import SAMPLE_RATE, Samples
from huiyin.services.common.strict_json import lenient
from huiyin.services.common.upstreams import trouble
from huiyin.services.common.upstreams.chain import Chain, Link, open_upstreams
from huiyin.services.common.upstreams.server import Server, head_of
from huiyin.services.common.upstreams.trouble import UpstreamError

_MODEL = "whisper-1"  # the name that servers made for OpenAI's clients know
_ADDRESSES = {False: "/audio/transcriptions", True: "/audio/translations"}  # by Hints.translate
_LONGEST_PIECE_S = 28.0  # Whisper's window has 30 s
_WORKERS = 8  # pieces asked for at once, of different callers: the server has a queue of its own
_ANSWER_LIMIT = 16 * 2**20  # bytes
_LAST_PATIENCE = 2  # factor of the last upstream's time limit: no other can be asked
_INT16_MAX = 32767


class Upstream(Link, Protocol):
    """What recognises one piece of sound, here or elsewhere."""

    model: str

    def recognise(self, piece: Samples, hints: Hints, limit_s: float) -> Recognition | None:
        """What is said in `piece`; None where it cannot do what `hints` ask for. Raises UpstreamError."""


class Here:
    """The engine of this machine."""

    name, section = EMBEDDED, "asr"

    def __init__(self, engine: Engine) -> None:
        self.engine, self.model = engine, engine.model
        self._turns = threading.BoundedSemaphore(engine.workers)  # the queue before it may let more in

    def recognise(self, piece: Samples, hints: Hints, limit_s: float) -> Recognition | None:
        """See `Upstream`. It takes the time that it takes."""
        if hints.translate and not self.engine.translates:
            return None
        with self._turns:
            return self.engine.recognise([piece], hints)[0]

    def unreachable(self) -> str:
        """See `Link`."""
        return ""

    def facts(self) -> Mapping[str, Any]:
        """See `Link`."""
        return {"model": self.model, "device": self.engine.device}

    def clean(self, text: str) -> str:
        """See `Link`."""
        return text


class Remote(Server):
    """A server elsewhere."""

    def __init__(self, url: str, settings: AsrSettings, key: str, model: str) -> None:
        super().__init__("asr", url, key, settings.connect_timeout_s)
        self.model = model or _MODEL
        self._may_ask_for_times = True  # until it refuses the form of answer that has them

    def recognise(self, piece: Samples, hints: Hints, limit_s: float) -> Recognition | None:
        """See `Upstream`."""
        sound, length_s = _wav(piece), len(piece) / SAMPLE_RATE
        until = time.monotonic() + limit_s

        def send(path: str) -> Any:
            return self._answer(path, sound, hints, until)

        try:
            try:
                answer = self.ask(send)
            except UpstreamError as failure:
                if not (self._may_ask_for_times and "format" in failure.refusal):
                    raise
                self._may_ask_for_times = False
                answer = self.ask(send)
        except TimeoutError:
            raise trouble.too_slow(self, limit_s, "asr.reply_timeout_s") from None
        found = recognition_in(answer, length_s)
        if found is None:
            raise trouble.bad_answer(self, "asr.not_a_transcription")
        return found

    def facts(self) -> Mapping[str, Any]:
        """See `Link`."""
        return {"model": self.model, "key": "set" if self.key else "none"}

    def _answer(self, path: str, sound: bytes, hints: Hints, until: float) -> Any:
        """The JSON document with which the server answers. Raises UpstreamError and TimeoutError."""
        address = _ADDRESSES[hints.translate]
        body, kind = encode_multipart_formdata([("file", ("piece.wav", sound, "audio/wav")), *self._fields(hints)])
        exchange = self.client.exchange("POST", f"{path}{address}{self.query}", body, kind)
        try:
            head_of(self, exchange, until, _stays, path=address, placed=self.placed)
            return lenient(exchange.rest(until, _stays, _ANSWER_LIMIT))
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException) as error:
            raise trouble.broke_off(self, error) from error
        except ValueError:
            raise trouble.bad_answer(self, "upstreams.not_json", misplaced=True) from None
        finally:
            exchange.close()

    def _fields(self, hints: Hints) -> list[tuple[str, str]]:
        fields = [("model", self.model), ("temperature", str(hints.temperature))]
        if len(hints.languages) == 1 and not hints.translate:
            fields.append(("language", hints.languages[0]))
        if prompt := " ".join(filter(None, (hints.prompt, ", ".join(hints.hotwords)))):
            fields.append(("prompt", prompt))
        fields.append(("response_format", "verbose_json" if self._may_ask_for_times else "json"))
        if hints.words and self._may_ask_for_times:
            fields += [("timestamp_granularities[]", each) for each in ("segment", "word")]
        return fields


class Upstreams:
    """All of ``asr.upstreams``, as one engine: see `huiyin.services.asr.recogniser.Engine`."""

    uses_hotwords = False  # not all do: what none has used is put right afterwards

    def __init__(self, upstreams: Sequence[Upstream], settings: AsrSettings) -> None:
        self.chain = Chain(upstreams, settings)
        self._settings = settings
        first, here = upstreams[0], [up.engine for up in upstreams if isinstance(up, Here)]
        self.model = first.model
        self.device = first.engine.device if isinstance(first, Here) else "remote"
        self.languages = tuple(dict.fromkeys([*settings.languages, *(code for e in here for code in e.languages)]))
        self.max_piece_s = min([_LONGEST_PIECE_S, *(engine.max_piece_s for engine in here)])
        self.batch_s = 0.0
        self.workers = first.engine.workers if isinstance(first, Here) else _WORKERS
        self.translates = len(here) < len(upstreams) or any(engine.translates for engine in here)

    def recognise(self, pieces: Sequence[Samples], hints: Hints) -> list[Recognition]:
        """See `Engine`. Raises ApiError where no upstream answers."""
        languages = hints.languages or (self._settings.languages if len(self._settings.languages) == 1 else ())
        return [self._recognise(piece, replace(hints, languages=languages)) for piece in pieces]

    def _recognise(self, piece: Samples, hints: Hints) -> Recognition:
        def ask(upstream: Upstream) -> Recognition | None:
            patience = _LAST_PATIENCE if self.chain.is_last(upstream) else 1
            return upstream.recognise(piece, hints, patience * self._settings.reply_timeout_s)

        failures: list[UpstreamError] = []
        answer = self.chain.first(ask, failures)
        if answer is None:
            raise trouble.all_failed(failures)
        return answer


def load(settings: AsrSettings, load_embedded: Callable[[], Engine]) -> Upstreams:
    """The engine of ``asr.upstreams``. Raises what `open_upstreams` raises."""

    def here() -> Upstream:
        return Here(load_embedded())

    def remote(url: str, key: str, model: str) -> Upstream:
        return Remote(url, settings, key, model)

    return Upstreams(open_upstreams("asr", settings, here, remote), settings)


def model_of(settings: AsrSettings) -> str:
    """The name of the model of the first upstream."""
    if settings.is_embedded:
        return Path(settings.model).name
    return settings.upstream_model.partition(",")[0].strip() or _MODEL


def _wav(piece: Samples) -> bytes:
    """A WAV file, 16 bits, of float32 samples (n,) in [-1, 1] at 16 kHz."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(SAMPLE_RATE)
        writer.writeframes(np.round(piece * _INT16_MAX).astype("<i2").tobytes())
    return file.getvalue()


def _stays() -> bool:
    """Of a client: an engine does not know whether it has left."""
    return False
