"""The conversation as the client sees it: items in order, each beside its entry in the history.

An entry comes later than its item where a turn is under way: the history gets a turn when it is over, with what was
heard. What the client adds meanwhile waits (`when_settled`), so that the order stays the same on both sides.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from huiyin.assistant.dialogue.history import History, HistoryError
from huiyin.assistant.dialogue.items import Item
from huiyin.assistant.faces.connections.wire import Json, ServerEvent, WireError, new_id
from huiyin.assistant.faces.realtime.wire import ItemAdded, ItemDone

ROOT = "root"  # stands for the beginning, before all items


def new_body(kind: str, *, item_id: str = "", status: str = "completed", **fields: Any) -> Json:
    """An item as the client sees it; without `item_id` it gets one."""
    return {"id": item_id or new_id("item"), "object": "realtime.item", "type": kind, "status": status, **fields}


@dataclass
class Spoken:
    """Of an assistant's message: what was said when, to tell what was heard by then."""

    samples: int = 0
    """Of sound at 16 kHz that the client was sent."""
    text_until: Callable[[int], str] | None = None
    """Samples -> the words that were heard by then; None while the reply goes on."""
    generation: int = 0
    """The reply of the conversation; 0 for none."""


@dataclass
class WireItem:
    """An item. `body` is what the client sees of it; `history_id` '' where it has no entry (yet)."""

    body: Json
    history_id: str = ""
    spoken: Spoken | None = None

    @property
    def id(self) -> str:
        """Its id on the wire."""
        return str(self.body["id"])


@dataclass
class Items:
    """All items. `send` tells the client."""

    history: History
    send: Callable[[ServerEvent], None]
    _items: dict[str, WireItem] = field(default_factory=dict)
    _waiting: deque[Callable[[], None]] = field(default_factory=deque)
    _unsettled: int = 0

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._items

    def find(self, item_id: str, *, code: str = "invalid_item_id", param: str = "item_id") -> WireItem:
        """The item with this id. Raises WireError."""
        if item_id not in self._items:
            raise WireError("realtime.unknown_item", code=code, param=param, id=item_id)
        return self._items[item_id]

    @property
    def last_id(self) -> str | None:
        """The id of the last item; None in an empty conversation."""
        return next(reversed(self._items), None)

    def calls(self, call_id: str) -> bool:
        """Whether there is a function call with this id."""
        return any(
            item.body["type"] == "function_call" and item.body["call_id"] == call_id for item in self._items.values()
        )

    def can_call(self, call_id: str) -> bool:
        """Whether a new function call may have this id."""
        return not self.calls(call_id) and all(entry.id != call_id for entry in self.history.items)

    def add(self, body: Json, after: str | None = None) -> WireItem:
        """Put an item at the end, at the beginning ("root") or behind another; tell the client. Raises WireError."""
        item = WireItem(body)
        if after is None:
            previous = self.last_id
            self._items[item.id] = item
        else:
            previous = None if after == ROOT else self.find(after, param="previous_item_id").id
            order = list(self._items.values())
            order.insert(0 if previous is None else list(self._items).index(previous) + 1, item)
            self._items = {each.id: each for each in order}
        self.send(ItemAdded(dict(body), previous))
        return item

    def done(self, item: WireItem) -> None:
        """Tell the client that an item is whole."""
        if item.id in self._items:
            at = list(self._items).index(item.id)
            self.send(ItemDone(dict(item.body), list(self._items)[at - 1] if at else None))

    def remove(self, item: WireItem) -> None:
        """Forget an item, and its entry once it has one."""
        self._items.pop(item.id, None)
        self.when_settled(lambda: self._delete(item))

    # -- the history

    def when_settled(self, do: Callable[[], None]) -> None:
        """Change the history: now, or in turn once what is under way has its entries."""
        self._waiting.append(do)
        self._drain()

    def hold(self) -> Callable[[], None]:
        """Something is under way. Returns what is to be called when it has its entries; twice does no harm."""
        self._unsettled += 1
        is_held = True

        def release() -> None:
            nonlocal is_held
            if is_held:
                is_held = False
                self._unsettled -= 1
                self._drain()

        return release

    def enter(self, item: WireItem, entry: Item) -> None:
        """Give an item its entry, where it stands. One that was deleted meanwhile gets none, nor does a call whose id
        the model has used meanwhile."""
        if item.id not in self._items:
            return
        before = list(self._items.values())[: list(self._items).index(item.id)]
        is_last = len(before) == len(self._items) - 1
        after = next((each.history_id for each in reversed(before) if each.history_id), "")
        with contextlib.suppress(HistoryError):
            item.history_id = self.history.add(entry, after=None if is_last else after).id

    def _delete(self, item: WireItem) -> None:
        if item.history_id:
            self.history.delete(item.history_id)

    def _drain(self) -> None:
        while self._waiting and not self._unsettled:
            self._waiting.popleft()()
