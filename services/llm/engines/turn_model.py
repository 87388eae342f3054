"""A small language model as a judge of turns: how likely does the message end after the words recognised so far?

The words stand in a chat prompt as the user's unfinished message, after examples of spoken messages without punctuation
at their end. The answer is the model's probability of a token that ends a message or a sentence; nothing is generated
and nothing was trained. The idea: Ekstedt and Skantze, "TurnGPT", Findings of EMNLP 2020. Figures: docs/performance.md.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from huiyin.configs.settings import Settings
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.common.errors import ModelError
from huiyin.services.common.upstreams.http_client import Watch
from huiyin.services.llm.engines.llama_process import LlamaProcess

_EXAMPLES = (
    ("今天星期几", "星期三。"),
    ("what time is it", "Ten past four."),
    ("帮我把闹钟定到明天早上七点半", "好的，已经定好了。"),
    ("I've been feeling a bit tired lately and I don't know why", "Maybe you need some sleep."),
    ("我想给我妈妈买一件生日礼物，你有什么建议吗", "可以买条围巾。"),
    ("the shop closes at eight so we should go now", "All right."),
    ("我昨天买了一本书，还没来得及看", "周末看吧。"),
    ("book a table for two, somewhere quiet, for tomorrow evening", "It is booked."),
    ("给我妈打个电话，告诉她我晚点到家", "好的，正在打。"),
    ("do you have any idea why the printer keeps jamming", "Maybe the paper is damp."),
    ("我想问一下这附近有没有停车场", "前面路口就有。"),
)
_USER = "<|im_start|>user\n"
_ASSISTANT = "<|im_start|>assistant\n"
_END = "<|im_end|>\n"
_PREFIX = "".join(f"{_USER}{message}{_END}{_ASSISTANT}{reply}{_END}" for message, reply in _EXAMPLES)  # read once
_SPECIAL = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
_SENTENCE_ENDS = (".", "。", "!", "！", "?", "？", "\n", '"', "”")

_CONTEXT_TOKENS = 1024
_TEXT_TOKENS = 320  # the last ones; 400 characters have more only in scripts with several tokens a character
_BATCH_TOKENS = 64
_HTTP_THREADS = 4  # one judgement at a time, and some cancelled ones
_CANDIDATES = 50  # the likeliest next tokens
_TIMEOUT_S = 30.0  # far more than a caller waits: then the process hangs


class TurnModel:
    """Loads the model of ``llm.turn_model``, downloaded where it is missing. Raises ModelError or StoreError.

    For one judgement at a time.
    """

    def __init__(self, settings: Settings) -> None:
        path = ModelStore(settings.store).ensure(settings.llm.turn_model)
        self.name = path.name
        self._ends: frozenset[int] = frozenset()
        self._process = LlamaProcess(
            path,
            {
                "threads": settings.llm.threads,
                "niceness": 0,  # a turn waits for it
                "http_threads": _HTTP_THREADS,
                "context_tokens": _CONTEXT_TOKENS,
                "batch_tokens": _BATCH_TOKENS,
                "prompt_cache_mb": 0,  # every prompt begins alike: the slot's own cache is enough
                "temperature": 0.0,
                "top_p": 1.0,
                "top_k": 1,
                "chat_template": "",
            },
            connect_timeout_s=settings.llm.connect_timeout_s,
            warm_up=self._warm_up,
            without="llm.without_turn_model",
        )

    @property
    def running(self) -> bool:
        """False: the process has ended, and this object cannot be used any more."""
        return self._process.status is None

    def probability(self, text: str, watch: Watch) -> float:
        """How likely the message ends after `text`, in [0, 1].

        Raises one of `llama_process.TROUBLE`, or ClientLeft.
        """
        return self._judge(self._process, text, time.monotonic() + _TIMEOUT_S, watch)

    def stop(self) -> None:
        """End the process."""
        self._process.stop()

    def facts(self) -> Mapping[str, Any]:
        """For /system."""
        return self._process.facts()

    def _warm_up(self, process: LlamaProcess, until: float) -> None:
        special = _tokens(process, "".join(_SPECIAL), until, special=True)
        if len(special) != len(_SPECIAL):
            raise ModelError("llm.not_a_turn_model", model=self.name, tokens=_SPECIAL)
        self._ends = frozenset(special[1:])
        self._judge(process, "hello", until, lambda: False)

    def _judge(self, process: LlamaProcess, text: str, until: float, watch: Watch) -> float:
        # As tokens, so that "<|im_end|>" in the text is text; in the string before them it is a special token.
        words = _tokens(process, text, until)[-_TEXT_TOKENS:]
        body = {
            "prompt": [_PREFIX + _USER, *words],
            "n_predict": 1,
            "n_probs": _CANDIDATES,
            "cache_prompt": True,
            # llama.cpp returns no probabilities when it samples the end of the message. The bias makes it sample
            # another token; the probabilities are those without it.
            "logit_bias": [["x", 1000]],
            "response_fields": ["completion_probabilities"],
        }
        answer = process.ask("/completion", body, until, watch)
        try:
            candidates = answer["completion_probabilities"][0]["top_logprobs"]
            return min(1.0, math.fsum(math.exp(token["logprob"]) for token in candidates if self._is_end(token)))
        except (LookupError, TypeError) as error:
            raise ValueError("llama.cpp's answer has no probabilities") from error

    def _is_end(self, token: Mapping[str, Any]) -> bool:
        return token["id"] in self._ends or token["token"].startswith(_SENTENCE_ENDS)


def _tokens(process: LlamaProcess, text: str, until: float, *, special: bool = False) -> list[int]:
    body = {"content": text, "parse_special": special, "add_special": False}
    return list(process.ask("/tokenize", body, until)["tokens"])
