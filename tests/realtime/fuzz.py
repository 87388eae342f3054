"""What the tests of any order share, whatever the protocol: how long they go on, and values that make no sense."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

STEPS = int(os.environ.get("HUIYIN_FUZZ_STEPS", "400"))
LENGTH = 40  # of one client's life, in steps
JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**6)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
fuzzed = settings(
    max_examples=max(1, STEPS // LENGTH), deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)


def event(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A client's event of this type."""
    return st.fixed_dictionaries({"kind": st.just(kind), **fields})
