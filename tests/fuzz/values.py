"""What schemathesis cannot know of our formats: recordings, words to say, voices, hotwords."""

from __future__ import annotations

import numpy as np
import schemathesis
from hypothesis import strategies as st

from huiyin.services.common.audio import SAMPLE_RATE
from tests.support.media import encode


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case) -> bool:
    """Leave out what differs from our own formats alone: these are examples of what is taken, not all of it."""
    return not any("format" in mutation.keywords for mutation in case.meta.phase.data.mutations)


_LETTERS = "abcXYZ019 你好世界，。!?'-é"


def _noise(seed: int) -> np.ndarray:
    """float32 at 16 kHz, a fifth of a second to one."""
    numbers = np.random.default_rng(seed)
    return numbers.uniform(-0.3, 0.3, SAMPLE_RATE * numbers.integers(2, 11) // 10).astype(np.float32)


_seeds = st.integers(0, 50)
_kinds = st.sampled_from([("wav", "pcm_s16le"), ("flac", "flac")])
_files = st.builds(lambda seed, kind: encode(_noise(seed), *kind), _seeds, _kinds)
_pcm = _seeds.map(lambda seed: (_noise(seed) * 32767).astype("<i2").tobytes())

schemathesis.openapi.media_type("application/octet-stream", st.one_of(_files, st.binary(min_size=1, max_size=2000)))
schemathesis.openapi.media_type("audio/pcm;rate=16000", st.one_of(_pcm, st.binary(min_size=1, max_size=2000)))
_voices = ["", "alloy", "onyx", "heart", "zf_xiaoxiao", "zm_yunxi", "en-US-AriaNeural", "de-DE-KatjaNeural"]
schemathesis.openapi.format("voice", st.sampled_from(_voices))
schemathesis.openapi.format("words", st.tuples(st.sampled_from("aZ7好"), st.text(_LETTERS, max_size=50)).map("".join))
_hotword = st.text("abcXYZ你好世界", min_size=1, max_size=20)
schemathesis.openapi.format("hotword", _hotword)
schemathesis.openapi.format("hotwords", st.lists(_hotword, max_size=10).map(",".join))
