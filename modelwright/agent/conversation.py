"""A conversation: each thing that is said becomes an answer, an earlier plan again, a resumed run, or a new run; all is kept.

    with open_conversation(agent, "larkfield") as conversation:
        said = conversation.say("now quantize it")

Used by `chat`, by `run --session` and by the terminal UI, so they share a session. Not here: how anything is shown, and
what words mean (followups/).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from modelwright.agent import followups
from modelwright.agent.driver import Approver
from modelwright.agent.ending import CANCELLED, closing_lines, is_rejection
from modelwright.agent.followups import Again, Answer, End, GoOn, Meaning, Reply, corrections, spoken, turns
from modelwright.agent.lease import held
from modelwright.agent.past import Past
from modelwright.agent.results import RunResult
from modelwright.agent.runs import Runs
from modelwright.agent.session import Agent
from modelwright.agent.sessions import Kind, Sessions, check_name, hold
from modelwright.errors import BadRequest, ModelwrightError, QuestionOpen, Rejected
from modelwright.types import Json, Plan, Step

Act = Callable[[Callable[[str], None]], RunResult]
"""Does what a turn asks for; it is given what to tell the run's id to."""


@dataclass(frozen=True)
class Said:
    """What came of a turn: an `answer`, or the `result` of a run."""

    kind: Kind
    exit_code: int
    answer: str = ""
    result: RunResult | None = None


