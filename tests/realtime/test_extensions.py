"""What a client gets, and may do, that has asked for the extensions."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest

from huiyin.assistant.dialogue.items import UserItem
from huiyin.assistant.ears.echo import EchoPath, NoCanceller
from huiyin.assistant.faces.realtime import session_config
from tests.realtime.protocol import Event
from tests.realtime.rig import Rig, a_rig


class Player:
    """Plays what a session sends, and reports it."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.played_ms: dict[str, float] = {}
        self.is_paused = False
        rig.world.after(0.1, self._report)

    def _report(self) -> None:
        for event in self.rig.all("response.created"):
            response_id = event["response"]["id"]
            if not self.is_paused and self.rig.sent_s(response_id) * 1000 > self.played_ms.get(response_id, 0):
                played_ms = min(self.rig.sent_s(response_id) * 1000, self.played_ms.get(response_id, 0) + 100)
                self.played_ms[response_id] = played_ms
                self.rig.send("huiyin.playback", response_id=response_id, audio_ms=int(played_ms))  # rounded down
        self.rig.world.after(0.1, self._report)


@pytest.fixture
def rig() -> Iterator[Rig]:
    for rig in a_rig():
        rig.wants_words()
        rig.update(huiyin={"enabled": True})
        yield rig


def states(rig: Rig) -> list[str]:
    return [event["state"] for event in rig.all("huiyin.state")]


def heard(rig: Rig) -> Event:
    return rig.all("huiyin.output.heard")[-1]


def test_a_failure_is_one_notice_and_the_apology_is_the_response(rig: Rig) -> None:
    Player(rig)
    rig.stages.replies += [[RuntimeError("no model")]]
    rig.type("Hello.")
    done = rig.wait("response.done")["response"]
    assert done["output"][0]["content"][0]["transcript"] == "Sorry, I failed."
    assert [event["text"] for event in rig.all("huiyin.notice")] == ["no model"]


def test_an_opener_is_the_beginning_of_the_response_and_not_its_latency(rig: Rig) -> None:
    Player(rig)
    rig.update(huiyin={"enabled": True, "persona": "test"})
    rig.stages.llm_s, rig.stages.replies = 2.5, deque([["Paris."]])
    rig.say("What is the capital of France?")
    done = rig.wait("response.done")["response"]
    (message,) = done["output"]
    assert message["content"][0]["transcript"] == "Well, Paris."
    assert len(rig.all("response.created")) == 1
    first_s = rig.times[rig.events.index(rig.all("response.output_audio.delta")[0])]
    assert first_s < rig.stages.llm_s, "its sound comes at once"
    rig.wait("huiyin.output.heard", since=0)
    assert heard(rig)["transcript"] == "Well, Paris."
    assert rig.all("huiyin.latency")[0]["total_ms"] > 2500, "that of the reply itself"


@pytest.mark.parametrize(
    "session", [{"instructions": "You are a pirate."}, {"output_modalities": ["text"]},
                {"audio": {"output": {"voice": "heart"}}}],
)  # fmt: skip
def test_no_opener_in_another_character_another_voice_or_without_sound(rig: Rig, session: dict[str, Any]) -> None:
    rig.update(huiyin={"enabled": True, "persona": "test"})
    rig.update(**session)
    rig.stages.llm_s, rig.stages.replies = 2.5, deque([["Paris."]])
    rig.say("What is the capital of France?")
    (content,) = rig.wait("response.done")["response"]["output"][0]["content"]
    assert content.get("transcript", content.get("text")) == "Paris."


