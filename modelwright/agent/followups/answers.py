"""Questions about what was done, answered from trace and ledger: why, where, how long, what did it cost, what did you do.

Each answer names the run that it speaks of. Nothing is run, nothing is guessed: what the records do not hold is said to be
unknown. Which was best: ranking.py; why it cannot be told: undecided.py; how far a run is: progress.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from modelwright import tools
from modelwright.agent.followups import progress, undecided
from modelwright.agent.followups.origins import in_words
from modelwright.agent.followups.progress import ENDED
from modelwright.agent.followups.ranking import rank
from modelwright.agent.followups.words import words
from modelwright.agent.past import Past, PastStep
from modelwright.text import counted, human_bytes, human_seconds, one_line
from modelwright.types import Json
from modelwright.workspace import Workspace

LONGEST_REPORT = 80
"""lines of a report that are shown; the file has all"""
SMALL_TALK = {
    "hello": 'hello: say what you want done, for example "quantize the built-in model to Q4_K_M"; "help" tells more',
    "thanks": "you are welcome",
    "quit": "Ctrl-D ends a plain conversation, Ctrl+Q the terminal application; what is not finished can be gone on with",
}
"""Said where nothing is asked for."""
NOTHING_YET = "nothing was run in this session yet"
HELP = """Say what you want: "fine-tune the built-in model on train.jsonl and compare it with the original on eval.jsonl".
You see the plan and are asked before anything is written. Then go on from there:
  now quantize it                 "it", "the adapter", "the same data", "the best one", "both" mean what was made or used last
  again with rank 32              the last plan with something changed
  why?  which run was best?  what did you do?  where is the file?  how long did it take?  what did it cost?
  how far is it?  show the report                 what can you do?
