"""One question with the `openai` package, as `openai_sdk.py` asks it; its tool must be called."""

from __future__ import annotations

import functools

from openai_sdk import run
from user import User, main

main(functools.partial(run, talk=User.ask, tool_choice="required"))
