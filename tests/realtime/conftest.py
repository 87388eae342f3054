from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.realtime.rig import Rig, a_rig


@pytest.fixture
def rig() -> Iterator[Rig]:
    yield from a_rig()
