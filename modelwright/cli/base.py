"""What the commands share: options, the agent of a command, how a run's outcome is printed, the workspace's database."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from modelwright.cli.output import say_json
from modelwright.errors import BadRequest

if TYPE_CHECKING:
    from modelwright.agent.results import RunResult
    from modelwright.agent.session import Agent
    from modelwright.events import Event
    from modelwright.workspace import Workspace


class Finite(click.FloatRange):
    """A number in a range, and neither infinite nor NaN (which is in every range)."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if number is not None and not math.isfinite(number):
            self.fail(f"{value} is not a number to work with", param, ctx)
        return number


MAX_OPTIONS = [
    click.option("--max-steps", type=click.IntRange(1), help="bound on tool calls"),
    click.option("--max-seconds", type=Finite(0, min_open=True), help="bound on working time, seconds"),
    click.option("--max-tokens", type=click.IntRange(1), help="bound on the planning model's tokens"),
    click.option("--max-cost", type=Finite(0), help="bound on money, US dollars"),
    click.option("--max-replans", type=click.IntRange(0), help="bound on new plans after a failure"),
    click.option("--max-retries", type=click.IntRange(0), help="bound on second tries after a crash"),
]
JSON = click.option("--json", "as_json", is_flag=True, help="print one JSON object on stdout and nothing else")
STREAM = click.option("--stream", is_flag=True, help="with --json: print each event as a JSON line, the result last")


def with_options(*options: Callable[..., Any]) -> Callable[..., Any]:
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def bounds_of(values: dict[str, Any]) -> dict[str, Any]:
    return {name: values.pop(f"max_{name}") for name in ("steps", "seconds", "tokens", "cost", "replans", "retries")}


def make_agent(as_json: bool, stream: bool, yes: bool, **options: Any) -> Agent:
    from modelwright.agent.session import Agent
    from modelwright.console import Narrator
    from modelwright.prompts import ask_on_terminal

    interactive = sys.stdin.isatty() and sys.stderr.isatty() and not as_json and not yes
    sink = print_event if as_json and stream else Narrator()
    return Agent(".", on_event=sink, approver=ask_on_terminal if interactive else None, **options)


def print_event(event: Event) -> None:
    say_json({"event": event.as_json()})


def finish(result: RunResult, as_json: bool) -> NoReturn:
    """Print the result, say how to go on, and end with its exit code."""
    from modelwright.agent.ending import closing_lines

    if as_json:
        say_json(result.as_json())
    lines = closing_lines(result)
    for line in lines.narration:
        click.echo(line, err=True)
    if not as_json:
        for line in lines.data:
            click.echo(line)
    sys.exit(result.exit_code)


def open_db() -> Any:
    """The workspace's database, to read; nothing is created when there is none."""
    from contextlib import closing

    return closing(require_runs().connect())


def require_runs() -> Workspace:
    """The workspace here. Raises BadRequest when nothing was ever run in it."""
    from modelwright.workspace import Workspace

    workspace = Workspace(Path("."))
    if not workspace.database.is_file():
        raise BadRequest(f"no runs here: {workspace.root} has no .modelwright folder", fix="stand in the folder where the run was started")
    return workspace
