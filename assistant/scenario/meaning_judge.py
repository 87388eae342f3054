"""The language model that judges `means: TEXT`: the one of the LLM service, or any OpenAI-compatible server."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from huiyin.assistant.clients.decoders import Json
from huiyin.assistant.clients.http import ServiceError, call
from huiyin.assistant.clients.services import Services, get_json
from huiyin.assistant.clients.stream import Stream
from huiyin.assistant.scenario.meaning import FORMS, Question, Verdict, read_answer, shown
from huiyin.assistant.scenario.reader import ScenarioError
from huiyin.assistant.scenario.script import Scenario
from huiyin.configs.secret_files import checked_key
from huiyin.configs.settings import Settings
from huiyin.services.common.model_servers import key_headers, read_address
from huiyin.services.common.shown_url import shown_url

KEY_VARIABLE = "HUIYIN_JUDGE_API_KEY"
_ANSWER_LIMIT_S = 120.0  # a small model on a busy machine; one elsewhere that thinks first
_LOOK_LIMIT_S = 5.0
_REFUSED = (400, 422)  # a parameter that the server does not know


def judge_for(scenarios: Iterable[Scenario], settings: Settings) -> MeaningJudge | None:
    """The judge of these scenarios, which is there; None where they need none. Raises as `MeaningJudge` and `check`."""
    if not any(scenario.needs_judge for scenario in scenarios):
        return None
    judge = MeaningJudge(settings)
    judge.check()
    return judge


class MeaningJudge:
    """Call it with a question. Blocks; one question at a time."""

    def __init__(self, settings: Settings, environ: Mapping[str, str] = os.environ) -> None:
        """Raises SettingsError for an address or a key that cannot be used."""
        chosen = settings.simulate
        self._model = chosen.judge_model
        self._form = 0  # the first of FORMS that has not been refused
        if chosen.judge:
            address = read_address(chosen.judge)
            self._name, self._query = "judge", address.query
            self._bases = [f"{address.origin}{path}" for path in address.paths]
            key = checked_key(KEY_VARIABLE, environ.get(KEY_VARIABLE, ""))
            self._key, self._headers = key, {"Content-Type": "application/json", **key_headers(key, chosen.judge)}
        else:
            services = Services(settings)
            self._name, self._query, self._bases = "llm", "", [f"{services.url('llm')}/v1"]
            self._key, self._headers = settings.service.api_key, services.headers("application/json")

    def check(self) -> None:
        """Raises ScenarioError where no server answers: better known before a conversation is played."""
        why: ServiceError | None = None
        for base in self._bases:
            try:
                listed = get_json(self._name, base, f"/models{self._query}", timeout_s=_LOOK_LIMIT_S, key=self._key)
            except ServiceError as error:
                why = why or error
                continue
            self._bases = [base]
            if not self._model and self._name == "judge":  # the LLM service knows its own
                self._model = _first(listed)
            return
        assert why is not None
        if why.status == 0 or not self._model:  # else it runs, and lists no models
            raise ScenarioError("scenario.no_judge", url=shown_url(self._bases[0]), why=why) from why

    def __call__(self, question: Question) -> Verdict:
        """Its verdict; undecided where it gives none, or none can be had."""
        messages = question.messages()
        prompt = shown(messages)
        while True:
            body = {"messages": messages, "stream": False, **FORMS[self._form]}
            if self._model:
                body["model"] = self._model
            try:
                answer, model = self._ask(body)
            except ServiceError as error:
                if error.status in _REFUSED and self._form + 1 < len(FORMS):
                    self._form += 1
                    continue
                return Verdict("undecided", str(error), prompt, self._model)
            decision, reason = read_answer(answer)
            return Verdict(decision, reason, prompt, model or self._model, forced=self._form == 0)

    def _ask(self, body: Mapping[str, Any]) -> tuple[str, str]:
        """(what the model wrote, its name). Raises ServiceError."""
        strange = ServiceError("clients.not_json", service=self._name, url=shown_url(self._bases[0]))
        data = json.dumps(body, ensure_ascii=False).encode(errors="replace")
        path = f"/chat/completions{self._query}"
        return Stream(
            lambda: call(
                self._name, self._bases[0], path, lambda _: Json(_answer, strange), timeout_s=_ANSWER_LIMIT_S,
                body=data, headers=self._headers,
            )
        ).one()  # fmt: skip


def _answer(completion: dict[str, Any]) -> tuple[str, str]:
    return str(completion["choices"][0]["message"].get("content") or ""), str(completion.get("model") or "")


def _first(listed: Any) -> str:
    """The first model of a list; '' for an empty list: the server may know."""
    models = listed.get("data") if isinstance(listed, dict) else None
    return str(models[0].get("id", "")) if isinstance(models, list) and models and isinstance(models[0], dict) else ""