def test_a_user_who_goes_on_over_an_opener_is_answered_once(rig: Rig) -> None:
    Player(rig)
    rig.update(huiyin={"enabled": True, "persona": "test"})
    rig.stages.llm_s, rig.stages.replies = 2.5, deque([["Where?"], ["Sunny."]])
    rig.say("What is the weather")
    rig.wait("response.output_audio.delta")
    rig.say("in Paris tomorrow?")
    assert rig.wait("response.done")["response"]["status"] == "cancelled"
    assert "Sunny." in rig.wait("response.done")["response"]["output"][0]["content"][0]["transcript"]
    assert rig.stages.asked[-1][-1]["content"] == "What is the weather in Paris tomorrow?"
    rig.wait("huiyin.output.heard", since=0)
    assert [turn.user for turn in rig.session.conversation.history.turns] == ["What is the weather in Paris tomorrow?"]


def test_nothing_of_it_comes_unasked() -> None:
    for rig in a_rig():
        rig.say("hello there")
        rig.wait("response.done")
        rig.send("huiyin.interrupt", event_id="h")
        assert rig.errors()[-1]["param"] == "type" and rig.errors()[-1]["event_id"] == "h"
        assert not [kind for kind in rig.kinds() if kind.startswith("huiyin.")]


def test_a_turn_with_all_that_is_known_of_it(rig: Rig) -> None:
    Player(rig)
    assert rig.all("session.updated")[-1]["session"]["huiyin"] == {"enabled": True}
    rig.say("hello there")
    done = rig.wait("response.done")["response"]
    rig.wait("huiyin.output.heard")
    assert states(rig) == ["listening", "user", "speaking", "listening"], "what was prepared is there at once"
    user = next(e["item"]["id"] for e in rig.all("conversation.item.added") if e["item"]["role"] == "user")
    partial = rig.all("huiyin.input.partial")[0]
    assert partial["item_id"] == user and partial["text"] == "hello there"
    tags = rig.all("huiyin.input.tags")[0]
    assert (tags["item_id"], tags["language"], tags["emotion"], tags["events"]) == (user, "en", None, [])
    latency = rig.all("huiyin.latency")[0]
    assert latency["response_id"] == done["id"] and sum(latency["parts_ms"].values()) == pytest.approx(
        latency["total_ms"], abs=3
    )
    ended = rig.all("huiyin.output.ended")[0]
    assert ended["audio_ms"] == pytest.approx(rig.sent_s(done["id"]) * 1000, abs=2)
    transcript = done["output"][0]["content"][0]["transcript"]
    words = [word for event in rig.all("huiyin.output.words") for word in event["words"]]
    shown = [transcript[word["start"] : word["end"]].strip(" .") for word in words]
    assert shown == transcript.replace(".", "").split()
    assert [word["end_ms"] for word in words] == sorted(word["end_ms"] for word in words)
    assert heard(rig)["transcript"] == transcript and not heard(rig)["interrupted"]


def test_an_emotion_that_the_words_alone_tell_names_its_source(rig: Rig) -> None:
    Player(rig)
    rig.say("I feel so sad today.")
    rig.wait("huiyin.output.heard")
    emotion = rig.all("huiyin.input.tags")[0]["emotion"]
    assert (emotion["label"], emotion["source"]) == ("sad", "words")
    assert emotion["scores"] == {"sad": emotion["confidence"]} and 0.6 <= emotion["confidence"] <= 1
    assert rig.session.conversation.history.turns[-1].mood.source == "words"


def test_words_of_sound_that_the_client_commits_tell_an_emotion_too(rig: Rig) -> None:
    Player(rig)
    rig.hears = False
    rig.manual()
    rig.append(rig.speech("I feel so sad today."))
    rig.send("input_audio_buffer.commit")
    rig.send("response.create")
    rig.wait("huiyin.output.heard")
    assert rig.all("huiyin.input.tags")[0]["emotion"]["source"] == "words"
    assert rig.session.conversation.history.turns[-1].mood.source == "words"


def test_no_emotion_is_read_from_words_where_a_setting_says_so() -> None:
    for rig in a_rig(overrides=["talk.emotion_from_words=false"]):
        rig.update(huiyin={"enabled": True})
        rig.wants_words()
        rig.say("I feel so sad today.")
        rig.wait("huiyin.input.tags")
        assert rig.all("huiyin.input.tags")[0]["emotion"] is None


