"""Commands about what is installed: tools, doctor."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from modelwright.cli.base import JSON
from modelwright.cli.output import clear_errors, say, say_json, say_table


@click.command("tools")
@click.argument("name", required=False)
@JSON
@clear_errors
def tools_command(name: str | None, as_json: bool) -> None:
    """What it can do; with NAME one tool's arguments, result, effects and an example."""
    from modelwright import tools

    if name is None and not as_json:
        from modelwright.plantable import listing, screen_width

        say(listing(list(tools.summaries().items()), screen_width()))
        return
    from modelwright.plantable import screen_width
    from modelwright.tooldoc import as_json as described
    from modelwright.tooldoc import text

    if name:
        found = tools.load(name)
        say_json(described(found), 2) if as_json else say(text(found, screen_width()))
    else:
        say_json([described(t) for t in tools.load_all().values()], 2)


@click.command()
@JSON
@clear_errors
def doctor(as_json: bool) -> None:
    """The machine, the extras, the settings, the stores; each with its fix. Ends with 2 when nothing can run like this."""
    from modelwright.agent.doctor import examine

    findings = examine(Path("."))
    if as_json:
        say_json([f.__dict__ for f in findings])
    else:
        say_table([["", "what", "found", "fix"], *[["ok" if f.ok else "--", f.name, f.found, f.fix] for f in findings]])
    sys.exit(2 if any(f.stops for f in findings) else 0)
