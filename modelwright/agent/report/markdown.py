"""The report as Markdown: the same facts and the same order as the page, with tables where the page has charts.

Text from outside stands either in a fence longer than any run of backticks inside it, or on one line with every
character that Markdown or HTML would act on escaped. So an answer that holds a heading, a table or a tag shows as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from modelwright.agent.report import pictures, verdicts
from modelwright.agent.report.findings import Sample
from modelwright.agent.report.gather import Facts, StepFacts
from modelwright.agent.report.parts import artifacts, predicted, reproduce_command
from modelwright.errors import joined
from modelwright.text import counted, human_bytes, human_seconds

_ACTIVE = re.compile(r"([\\`*_\[|~$])")
_LINE_START = re.compile(r"^([-+=#]|\d+(?=[.)]))")


def cell(text: str) -> str:
    """One line in which nothing acts, fit for a table."""
    flat = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _ACTIVE.sub(r"\\\1", flat)


def inline(text: str) -> str:
    """As cell; what would begin a list, a heading or a rule does not."""
    return _LINE_START.sub(lambda m: m.group(1) + "\\" if m.group(1).isdigit() else "\\" + m.group(1), cell(text))


def fence(text: str) -> str:
    """A code block whose fence is longer than any run of backticks inside."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}text\n{text}\n{ticks}"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [[cell(name) for name in columns], ["---"] * len(columns), *([cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {inline(line)}" for line in lines)


def render(facts: Facts) -> str:
    blocks = [f"# {inline(facts.headline)}", f"Run {inline(facts.run)}, {facts.created}, in {inline(facts.workspace)}"]
    blocks += [inline(f"How to mend it: {facts.fix}")] if facts.fix else []
    for part in (_request, _verdict, _plan, _ran, _before_and_after, _charts, _sizes, _budgets, _unverified, _reproduce, _trace):
        blocks += part(facts)
    return "\n\n".join(blocks) + "\n"


def _request(facts: Facts) -> Iterator[str]:
    yield "## Request"
    yield fence(facts.request or "(a plan without a request)")
    if facts.answers:
        yield f"Answers given to questions:\n\n{bullets(facts.answers)}"


def _verdict(facts: Facts) -> Iterator[str]:
    lines = [verdicts.sentence(d) for step in facts.steps for d in step.found.decisive]
    lines += [
        f"{step.id} ({step.tool}): {step.result['summary']}"
        for step in facts.steps
        if step.result.get("summary") and not step.found.decisive
    ]
    yield "## Verdict"
    yield bullets(lines) if lines else inline(facts.headline)


def _plan(facts: Facts) -> Iterator[str]:
    if not facts.has_plan:
        return
    yield "## Plan"
    rows = [[s.id, s.tool, *predicted(s), f"{s.decision} {s.rule}".strip(), s.approved_by] for s in facts.steps]
    yield table(
        ["step", "tool", "predicted time", "measured time", "predicted memory", "measured memory", "decision and rule", "approved by"], rows
    )
    arguments = [[s.id, a.name, a.value, a.source] for s in facts.steps for a in s.arguments]
    if arguments:
        yield table(["step", "argument", "value", "comes from"], arguments)
    yield f"Plan hash: `{facts.plan_hash}`" if facts.plan_hash else ""


def _ran(facts: Facts) -> Iterator[str]:
    if not facts.has_plan:
        return
    yield "## What ran"
    for step in facts.steps:
        yield f"### {step.id} {inline(step.tool)}: {step.status}"
        lines = list(_said(step))
        if lines:
            yield bullets(lines)
        if step.checks:
            yield table(["check", "passed", "detail"], [[c.name, "yes" if c.passed else "no", c.detail] for c in step.checks])
        yield from _fields(step)


def _said(step: StepFacts) -> Iterator[str]:
    if step.seconds is not None:
        yield f"took {human_seconds(step.seconds)}" + (
            f", peak memory {human_bytes(step.peak_memory_bytes)}" if step.peak_memory_bytes else ""
        )
    if step.reused_from:
        yield f"reused from {step.reused_from}"
    if step.error:
        yield f"error: {joined(step.error.get('message', ''), step.error.get('fix', ''))}"
    yield from step.notices


def _fields(step: StepFacts) -> Iterator[str]:
    if step.shown.rows:
        yield table(["result", "value"], step.shown.rows)
    for shown in step.shown.tables:
        more = f"\n\n… and {shown.more} more" if shown.more else ""
        yield f"{inline(shown.title)}:\n\n{table(shown.columns, shown.rows)}{more}"


def _before_and_after(facts: Facts) -> Iterator[str]:
    shown = [step for step in facts.steps if step.found.samples or step.found.differences or step.found.rates]
    if shown:
        yield "## Before and after"
    for step in shown:
        if step.found.differences:
            yield table(verdicts.COLUMNS, verdicts.rows(step.found.differences, step.found.scores))
        if step.found.rates:
            yield f"Share of answers that pass each check:\n\n{table(*verdicts.rate_table(step.found.rates))}"
        for number, sample in enumerate(step.found.samples, 1):
            yield from _sample(f"{step.id}, sample {number}" + (f": {sample.why}" if sample.why else ""), sample)


def _sample(title: str, sample: Sample) -> Iterator[str]:
    yield f"### {inline(title)}"
    yield f"Prompt:\n\n{fence(sample.prompt)}"
    if sample.reference is not None:
        yield f"Reference:\n\n{fence(sample.reference)}"
    for name, answer in sample.answers.items():
        yield f"Answer of {inline(name)}:\n\n{fence(answer)}"


def _charts(facts: Facts) -> Iterator[str]:
    drawn = pictures.all_of(facts)
    if drawn:
        yield "## Measurements"
    for chart in drawn:
        yield f"{inline(chart.title)}:\n\n{table(chart.columns, chart.rows)}"


def _sizes(facts: Facts) -> Iterator[str]:
    rows = [
        [s.id, a["path"], a["kind"], human_bytes(a["bytes"]), a["sha256"][:12]] for s in facts.steps for a in artifacts(s, facts.workspace)
    ]
    if rows:
        yield "## Files"
        yield table(["step", "path", "kind", "size", "sha256"], rows)


def _budgets(facts: Facts) -> Iterator[str]:
    yield "## Budgets"
    yield table(["budget", "spent", "limit"], facts.budgets)


def _unverified(facts: Facts) -> Iterator[str]:
    yield "## What could not be verified"
    yield bullets(facts.unverified) if facts.unverified else "Nothing: every step ran, and every check that it has passed."


def _reproduce(facts: Facts) -> Iterator[str]:
    if not facts.has_plan:
        return
    yield "## Reproduce"
    yield f"```bash\n{reproduce_command(facts)}\n```"
    yield "`lock.json` beside this file holds versions, seeds, arguments, and the hashes of inputs and of what came out."


def _trace(facts: Facts) -> Iterator[str]:
    yield "## Trace"
    yield f"{counted(facts.events, 'event')} in {inline(facts.database)}; read them with `modelwright trace {facts.run}`."
