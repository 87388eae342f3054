"""Conversations kept on disk: whole after a crash at any byte, private, and resumed where they ended."""

from __future__ import annotations

import json
import shutil
import stat
import sys
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huiyin.assistant.conversation.events import HistoryEdited, TurnCommitted, TurnsForgotten
from huiyin.assistant.conversation.session_store import SessionError, SessionStore, SessionWriter
from huiyin.assistant.dialogue.history import HeardClause, History
from huiyin.assistant.dialogue.items import AssistantItem, Item, SystemNote, ToolCall, ToolResult, Turn, UserItem
from huiyin.assistant.dialogue.mood import Mood
from huiyin.assistant.dialogue.tools import CalledTool
from huiyin.assistant.faces.cli import main
from huiyin.assistant.scenario.api import simulate
from huiyin.assistant.turns.events import Transcript
from tests.support import ROOT

TURNS = [
    Turn("", "你好，我是回音。"),
    Turn("我叫小明。", "你好，小明！", mood=Mood(("sad", 0.8), ("crying",))),
    Turn("Tell me a story.", "Once upon", interrupted=True),
    Turn("Go on.", ""),
]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SessionStore:
    monkeypatch.setenv("HUIYIN_TALK_SESSIONS_DIR", str(tmp_path / "kept"))
    return SessionStore(tmp_path / "kept")


IDS = map("item_{}".format, count())


def tell(writer: SessionWriter, *turns: Turn, before: tuple[Item, ...] = ()) -> None:
    """These turns are over; there were the items `before` the first reply."""
    for turn in turns:
        user = [UserItem(turn.user, turn.mood, id=next(IDS))] if turn.user else []
        items = (*user, *before, AssistantItem(turn.heard, turn.interrupted, id=next(IDS)))
        writer(0.0, TurnCommitted(1, transcript=Transcript(turn.user), turn=replace(turn, items=items), messages=[]))


def kept(store: SessionStore, *turns: Turn) -> SessionWriter:
    """A session with these turns."""
    writer = store.begin("huiyin", pytest.fail)
    tell(writer, *turns)
    return writer


def test_what_was_said_is_read_back(store: SessionStore) -> None:
    kept(store, *TURNS)
    session = store.get("last")
    assert session.turns == TURNS
    assert (session.persona, session.title, len(session.id)) == ("huiyin", "我叫小明。", 5)
    assert session.history().messages() == [
        {"role": "user", "content": "（对话开始了）"},
        {"role": "assistant", "content": "你好，我是回音。"},
        {"role": "user", "content": "我叫小明。"},
        {"role": "assistant", "content": "你好，小明！"},
        {"role": "user", "content": "Tell me a story."},
        {"role": "assistant", "content": "Once upon"},
        {"role": "user", "content": "(You were interrupted after “Once upon”)\nGo on."},
    ]


def test_a_turn_is_on_disk_as_soon_as_it_is_over(store: SessionStore) -> None:
    writer = kept(store)
    for i, turn in enumerate(TURNS[1:], 1):
        tell(writer, turn)
        assert len(store.get("last").turns) == i


def test_a_crash_at_any_byte_costs_the_turn_that_was_being_written_and_no_other(store: SessionStore) -> None:
    path = kept(store, *TURNS).path
    data = path.read_bytes()
    head = data.index(b"\n") + 1
    for cut in range(head, len(data) + 1):
        path.write_bytes(data[:cut])
        whole = data[:cut].count(b"\n") - 1
        session = store.get("last")
        assert session.turns == TURNS[:whole]
        tell(store.go_on(session, pytest.fail), Turn("again", "yes"))
        assert store.get("last").turns == [*TURNS[:whole], Turn("again", "yes")], f"cut at byte {cut}"
        assert all(json.loads(line) for line in path.read_bytes().splitlines())


def test_a_crash_in_the_first_line_leaves_no_session_and_does_no_harm(store: SessionStore) -> None:
    path = kept(store, *TURNS).path
    path.write_bytes(path.read_bytes()[:20])
    assert store.all() == []
    with pytest.raises(SessionError, match="not a session"):
        store.get(path.stem)
    store.delete(store.path(path.stem))
    assert not path.exists()


