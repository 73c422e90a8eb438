"""Commands about what is installed: tools, doctor."""

from __future__ import annotations

from pathlib import Path

import click

from modelwright.cli.base import JSON
from modelwright.cli.output import clear_errors, say, say_json


@click.command("tools")
@click.argument("name", required=False)
@JSON
@clear_errors
def tools_command(name: str | None, as_json: bool) -> None:
    """What it can do; with NAME one tool's arguments, result, effects and an example."""
    from modelwright import tools

    if name is None and not as_json:
        for known, summary in tools.summaries().items():
            click.echo(f"{known:<18} {summary}")
        return
    from modelwright.tooldoc import as_json as described
    from modelwright.tooldoc import text

    if name:
        found = tools.load(name)
        say_json(described(found), 2) if as_json else say(text(found))
    else:
        say_json([described(t) for t in tools.load_all().values()], 2)


@click.command()
@JSON
@clear_errors
def doctor(as_json: bool) -> None:
    """The machine, the extras, the stores; each with its fix."""
    from modelwright.agent.doctor import examine
    from modelwright.plantable import table

    findings = examine(Path("."))
    if as_json:
        say_json([f.__dict__ for f in findings])
    else:
        say(table([["", "what", "found", "fix"], *[["ok" if f.ok else "--", f.name, f.found, f.fix] for f in findings]]))
