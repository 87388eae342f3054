"""The language model's own tests, through the router."""

from __future__ import annotations

import pytest

from tests.services.test_llm_proxy import (  # noqa: F401
    test_a_client_that_leaves_frees_the_upstream,
    test_a_whole_answer_comes_back_with_all_its_fields,
    test_many_streams_at_once_keep_their_words_in_order,
    test_plain_text_that_breaks_off_does_not_look_whole,
    test_the_sdk_works_with_it,
    test_unknown_fields_and_tools_reach_the_upstream_and_its_events_come_back_unchanged,
    test_when_all_fail_the_error_has_the_reason_of_each,
    test_words_arrive_when_they_are_said_not_at_the_end,
)
from tests.support.ray_nodes import Served

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.fixture
def service(all_of_it: Served) -> str:
    return all_of_it.urls["llm"]
