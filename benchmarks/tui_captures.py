"""The pictures of the terminal app: a finished run is shown to it again, event by event, and it is photographed three times.

    python benchmarks/tui_captures.py WORKSPACE RUN FOLDER

Makes tui_plan, tui_run and tui_compare in FOLDER: SVG as Textual exports it, and PNG where chromium is installed. Plan, estimates,
decisions, losses, speed and verdicts are those of the run's own trace; nothing is run. The workspace is only read.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modelwright.tui import clock, data
from modelwright.tui.app import Modelwright
from modelwright.tui.follow import Follower
from modelwright.tui.widgets.asked import Asked
from modelwright.tui.widgets.results import ResultCard

Json = dict[str, Any]
SIZE = (116, 46)
LOSSES_SHOWN = 17
"""points of the curve in the picture of the run"""
SILENT = [sys.executable, "-S", "-c", "import sys; sys.stdin.read()"]


def copied(workspace: Path, folder: Path) -> Path:
    """The workspace without its models and jobs, under a name that says nothing of this machine."""
    made = folder / "larkfield"
    shutil.copytree(workspace, made, ignore=shutil.ignore_patterns("jobs", "*.gguf", "*.safetensors", "*.lock"))
    return made


def events_of(root: Path, run: str) -> list[Json]:
    follower = Follower(root, run)
    found: list[Json] = []
    while new := follower.new():
        found += new
    follower.close()
    return found


def question_of(events: list[Json]) -> Json:
    """What the run asked, from its plan and its decisions."""
    from modelwright import tools

    plan = next(e["data"]["plan"] for e in events if e["type"] == "plan.proposed")
    decided = {e["step"]: e["data"] for e in reversed(events) if e["type"] == "policy.decision"}
    ids = next(e["data"]["steps"] for e in events if e["type"] == "approval.asked")
    calls = [
        {**s, **decided[s["id"]], "effects": sorted(e.value for e in tools.load(s["tool"]).effects), "call": s["id"]}
        for s in plan["steps"]
        if s["id"] in ids
    ]
    return {"kind": "approval", "calls": calls, "note": None}


async def until(pilot: Any, holds: Callable[[], Any]) -> None:
    while not holds():
        await pilot.pause(0.05)
    await pilot.pause(0.5)


async def photograph(root: Path, run: str, result: Json, save: Callable[[str, str], None]) -> None:
    events = events_of(root, run)
    at_ask = 1 + next(n for n, e in enumerate(events) if e["type"] == "approval.asked")
    losses = [n for n, e in enumerate(events) if e["type"] == "tool.progress" and "loss" in e["data"]]
    at_work = losses[LOSSES_SHOWN] + 1
    app = Modelwright("larkfield", root=root, command=SILENT)
    async with app.run_test(size=SIZE) as pilot:
        app.chat.composer.entry.cursor_blink = False
        hear = app.hearing.receive
        hear([{"ready": "larkfield", "model": "builtin", "policy": None, "unfinished": None}])
        app.turns.say(result["request"])
        hear([{"event": event} for event in events[:at_ask]])
        hear([{"pending": question_of(events)}])
        await until(pilot, lambda: any(asked.rules() for asked in app.chat.query(Asked)))
        app.chat.talk.scroll_home(animate=False)
        await pilot.pause(0.3)
        save("tui_plan", app.export_screenshot())
        clock.now = lambda: events[at_work - 1]["time"]
        app.turns.pending = None
        app.stand("at work")
        peak = next(e["data"]["peak_memory_bytes"] for e in events if e["type"] == "tool.finished")
        data.memory_of = lambda pid: peak
        app.view.memory_in_use = peak
        hear([{"event": event} for event in events[at_ask:at_work]])
        await pilot.press("f3")
        await pilot.pause(1.0)
        save("tui_run", app.export_screenshot())
        await pilot.press("escape")
        hear([{"event": event} for event in events[at_work:]])
        hear([{"done": {"result": result, "answer": ""}}])
        await until(pilot, lambda: app.chat.query(ResultCard))
        await pilot.pause(2.0)
        save("tui_compare", app.export_screenshot())


def as_png(svg: str, path: Path) -> None:
    """Drawn by chromium, with a font that is here instead of the one from the web."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        return
    drawn = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL).replace("Fira Code", "DejaVu Sans Mono")
    width, height = (int(float(n)) + 1 for n in re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)[0])
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(f'<body style="margin:0">{drawn}</body>', encoding="utf-8")
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={width},{height}"]
        subprocess.run([browser, *flags, f"--screenshot={path}", str(page)], check=True, capture_output=True, timeout=120)


def main() -> None:
    workspace, run, folder = Path(sys.argv[1]).resolve(), sys.argv[2], Path(sys.argv[3]).resolve()
    os.environ |= {"TEXTUAL_ANIMATIONS": "none", "COLORTERM": "truecolor", "TERM": "xterm-256color"}

    def save(name: str, svg: str) -> None:
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
        as_png(svg, folder / f"{name}.png")
        print(f"{name}: {', '.join(f'{p.suffix[1:]} {p.stat().st_size / 1000:.0f} kB' for p in sorted(folder.glob(f'{name}.*')))}")

    with tempfile.TemporaryDirectory() as name:
        root = copied(workspace, Path(name))
        os.chdir(root)
        result = json.loads(json.dumps(data.result_of(root, run)).replace(str(workspace), str(root)))
        asyncio.run(photograph(root, run, result, save))


if __name__ == "__main__":
    main()
