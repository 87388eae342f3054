"""The voice's own tests, through the router."""

from __future__ import annotations

import pytest

from tests.services.test_tts_service import (  # noqa: F401
    test_bad_request_is_refused_and_the_next_is_answered,
    test_broken_body_is_refused,
    test_sample_rate_as_asked,
)
from tests.support.ray_nodes import Served

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.fixture
def url(all_of_it: Served) -> str:
    return all_of_it.urls["tts"]
