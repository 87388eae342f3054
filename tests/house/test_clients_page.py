"""Whatever docs/clients.md shows is run by a test: `tests/clients/test_service_clients.py`."""

from __future__ import annotations

from tests.clients.snippets import ADDRESS, REQUESTS, RUNS, code_of, codes


def test_each_client_of_the_page_is_run() -> None:
    assert set(codes()) == {*RUNS, *REQUESTS}
    for section in codes():
        assert ADDRESS in code_of(section), section
