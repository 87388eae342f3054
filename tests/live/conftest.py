from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live.rig import LiveRig, a_live_rig


@pytest.fixture
def rig() -> Iterator[LiveRig]:
    yield from a_live_rig()
