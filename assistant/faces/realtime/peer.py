"""A client's WebRTC peer connection, by aiortc: Opus in and out, and the data channel with the events.

Imported only where aiortc is installed. The client's addresses in its offer are not used: we answer where its packets
come from. So no packet goes to an address that is only named, and no name is looked up.
"""

from __future__ import annotations

import asyncio
import contextlib
import fractions
import logging
from collections.abc import Callable
from typing import Any

import av
import numpy as np
from aioice import Candidate, ConnectionClosed
from aioice.ice import ConnectionEvent
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InternalError, InvalidStateError, OperationError
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.rtcconfiguration import RTCBundlePolicy
from aiortc.rtcdatachannel import RTCDataChannel
from aiortc.rtcicetransport import RTCIceTransport
from aiortc.rtcrtpsender import RTCRtpSender

from huiyin.assistant.faces.connections.wire import WireError
from huiyin.assistant.faces.realtime.playout import FRAME
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.ports.resample import Resampler

log = logging.getLogger(__name__)

CHANNEL = "oai-events"
_OPUS_TYPE = "audio/opus"
_OPUS_RATE = 48_000  # Hz, of its clock on the wire, and of what aiortc decodes
_OPUS = {"application": "voip", "fec": "1", "packet_loss": "5"}  # a lost packet can be heard from the next one
_BIT_RATE = 32_000  # bits/s: speech of 16 kHz
_GAP_S = 1.0  # of sound that was lost, or not sent as it was silence; a longer one the microphone fills itself
_MOST_FRAMES = 10  # that wait to be sent
_MOST_BYTES = 2 * 2**20  # of events that wait to be sent
_FLUSH_S = 1.0
_CLOSE_S = 5.0
_OF_AN_OFFER = (InternalError, InvalidStateError, OperationError)  # and what aiortc's parser stumbles over
_NOT_USED = ("a=candidate:", "a=end-of-candidates")


