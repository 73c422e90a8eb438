"""Commands about documents: rag_index, rag_search, rag_answer, why-not, indexes, cite verify.

Searching and answering read only, so they run here and now, after the policy has allowed them: no run is recorded, LangGraph
is not loaded, and a cold answer takes about a second. Indexing is a call like any other (ledger, approval, resume).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modelwright.cli.base import JSON
from modelwright.cli.input import call_arguments, checked_text, read_text
from modelwright.cli.output import clear_errors, say, say_json, say_table
from modelwright.errors import ApprovalNeeded, BadRequest, Denied

if TYPE_CHECKING:
    from modelwright.graphs.context import RunContext
    from modelwright.memory.documents.service import DocumentIndexes
    from modelwright.types import ToolResult

MORE = "[KEY=VALUE]..."


@click.command("rag_index")
@click.argument("path")
@click.argument("arguments", nargs=-1, metavar=MORE)
@click.option("--index", default="default", show_default=True, help="name of the index")
@click.option("--yes", is_flag=True, help="grant what policy would ask")
@JSON
@click.pass_context
def rag_index(context: click.Context, path: str, arguments: tuple[str, ...], index: str, yes: bool, as_json: bool) -> None:
    """Index the folder, file or glob PATH; unchanged files are skipped."""
    from modelwright.cli.run import call

    context.invoke(call, tool="rag_index", arguments=(f"path={path}", f"index={index}", *arguments), yes=yes, as_json=as_json)


@click.command("rag_search")
@click.argument("query")
@click.argument("arguments", nargs=-1, metavar=MORE)
@click.option("--index", default="default", show_default=True, help="name of the index; auto asks the one that fits")
@click.option("--top-k", type=click.IntRange(1, 200), default=5, show_default=True, help="passages to give")
@click.option("--mode", type=click.Choice(["lexical", "dense", "hybrid"]), default="hybrid", show_default=True)
@JSON
@clear_errors
def rag_search(query: str, arguments: tuple[str, ...], index: str, top_k: int, mode: str, as_json: bool) -> None:
    """Find passages for QUERY; further arguments as KEY=VALUE (see `tools rag_search`)."""
    given = {"query": checked_text(query, "the query"), "index": index, "top_k": top_k, "mode": mode}
    result = _read("rag_search", given, arguments, as_json)
    for notice in getattr(result, "notices", []):
        click.echo(notice, err=True)
    for number, one in enumerate(getattr(result, "passages", []), 1):
        page = f" page {one.page}" if one.kind == "pdf" else ""
        ranks = ", ".join(f"{name} {rank}" for name, rank in one.ranks.items())
        say(f"{number}. {one.document}{page} [{one.start}:{one.end}]  score {one.score:.3f} ({ranks})\n{_indented(one.text)}\n")
    if not getattr(result, "passages", []):
        say(result.summary)


@click.command("rag_answer")
@click.argument("question")
@click.argument("arguments", nargs=-1, metavar=MORE)
@click.option("--index", default="default", show_default=True, help="name of the index; auto asks the one that fits")
@JSON
@clear_errors
def rag_answer(question: str, arguments: tuple[str, ...], index: str, as_json: bool) -> None:
    """Answer QUESTION from an index, each sentence with its proof; exit code 1 when nothing is found."""
    result = _read("rag_answer", {"question": checked_text(question, "the question"), "index": index}, arguments, as_json)
    for notice in getattr(result, "notices", []):
        click.echo(notice, err=True)
    say(getattr(result, "answer", result.summary))
    sys.exit(0 if getattr(result, "found", True) else 1)


@click.command("why-not")
@click.argument("document")
@click.argument("query")
@click.option("--index", default="default", show_default=True, help="name of the index")
@click.option("--top-k", type=click.IntRange(1, 200), default=5, show_default=True)
@click.option("--mode", type=click.Choice(["lexical", "dense", "hybrid"]), default="hybrid", show_default=True)
@JSON
@clear_errors
def why_not(document: str, query: str, index: str, top_k: int, mode: str, as_json: bool) -> None:
    """Why a search for QUERY does not give DOCUMENT (a path or part of one), and what would bring it up."""
    context = _context()
    spec = {"query": checked_text(query, "the query"), "index": index, "top_k": top_k, "mode": mode}
    found = context.documents.why_not(document, spec)
    if as_json:
        say_json(found)
        return
    say(f"{found['document']}: {found['stage']}\n  why: {found['why']}")
    if found["change"]:
        say(f"  what would bring it up: {found['change']}")
    if found.get("passage"):
        say(f"  its nearest passage:\n{_indented(found['passage'])}")


@click.group(invoke_without_command=True)
@JSON
@click.pass_context
@clear_errors
def indexes(context: click.Context, as_json: bool) -> None:
    """The document indexes of this workspace: list them, or drop one."""
    if context.invoked_subcommand:
        return

    documents = _indexes()
    found = [{"index": name, **documents.describe(name)} for name in documents.names()]
    if as_json:
        say_json({"indexes": found})
        return
    rows = [[one["index"], str(one["documents"]), str(one["chunks"]), str(len(one["refused"])), one["chunker"]] for one in found]
    say_table([["index", "documents", "chunks", "refused", "chunker"], *rows]) if rows else say("nothing is indexed here")


@indexes.command()
@click.argument("name")
@JSON
@clear_errors
def drop(name: str, as_json: bool) -> None:
    """Delete the index NAME (whole name): chunks, vectors, words and texts. The files it was made from stay."""
    from modelwright.text import counted

    gone = _indexes().drop(name)
    say_json(gone) if as_json else say(
        f"dropped {gone['index']}: {counted(gone['documents'], 'document')}, {counted(gone['chunks'], 'chunk')}; the files stay"
    )


@click.group()
def cite() -> None:
    """Proofs of answers."""


@cite.command("verify")
@click.argument("file")
@click.option("--root", metavar="FOLDER", help="where the sources lie now, if not where they lay: found by name, proved by hash")
@JSON
@clear_errors
def cite_verify(file: str, root: str | None, as_json: bool) -> None:
    """Reopen every source that the answer in FILE cites and look; needs no index, model or network. Exit code 1 unless all are proved."""
    from modelwright.tools._rag_cite import Citation, sentences_in, verify

    try:
        sentences = sentences_in(json.loads(read_text(file)))
    except ValueError as error:
        raise BadRequest(f"{file} is not JSON: {error}") from None

    def find(citation: Citation) -> Path:
        path = Path(citation.document)
        return next(Path(root).rglob(path.name), path) if root else path

    made = verify(sentences, find)
    good = sum(one.status == "verified" for one in made)
    if as_json:
        say_json({"file": file, "sentences": len(sentences), "verified": good, "citations": [one.model_dump() for one in made]})
    else:
        for one in made:
            say(f"sentence {one.sentence}: {one.status} ({one.detail})" + (f" {one.document}" if one.document else ""))
        say(f"{len(sentences)} sentences, {good} of {len(made)} proofs hold" if sentences else "no sentence: the answer was `not found`")
    sys.exit(0 if good == len(made) else 1)


def _indented(text: str) -> str:
    return "\n".join(f"   {line}" for line in text.splitlines())


def _context() -> RunContext:
    from modelwright import config
    from modelwright.graphs.context import RunContext
    from modelwright.workspace import Workspace

    workspace = Workspace(Path("."))
    jobs = workspace.home / "jobs" / f"read-{_run_number()}"
    return RunContext(workspace.root, jobs / "out", jobs, config.load(workspace.root), lambda numbers: None)


def _indexes() -> DocumentIndexes:
    from modelwright.memory.documents.service import DocumentIndexes

    context = _context()
    return DocumentIndexes(context.workspace, context.settings, context.job)


def _run_number() -> str:
    import os
    import time

    return f"{int(time.time())}-{os.getpid()}"


def _read(name: str, given: dict[str, Any], arguments: tuple[str, ...], as_json: bool) -> ToolResult:
    """Run a tool that only reads, if the policy allows it. With --json, print it as `call` does and end."""
    from modelwright import tools
    from modelwright.policies import load
    from modelwright.tooldoc import command
    from modelwright.types import Decision

    tool, context = tools.load(name), _context()
    args = {**given, **call_arguments(name, arguments, None)}
    validated = tool.validate(args)
    settings = context.settings
    policy = load(Path(settings.policy) if settings.policy else None)
    verdict = policy.decide(tool, args, tool.estimate(validated, context.workspace), context.workspace)
    if verdict.decision is Decision.DENY:
        raise Denied(f"policy denies {name}: {verdict.reason} (rule {verdict.rule})")
    if verdict.decision is Decision.ASK:
        raise ApprovalNeeded(f"policy asks about {name}: {verdict.reason}", fix=command(name, args))
    result = tool.run(validated, context)
    if as_json:
        checks = [check.model_dump() for check in tool.checks(validated, result)]
        say_json({"tool": name, "args": args, "result": result.model_dump(mode="json"), "checks": checks})
        sys.exit(0 if all(check["passed"] for check in checks) and getattr(result, "found", True) else 1)
    return result
