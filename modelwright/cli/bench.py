"""The command that measures the planner: bench-planner."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from modelwright.cli.base import JSON
from modelwright.cli.output import clear_errors, say, say_json

if TYPE_CHECKING:
    from modelwright.agent.bench_planner import bfcl, requests
    from modelwright.config import Settings
    from modelwright.models.base import PlanningModel

FILE = click.Path(path_type=Path)


@click.command("bench-planner")
@click.argument("file", required=False, type=FILE)
@click.option("--model", metavar="REF", help="the planning model; none for the rules alone; otherwise that of the settings")
@click.option("--bfcl", "cases", type=FILE, metavar="FOLDER_OR_FILE", help="Berkeley function-calling cases instead of requests")
@click.option("--limit", type=click.IntRange(1), help="only the first so many (of each category)")
@click.option("--free-json", is_flag=True, help="with --bfcl: the same model asked for free JSON too, and both compared")
@click.option("--out", type=FILE, help="keep one JSON line a request here")
@JSON
@clear_errors
def bench_planner(
    file: Path | None, model: str | None, cases: Path | None, limit: int | None, free_json: bool, out: Path | None, as_json: bool
) -> None:
    """How well requests are planned here: FILE holds requests with the plan that is expected. Without it, a small set that ships.

    Nothing is run. Figures come with 95% intervals; invented values must be 0.
    """
    from modelwright.config import load
    from modelwright.models import open_model

    if free_json and not cases:
        raise click.UsageError("--free-json compares on function-calling cases: add --bfcl FOLDER_OR_FILE")
    if file and cases:
        raise click.UsageError("give either FILE or --bfcl")
    settings = load(Path("."))
    settings = settings.model_copy(update={"model": model}) if model else settings
    opened = None if settings.model == "none" else open_model(settings)
    stream = out.open("w", encoding="utf-8") if out else None
    try:
        if cases:
            _cases(cases, opened, settings, limit, free_json, stream, as_json)
        else:
            _requests(file, opened, limit, stream, as_json)
    finally:
        if stream:
            stream.close()
        if opened:
            opened.close()


def _requests(file: Path | None, model: PlanningModel | None, limit: int | None, stream: IO[str] | None, as_json: bool) -> None:
    from modelwright.agent.bench_planner import requests, table
    from modelwright.tools import load_all

    wanted, tools = requests.read_cases(file or requests.shipped(), limit), load_all()
    outcomes: list[requests.Outcome] = []
    for number, case in enumerate(wanted, 1):
        outcomes.append(requests.run(case, tools, model))
        _keep(stream, outcomes[-1])
        _progress(number, len(wanted), sum(o.score.right for o in outcomes))
    say_json(table.summary(outcomes)) if as_json else say("\n".join(table.of_requests(outcomes)))


def _cases(
    path: Path, model: PlanningModel | None, settings: Settings, limit: int | None, free: bool, stream: IO[str] | None, as_json: bool
) -> None:
    from modelwright.agent.bench_planner import bfcl, table

    wanted = bfcl.read_cases(path, limit)
    outcomes: list[bfcl.Outcome] = []
    for number, case in enumerate(wanted, 1):
        outcomes.append(bfcl.run(case, model))
        _keep(stream, outcomes[-1])
        _progress(number, len(wanted), sum(o.score.right for o in outcomes))
    freely = _freely(wanted, settings) if free else []
    say_json(table.summary_of_cases(outcomes, freely)) if as_json else say("\n".join(table.of_cases(outcomes, freely)))


def _freely(cases: list[bfcl.Case], settings: Settings) -> list[bool]:
    from modelwright.agent.bench_planner import free_json

    click.echo("the same model, asked for free JSON", err=True)
    prompts = [free_json.messages(case.question, case.functions) for case in cases]
    details = free_json.answers(prompts, settings.model, settings, lambda event: _progress(event.get("step", 0), len(cases)))
    return [case.score(free_json.read_call(found["text"])).right for case, found in zip(cases, details, strict=True)]


def _keep(stream: IO[str] | None, outcome: requests.Outcome | bfcl.Outcome) -> None:
    """A line at once: what is measured is kept when the rest is interrupted."""
    if stream:
        stream.write(json.dumps(outcome.as_json(), ensure_ascii=False, default=str) + "\n")
        stream.flush()


def _progress(done: int, count: int, right: int | None = None) -> None:
    if done and (done % 10 == 0 or done == count):
        click.echo(f"{done} of {count}" + (f", {right} right" if right is not None else ""), err=True)