class Peer:
    """`on_open`, `on_message`, `on_sound` and `on_gone` are to be set before `answer`."""

    def __init__(self) -> None:
        self.on_open: Callable[[], None] = lambda: None
        """Called when events can be sent."""
        self.on_message: Callable[[str | bytes], None] = lambda message: None
        self.on_sound: Callable[[Pcm16], None] = lambda samples: None
        """Called with the client's next sound, 16 kHz, shape (n,)."""
        self.on_gone: Callable[[], None] = lambda: None
        """Called when the client has left, or cannot be reached, or does not read; perhaps more than once."""
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._channel: RTCDataChannel | None = None
        self._track = _ReplyTrack()
        self._sender: RTCRtpSender | None = None
        self._ear: asyncio.Task[None] | None = None
        self._connection.on("datachannel", self._take_channel)
        self._connection.on("track", self._take_track)
        self._connection.on("connectionstatechange", self._change_state)

    async def answer(self, offer: str, address: str) -> str:
        """The answer to an SDP offer. `address`: ours, at which the client is to reach us. Raises WireError."""
        lines = [line for line in offer.splitlines() if not line.startswith(_NOT_USED)]
        try:
            if any(line.startswith("m=audio ") for line in lines):
                self._speak()
            await self._connection.setRemoteDescription(RTCSessionDescription("\r\n".join(lines) + "\r\n", "offer"))
            if self._connection.sctp is None:
                raise WireError("realtime.bad_offer", why=f"it has no data channel {CHANNEL}")
            for transceiver in self._connection.getTransceivers():
                if transceiver.sender is not self._sender:
                    transceiver.direction = "inactive"  # a picture, or a second microphone
            for transport in self._transports():
                _tame(transport, address)
            await self._connection.setLocalDescription(await self._connection.createAnswer())
        except (*_OF_AN_OFFER, ValueError, LookupError, AssertionError, AttributeError, TypeError) as error:
            raise WireError("realtime.bad_offer", why=f"{type(error).__name__}: {error}") from error
        return str(self._connection.localDescription.sdp)

    def send(self, text: str) -> None:
        """An event. Nothing is sent before `on_open`, and after the client has left."""
        if self._channel is None or self._channel.readyState != "open":
            return
        try:
            self._channel.send(text)
        except ValueError as error:  # longer than its program takes
            log.warning("an event could not be sent: %s", error)
        if self._channel.bufferedAmount > _MOST_BYTES:
            self.on_gone()

    def play(self, samples: Pcm16) -> None:
        """The next 20 ms of our sound, 16 kHz."""
        self._track.play(samples)

    async def delay_s(self) -> float:
        """The network's delay, one way, with its jitter, as the client reports it (RTCP); 0 where it has not yet."""
        if self._sender is None:
            return 0.0
        for report in (await self._sender.getStats()).values():
            if report.type == "remote-inbound-rtp":
                return float((report.roundTripTime or 0.0) / 2 + report.jitter / _OPUS_RATE)
        return 0.0

    async def close(self) -> None:
        """Send what waits, and end the connection."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._flush(), _FLUSH_S)
        if self._ear:
            self._ear.cancel()
            await asyncio.wait({self._ear})
        try:
            await asyncio.wait_for(self._connection.close(), _CLOSE_S)
        except Exception:
            log.exception("a peer connection could not be closed")
        self.on_open = self.on_gone = _nothing  # what aiortc keeps of it holds no session
        self.on_message = self.on_sound = _ignore

    async def _flush(self) -> None:
        channel = self._channel
        while channel and channel.readyState == "open" and channel.bufferedAmount:
            await asyncio.sleep(0.02)

    def _speak(self) -> None:
        """One track each way, as Opus."""
        transceiver = self._connection.addTransceiver(self._track, "sendrecv")
        codecs = RTCRtpSender.getCapabilities("audio").codecs
        transceiver.setCodecPreferences([codec for codec in codecs if codec.mimeType == _OPUS_TYPE])
        self._sender = transceiver.sender

    def _transports(self) -> list[RTCIceTransport]:
        lower = [each.receiver.transport for each in self._connection.getTransceivers()]
        if self._connection.sctp:
            lower.append(self._connection.sctp.transport)
        return [each.transport for each in lower]

    # -- what aiortc calls

    def _take_channel(self, channel: RTCDataChannel) -> None:
        if channel.label != CHANNEL or self._channel:
            channel.close()
            return
        self._channel = channel
        channel.on("message", self._take_message)
        channel.on("close", self._take_leave)
        self.on_open()

    def _take_message(self, message: str | bytes) -> None:
        self.on_message(message)

    def _take_leave(self) -> None:
        self.on_gone()

    def _take_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio" and self._ear is None:
            self._ear = asyncio.ensure_future(self._hear(track))

    def _change_state(self) -> None:
        if self._connection.connectionState in ("failed", "closed"):
            self.on_gone()

    async def _hear(self, track: MediaStreamTrack) -> None:
        resampler = Resampler(_OPUS_RATE, SAMPLE_RATE)
        expected: int | None = None
        try:
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.AudioFrame) and frame.pts is not None
                sound = _mono(frame)
                missing = 0 if expected is None else frame.pts - expected
                if 0 < missing <= _GAP_S * _OPUS_RATE:
                    sound = np.concatenate([np.zeros(missing, np.int16), sound])
                expected = frame.pts + frame.samples
                self.on_sound(resampler.feed(sound))
        except MediaStreamError:
            pass  # the client has left
        except Exception:
            log.exception("a client's sound could not be heard")
            self.on_gone()


class _ReplyTrack(MediaStreamTrack):
    """Our sound. It is encoded here, at 16 kHz: aiortc would take a thread for each frame, and stereo at 48 kHz."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._packets: asyncio.Queue[av.Packet[Any]] = asyncio.Queue()
        self._encoder = av.CodecContext.create("libopus", "w")
        self._encoder.sample_rate, self._encoder.layout, self._encoder.format = SAMPLE_RATE, "mono", "s16"
        self._encoder.bit_rate, self._encoder.options = _BIT_RATE, _OPUS
        self._encoder.time_base = fractions.Fraction(1, SAMPLE_RATE)
        self._given = self._sent = 0  # frames

    def play(self, samples: Pcm16) -> None:
        """The next 20 ms, 16 kHz."""
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "s16", "mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, self._given * FRAME
        self._given += 1
        for packet in self._encoder.encode(frame):
            if self._packets.qsize() < _MOST_FRAMES:  # else the connection is not there yet
                self._packets.put_nowait(packet)

    async def recv(self) -> av.Packet[Any]:
        """As aiortc wants it: an encoded frame, with its time."""
        packet = await self._packets.get()
        packet.pts, packet.time_base = self._sent * FRAME, fractions.Fraction(1, SAMPLE_RATE)
        self._sent += 1
        return packet


def _mono(frame: av.AudioFrame) -> Pcm16:
    """Packed 16-bit samples of any number of channels, as one."""
    channels = frame.layout.nb_channels
    mixed: Pcm16 = frame.to_ndarray().reshape(-1, channels).mean(axis=1).astype(np.int16)
    return mixed


def _tame(transport: RTCIceTransport, address: str) -> None:
    """aioice would listen at all addresses of the machine but its loopback; and aiortc would ask a connection that is
    closed already for its next event for ever, without a pause."""
    connection = transport.iceGatherer._connection
    gather, next_event = connection.get_component_candidates, connection.get_event

    async def at_one_address(component: int, addresses: list[str], timeout: int = 5) -> list[Candidate]:
        return await gather(component, [address], timeout)

    async def event_or_end() -> ConnectionEvent:
        return await next_event() or ConnectionClosed()

    connection.get_event = event_or_end  # type: ignore[method-assign]
    connection.get_component_candidates = at_one_address  # type: ignore[method-assign]


def _nothing() -> None: ...


def _ignore(value: object) -> None: ...
