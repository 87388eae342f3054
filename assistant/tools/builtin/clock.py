"""What time it is, here and elsewhere, and days of the calendar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from huiyin.assistant.tools.own import Argument, OwnTool, ToolError, own_tool

_PLACES = {
    "北京": "Asia/Shanghai", "中国": "Asia/Shanghai", "beijing": "Asia/Shanghai", "china": "Asia/Shanghai",
    "深圳": "Asia/Shanghai", "广州": "Asia/Shanghai", "上海": "Asia/Shanghai", "成都": "Asia/Shanghai",
    "香港": "Asia/Hong_Kong", "台北": "Asia/Taipei", "台湾": "Asia/Taipei", "东京": "Asia/Tokyo", "日本": "Asia/Tokyo",
    "japan": "Asia/Tokyo", "首尔": "Asia/Seoul", "新加坡": "Asia/Singapore", "曼谷": "Asia/Bangkok",
    "迪拜": "Asia/Dubai", "莫斯科": "Europe/Moscow", "伦敦": "Europe/London", "英国": "Europe/London",
    "uk": "Europe/London", "england": "Europe/London", "巴黎": "Europe/Paris", "法国": "Europe/Paris",
    "柏林": "Europe/Berlin", "德国": "Europe/Berlin", "germany": "Europe/Berlin", "france": "Europe/Paris",
    "纽约": "America/New_York", "华盛顿": "America/New_York", "washington": "America/New_York",
    "boston": "America/New_York", "波士顿": "America/New_York", "芝加哥": "America/Chicago",
    "洛杉矶": "America/Los_Angeles", "旧金山": "America/Los_Angeles", "西雅图": "America/Los_Angeles",
    "san francisco": "America/Los_Angeles", "seattle": "America/Los_Angeles", "悉尼": "Australia/Sydney",
    "墨尔本": "Australia/Melbourne", "india": "Asia/Kolkata", "印度": "Asia/Kolkata", "delhi": "Asia/Kolkata",
    "utc": "UTC", "gmt": "UTC",
}  # fmt: skip
"""Places that are not the last part of a zone's name."""


def clock_tools(now: Callable[[], datetime]) -> list[OwnTool]:
    """`now`: the user's local date and time, with its zone."""

    def get_time(arguments: Mapping[str, Any]) -> str:
        place = str(arguments.get("place") or "")
        at = now().astimezone(_zone(place)) if place else now()
        return at.strftime("%A %Y-%m-%d %H:%M") + (f" in {place}" if place else "")

    def days_until(arguments: Mapping[str, Any]) -> str:
        day = _day(str(arguments["date"]))
        days = (day - now().date()).days
        return f"{day:%A %Y-%m-%d}: " + (f"in {days} days" if days > 0 else f"{-days} days ago" if days else "today")

    return [
        own_tool(
            "get_time", "Date, weekday and time now, here or in another place.", get_time,
            Argument("place", "a city or country; none: here", is_needed=False), effect="reads",
        ),
        own_tool(
            "days_until", "Weekday of a date, and the days until or since it.", days_until,
            Argument("date", "YYYY-MM-DD"), effect="reads",
        ),
    ]  # fmt: skip


def _zone(place: str) -> ZoneInfo:
    name = _zones().get(place.strip().lower().removesuffix("市"))
    if name is None:
        raise ToolError("tools.no_zone", place=place)
    return ZoneInfo(name)


@cache
def _zones() -> Mapping[str, str]:
    """Place -> name of its zone."""
    cities = {name.rpartition("/")[2].replace("_", " ").lower(): name for name in sorted(available_timezones())}
    return {**cities, **{name.lower(): name for name in available_timezones()}, **_PLACES}


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        raise ToolError("tools.no_date", text=text) from None
