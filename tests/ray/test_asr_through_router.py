"""The recogniser's own tests of live streams, through the router and two replicas."""

from __future__ import annotations

import pytest

from tests.services.test_live_service import (  # noqa: F401
    test_a_message_that_is_too_big_is_refused,
    test_a_plain_get_and_pages_of_other_sites_are_refused,
    test_an_unknown_text_message_is_answered_with_an_error,
    test_odd_messages_and_other_rates,
    test_partials_then_finals_then_everything,
    test_silence_and_no_sound_at_all_end_with_an_empty_result,
    test_two_streams_at_once_have_their_own_texts,
)
from tests.support.ray_nodes import Served

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.fixture
def url(all_of_it: Served) -> str:
    return all_of_it.urls["asr"]
