"""The one place where this machine's models are chosen, fetched, proven and recorded: at the first run, and no more.

Later starts use what the record says. They go on with a fetch that was not finished, and take what it brought.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from huiyin.assistant.clients.fetch_beside import fetch_beside
from huiyin.assistant.clients.local_servers import find_local_servers
from huiyin.assistant.clients.trials import measure, prove
from huiyin.configs.choice.choose import Facts, PartPlan, Plan, choose
from huiyin.configs.choice.facts import Looked, gather, is_metered
from huiyin.configs.choice.ladder import Ladders, Rung, load_ladders
from huiyin.configs.choice.machine import busy_share, machine
from huiyin.configs.choice.record import PartRecord, Record, read_record, write_record
from huiyin.configs.choice.speed import MOST_OF_OTHERS, Speed
from huiyin.configs.messages import said
from huiyin.configs.settings import Settings, as_arguments, named_profile, own_settings
from huiyin.configs.store.errors import StoreError
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.common.supervisor import Child

MOST_WAIT_S = 300.0
"""A fetch that takes longer goes on beside the first conversation."""
_TOLD = ("asr", "llm")  # parts, a line each at the first run
_ANY_SPEED = Speed("", 1, float("inf"), float("inf"), float("inf"), 0.0)

Tell = Callable[[str], None]


class ModelChoice:
    """The choice for the settings of a command. A context manager: at its end a fetch beside it stops.

    `ask` is given the lines of the choice and says whether to go on; None: no question. Raises StoreError for a
    catalog, LadderError for ladders that cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        profile: str | None,
        overrides: Sequence[str],
        tell: Tell,
        ask: Callable[[Sequence[str]], bool] | None = None,
    ) -> None:
        self._settings, self._tell, self._ask = settings, tell, ask
        self._arguments = as_arguments(profile, overrides)
        self.store = ModelStore(settings.store)
        path = Path(settings.store.ladders).expanduser() if settings.store.ladders else None
        ladders = load_ladders(path)
        own = own_settings(overrides)
        is_open = settings.store.choose and not named_profile(profile)
        self.ladders: Ladders = {
            part: rungs
            for part, rungs in ladders.items()
            if is_open and not any(name in own for rung in rungs for name in rung.settings)
        }
        """Of the parts that no setting names."""
        self.record = read_record(self.store.dir)
        if self.record and self.record.machine != machine():
            self.record = dataclasses.replace(self.record, speed=None)
        self._orders_sources = "store.sources" not in own
        self._beside: Child | None = None

    def __enter__(self) -> ModelChoice:
        return self

    def __exit__(self, *error: object) -> None:
        if self._beside:
            self._beside.kill()

    # --- what callers use -------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Before the services start: choose at the first run and when the machine has changed, else go on.

        Raises no StoreError: what cannot be fetched leaves the rung below.
        """
        if not self.ladders:
            return
        if self.record is None:
            self.choose()
        elif self.record.machine != machine():
            self._tell(said("notices.other_machine"))
            self.choose()
        elif self.record.speed and self.record.speed.is_provisional and busy_share() <= MOST_OF_OTHERS:
            self._tell(said("notices.was_busy"))
            self.record = dataclasses.replace(self.record, speed=None)
            self.choose()
        else:
            self._go_on(self.record)

    def look(self) -> tuple[Looked, Plan]:
        """The facts and the plan now; measures this machine where that was not done and decides something."""
        looked = gather(self._settings, self.store, self.ladders, self.record, quickest_first=self._orders_sources)
        facts = self._measured(looked.facts)
        return Looked(facts, looked.hubs), choose(self.ladders, self.store.catalog, facts)

    def choose(self) -> None:
        """Choose anew, tell it, fetch and prove what takes no longer than `MOST_WAIT_S`, and record it."""
        looked, plan = self.look()
        facts = looked.facts
        lines = self._lines(plan)
        for line in lines:
            self._tell(line)
        for server in find_local_servers():
            self._tell(server.offer("huiyin talk"))
        if self._ask and not self._ask(lines):
            plan = {part: dataclasses.replace(one, wanted=one.now) for part, one in plan.items()}
        self._save(facts, plan)
        may_measure = not facts.speed  # no language model was here to measure with
        while True:
            refused, speed = self._take_all(plan), facts.speed
            facts = dataclasses.replace(
                facts, here=self._here(facts, plan), refused={**facts.refused, **refused}, proven=self._proven
            )
            if may_measure:
                facts, may_measure = self._measured(facts), False
            if not refused and facts.speed is speed:
                break
            before, plan = plan, choose(self.ladders, self.store.catalog, facts)
            self._save(facts, plan)
            for line in self._lines({part: one for part, one in plan.items() if one.wanted is not before[part].wanted}):
                self._tell(line)
        self._fetch_rest()

    def choose_again(self) -> None:
        """As `choose`; the machine is measured anew, and what failed its proof is tried once more."""
        if self.record:
            self.record = dataclasses.replace(self.record, speed=None, refused={})
        self.choose()

    # --- choosing ---------------------------------------------------------------------------------------------

    def _lines(self, plan: Plan) -> list[str]:
        """The choice as it is told."""
        beside = _takes_long(plan)
        return [told(plan[part], beside=part in beside) for part in _TOLD if part in plan]

    @property
    def _proven(self) -> frozenset[str]:
        return frozenset(self.record.proven if self.record else ())

    def _here(self, facts: Facts, plan: Plan) -> frozenset[str]:
        """The model files that are on this machine now."""
        wanted = [state for one in plan.values() for model in one.wanted.models for state in self.store.look(model)]
        return facts.here | {state.file.name for state in wanted if state.is_here}

    def _measured(self, facts: Facts) -> Facts:
        """With the speed of this machine, where that is known or decides something."""
        model = "" if facts.speed else self._measurable(facts)
        if not model:
            return facts
        self._tell(said("notices.measuring"))
        return dataclasses.replace(facts, speed=measure(model, self._arguments))

    def _measurable(self, facts: Facts) -> str:
        """The language model to measure with; '' where none is here, or its speed would decide nothing."""
        rungs = self.ladders.get("llm", ())
        if not rungs:
            return ""
        quick = choose({"llm": rungs}, self.store.catalog, dataclasses.replace(facts, speed=_ANY_SPEED))
        here = [model for rung in rungs for model in rung.models if model in facts.here]
        return here[0] if here and quick["llm"].wanted.least_tokens_s else ""

    def _save(self, facts: Facts, plan: Plan) -> None:
        parts = {
            part: PartRecord(one.wanted.name, one.now.name, one.now.settings)
            for part, one in plan.items()
            if len(self.ladders[part]) > 1
        }
        before = self.record.parts if self.record else {}
        self._write(
            Record(
                machine(), tuple(facts.sources), facts.speed, {**before, **parts}, tuple(facts.proven), facts.refused
            )
        )

    def _write(self, record: Record) -> None:
        self.record = record
        try:
            write_record(self.store.dir, record)
        except OSError as error:
            self._tell(said("notices.choice_not_kept", folder=self.store.dir, why=error.strerror or error))

    # --- fetching and proving ---------------------------------------------------------------------------------

    def _take_all(self, plan: Plan) -> Mapping[str, str]:
        """Fetch and prove what is wanted and does not take long. Returns the rungs that failed, with what they did."""
        refused: dict[str, str] = {}
        beside = _takes_long(plan)
        for part, one in plan.items():
            if part not in beside:
                refused.update(self._take(part, one.wanted))
        return refused

    def _take(self, part: str, rung: Rung) -> Mapping[str, str]:
        """Have the rung here, prove it, and record that it is used. Returns {its name: what it did} where it failed."""
        store = ModelStore(dataclasses.replace(self._settings.store, sources=self._sources()))
        try:
            for model in rung.models:
                store.ensure(model)
        except StoreError as error:
            self._tell(said("notices.not_here_yet", title=rung.title, why=_last_line(error)))
            return {}
        assert self.record is not None
        record = self.record
        if rung.proof and rung.name not in record.proven:
            self._tell(said("notices.trying", title=rung.title))
            if why := prove(part, rung, self._arguments):
                anyway = " ".join(f"--set {name}={_text(value)}" for name, value in rung.settings.items())
                self._tell(said("notices.failed_proof", title=rung.title, why=why, anyway=anyway))
                return {rung.name: why}
            record = dataclasses.replace(record, proven=(*record.proven, rung.name))
        parts = dict(record.parts)
        if part in parts:
            parts[part] = PartRecord(rung.name, rung.name, rung.settings)
        self._write(dataclasses.replace(record, parts=parts))
        return {}

    # --- later starts -----------------------------------------------------------------------------------------

    def _go_on(self, record: Record) -> None:
        for part, rung in self._unfinished(record):
            if all(state.is_here for model in rung.models for state in self.store.look(model)):
                refused = self._take(part, rung)
                if refused:
                    self.record = dataclasses.replace(self.record or record, refused={**record.refused, **refused})
                    self.choose()
                    return
                self._tell(said("notices.here_now", title=rung.title, worth=rung.worth))
        self._fetch_rest()

    def _unfinished(self, record: Record) -> list[tuple[str, Rung]]:
        """(part, rung that is wanted and not used yet)."""
        wanted = {part: one.wanted for part, one in record.parts.items() if one.wanted != one.used}
        return [(p, rung) for p, rungs in self.ladders.items() for rung in rungs if rung.name == wanted.get(p)]

    def _fetch_rest(self) -> None:
        """Fetch beside the conversation what is wanted and not here."""
        assert self.record is not None
        names = [model for _, rung in self._unfinished(self.record) for model in rung.models]
        may_fetch = not self._settings.store.offline and not is_metered(self._settings.store.metered)
        if names and may_fetch:
            self._beside = fetch_beside(
                names, [*self._arguments, "--set", f"store.sources={','.join(self._sources())}"]
            )

    def _sources(self) -> tuple[str, ...]:
        """In the order in which they are asked for a file."""
        if not self._orders_sources:
            return self._settings.store.sources
        known = self.record.sources if self.record else ()
        both = dict.fromkeys((*known, *self._settings.store.sources))
        return tuple(sorted(both, key=lambda source: source == "registry"))  # makers before strangers


def told(one: PartPlan, *, beside: bool) -> str:
    """The choice for a part in a line; `beside`: it is fetched while the user talks."""
    (verdict,) = (verdict for verdict in one.verdicts if verdict.rung is one.wanted)
    line = said("notices.rung", title=one.wanted.title, worth=one.wanted.worth, verdict=str(verdict))
    if beside:
        return line + said("notices.fetched_beside", now=one.now.title)
    if not one.bytes or one.seconds == float("inf"):
        return line
    return line + (said("notices.minutes", minutes=one.seconds / 60) if one.seconds >= 60 else said("notices.soon"))


def _takes_long(plan: Plan) -> set[str]:
    """The parts whose models are fetched beside the conversation: beyond `MOST_WAIT_S` altogether, with one below."""
    waited_s, long = 0.0, set()
    for part, one in plan.items():
        if one.now is one.wanted or waited_s + one.seconds <= MOST_WAIT_S:
            waited_s += one.seconds
        else:
            long.add(part)
    return long


def _text(value: object) -> str:
    return ",".join(value) if isinstance(value, (list, tuple)) else str(value)


def _last_line(error: StoreError) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[1] if len(lines) > 1 else lines[0]
