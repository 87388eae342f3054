"""What is said: clauses, what can be read aloud, what was heard, what the model is asked."""

from __future__ import annotations

import random

import pytest

from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.dialogue.clauses import ClauseSplitter, speakable
from huiyin.assistant.dialogue.history import HeardClause, History, heard_text
from huiyin.assistant.dialogue.persona import Persona, PersonaError


def split(text: str, size: int = 1) -> list[str]:
    """The clauses of a reply that arrives `size` characters at a time."""
    splitter = ClauseSplitter()
    clauses = [c for i in range(0, len(text), size) for c in splitter.feed(text[i : i + size])]
    return clauses + splitter.finish()


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("你好！我是回音，很高兴认识你。", ["你好！", "我是回音，很高兴认识你。"]),
        ("晚饭可以吃面条，简单又暖和，也可以点外卖。", ["晚饭可以吃面条，", "简单又暖和，也可以点外卖。"]),
        ("Paris. It is the capital of France, on the Seine.",
         ["Paris.", "It is the capital of France,", "on the Seine."]),
        ("Well of course, that depends.", ["Well of course,", "that depends."]),
        ("Which book would you prefer to read first?", ["Which book would you prefer", "to read first?"]),
        ("北京到广州的高铁大约需要三小时。", ["北京到广州的高铁", "大约需要三小时。"]),
        ("晚餐可以试试煮一份清淡的蔬菜汤，再来点米饭。", ["晚餐可以试试煮", "一份清淡的蔬菜汤，", "再来点米饭。"]),
        ("应该带一件轻便的外套和一双舒适的鞋子。", ["应该带一件轻便的外套", "和一双舒适的鞋子。"]),
        ("下周一部分同事会来家里吃饭喝茶聊天。", ["下周一部分同事会来家里吃饭喝茶聊天。"]),
        ("在我看来这件事不可能一天做完。", ["在我看来这件事不可能一天做完。"]),
        ("Well, that depends on you.", ["Well, that depends on you."]),
        ("It costs 3.14 dollars, or 1,000 yen.", ["It costs 3.14 dollars,", "or 1,000 yen."]),
        ("Dr. Smith: 9:30, Main St. entrance.", ["Dr. Smith: 9:30,", "Main St. entrance."]),
        ("他说：“好的。”然后走了，再也没有回来。", ["他说：“好的。”", "然后走了，", "再也没有回来。"]),
        ("Hello!!! How are you today, my friend?", ["Hello!", "How are you today, my friend?"]),
        ("用 Python 3.12 吧，它很快。", ["用 Python 3.12 吧，", "它很快。"]),
        ("**Sure**! Use _this_ one.", ["**Sure**!", "Use _this_ one."]),
        ("Use this:\n```python\nprint('hi. there')\n```\nThen run it at once please.",
         ["Use this:", "```python\nprint('hi. there')\n```", "Then run it at once please."]),
        ("看这里：```x = 1。```好了吗？", ["看这里：", "```x = 1。```", "好了吗？"]),
        ("Look.\n```\nnever closed", ["Look.", "```\nnever closed\n```"]),
        ("<think>Sad. Be kind.</think>好的。<|HAPPY|>", ["好的。"]),
        ("<think>never closed. Not said.", []),
        ("[laughs] *sighs* 😀", []),
        ("See https://a.b/c?d=e. It is good!", ["See https://a.b/c?d=e.", "It is good!"]),
        ("看[这，里](http://x.y/z?a=1)！好", ["看[这，里](http://x.y/z?a=1)！", "好"]),
        ("我看《你好，李焕英》，很感人。", ["我看《你好，李焕英》，", "很感人。"]),
        ("「好的。」他说。", ["「好的。」", "他说。"]),
        ("比分3：2，赢了。", ["比分3：2，", "赢了。"]),
        ("现在10:30，还早。", ["现在10:30，", "还早。"]),
        ("Wait... what? See e.g. Fig. 3, i.e. this one.", ["Wait...", "what? See e.g. Fig. 3, i.e. this one."]),
        ("We met at 5 p.m. on Main St. in town.", ["We met at 5 p.m.", "on Main St. in town."]),
        ("| a. | b, c |\n|---|---|\n| d? | e. f |", ["| a. | b, c |", "|---|---|\n| d? | e. f |"]),
        ("1. Boil the water. 2. Add tea.", ["1. Boil the water.", "2. Add tea."]),
        ("即 $f(x, y) = x. y$ 而已，对吧。", ["即 $f(x, y) = x. y$ 而已，", "对吧。"]),
        ("It costs $3, or `a, b` at most.", ["It costs $3,", "or `a, b` at most."]),
        ("好……那走吧……", ["好…", "那走吧……"]),
        ("A lighthouse is a tall structure with a light on the top that helps ships at night.",
         ["A lighthouse is a tall structure", "with a light on the top that helps ships at night."]),
        ("", []),
        ("😀 … **", []),
        ("no stop at all", ["no stop at all"]),
    ],
)  # fmt: skip
def test_reply_is_cut_into_clauses(text: str, clauses: list[str]) -> None:
    assert split(text) == clauses