def test_only_what_is_reported_counts_as_heard(rig: Rig) -> None:
    rig.say("hello there")
    response = rig.wait("response.created")["response"]["id"]
    rig.go_on(3.0)
    assert rig.sent_s(response) < 1.0, "a client that plays nothing gets no more"
    rig.send("huiyin.playback", response_id=response, audio_ms=250)
    rig.send("huiyin.interrupt")
    rig.wait("huiyin.output.heard")
    assert heard(rig)["transcript"] == "This" and heard(rig)["interrupted"]


def test_a_pause_and_going_on(rig: Rig) -> None:
    player = Player(rig)
    rig.say("hello there")
    rig.wait("response.output_audio.delta")
    rig.go_on(0.5)
    rig.say("mm-hmm", 0.5)
    paused = rig.wait("huiyin.output.paused")
    player.is_paused = True
    end = len(rig.events)
    resumed = rig.wait("huiyin.output.resumed")
    assert "response.output_audio.delta" not in [event["type"] for event in rig.events[end : rig.events.index(resumed)]]
    player.is_paused = False
    played_ms = player.played_ms[paused["response_id"]]
    assert played_ms - 200 <= resumed["audio_ms"] <= played_ms
    rig.wait("response.done")
    assert "paused" in states(rig) and states(rig)[-1] == "speaking"
    rig.wait("huiyin.output.heard")
    assert not heard(rig)["interrupted"] and len(rig.all("input_audio_buffer.speech_started")) == 1


def test_the_talk_key_stops_a_reply_and_with_manual_turns_it_holds_the_users(rig: Rig) -> None:
    Player(rig)
    rig.update(audio={"input": {"turn_detection": None}}, huiyin={"barge_in": "key"})
    rig.send("huiyin.key", pressed=True)
    rig.say("hello there")
    rig.wait("input_audio_buffer.speech_started", 0)
    rig.go_on(1.2)
    rig.send("huiyin.key", pressed=False)
    rig.wait("response.output_audio.delta")
    rig.go_on(0.5)
    start = len(rig.events)
    rig.send("huiyin.key", pressed=True)
    done = rig.wait("response.done", start)["response"]
    assert done["status_details"]["reason"] == "client_cancelled"
    rig.say("something else")
    rig.go_on(1.2)
    rig.send("huiyin.key", pressed=False)
    assert rig.wait("response.done")["response"]["status"] == "completed"
    assert rig.session.conversation.history.turns[0].user == "hello there"


def test_typing_stops_a_reply_and_is_answered(rig: Rig) -> None:
    Player(rig)
    rig.say("hello there")
    rig.wait("response.output_audio.delta")
    rig.go_on(0.7)
    rig.send("huiyin.type", text="Something else.")
    assert rig.all("response.done")[-1]["response"]["status_details"]["reason"] == "client_cancelled"
    added = rig.events[-2]
    assert added["type"] == "conversation.item.added" and added["item"]["content"][0]["text"] == "Something else."
    assert rig.wait("response.done")["response"]["status"] == "completed"
    rig.wait("huiyin.output.heard")
    rig.go_on(1.0)
    assert [turn.user for turn in rig.session.conversation.history.turns] == ["hello there", "Something else."]
    rig.send("conversation.item.delete", item_id=added["item"]["id"])
    assert "Something else." not in [t.user for t in rig.session.conversation.history.turns]


def test_a_persona_brings_its_words_and_its_voice(rig: Rig) -> None:
    session = rig.update(huiyin={"persona": "test", "language": "zh"})["session"]
    assert session["instructions"] == "You are a test." and session["huiyin"]["language"] == "zh"
    rig.send("session.update", session={"huiyin": {"persona": "nobody"}})
    assert rig.errors()[-1]["param"] == "session.huiyin.persona"