def test_a_damaged_line_does_not_hide_those_after_it(store: SessionStore) -> None:
    path = kept(store, *TURNS).path
    lines = path.read_bytes().splitlines(keepends=True)
    damaged = [
        b"\x00\xff{\n",
        b"[1]\n",
        b'{"at": "' + b"[" * 100_000 + b"\n",
        b"[" * 100_000 + b"\n",
        b'{"items": ' + b"[" * 100_000 + b"\n",
        b'{"at": "2026-11-28", "items": [{"type": "song", "id": "x"}]}\n',
        b'{"at": "2026-11-28", "items": [{"type": "user", "id": "x", "text": 7}]}\n',
        b'{"at": "yesterday", "items": []}\n',
        b'{"at": "2026-11-28", "user": "?"}\n',
        b'{"forgotten": 1e999, "summary": ""}\n',
    ]
    path.write_bytes(b"".join([*lines[:2], *damaged, *lines[2:]]))
    assert store.get("last").turns == TURNS
    path.write_bytes(damaged[3] + b"".join(lines))
    assert store.get("last").turns == TURNS, "not even in front of the first"


def test_items_are_read_back_with_their_ids(store: SessionStore) -> None:
    call = ToolCall("weather", '{"city": "Ulm"}', id="call_1")
    before = (call, ToolResult("call_1", "sunny\n21 °C", id="mine"), SystemNote("The user is in Ulm.", id="note"))
    writer = kept(store)
    tell(writer, Turn("What is the weather?", "It is sunny.", mood=Mood(("happy", 0.9))), before=before)
    session = store.get("last")
    assert tuple(session.items[1:-1]) == before and session.items[0].id.startswith("item_")
    history = session.history()
    assert history.items == session.items
    assert history.commit("Thanks.", [HeardClause("Any time.", 1)], interrupted=False).user == "Thanks."


def test_edits_are_read_back_as_they_were_made(store: SessionStore) -> None:
    history = History()
    writer = kept(store)

    def commit(user: str, reply: str | None, *calls: CalledTool) -> None:
        heard = None if reply is None else [HeardClause(reply, 1)]
        turn = history.commit(user, heard, interrupted=False, calls=calls)
        writer(0.0, TurnCommitted(1, transcript=Transcript(user), turn=turn, messages=[]))

    history.on_edit = lambda item_id, item, after: writer(0.0, HistoryEdited(item_id=item_id, item=item, after=after))
    history.add(SystemNote("before anything is said"))
    commit("How is the weather?", None, CalledTool("call_1", "weather", "{}"))
    history.add(ToolResult("call_1", "sunny"))
    commit("", "It is sunny.")
    history.add(ToolResult("call_2", "rainy"))  # done before its call is committed
    commit("And tomorrow?", "Let me see.", CalledTool("call_2", "weather", "{}"))
    commit("", "It will rain.")
    history.forget(1)
    writer(0.0, TurnsForgotten(turns=1, summary=""))
    history.add(SystemNote("in between"), after=history.items[2].id)
    reply = next(item for item in history.items if isinstance(item, AssistantItem))
    history.truncate(reply.id, "It is")
    history.delete(history.items[0].id)
    session = store.get("last")
    assert session.items == history.items and session.start == history.start
    assert session.history().messages("Well?") == history.messages("Well?")
    again = store.go_on(session, pytest.fail)
    history = session.history()
    turn = history.commit("Thanks.", [HeardClause("Any time.", 1)], interrupted=False)
    again(0.0, TurnCommitted(1, transcript=Transcript("Thanks."), turn=turn, messages=[]))
    assert store.get("last").items == history.items


def test_two_programs_that_go_on_with_one_session_lose_nothing(store: SessionStore) -> None:
    path = kept(store, *TURNS).path
    path.write_bytes(path.read_bytes() + path.read_bytes().splitlines(keepends=True)[-1])
    session = store.get("last")
    assert session.turns == [*TURNS, TURNS[-1]]
    assert len({item.id for item in session.items}) == len(session.items)


def test_half_a_character_does_not_keep_a_turn_from_being_written(store: SessionStore) -> None:
    kept(store, Turn("half an emoji: \ud83d", "Yes."))
    assert store.get("last").title == "half an emoji: ?"


def test_it_is_kept_by_what_a_mood_is_known(store: SessionStore, capsys: pytest.CaptureFixture[str]) -> None:
    by_words, by_voice = (
        Turn("我好难过。", "我在听。", mood=Mood(("sad", 0.9), source=by)) for by in ("words", "voice")
    )
    kept(store, by_words, by_voice)
    assert store.get("last").turns == [by_words, by_voice]
    assert main.main(["sessions", "show", "last"]) == 0
    assert "(sad, by the words)" in (shown := capsys.readouterr().out) and "(sad)" in shown


# -- files of form 1


OLD_TURNS = [
    Turn("", "你好，我是回音。"),
    Turn("你好，我叫小明。", "你好，小明！有什么可以帮你的吗？"),
    Turn("今天又没考过。", "唉，这滋味不好受。想说说", interrupted=True, mood=Mood(("sad", 0.81), ("crying",))),
    Turn("Tell me a story.", "Once upon a time there was", interrupted=True, mood=Mood(("neutral", 0.9))),
    Turn("停", ""),
]