Ctrl-C stops a run, which can be resumed; Ctrl-D ends the conversation."""


def kind_of(request: str) -> str | None:
    """Which question this is: one of [questions] with nothing but small words beside it; None when it is none of them."""
    text = " ".join(request.split())
    for kind, pattern in words().questions.items():
        if match := pattern.search(text):
            rest = (text[: match.start()] + " " + text[match.end() :]).lower()
            if all(word.strip("¿?¡!.,;:'\"’s") in words().small | {""} for word in rest.replace("-", " ").split()):
                return kind
    return "help" if text.strip() == "?" else None


def answer(kind: str, pasts: Sequence[Past], workspace: Workspace, metric: str | None = None) -> str | None:
    """The answer, or None when the records hold nothing to answer from and the request may mean something else."""
    if kind == "help":
        return HELP
    if kind == "able":
        return "\n".join(f"{name:<18} {summary}" for name, summary in tools.summaries().items())
    if kind in SMALL_TALK:
        return SMALL_TALK[kind]
    if kind == "untold":
        return undecided.why(pasts)
    if kind == "best":
        ranking = rank(pasts, metric)
        return ranking.text() if ranking else None
    if not pasts:
        return NOTHING_YET
    tell: Mapping[str, Callable[[Past, Workspace], Iterator[str]]] = {
        "why": _why,
        "did": _did,
        "where": _where,
        "time": _time,
        "cost": _cost,
        "report": _report,
        "progress": progress.lines,
    }
    return "\n".join(tell[kind](pasts[0], workspace))


def _why(past: Past, workspace: Workspace) -> Iterator[str]:
    """The reason for how the run stands."""
    status, error = past.run.status, past.run.error or {}
    if past.unfinished:
        yield past.stands()
        yield from _waits_for(past)
        return
    yield f"run {past.run.id} {ENDED.get(status, status)}" + (f": {one_line(str(error['message']), 600)}" if error.get("message") else "")
    if error.get("fix"):
        yield f"  how to mend it: {one_line(str(error['fix']), 400)}"
    for step in past.steps:
        yield from _why_step(step, status, past.plan.request if past.plan else "")
    if status == "done":
        yield from _verdict(past)


def _why_step(step: PastStep, status: str, request: str) -> Iterator[str]:
    if status == "denied" and step.decision.get("decision") == "deny":
        yield f"  {step.id} {step.tool}: rule {step.decision['rule']}: {one_line(str(step.decision.get('reason', '')), 400)}"
    if step.error:
        yield f"  {step.id} {step.tool} failed: {one_line(str(step.error.get('message', '')), 400)}"
    for check in step.checks:
        if not check["passed"]:
            yield f"  {step.id} {step.tool}: the check {one_line(check['name'], 80)!r} did not pass: {one_line(check['detail'], 300)}"
    if status == "done":
        origins = ", ".join(f"{name} from {in_words(source, request)}" for name, source in step.sources.items())
        yield f"  {step.id} {step.tool}" + (f": {one_line(origins, 400)}" if origins else "")


def _waits_for(past: Past) -> Iterator[str]:
    yield from (f"  {line}" for line in past.waiting())
    for step in past.steps:
        if step.id in past.asked:
            yield f"  {step.id} {step.tool}: rule {step.decision.get('rule')}: {one_line(str(step.decision.get('reason', '')), 300)}"


def _verdict(past: Past) -> Iterator[str]:
    ranking = rank([past])
    if ranking and len(ranking.rows) > 1:
        yield ranking.text()


def _did(past: Past, workspace: Workspace) -> Iterator[str]:
    stands = past.run.status if past.unfinished else ENDED.get(past.run.status, past.run.status)
    yield f"run {past.run.id} ({stands}): {one_line(past.run.request, 200)}"
    for step in past.steps:
        said = one_line(str(step.result.get("summary", "")), 300)
        how = f", reused from run {step.reused_from}" if step.reused_from else ""
        yield f"  {step.id} {step.tool}: {step.status}{how}" + (f": {said}" if said else "")


def _where(past: Past, workspace: Workspace) -> Iterator[str]:
    found = False
    for step in past.steps:
        for artifact in step.result.get("artifacts") or []:
            found = True
            gone = "" if Path(artifact["path"]).exists() else ", no longer there"
            yield f"{step.id} {artifact['kind']}: {one_line(artifact['path'], 1000)} ({human_bytes(artifact['bytes'])}{gone})"
    report = workspace.run_dir(past.run.id) / "report.html"
    if report.is_file():
        yield f"report: {report}"
    elif not found:
        yield f"run {past.run.id} left no file"


def _time(past: Past, workspace: Workspace) -> Iterator[str]:
    spent = past.run.spent or {}
    yield f"run {past.run.id}: {human_seconds(float(spent.get('seconds', 0)))} in all" + _so_far(past)
    for step in past.steps:
        if step.status != "pending":
            took = "reused, nothing was run" if step.reused_from else human_seconds(step.seconds) if step.seconds else step.status
            yield f"  {step.id} {step.tool}: {took}"


def _so_far(past: Past) -> str:
    return " so far" if past.unfinished else ""


def _cost(past: Past, workspace: Workspace) -> Iterator[str]:
    spent: Json = past.run.spent or {}
    money = float(spent.get("cost", 0))
    yield (
        f"run {past.run.id}: {f'{money:.4f} US dollars' if money else 'no money'}, {spent.get('tokens', 0)} tokens of the planning model, "
        f"{counted(int(spent.get('steps', 0)), 'step')}, {human_seconds(float(spent.get('seconds', 0)))}{_so_far(past)}"
    )
    for step in past.steps:
        if step.peak_memory_bytes and not step.reused_from:
            yield f"  {step.id} {step.tool}: {human_seconds(step.seconds)}, peak {human_bytes(step.peak_memory_bytes)} of memory"


def _report(past: Past, workspace: Workspace) -> Iterator[str]:
    folder = workspace.run_dir(past.run.id)
    if not (folder / "report.md").is_file():
        yield f"run {past.run.id} has no report"
        return
    lines = (folder / "report.md").read_text(encoding="utf-8", errors="replace").splitlines()
    yield from lines[:LONGEST_REPORT]
    if len(lines) > LONGEST_REPORT:
        yield f"… {len(lines) - LONGEST_REPORT} more lines"
    yield f"report: {folder / 'report.html'}"
