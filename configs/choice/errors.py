"""What can go wrong when models are chosen."""

from __future__ import annotations

from huiyin.configs.errors import HuiyinError


class LadderError(HuiyinError):
    """The ladders cannot be used; the message says which rung is wrong, and why."""