@pytest.fixture
def old(store: SessionStore) -> Path:
    store.folder.mkdir()
    return Path(shutil.copy(ROOT / "tests" / "data" / "session_of_form_1.jsonl", store.folder / "abcde.jsonl"))


def test_a_file_of_form_1_is_read_as_before(store: SessionStore, old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = store.get("last")
    assert (session.turns, session.summary, session.title) == (OLD_TURNS, "用户叫小明。", "你好，我叫小明。")
    assert [item.id for item in session.items] == [f"item_{n}" for n in range(1, 10)]
    assert [message["content"] for message in session.history().messages("Go on.")] == [
        "今天又没考过。",
        "唉，这滋味不好受。想说说",
        "(You were interrupted after “滋味不好受。想说说”)\nTell me a story.",
        "Once upon a time there was",
        "（你刚才说到“upon a time there was”时被打断了）\n停\nGo on.",
    ]
    assert main.main(["sessions", "list"]) == 0 and main.main(["sessions", "show", "abc"]) == 0
    assert "   5 turns  你好，我叫小明。" in (shown := capsys.readouterr().out)
    assert "   you: 今天又没考过。  (sad)\nhuiyin: 唉，这滋味不好受。想说说 —\n" in shown


@pytest.mark.parametrize("torn", [b"", b'{"at": "2026-11'])
def test_a_file_of_form_1_is_gone_on_with_as_one_of_form_2(store: SessionStore, old: Path, torn: bytes) -> None:
    before = old.read_bytes()
    old.write_bytes(before + torn)
    session = store.get("last")
    writer, history = store.go_on(session, pytest.fail), session.history()
    assert old.read_bytes() == before.replace(b'"huiyin_session": 1', b'"huiyin_session": 2'), "no more is changed"
    turn = history.commit("Well?", [HeardClause("Yes.", 1)], interrupted=False)
    writer(0.0, TurnCommitted(1, transcript=Transcript("Well?"), turn=turn, messages=[]))
    assert store.get("last").turns == [*OLD_TURNS, Turn("Well?", "Yes.")]
    assert store.get("last").items == history.items, "with the ids that the old items had"


def test_a_file_of_a_later_form_is_refused_by_its_number(store: SessionStore, old: Path) -> None:
    old.write_bytes(old.read_bytes().replace(b'"huiyin_session": 1', b'"huiyin_session": 3'))
    with pytest.raises(SessionError, match=r"written by another version of Huiyin \(form 3\)"):
        store.get("abcde")
    assert store.all() == []


def test_only_the_user_can_read_it(store: SessionStore) -> None:
    if sys.platform == "win32":
        pytest.skip("the user's own folder is private there")
    path = kept(store, *TURNS).path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_greeting_alone_is_not_kept(store: SessionStore) -> None:
    writer = kept(store, TURNS[0])
    assert not writer.is_kept and store.all() == []


def test_what_is_no_longer_sent_stays_so_when_it_is_resumed(store: SessionStore) -> None:
    writer = kept(store, *TURNS)
    writer(0.0, TurnsForgotten(turns=2, summary="The user is Ming."))
    tell(writer, Turn("Well?", "Yes."))
    writer(0.0, TurnsForgotten(turns=1, summary="Ming wants a story."))
    history = store.get("last").history()
    assert (len(history.turns), history.summary) == (5, "Ming wants a story.")
    assert [message["content"] for message in history.messages()] == ["Go on.\nWell?", "Yes."]


def test_a_session_deleted_while_it_goes_on_does_not_come_back(store: SessionStore) -> None:
    writer = kept(store, *TURNS)
    store.delete(writer.path)
    tell(writer, TURNS[1])
    assert store.all() == []


def test_a_folder_that_cannot_be_made_is_named_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SessionError, match=r"talk\.sessions_dir"):
        SessionStore(tmp_path / "file" / "kept").begin("huiyin", pytest.fail)


# -- the command