@pytest.mark.parametrize(
    "event",
    [
        {"type": "huiyin.playback", "response_id": "nope", "audio_ms": 10},
        {"type": "huiyin.key", "pressed": False},
        {"type": "huiyin.interrupt"},
        {"type": "huiyin.type", "text": "  "},
    ],
)
def test_what_means_nothing_now_does_no_harm(rig: Rig, event: dict[str, Any]) -> None:
    rig.send(**{"kind": event.pop("type"), **event})
    rig.go_on(0.5)
    assert rig.errors() == [] and states(rig) == ["listening"]


def test_what_is_added_after_typing_stands_behind_it_and_before_the_answer(rig: Rig) -> None:
    rig.send("huiyin.type", text="Typed.")
    content = [{"type": "input_text", "text": "A note."}]
    rig.send("conversation.item.create", item={"type": "message", "role": "system", "content": content})
    Player(rig)
    rig.wait("huiyin.output.heard")
    rig.go_on(0.5)
    items = rig.session.conversation.history.items
    assert [getattr(item, "text", "")[:6] for item in items] == ["Typed.", "A note", "This i"]


def test_what_is_typed_where_no_response_is_wanted_is_kept(rig: Rig) -> None:
    rig.update(audio={"input": {"turn_detection": {"type": "server_vad", "create_response": False}}})
    rig.send("huiyin.type", text="Typed.")
    rig.go_on(1.0)
    assert rig.all("response.created") == []
    rig.send("response.create", response={"output_modalities": ["text"]})
    rig.wait("response.done")
    assert rig.stages.asked[-1][-1]["content"] == "Typed."


def test_typing_during_a_reply_that_was_asked_for(rig: Rig) -> None:
    Player(rig)
    rig.send("response.create")
    rig.go_on(1.0)
    rig.send("huiyin.type", text="Typed.")
    rig.wait("response.done")
    rig.wait("huiyin.output.heard")
    rig.type("And now?")
    assert rig.wait("response.done")["response"]["status"] == "completed"
    rig.go_on(1.0)
    assert [turn.user for turn in rig.session.conversation.history.turns] == ["", "Typed.", "And now?"]


def test_what_is_typed_just_after_the_end_of_a_turn_stands_behind_it(rig: Rig) -> None:
    rig.update(huiyin={"enabled": True})
    rig.say("hello there", 0.6)
    rig.go_on(1.0)
    rig.send("input_audio_buffer.commit")
    rig.send("huiyin.type", text="Typed.")
    rig.go_on(1.0)
    rig.send("huiyin.interrupt")
    rig.go_on(1.0)
    users = [event["item"] for event in rig.all("conversation.item.added") if event["item"]["role"] == "user"]
    assert [user["content"][0]["type"] for user in users] == ["input_audio", "input_text"]
    history = rig.session.conversation.history
    assert [item.text for item in history.items if isinstance(item, UserItem)] == ["hello there", "Typed."]


def test_who_takes_out_the_echo_is_a_wish_that_can_change(rig: Rig) -> None:
    assert rig.update(huiyin={"enabled": True, "echo_path": "server"})["session"]["huiyin"]["echo_path"] == "server"
    assert rig.update(huiyin={"echo_path": "client"})["session"]["huiyin"]["echo_path"] == "client"
    rig.send("session.update", session={"type": "realtime", "huiyin": {"echo_path": "room"}})
    assert rig.errors()[-1]["param"] == "session.huiyin.echo_path"


def test_a_server_without_a_canceller_says_so(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = EchoPath(NoCanceller()), "no library"
    monkeypatch.setattr(session_config, "make_echo_path", lambda name: nothing)
    rig.send("session.update", session={"type": "realtime", "huiyin": {"echo_path": "server"}})
    assert (rig.errors()[-1]["code"], rig.errors()[-1]["param"]) == ("no_echo_path", "session.huiyin.echo_path")
    assert "no library" in rig.errors()[-1]["message"]
