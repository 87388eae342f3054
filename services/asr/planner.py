"""How much sound the model gets in one call, by the device and its free memory.

On a CPU a batch only adds padding (8 clips of 1-15 s: 5.7 s one by one, 12.9 s as one batch), so pieces go one by one.
On a GPU a batch holds as many seconds as fit; only pieces of similar length share one. When memory runs out all the
same, half is tried, down to one piece, and that in two: slower, but nothing is lost and the order is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from huiyin.configs.settings import AsrSettings
from huiyin.services.asr.recogniser import Engine, OutOfMemory, Recognition
from huiyin.services.asr.signal.pieces import LONGEST_S, quietest
from huiyin.services.common.audio import SAMPLE_RATE, Samples
from huiyin.services.common.errors import ApiError

FreeBytes = Callable[[str], int]
"""From a device's name to the bytes still free on it."""
Call = Callable[[Sequence[Samples]], list[Recognition]]
"""One call of the model."""

# Memory of one call, for SenseVoice's size (50 + 20 blocks, width 512, 4 heads) in fp32.
_BYTES_PER_S = 8_000_000  # activations
_BYTES_PER_S2 = 64 * 16.67**2  # attention: 64 bytes for each pair of frames (16.67 a second) of one piece
_SHARE = 0.5  # of the free memory: the estimate may be off, and fragments are lost
_LONGEST_BATCH_S = 240.0  # no GPU gets faster beyond it
_SHORTEST_PIECE_S = 4.0  # a plan never cuts finer; a sentence needs as much
_SIMILAR = 0.6  # share of a batch's longest piece that its shortest has at least: the rest is padding
_LEAST_S = 2.0  # of sound: if that does not fit, no piece will
_RECOVER = 8  # good calls after which a smaller batch may grow again


@dataclass
class Plan:
    """How sound is divided into calls. `batch_s` shrinks when memory runs out, and recovers."""

    piece_s: float
    """The longest piece."""
    most_s: float
    """Seconds of sound in one call, padding included; 0: one piece a call."""
    batch_s: float
    """The same, as much as memory allowed last."""
    good: int = 0
    """Calls in a row since then that had enough memory."""

    @property
    def window_s(self) -> float:
        """Seconds of sound that are gathered before they are sorted into batches."""
        return 2 * self.batch_s

    def went_well(self) -> None:
        """A call had enough memory."""
        self.good += 1
        if self.batch_s < self.most_s and self.good >= _RECOVER:
            self.batch_s = min(self.most_s, 2 * self.batch_s)
            self.good = 0

    def ran_out(self, tried_s: float) -> None:
        """A batch of `tried_s` seconds was too much."""
        self.batch_s = min(self.batch_s, tried_s) / 2
        self.good = 0


def make_plan(engine: Engine, settings: AsrSettings, free_bytes: FreeBytes) -> Plan:
    """The plan for a loaded engine. `free_bytes` is called for GPUs only."""
    piece_s = min(engine.max_piece_s, LONGEST_S)
    if not engine.batch_s:
        return Plan(piece_s, 0.0, 0.0)
    budget = free_bytes(engine.device) * _SHARE
    while piece_s > _SHORTEST_PIECE_S and _bytes(piece_s, piece_s) > budget:
        piece_s = max(_SHORTEST_PIECE_S, piece_s / 2)
    fitting_s = min(engine.batch_s, _LONGEST_BATCH_S, budget / _bytes(1.0, piece_s))
    batch_s = settings.batch_size_s or max(fitting_s, piece_s)
    return Plan(piece_s, batch_s, batch_s)


def _bytes(sound_s: float, piece_s: float) -> float:
    """Memory for a call with `sound_s` seconds in pieces of `piece_s`."""
    return sound_s * (_BYTES_PER_S + _BYTES_PER_S2 * piece_s)


def gpu_free_bytes(device: str) -> int:
    """What PyTorch can still reserve on a GPU; what it has reserved counts as used: its free parts may not fit."""
    import torch

    free, total = torch.cuda.mem_get_info(device)  # with other programs
    return int(min(free, total - torch.cuda.memory_reserved(device)))


def recognise_all(call: Call, pieces: Sequence[Samples], plan: Plan) -> list[Recognition]:
    """What is said in each piece, in their order, by as many calls as `plan` allows.

    Raises ApiError 503 `out_of_memory`, and what `call` raises.
    """
    recognitions: dict[int, Recognition] = {}
    while len(recognitions) < len(pieces):
        waiting = [(i, len(piece) / SAMPLE_RATE) for i, piece in enumerate(pieces) if i not in recognitions]
        batch = next_batch(waiting, plan.batch_s)
        try:
            recognitions.update(zip(batch, call([pieces[i] for i in batch]), strict=True))
            plan.went_well()
        except OutOfMemory:
            if len(batch) == 1:
                recognitions[batch[0]] = _in_two(call, pieces[batch[0]])
            else:
                plan.ran_out(len(batch) * max(len(pieces[i]) for i in batch) / SAMPLE_RATE)
    return [recognitions[i] for i in range(len(pieces))]


def next_batch(waiting: Sequence[tuple[int, float]], batch_s: float) -> list[int]:
    """Which of the pieces (number, seconds; at least one) go into one call: the longest, and those of similar length.

    With its padding a batch is at most `batch_s` long, or one piece; at 0 that is the first.
    """
    if not batch_s:
        return [waiting[0][0]]
    in_order = sorted(waiting, key=lambda piece: -piece[1])
    longest_s = in_order[0][1]
    most = max(1, int(batch_s / longest_s))
    return [number for number, length_s in in_order[:most] if length_s >= _SIMILAR * longest_s]


def _in_two(call: Call, samples: Samples) -> Recognition:
    """A piece that is too long for the free memory, as two."""
    if len(samples) < _LEAST_S * SAMPLE_RATE:
        raise ApiError(503, "asr.out_of_memory", length_s=len(samples) / SAMPLE_RATE, retry_after_s=10)
    cut = quietest(samples[: len(samples) * 3 // 4])
    halves = []
    for half in (samples[:cut], samples[cut:]):
        try:
            halves += call([half])
        except OutOfMemory:
            halves.append(_in_two(call, half))
    first, second = halves
    later = (segment.later(cut / SAMPLE_RATE) for segment in second.segments)
    return Recognition((*first.segments, *later), tuple(dict.fromkeys((*first.warnings, *second.warnings))))
