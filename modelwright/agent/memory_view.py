"""Long-term memory for the agent and for people: recall before planning, an episode after a run, and what the commands show.

Two facts: where nothing was ever remembered nothing is opened or made, and a memory that cannot be read never stops a run:
it is said, and planning goes on without.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from modelwright import tools
from modelwright.agent.runs import Run
from modelwright.config import Settings
from modelwright.errors import ModelwrightError
from modelwright.memory import Store, open_embedder, recall, trust
from modelwright.memory import forget as forgetting
from modelwright.memory.longterm import MEMORY, Memory, as_json, export
from modelwright.memory.recall import Recalled
from modelwright.memory.write_gate import Proposal
from modelwright.text import clean
from modelwright.types import Effect, Json
from modelwright.workspace import Workspace

RAN = ("ran", "done", "unverified")
"""of a step"""
LOOKS = frozenset({Effect.READS_FILES, Effect.COMPUTES})
_PATH = re.compile(r"[\w./~-]+\.\w+|[\w.-]+/[\w./-]+")


def recalled_for(workspace: Workspace, request: str, run: str = "", notice: Callable[[str], None] = lambda message: None) -> Recalled:
    """What planning may use for this request; noted for `run` when there is one. Reads by words only: no model is started."""
    if not Store.present(workspace.database):
        return Recalled()
    try:
        with Store.open(workspace.database, on_notice=notice) as store:
            memory = Memory(store)
            found = recall.recall(memory, request, datasets=_PATH.findall(request))
            if run:
                recall.note(memory, run, found)
            return found
    except (ModelwrightError, sqlite3.Error) as error:
        notice(f"planning without memory: {error}")
        return Recalled()


def remember_run(workspace: Workspace, run: Run, state: Json) -> str:
    """Leave the episode of a run that taught something; "" or why it could not be kept."""
    if not _taught(run, state):
        return ""
    steps = (state["plan"] or {}).get("steps", [])
    outcome = clean({"spent": state["spent"], "error": state.get("error")})
    datasets = sorted({str(step["args"]["dataset"]) for step in steps if isinstance(step["args"].get("dataset"), str)})
    used, planned = [step["tool"] for step in steps], not run.options.get("plan")
    proposal = recall.episode(run.id, clean(run.request), used, state["status"], outcome, datasets, planned=planned)
    try:
        with Store.open(workspace.database) as store:
            verdict = Memory(store).propose(proposal).verdict
    except (ModelwrightError, sqlite3.Error) as error:
        return f"this run is not remembered: {error}"
    return f"this run is not remembered: {verdict.reason}" if verdict.action == "reject" else ""


def _taught(run: Run, state: Json) -> bool:
    """Whether a later run could learn from it: of one that failed a step ran; and a given plan did more than look or reckon."""
    if run.options.get("plan") and all(_only_looks(step["tool"]) for step in (state["plan"] or {}).get("steps", [])):
        return False
    began = state["spent"].get("steps", 0) and (state.get("error") or {}).get("exit_code", 1) == 1
    return state["status"] == "done" or bool(began) or any(step["status"] in RAN for step in state["steps"].values())


def _only_looks(tool: str) -> bool:
    return tools.load(tool).effects <= LOOKS


class MemoryView:
    """What `modelwright memory …` does. Opened for one command."""

    def __init__(self, store: Store, workspace: Workspace) -> None:
        self._store, self._workspace, self._memory = store, workspace, Memory(store)

    @classmethod
    @contextmanager
    def opened(
        cls, workspace: Workspace, settings: Settings, notice: Callable[[str], None], *, embed: bool = False
    ) -> Iterator[MemoryView]:
        """With `embed` the settings' embedder is there too."""
        workspace.connect().close()  # makes the folder, with its .gitignore
        embedder = open_embedder(settings, workspace.root) if embed else None
        try:
            with Store.open(workspace.database, embedder, on_notice=notice) as store:
                yield cls(store, workspace)
        finally:
            if embedder is not None:
                embedder.close()

    def entries(self, kinds: Sequence[str] = (), *, limit: int = 50, quarantined: bool = False) -> list[Json]:
        return [as_json(item) for item in self._memory.entries(kinds, limit=limit, quarantined=quarantined)]

    def search(self, text: str, k: int = 10) -> list[Json]:
        return [{**as_json(hit.item), "score": round(hit.score, 6)} for hit in self._memory.search(text, k)]

    def show(self, item: int) -> Json:
        return self._memory.show(item)

    def state(self, field: str, value: str) -> Json:
        """The user says that `field` is `value`."""
        return self._said(recall.stated(field, value))

    def add(self, text: str) -> Json:
        """Something that the user wants remembered."""
        return self._said(Proposal("semantic", clean(text), trust.Provenance(principal="user", source="command line"), approved=True))

    def approve(self, item: int) -> Json:
        decided = self._memory.approve(item)
        return {"action": decided.verdict.action, "reason": decided.verdict.reason, "id": decided.id}

    def _said(self, proposal: Proposal) -> Json:
        decided = self._memory.propose(proposal)
        return {"action": decided.verdict.action, "reason": decided.verdict.reason, "id": decided.id}

    def hide(self, ids: Sequence[int]) -> Json:
        self._memory.check_known(ids)
        return forgetting.hide(self._store, ids).as_json()

    def forget(self, ids: Sequence[int]) -> Json:
        self._memory.check_known(ids)
        return forgetting.forget(self._store, ids).as_json()

    def purge(self, ids: Sequence[int]) -> Json:
        self._memory.check_known(ids)
        return forgetting.purge(self._store, self._workspace, ids).as_json()

    def export(self) -> Json:
        return export(self._memory)

    def reindex(self, collection: str, progress: Callable[[int, int], None]) -> Json:
        name = collection or MEMORY
        return {"collection": name, "vectors": self._store.reindex(name, progress=progress), "notices": self._store.notices}

    def why(self, run: Run) -> Json:
        """What a run was shown, what of it stands in its plan, and what the gate said to what it wanted to keep."""
        items = {item.id: item for item in self._memory.recalled(run.id)}
        used = _used(run.plan)
        shown: list[dict[str, Any]] = [
            {"id": item, "use": use, "text": items[item].text if item in items else "(forgotten)", "changed": used.get(item, [])}
            for item, use in self._memory.recalls(run.id)
        ]
        return {"run": run.id, "recalled": shown, "written": self._memory.decisions(run.id)}


def _used(plan: Json | None) -> dict[int, list[str]]:
    """Memory -> the arguments that name it as their source."""
    found: dict[int, list[str]] = {}
    for step in (plan or {}).get("steps", []):
        for field, source in step.get("sources", {}).items():
            if match := re.search(r"\bmemory[: ](\d+)", source):
                found.setdefault(int(match.group(1)), []).append(f"{step['id']} {step['tool']}.{field}")
    return found