class Conversation:
    """One session. Everything that is said goes through `say`."""

    def __init__(self, agent: Agent, db: sqlite3.Connection, name: str) -> None:
        self.agent, self.name, self._db = agent, name, db
        self._sessions = Sessions(db)
        self._instead = ""
        """What was said to the open question of the run that goes on now, and is a turn of its own."""
        self._dropped = False
        """Whether that question is not wanted any more, and nothing is instead."""
        self._after_no = ""
        """What was wanted instead of the plan, where the last thing said to it was a no."""

    def say(self, text: str, *, yes: bool = False, limits: Mapping[str, Any] | None = None) -> Said:
        """Understand and do. Raises what is wrong before a run exists; the turn is kept all the same.

        Where a question of the run is met with a turn of its own ("now quantize it", "help"), the run waits and that turn is taken.
        """
        said = self._said(text, yes=yes, limits=limits)
        return self._taken_instead(said, yes=yes, limits=limits)

    def _taken_instead(self, said: Said, *, yes: bool, limits: Mapping[str, Any] | None) -> Said:
        while said.result and (text := self._instead or (self._after_no if is_rejection(said.result.error) else "")):
            if self._instead:
                self._drop(said.result.run, text)
            self._instead = self._after_no = ""
            said = self._said(text, yes=yes, limits=limits)
        if said.result and self._dropped:
            self._dropped = False
            error = {"type": "Rejected", "message": self._drop(said.result.run), "fix": ""}
            ended = replace(said.result, status="denied", exit_code=Rejected.exit_code, error=error, pending=None)
            return replace(said, exit_code=Rejected.exit_code, result=ended)
        return said

    def _drop(self, run: str, instead: str = "") -> str:
        """The question of the run is answered no more; what is told about that."""
        told = f"the question is dropped; it can still be answered: modelwright resume {run} --answer …"
        self.agent.drop(run, told, instead)
        return told

    def asked(self, approver: Approver) -> Approver:
        """The approver, but that what is no answer to a question is kept to be said next, and the question stays open.

        So is what is wanted instead of a plan that is refused for it ("no, evaluate it").
        """

        def ask(pending: Json) -> Json | None:
            reply = approver(pending)
            rest, refuses = corrections.without_no(str((reply or {}).get("said", "")))
            self._after_no = rest if refuses and not spoken.is_dismissal(rest) else ""
            text = str((reply or {}).get("answer", ""))
            return self._answered(text, pending, ask) if pending["kind"] == "question" and text else reply

        return ask

    def _answered(self, text: str, pending: Json, ask: Approver) -> Json | None:
        """What words say to a question: an answer, one of those listed, that it is not wanted, or a turn of their own."""
        if spoken.is_go_on(text):  # it goes on with the answer
            return ask(pending)
        self._dropped = spoken.is_dismissal(text) and text not in pending["choices"]
        if not self._dropped and turns.is_own(text, pending, self.agent.workspace.root):
            self._instead = text
        return None if self._dropped or self._instead else {"answer": turns.listed(text, pending["choices"]) or text}

    def _said(self, text: str, *, yes: bool = False, limits: Mapping[str, Any] | None = None) -> Said:
        meaning = self._meaning(text)
        if isinstance(meaning, Answer):
            return self._answer(text, meaning)
        if isinstance(meaning, GoOn):
            return self._go_on(meaning.run, yes=yes, limits=limits, said=text)
        if isinstance(meaning, End):
            return self._ended(meaning, text)
        if isinstance(meaning, Reply):
            resolved = {"run": meaning.run, "changes": meaning.reply.get("edit", {})}
            return self._keep(text, "resume", resolved, lambda told: self._resume(meaning.run, told, yes, limits, meaning.reply))
        if isinstance(meaning, Again):
            given: Json = {"plan": meaning.plan.model_dump(mode="json", exclude={"hash"})}
            return self._run(text, "again", {"run": meaning.run, "changes": meaning.changes}, yes=yes, limits=limits, **given)
        spoken = [asdict(thing) for thing in meaning.things if thing.label]
        return self._run(text, "request", {"things": spoken}, yes=yes, limits=limits, context=meaning.things)

    def plan(self, text: str) -> Plan | Answer:
        """What `say` would run, with estimates and decisions; or what it would answer. Writes nothing."""
        meaning = self._meaning(text)
        if isinstance(meaning, Again):
            return self.agent.plan(text, plan=meaning.plan.model_dump(mode="json", exclude={"hash"}))
        if isinstance(meaning, Reply) and meaning.plan:
            return self.agent.plan(text, plan=meaning.plan.model_dump(mode="json", exclude={"hash"}))
        if isinstance(meaning, GoOn | Reply | End):
            does = {GoOn: "go on with", Reply: "refuse", End: "end"}[type(meaning)]
            return Answer(f"it would {does} run {meaning.run}")
        return meaning if isinstance(meaning, Answer) else self.agent.plan(text, context=meaning.things)

    def go_on(self, run: str, *, yes: bool = False, limits: Mapping[str, Any] | None = None, said: str = "go on") -> Said:
        """Resume a run of this session."""
        return self._taken_instead(self._go_on(run, yes=yes, limits=limits, said=said), yes=yes, limits=limits)

    def _go_on(self, run: str, *, yes: bool, limits: Mapping[str, Any] | None, said: str) -> Said:
        return self._keep(said, "resume", {"run": run}, lambda told: self._resume(run, told, yes, limits))

    def take(self, plan: Json, said: str) -> Said:
        """Run a plan that a person has edited."""
        taken = self._run(said, "request", {"things": []}, yes=False, limits=None, plan=plan)
        return self._taken_instead(taken, yes=False, limits=None)

    def call(self, tool: str, args: Json) -> Said:
        """One tool, no planner, as a turn."""
        step = Step(id="s1", tool=tool, args=args, sources=dict.fromkeys(args, "command line"))
        return self.take(Plan(request=f"call {tool}", steps=[step]).model_dump(mode="json"), f"call {tool}")

    def end(self, run: str, step: str, reason: str) -> Said:
        """Refuse what is left of a run, from `step` on: it cannot be resumed."""
        return self._keep(reason, "resume", {"run": run}, lambda told: self._refuse(run, step, reason, told))

    def _ended(self, meaning: End, said: str) -> Said:
        """ "cancel it": what was stopped is ended, and what it asked is dropped."""
        if meaning.step:
            return self._keep(said, "resume", {"run": meaning.run}, lambda told: self._refuse(meaning.run, meaning.step, CANCELLED, told))
        return self._answer(said, Answer(f"run {meaning.run} is ended; {self._drop(meaning.run)}"))

    def _answer(self, text: str, meaning: Answer) -> Said:
        number = self._sessions.begin(self.name, text, "answer", {})
        self._sessions.end(self.name, number, meaning.text, meaning.exit_code)
        return Said("answer", meaning.exit_code, answer=meaning.text)

    def pasts(self) -> list[Past]:
        """The runs of this session, the newest turn first; each once."""
        runs = dict.fromkeys(turn.run for turn in reversed(self._sessions.turns(self.name)) if turn.run)
        return [past for run in runs if run and (past := self._past(run))]

    def unfinished(self) -> Past | None:
        """The newest run, when it was cut off, was stopped, or waits for a person; not one that another process works on."""
        newest = next(iter(self.pasts()), None)
        if newest is None or not newest.unfinished or held(self.agent.workspace.run_dir(newest.run.id)):
            return None
        return newest

    def _left_elsewhere(self) -> list[Past]:
        """Runs of this folder that were left unfinished, the newest first; none that another process works on."""
        left = [past for run in Runs(self._db).all() if (past := Past(self._db, run)).unfinished]
        return [past for past in left if not held(self.agent.workspace.run_dir(past.run.id))]

    def _past(self, run: str) -> Past | None:
        try:
            return Past.of(self._db, run)
        except BadRequest:  # its rows were taken out by hand
            return None

    def _meaning(self, text: str) -> Meaning:
        try:
            return followups.read(text, self.pasts(), self.agent.workspace, self._left_elsewhere)
        except QuestionOpen as question:
            return Answer(str(question), question.exit_code)

    def _run(self, text: str, kind: Kind, resolved: Json, **how: Any) -> Said:
        return self._keep(text, kind, resolved, lambda told: self.agent.run(text, on_start=told, **how))

    def _resume(
        self, run: str, told: Callable[[str], None], yes: bool, limits: Mapping[str, Any] | None, reply: Json | None = None
    ) -> RunResult:
        told(run)
        return self.agent.resume(run, reply=reply, yes=yes, limits=limits)

    def _refuse(self, run: str, step: str, reason: str, told: Callable[[str], None]) -> RunResult:
        told(run)
        return self.agent.resume(run, reply={"reject": {step: reason}})

    def _keep(self, text: str, kind: Kind, resolved: Json, act: Act) -> Said:
        """Write the turn down, act, write down what came of it."""
        number = self._sessions.begin(self.name, text, kind, resolved)
        try:
            result = act(lambda run: self._sessions.started(self.name, number, run))
        except ModelwrightError as error:
            self._sessions.end(self.name, number, str(error), error.exit_code)
            raise
        closing_of = closing_lines(result)
        self._sessions.end(self.name, number, "\n".join([*closing_of.data, *closing_of.narration]), result.exit_code)
        return Said(kind, result.exit_code, result=result)


@contextmanager
def open_conversation(agent: Agent, name: str) -> Iterator[Conversation]:
    """Hold the session `name`, which need not exist yet. Raises LeaseHeld when another process does, BadRequest for such a name."""
    check_name(name)
    with hold(agent.workspace, name), closing(agent.workspace.connect()) as db:
        conversation, approver = Conversation(agent, db, name), agent.approver
        agent.approver = conversation.asked(approver) if approver else None
        try:
            yield conversation
        finally:
            agent.approver = approver