def test_list_show_and_delete(store: SessionStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["sessions", "list"]) == 0
    assert "no sessions in" in capsys.readouterr().out
    first, second = kept(store, Turn("I am Ann.", "Hi Ann.")).path.stem, kept(store, *TURNS).path.stem
    assert main.main(["sessions", "list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in listed} == {first, second}
    assert any(line.endswith("1 turn  I am Ann.") for line in listed)
    assert main.main(["sessions", "show", second]) == 0
    shown = capsys.readouterr().out
    assert "   you: 我叫小明。  (sad)\nhuiyin: 你好，小明！" in shown and "huiyin: Once upon —" in shown
    writer = kept(store)
    tell(writer, Turn("Well?", "Fine."), before=(ToolCall("look", "{}", id="a"), ToolResult("a", "dry", id="b")))
    assert main.main(["sessions", "show", writer.path.stem]) == 0
    assert "   you: Well?\n  tool: look {}\n      → dry\nhuiyin: Fine.\n" in capsys.readouterr().out
    store.delete(writer.path)
    assert main.main(["sessions", "delete", first]) == 0
    assert [session.id for session in store.all()] == [second]
    assert main.main(["sessions", "delete", "--all"]) == 0
    assert store.all() == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["show", "zzzzz"], "there is no session 'zzzzz'"),
        (["show", "last"], "there are no sessions yet"),
        (["show", ".."], "there is no session"),
        (["resume", "zzzzz", "--text"], "there is no session 'zzzzz'"),
        (["delete"], "say which"),
        (["delete", "aaaaa", "--all"], "say which"),
        (["burn"], "invalid choice: 'burn'"),
    ],
)
def test_what_cannot_be_done_is_an_error_in_a_line(
    arguments: list[str], why: str, store: SessionStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["sessions", *arguments]) == 2
    said = capsys.readouterr().err
    assert why in said and said.startswith("huiyin: ") and said.count("\n") == 1


def test_the_beginning_of_an_id_is_enough_where_it_is_clear(store: SessionStore) -> None:
    path = kept(store, *TURNS).path
    for name in ("abcde", "abxyz"):
        (store.folder / f"{name}.jsonl").write_bytes(path.read_bytes())
    assert store.get("abc").id == "abcde"
    with pytest.raises(SessionError, match="2 sessions: abcde, abxyz"):
        store.get("ab")


OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["say", "call", "keep", "result", "note", "insert", "truncate", "delete", "forget"]),
              st.integers(0, 99)),
    max_size=30,
)  # fmt: skip


@given(operations=OPERATIONS)
def test_whatever_becomes_of_a_history_is_read_back(tmp_path_factory: pytest.TempPathFactory, operations) -> None:  # type: ignore[no-untyped-def]
    store, history = SessionStore(tmp_path_factory.mktemp("kept")), History()
    writer = store.begin("huiyin", pytest.fail)

    def commit(user: str, reply: str | None, *calls: CalledTool) -> None:
        heard = None if reply is None else [HeardClause(reply, 1)]
        turn = history.commit(user, heard, interrupted=False, calls=calls)
        writer(0.0, TurnCommitted(1, transcript=Transcript(user), turn=turn, messages=[]))

    history.on_edit = lambda item_id, item, after: writer(0.0, HistoryEdited(item_id=item_id, item=item, after=after))
    commit("Hi.", "Hello!")
    for number, (operation, chosen) in enumerate(operations):
        item = history.items[chosen % len(history.items)]
        match operation:
            case "say":
                commit("Well?" if chosen % 2 else "", "Yes.")
            case "call":
                commit("Look!", "Let me see." if chosen % 2 else None, CalledTool(f"call_{number}", "look", "{}"))
            case "keep":
                commit("And so on.", None)
            case "result":
                history.add(ToolResult(f"call_{number + chosen % 3 - 1}", "dry"))  # of the last call, or of the next
            case "note":
                history.add(SystemNote("It is late."))
            case "insert":
                history.add(UserItem("Earlier."), after=item.id if chosen % 5 else "")
            case "truncate" if isinstance(item, AssistantItem):
                history.truncate(item.id, item.text[:2])
            case "delete" if len(history.items) > 1:
                history.delete(item.id)
            case "forget" if history.turns:
                history.forget(1)
                writer(0.0, TurnsForgotten(turns=1, summary=""))
    session = store.get("last")
    assert session.items == history.items
    assert session.history().messages() == history.messages()


def test_a_kept_talk_becomes_a_scenario_that_passes(
    store: SessionStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(store.begin("huiyin", print), *TURNS[:3], Turn("Stop, how old was it?", "A hundred years."))
    path = tmp_path / "bug.yaml"
    assert main.main(["sessions", "scenario", "last", "--out", str(path)]) == 0
    scenario = path.read_text(encoding="utf-8")
    assert "你好，我是回音" not in scenario, "a greeting is nothing that the user brought about"
    assert main.main(["sessions", "scenario", "last"]) == 0
    assert capsys.readouterr().out == scenario
    result = simulate(path)
    assert result.passed, result.report(verbose=True)
    assert [turn.interrupted for turn in result.log.history] == [False, True, False]