def test_clauses_grow_so_that_each_can_be_made_while_those_before_are_heard() -> None:
    english = split(
        "It is noon, my friend. The sun is high above the old lighthouse now and it will stay warm until the evening "
        "comes, when the wind turns and the boats come home. You could go for a walk along the coast, or rest."
    )
    sizes = [len(clause.split()) for clause in english]
    assert sizes[0] <= 3 and all(after <= 5 + 2 * sum(sizes[:i]) for i, after in enumerate(sizes) if i)
    assert english[-1] == "You could go for a walk along the coast, or rest.", "then they are whole sentences"
    chinese = split("好的可以，灯塔在海边的小山上，白天看得见，晚上它会亮起来，给船指路。你想去看看吗，还是明天再说？")
    assert [len(clause) for clause in chinese] == [5, 10, 19, 14]


@pytest.mark.parametrize("text", ["你好！", "晚饭可以吃面条，", "Well of course,", "Really?"])
def test_clause_is_given_with_its_mark_and_not_a_token_later(text: str) -> None:
    assert ClauseSplitter().feed(text) == [text]


@pytest.mark.parametrize("text", ["It costs 1,", "It is about 3.", "他说：“好的。", "I live on Main St."])
def test_where_the_next_character_decides_it_is_waited_for(text: str) -> None:
    assert ClauseSplitter().feed(text) == []


def test_a_voice_that_runs_out_of_words_is_given_what_is_whole() -> None:
    splitter = ClauseSplitter()
    assert splitter.feed("It is a tall tower, with a light. It wa") == ["It is a tall tower,"]
    assert splitter.hurry() == ["with a light."]
    assert splitter.hurry() == [], "half a word is none"
    assert splitter.feed("rns ships, at night, and by day in fog as well. ") == [
        "It warns ships,",
        "at night, and by day in fog as well.",
    ]


@pytest.mark.parametrize("text", ["Sure, here is a story!", "好的，我们开始吧。", "Yes, of course!"])
def test_a_first_clause_that_is_waited_for_may_be_a_single_word(text: str) -> None:
    assert ClauseSplitter().feed(text) == [text]
    waiting = ClauseSplitter()
    assert waiting.hurry() == []
    first, rest = waiting.feed(text)
    assert first in ("Sure,", "好的，", "Yes,") and text.endswith(rest)


@pytest.mark.parametrize("text", ["That is Dr.", "It is about 3.", "See https://a.b", "You can bake bread"])
def test_in_a_hurry_nothing_is_cut_in_two(text: str) -> None:
    splitter = ClauseSplitter()
    splitter.feed("Well of course, ")
    assert splitter.feed(text) + splitter.hurry() == []
    assert splitter.finish() == [text]


