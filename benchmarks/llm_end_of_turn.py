"""How long a judgement by the words takes: ``python -m benchmarks.llm_end_of_turn`` (POST /end_of_turn, docs/llm.md).

Each sentence is new to the model, as at the first pause of a turn. The service has nothing else to do.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time

import requests

from benchmarks.output import show, tell
from tests.support.service_process import start_service

SENTENCES = {
    "zh": """\
请帮我查一下明天上午从上海到北京的高铁还有没有票，我昨天晚上没有睡好今天一直觉得很累，你能不能给我推荐一本适合孩子看的书，附近有没有评价比较好的川菜馆
把客厅的灯关掉然后打开卧室的空调，我想学吉他可是不知道应该从哪里开始，这个周末天气好的话我们就去爬山，为什么天空在傍晚的时候会变成红色
帮我记一下下午三点要给王老师打电话，如果我每天跑五公里一个月能瘦多少，我妈妈最近总是忘记吃药该怎么办，用英语怎么说我对这件事情很感兴趣
刚才那首歌叫什么名字是谁唱的，我打算下个月去云南旅游十天，你觉得人工智能会不会代替老师的工作，红烧肉怎么做才能肥而不腻
提醒我今天晚上八点看足球比赛，我们公司附近新开了一家咖啡店，能不能把刚才说的话再慢一点重复一遍，昨天的会议上老板说了三件重要的事
""",
    "en": """\
could you tell me what time the last train to the airport leaves; I have been trying to fix my bike all afternoon
what is the difference between a virus and a bacterium; please remind me to water the plants on Thursday evening
how long does it take to boil an egg; my sister is coming to visit us next weekend with her two children
turn the volume down a little and play some jazz; do you know any good exercises for a sore back
I would like to book a table for four people at seven tonight; why do cats always land on their feet
the meeting went much better than I had expected; what should I cook with potatoes and some leftover chicken
can you explain how a heat pump works in simple words; I think we need to talk about the budget again
who wrote the book about the old man and the sea; set a timer for twenty five minutes
it has been raining here for almost two weeks now; how do I say good morning in Japanese
is there a pharmacy near here that is open on Sundays; I forgot where I parked the car this morning
""",
}


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with start_service("llm", upstreams="http://127.0.0.1:1/v1") as url, requests.Session() as session:
        while (status := session.post(f"{url}/end_of_turn", json={"text": "hello"}).status_code) != 200:
            assert status == 503, status
            time.sleep(0.1)
        rows = [_row(session, url, name, re.split("[，;\n]", block.strip())) for name, block in SENTENCES.items()]
        model = session.get(f"{url}/system").json()["turn_model"]
    show(("language", "sentences", "median", "longest"), rows)
    tell(f"the model: {model}")


def _row(session: requests.Session, url: str, name: str, sentences: list[str]) -> list[str]:
    times_ms = []
    for text in sentences:
        started = time.perf_counter()
        session.post(f"{url}/end_of_turn", json={"text": text}).raise_for_status()
        times_ms.append((time.perf_counter() - started) * 1000)
    return [name, str(len(times_ms)), f"{statistics.median(times_ms):.0f} ms", f"{max(times_ms):.0f} ms"]


if __name__ == "__main__":
    main()
