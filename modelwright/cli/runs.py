"""Commands that look at what was run: runs, show, trace, diff."""

from __future__ import annotations

import click

from modelwright.cli.base import JSON, open_db, require_runs
from modelwright.cli.output import clear_errors, say, say_json, say_table


@click.command()
@click.option("--limit", default=30, type=click.IntRange(1), help="how many, newest first")
@JSON
@clear_errors
def runs(limit: int, as_json: bool) -> None:
    """The runs of this workspace, newest first."""
    from modelwright.agent.listing import as_rows
    from modelwright.agent.runs import Runs, as_they_stand

    workspace = require_runs()
    with open_db() as db:
        found = as_they_stand(db, workspace, Runs(db).all(limit))
        if as_json:
            say_json([{**r.__dict__} for r in found])
        else:
            say_table(as_rows(found))


@click.command()
@click.argument("run")
@JSON
@clear_errors
def show(run: str, as_json: bool) -> None:
    """How RUN stands: plan, steps, results, where its report is."""
    from modelwright.agent.ending import full_text
    from modelwright.agent.session import Agent

    with open_db():
        result = Agent(".").show(run)
    say_json(result.as_json()) if as_json else say(full_text(result))


@click.command()
@click.argument("run")
@click.option("--step", help="only this step's events")
@click.option("--type", "kind", help="only events whose type starts so: tool, model, policy …")
@click.option("--otel", is_flag=True, help="as OpenTelemetry-like spans, one JSON object a line")
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line")
@clear_errors
def trace(run: str, step: str | None, kind: str | None, otel: bool, as_json: bool) -> None:
    """Every event of RUN, in order."""
    from modelwright.agent import trace as traces
    from modelwright.agent.listing import event_line
    from modelwright.agent.runs import Runs

    with open_db() as db:
        found = Runs(db).get(run)
        if otel:
            from modelwright.agent.export import as_otel_spans

            for span in as_otel_spans(db, found.id):
                say_json(span)
            return
        for event in traces.read(db, found.id, step=step, kind=kind):
            say_json(event.as_json()) if as_json else say(event_line(event))


@click.command("diff")
@click.argument("a")
@click.argument("b")
@JSON
@clear_errors
def diff_command(a: str, b: str, as_json: bool) -> None:
    """What differs between two runs: plans, decisions, results, time."""
    from modelwright.agent.diff import diff
    from modelwright.agent.runs import Runs

    with open_db() as db:
        found = diff(db, Runs(db).get(a).id, Runs(db).get(b).id)
    say_json(found.as_json()) if as_json else say(found.text())