def test_a_full_stop_at_the_end_of_a_token_ends_a_first_clause() -> None:
    splitter = ClauseSplitter()
    assert splitter.feed("It is Paris.") == []
    assert splitter.end_token() == ["It is Paris."]
    assert splitter.feed(" It lies on the Seine. ") == ["It lies on the Seine."]
    assert splitter.feed("Many people live there.") + splitter.end_token() == [], "the voice has enough to say"
    assert splitter.finish() == ["Many people live there."]


@pytest.mark.parametrize(
    "tokens", [("Ask Dr.", " Li."), ("It is 3.", "5 km."), ('He said "No.', '" twice.'), ("See a", ".txt.")]
)
def test_a_token_ends_no_clause_in_the_middle_of_something(tokens: tuple[str, str]) -> None:
    splitter = ClauseSplitter()
    assert splitter.feed(tokens[0]) + splitter.end_token() == []
    assert splitter.feed(tokens[1]) + splitter.end_token() == ["".join(tokens)]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pieces_do_not_change_the_clauses(size: int) -> None:
    text = (
        "Well it is a rather long way to go before we rest. 好的。今天 3.5 度，Dr. Li 说：“多穿点。”"
        "See https://a.b/c?d=e, ok? ```x.y```最后，**别忘了**伞！"
    )
    assert split(text, size) == split(text, len(text))


PARTS_TEXT = (
    '` ``` ```py\n $ $$ \\( \\) [ ] ( ) 《 》 “ ” 「 」 " < > <b> <think> </think> <|A|> | \n \n|a|b|\n http:// www.'
    " . , : ： ， https://a.b/c?d 。 ！ ? ... …… 3 1 3.14 10:30 e.g. Dr. 你好 天气 hello and with * ** # - 😀 \u200b"
)
PARTS = PARTS_TEXT.split(" ")


def letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


@pytest.mark.slow
def test_pieces_never_change_the_clauses() -> None:
    chance = random.Random(5)
    for _ in range(300):
        text = "".join(chance.choice(PARTS) + chance.choice(("", "", " ")) for _ in range(chance.randint(1, 40)))
        splitter, pieces, rest = ClauseSplitter(), [], text
        while rest:
            size = chance.randint(1, 9)
            pieces += splitter.feed(rest[:size])
            rest = rest[size:]
        pieces += splitter.finish()
        assert pieces == split(text), repr(text)
        assert all(clause == clause.strip() and (clause.startswith("```") or speakable(clause)) for clause in pieces)
        if not set("<[*`") & set(text):  # which may hold what nobody says
            assert letters("".join(pieces)) == letters(text), f"words were lost or made up: {text!r}"


def test_a_long_code_block_stays_within_what_the_voice_takes() -> None:
    before, code, after = split("Here:\n```c\n" + "int x = 1;\n" * 1000 + "```\nDone.", size=50)
    assert (before, after) == ("Here:", "Done.")
    assert code.startswith("```c\nint x") and code.endswith("\n```") and len(code) < 2100


def test_text_without_any_stop_is_cut_all_the_same() -> None:
    clauses = split("字" * 500)
    assert "".join(clauses) == "字" * 500
    assert max(map(len, clauses)) <= 120


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("**Bold** and `code`", "Bold and code"),
        ("# Title", "Title"),
        ("- one", "one"),
        ("see [the page](http://x.y/z)", "see the page"),
        ("真棒👍🏽！", "真棒！"),
        ("👨‍👩‍👧", ""),
        ("——", ""),
        ("```\nx = 1\n```", ""),
    ],
)
def test_machinery_is_not_read_aloud(text: str, spoken: str) -> None:
    assert speakable(text) == spoken


@pytest.mark.parametrize(
    ("shares", "heard"),
    [
        ((1.0, 1.0), "Once upon a time, there was a lighthouse."),
        ((1.0, 0.5), "Once upon a time, there was a"),
        ((0.6, 0.0), "Once upon"),
        ((0.01, 0.0), ""),
        ((0.0, 0.0), ""),
    ],
)
def test_history_holds_whole_words_that_were_heard(shares: tuple[float, float], heard: str) -> None:
    texts = ("Once upon a time,", "there was a lighthouse.")
    assert heard_text(HeardClause(t, s) for t, s in zip(texts, shares, strict=True)) == heard


