"""Tools that set, list and cancel timers, reminders and alarms."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from huiyin.assistant.tools.own import Argument, OwnTool, ToolError, own_tool
from huiyin.assistant.tools.reminders import Reminder, Reminders

_LONGEST = timedelta(days=3660)
_CLOCK = re.compile(r"(\d{1,2})[:：点](\d{1,2})?")
_MOST = 100  # that wait
_SAME = timedelta(seconds=15)  # a small model that has set a timer may call for it again


def reminder_tools(reminders: Reminders, now: Callable[[], datetime]) -> list[OwnTool]:
    """`now`: the user's local date and time, with its zone."""

    def set_reminder(arguments: Mapping[str, Any]) -> str:
        waiting = reminders.waiting()
        text = " ".join(str(arguments.get("text") or "").split())[:200] or "time is up"
        due = _due(arguments, now())
        still = (each for each in waiting if each.text == text and not each.has_begun)
        alike = next((each for each in still if abs(each.due - due) <= _SAME), None)
        if not alike and len(waiting) >= _MOST:
            raise ToolError("tools.too_many_reminders", most=_MOST)
        return "set: " + _shown(alike or reminders.set(due, text), now())

    def list_reminders(arguments: Mapping[str, Any]) -> str:
        waiting = reminders.waiting()
        return "\n".join(_shown(each, now()) for each in waiting) or "no reminders"

    def cancel_reminder(arguments: Mapping[str, Any]) -> str:
        wanted = str(arguments.get("which") or "").strip().lower()
        waiting = reminders.waiting()
        chosen = [each for each in waiting if wanted in ("all", "", str(each.id)) or wanted in each.text.lower()]
        if not chosen or (not wanted and len(waiting) > 1):
            raise ToolError("tools.which_reminder", waiting=[_shown(each, now()) for each in waiting] or ["-"])
        for each in chosen:
            reminders.finish(each.id, now())
        return "cancelled: " + "; ".join(each.text for each in chosen)

    return [
        own_tool(
            "set_reminder",
            "Set a timer, alarm or reminder, which is then spoken. Give in_minutes (timers) or at.", set_reminder,
            Argument("text", "what to say then, in the user's language"),
            Argument("in_minutes", "minutes from now; 0.5 is 30 seconds", "number", is_needed=False),
            Argument("at", "HH:MM, or YYYY-MM-DD HH:MM", is_needed=False),
        ),
        own_tool("list_reminders", "Timers and reminders that wait.", list_reminders, effect="reads"),
        own_tool(
            "cancel_reminder", "Cancel a timer or reminder.", cancel_reminder,
            Argument("which", "words of it, its number, or all", is_needed=False),
        ),
    ]  # fmt: skip


def _due(arguments: Mapping[str, Any], now: datetime) -> datetime:
    minutes, at = arguments.get("in_minutes"), str(arguments.get("at") or "").strip()
    if minutes not in (None, ""):
        try:
            due = now + timedelta(minutes=float(minutes))
        except (TypeError, ValueError, OverflowError):
            raise ToolError("tools.no_minutes", text=minutes) from None
    elif at:
        due = _moment(at, now)
    else:
        raise ToolError("tools.no_time_given")
    if due <= now:
        raise ToolError("tools.is_past", due=due, now=now)
    if due - now > _LONGEST:
        raise ToolError("tools.too_far")
    return due


def _moment(text: str, now: datetime) -> datetime:
    """A date and time; a time alone is the next such."""
    if clock := _CLOCK.fullmatch(text):
        hour, minute = int(clock[1]), int(clock[2] or 0)
        if hour > 23 or minute > 59:
            raise ToolError("tools.no_time", text=text)
        due = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return due if due > now else due + timedelta(days=1)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ToolError("tools.no_time", text=text) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)


def _shown(reminder: Reminder, now: datetime) -> str:
    due = reminder.due.astimezone(now.tzinfo)
    day = "" if due.date() == now.date() else f"{due:%A %Y-%m-%d} "
    return f"{reminder.id}: {day}{due:%H:%M:%S} {reminder.text}"
