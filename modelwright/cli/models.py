"""The command about what plans: models."""

from __future__ import annotations

from pathlib import Path

import click

from modelwright.cli.base import JSON
from modelwright.cli.output import clear_errors, say_json, say_table


@click.command()
@click.option("--use", metavar="REF", help="plan with this model from now on: written into the nearest modelwright.toml")
@click.option("--no-check", is_flag=True, help="ask no server whether it is there")
@JSON
@clear_errors
def models(use: str | None, no_check: bool, as_json: bool) -> None:
    """What can plan here: the model of the settings, its fallbacks, and the built-in one; reach, price, speed."""
    from modelwright.agent.models_info import choose_model, models_table, table_cells

    here = Path(".")
    if use:
        written = choose_model(here, use)
        click.echo(f"written to {written}", err=True)
    rows = models_table(here, check=not no_check)
    if as_json:
        say_json([row.as_json() for row in rows])
    else:
        say_table(table_cells(rows))