def test_chinese_is_cut_at_a_character() -> None:
    assert heard_text([HeardClause("很久很久以前，", 1), HeardClause("有一座灯塔。", 0.5)]) == "很久很久以前，有一座"


def test_interrupted_reply_ends_where_it_was_cut_and_an_unheard_one_leaves_no_trace() -> None:
    history = History()
    history.commit("Tell me a story", [HeardClause("Once upon a time.", 0.6)], interrupted=True)
    history.commit("Wait", [HeardClause("Yes?", 0.0)], interrupted=True)
    assert history.messages() == [
        {"role": "user", "content": "Tell me a story"},
        {"role": "assistant", "content": "Once upon"},
        {"role": "user", "content": "(You were interrupted after “Once upon”)\nWait"},
    ]


def test_where_a_reply_was_cut_off_stands_in_front_of_what_the_user_said_next_in_their_language() -> None:
    persona, history = Persona("x", "Be brief."), History()
    history.commit("Tell me a story", [HeardClause("Once upon a time there was a lighthouse.", 0.68)], interrupted=True)
    asked = persona.messages(history, "Go on")
    assert asked[2:] == [
        {"role": "assistant", "content": "Once upon a time there was"},
        {"role": "user", "content": "(You were interrupted after “upon a time there was”)\nGo on"},
    ]
    history.commit("Go on", [HeardClause("It stood on an island.", 1)], interrupted=False)
    assert persona.messages(history, "继续")[: len(asked)] == asked, "and it stays as it was sent"
    history.commit("说中文", [HeardClause("很久很久以前，", 1), HeardClause("有一座灯塔。", 0.5)], interrupted=True)
    assert persona.messages(history, "继续")[-1]["content"] == "（你刚才说到“久很久以前，有一座”时被打断了）\n继续"


def test_the_line_that_a_reply_was_cut_off_is_read_ahead_while_the_user_speaks() -> None:
    persona, history = Persona("x", "Be brief."), History()
    history.commit("Tell me a story", [HeardClause("Once upon a time there was a lighthouse.", 0.68)], interrupted=True)
    warmed, asked = persona.messages(history, ""), persona.messages(history, "How tall was it?")
    assert asked[:-1] == warmed[:-1]
    assert asked[-1]["content"] == warmed[-1]["content"] + "How tall was it?"


def test_roles_alternate_and_the_prefix_is_stable() -> None:
    persona, history = Persona("x", "Be brief."), History()
    first = persona.messages(history, "hi")
    history.commit("hi", [HeardClause("Hello.", 1)], interrupted=False)
    second = persona.messages(history, "how are you")
    assert second[: len(first)] == first, "what was sent stays as it was, so that prompt caches keep hitting"
    history.commit("how are you", [], interrupted=True)
    third = persona.messages(history, "well?")
    assert [m["role"] for m in third] == ["system", "user", "assistant", "user"]
    assert third[-1]["content"] == "how are you\nwell?"


def test_only_the_turns_that_are_still_sent_make_messages() -> None:
    history = History()
    for i in range(5):
        history.commit(f"u{i}", [HeardClause(f"a{i}", 1)], interrupted=False)
    history.forget(3)
    assert [m["content"] for m in history.messages()] == ["u3", "a3", "u4", "a4"]
    history.forget(2)
    assert history.messages() == []


def test_default_persona_loads_and_apologises_in_both_languages() -> None:
    persona = load_persona("huiyin")
    for stage in ("asr", "llm", "tts"):
        assert persona.apology(stage, "zh") != persona.apology(stage, "en") != ""
    assert len(persona.all_apologies()) == 6


@pytest.mark.parametrize(
    "data", [{}, {"name": "x"}, {"name": "x", "system": " "}, {"name": "x", "system": "y", "z": 1}]
)
def test_bad_persona_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(PersonaError):
        Persona.from_dict(data)


def test_unknown_persona_names_the_known() -> None:
    with pytest.raises(PersonaError, match="huiyin"):
        load_persona("nobody")
