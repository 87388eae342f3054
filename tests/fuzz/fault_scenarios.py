"""Conversations in which services and devices fail at random places, as data in the grammar of scenarios."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from huiyin.assistant.scenario.device_faults import JUMPS, SILENT, SLIPS, STALL, STOPS

Data = dict[str, Any]

SHORT_S = {"asr": 1.5, "llm": 3.0, "tts": 1.5, "llm_idle": 2.0}  # deadlines: conversations take less to be played

_SAID = [
    ("What is the capital of France?", "It is Paris. It lies on the Seine. More than two million people live there."),
    (
        "给我讲个故事吧。",
        "从前有一座灯塔，立在离海岸很远的小岛上。很多年没有人住过了。一天傍晚，有个姑娘来了。",
    ),
    ("I would like [700 ms] a table for two, please.", "A table for two. For what time?"),
    (
        "Tell me a story.",
        "Once upon a time there was a lighthouse on a small island, far away from the coast. Nobody had lived in it "
        "for many years. One evening a young woman came in a small boat, climbed the stairs, and lit the lamp again.",
    ),
]
# In a room voice activity is not sure of what is so short.
_SAID_IN_TEXT = [*_SAID, ("你好。", "你好！今天想聊点什么？"), ("Yes.", "Good.")]
_OVER_IT = [
    {"user": "Sorry, how tall was it?", "reply": "Thirty metres."},
    {"user": "等一下，那是在哪儿？", "reply": "在海边。"},
    {"user": "mm-hmm", "means": "backchannel"},
    {"user": "stop", "means": "stop"},
    {"types": "And how old?", "reply": "A hundred years."},
    {"sound": "cough"},
    {"sound": "door"},
]
_LAST = {"user": "Are you still there?", "complete": 0.95, "reply": "Here I am."}

_ends_early = st.sampled_from(["error", "stall", "disconnect"])
_times = st.sampled_from([None, None, 1, 2])
_slow = st.fixed_dictionaries({"how": st.just("slow"), "slower": st.sampled_from([3, 10, 30, 100])})
_garbage = st.fixed_dictionaries({"how": st.just("garbage")})


def _fault(**places: st.SearchStrategy[Any]) -> st.SearchStrategy[Data]:
    broken = st.fixed_dictionaries({"how": _ends_early, **places})
    return st.tuples(st.one_of(broken, broken, _slow, _garbage), _times).map(
        lambda drawn: drawn[0] if drawn[1] is None else {**drawn[0], "times": drawn[1]}
    )


_FAILS = st.fixed_dictionaries(
    {},
    optional={
        "asr": _fault(),
        "llm": _fault(after_tokens=st.integers(0, 40)),
        "tts": _fault(after_ms=st.integers(0, 3000), clause=st.integers(1, 3)),
    },
)


def _moments(*names: str) -> st.SearchStrategy[str]:
    delays_ms = st.one_of(st.integers(0, 1500), st.integers(0, 6000))
    return st.builds(lambda moment, delay_ms: f"{moment} + {delay_ms} ms", st.sampled_from(names), delays_ms)


_DEVICE = st.one_of(
    st.fixed_dictionaries({"device": st.sampled_from([SILENT, STOPS, STALL]), "lasts_ms": st.integers(20, 4000)}),
    st.fixed_dictionaries({"device": st.just(SLIPS), "lasts_ms": st.integers(1, 60)}),
    st.fixed_dictionaries({"device": st.just(JUMPS), "lasts_ms": st.sampled_from([100, 700, 3000, 15_000, 120_000])}),
)


def _disturbance(moments: st.SearchStrategy[str]) -> st.SearchStrategy[Data]:
    speech = st.sampled_from([*_OVER_IT, {"key": "down"}])
    what = st.one_of(speech, speech, speech, _DEVICE)
    return st.builds(lambda step, after: {**step, "after": after}, what, moments)


_FIRST = _disturbance(_moments("reply starts", "reply starts", "user ends", "user starts"))  # a reply always starts
_LATER = _disturbance(_moments("user ends", "user starts"))
_DISTURBANCES = st.one_of(
    st.just([]),
    _FIRST.map(lambda first: [first]),
    st.tuples(_FIRST, _LATER).map(list),
    st.tuples(_FIRST, _LATER, _LATER).map(list),
)


def _main(said: tuple[str, str], complete: float | None, is_typed: bool) -> Data:
    words, reply = said
    if is_typed and "[" not in words:
        return {"types": words, "reply": reply}
    return {"user": words, "reply": reply, **({} if complete is None else {"complete": complete})}


_TOOL = "look_up"
_TOOLS = st.sampled_from([None, None, None, None, None, None, {"fails": "hang"}, {"takes_ms": 300}])
Exchange = tuple[Data, Data, Any, list[Data]]
_POLICIES = st.fixed_dictionaries(
    {},
    optional={
        "turns.barge_in": st.sampled_from(["voice", "voice", "key", "off", "ignore"]),
        "turns.speculate_s": st.just(0),
        "turns.openers": st.just(False),
    },
)
_SERVICES = st.fixed_dictionaries(  # all of them within the usual deadlines
    {},
    optional={
        "asr": st.fixed_dictionaries({"takes_ms": st.sampled_from([70, 400, 2000])}),
        "llm": st.fixed_dictionaries(
            {"first_token_ms": st.sampled_from([150, 3000]), "tokens_per_s": st.sampled_from([40, 4])}
        ),
        "tts": st.fixed_dictionaries(
            {"first_audio_ms": st.sampled_from([100, 2000]), "real_time_factor": st.sampled_from([0.2, 1.5])}
        ),
    },
)


def conversations(depth: str) -> st.SearchStrategy[Data]:
    """Of up to four exchanges with faults, and a last one without."""
    said = st.sampled_from(_SAID_IN_TEXT if depth == "text" else _SAID)
    mains = st.builds(_main, said, st.sampled_from([None, 0.3, 0.95]), st.integers(0, 9).map(lambda draw: draw == 9))
    exchanges = st.lists(st.tuples(mains, _FAILS, _TOOLS, _DISTURBANCES), min_size=1, max_size=4)
    return st.builds(
        _conversation, st.just(depth), st.integers(0, 2**16), st.booleans(), _POLICIES, _SERVICES, exchanges
    )


def _conversation(
    depth: str, seed: int, is_short: bool, policy: Data, services: Data, exchanges: list[Exchange]
) -> Data:
    answered = {"event": "reply starts"}  # or an apology; how soon, is checked in every conversation
    turns: list[Data] = []
    for main, fails, tool, disturbances in exchanges:
        turn = {**main, **({"fails": fails} if fails else {})}
        if tool:
            turns.append(
                {**turn, "calls": {_TOOL: {}}, "tool": {_TOOL: tool}}
            )  # whether and when it is answered is the tool's to say
            continue
        if fails.get("asr", {}).get("how") == "garbage":  # nothing was said: it is not answered
            disturbances = [
                {**each, "after": each["after"].replace("reply starts", "user ends")} for each in disturbances
            ]
        elif not disturbances:
            turn["expect"] = [dict(answered)]
        turns += [turn, *(step for each in disturbances for step in _whole(each))]
    turns.append({**_LAST, "expect": [answered, {"said": {"contains": _LAST["reply"]}}]})
    limits = {f"turns.{stage}_timeout_s": limit_s for stage, limit_s in SHORT_S.items()} if is_short else {}
    return {
        "depth": depth,
        "seed": seed,
        **({"settings": {**limits, **policy}} if limits or policy else {}),
        **({"services": services} if services and not is_short else {}),
        **({"tools": [{"name": _TOOL, "effect": "reads"}]} if any("tool" in turn for turn in turns) else {}),
        "turns": turns,
    }


def _whole(step: Data) -> list[Data]:
    """A key that goes down comes up."""
    return [step, {"key": "up", "after": "user ends + 300 ms"}] if step.get("key") == "down" else [step]
