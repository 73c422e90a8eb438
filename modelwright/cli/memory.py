"""Commands about what is remembered: memory list, search, show, set, add, approve, hide, forget, purge, export, why, reindex."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from modelwright.cli.base import JSON, open_db
from modelwright.cli.output import clear_errors, say, say_json, say_table
from modelwright.errors import BadRequest

if TYPE_CHECKING:
    from modelwright.agent.memory_view import MemoryView
    from modelwright.types import Json

IDS = click.argument("ids", nargs=-1, type=int, required=True, metavar="ID...")


@contextmanager
def opened(*, embed: bool = False) -> Iterator[MemoryView]:
    from modelwright import config
    from modelwright.agent.memory_view import MemoryView
    from modelwright.workspace import Workspace

    with MemoryView.opened(
        Workspace(Path(".")), config.load(Path(".")), lambda message: click.echo(message, err=True), embed=embed
    ) as view:
        yield view


@click.group()
def memory() -> None:
    """What is remembered, why, and how to forget it."""


@memory.command("list")
@click.option("--kind", "kinds", multiple=True, help="profile, episodic, semantic or procedural; all if left out")
@click.option("--quarantine", is_flag=True, help="what waits for your approval instead")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@JSON
@clear_errors
def memory_list(kinds: tuple[str, ...], quarantine: bool, limit: int, as_json: bool) -> None:
    """What is remembered, newest first."""
    with opened() as view:
        _say_entries(view.entries(kinds, limit=limit, quarantined=quarantine), as_json)


@memory.command("search")
@click.argument("text")
@click.option("--top", type=click.IntRange(1), default=10, show_default=True)
@click.option("--meaning", is_flag=True, help="by meaning too, with the embedder (what is not embedded yet: memory reindex)")
@JSON
@clear_errors
def memory_search(text: str, top: int, meaning: bool, as_json: bool) -> None:
    """What is remembered about TEXT."""
    with opened(embed=meaning) as view:
        _say_entries(view.search(text, top), as_json)


def _say_entries(entries: list[Json], as_json: bool) -> None:
    from modelwright.text import one_line

    if as_json:
        say_json({"memories": entries})
    elif entries:
        rows = [[str(e["id"]), e["kind"], e["trust"], one_line(e["text"], 100)] for e in entries]
        say_table([["id", "kind", "trust", "text"], *rows])
        for entry in entries:
            if entry["quarantined"]:
                say(f"{entry['id']} waits: {entry['quarantined']}")
    else:
        say("nothing is remembered")


@memory.command("show")
@click.argument("item", type=int, metavar="ID")
@JSON
@clear_errors
def memory_show(item: int, as_json: bool) -> None:
    """One memory with its origin, the gate's decisions and the runs that were shown it."""
    with opened() as view:
        found = view.show(item)
    if as_json:
        say_json(found)
    else:
        say(
            "\n".join(
                f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}" for name, value in found.items()
            )
        )


@memory.command("set")
@click.argument("pairs", nargs=-1, required=True, metavar="FIELD=VALUE...")
@JSON
@clear_errors
def memory_set(pairs: tuple[str, ...], as_json: bool) -> None:
    """State what plans may use where a request says nothing: model=mine.gguf, gpu=A100, finetune.dataset=data/x.jsonl."""
    split = [pair.partition("=") for pair in pairs]
    for field, _, value in split:
        if not field.strip() or not value.strip():
            raise BadRequest("write FIELD=VALUE", fix="modelwright memory set model=mine.gguf")
    with opened() as view:
        _say_decisions([view.state(field.strip(), value.strip()) for field, _, value in split], as_json)


@memory.command("add")
@click.argument("text")
@JSON
@clear_errors
def memory_add(text: str, as_json: bool) -> None:
    """Remember TEXT, as said by you."""
    with opened() as view:
        _say_decisions([view.add(text)], as_json)


@memory.command("approve")
@IDS
@JSON
@clear_errors
def memory_approve(ids: tuple[int, ...], as_json: bool) -> None:
    """Take what lies in quarantine as yours."""
    with opened() as view:
        _say_decisions([view.approve(item) for item in ids], as_json)


def _say_decisions(decisions: list[Json], as_json: bool) -> None:
    if as_json:
        say_json({"decisions": decisions})
    else:
        say("\n".join(f"{d['action']}{'' if d['id'] is None else ' ' + str(d['id'])}: {d['reason']}" for d in decisions))


def _forgetting(name: str, text: str) -> click.Command:
    @click.command(name, help=text)
    @IDS
    @JSON
    @clear_errors
    def command(ids: tuple[int, ...], as_json: bool) -> None:
        with opened() as view:
            receipt: Json = getattr(view, name)(ids)
        if as_json:
            say_json(receipt)
            return
        places = ", ".join(f"{count} {place}" for place, count in receipt["removed"].items())
        say(f"{name}: {places}; digest {receipt['digest'][:16]}")
        if name == "purge":
            say(f"leak probe: {receipt['probes']} probes, {receipt['hits']} hits")
        for leak in receipt["leaks"]:
            say(f"still found by {leak['how']} in {leak['where']}")

    return command


memory.add_command(_forgetting("hide", "Let no search find them; nothing is deleted."))
memory.add_command(_forgetting("forget", "Delete them with their vectors and words, and what was made from them."))
memory.add_command(_forgetting("purge", "Delete them from every file in .modelwright/, traces and checkpoints too, then look for leaks."))


@memory.command("export")
@clear_errors
def memory_export() -> None:
    """Everything that is remembered, as one JSON object."""
    with opened() as view:
        say_json(view.export())


@memory.command("why")
@click.argument("run")
@JSON
@clear_errors
def memory_why(run: str, as_json: bool) -> None:
    """What RUN was shown of memory, and which arguments of its plan come from it."""
    from modelwright.agent.runs import Runs

    with open_db() as db:
        wanted = Runs(db).get(run)
    with opened() as view:
        found = view.why(wanted)
    if as_json:
        say_json(found)
        return
    for shown in found["recalled"]:
        changed = f"; it set {', '.join(shown['changed'])}" if shown["changed"] else ""
        say(f"recalled {shown['id']} as {shown['use']}: {shown['text'].splitlines()[0][:100]}{changed}")
    for written in found["written"]:
        say(f"wrote {written['kind']}: {written['action']} ({written['reason']})")
    if not found["recalled"]:
        say("nothing was recalled")


@memory.command("reindex")
@click.argument("collection", default="")
@JSON
@clear_errors
def memory_reindex(collection: str, as_json: bool) -> None:
    """Embed COLLECTION (the long-term memory if left out) with the embedder of the settings, beside what is there, then switch."""
    with opened(embed=True) as view:
        found = view.reindex(collection, lambda done, total: click.echo(f"{done} of {total}", err=True))
    if as_json:
        say_json(found)
    else:
        say(f"{found['collection']}: {found['vectors']} vectors made")
