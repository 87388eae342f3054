"""How models run in ONNX Runtime on a machine that has other things to do."""

from __future__ import annotations

from typing import Any

_SPIN_US = 20
_SPINS_BRIEFLY = (1, 31)  # the version that is known to; an earlier one would not stop


def session_options(threads: int) -> Any:
    """Session options for `threads` cores and one operator at a time.

    A thread that waits for its share of the next operator spins for 20 us and then sleeps. Spinning without an end, as
    is usual, takes the cores from everything else: 2-11 s for 1 s of audio beside another program. Sleeping at once
    costs a wake-up an operator: SenseVoice on two cores takes 51 ms instead of 37 for 1 s of sound, 130 instead of 108
    for 5 s, Kokoro 10 % more, and more of the processor, too. Beside two busy programs both are as fast.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    briefly = threads > 1 and _version(onnxruntime.__version__) >= _SPINS_BRIEFLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if briefly else "0")
    if briefly:
        options.add_session_config_entry("session.intra_op.spin_duration_us", str(_SPIN_US))
    return options


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
