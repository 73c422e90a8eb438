"""A monkey at the terminal app: 2,000 random keys, clicks, scrolls, pastes and resizes with a fixed seed; counts unhandled exceptions.

    python benchmarks/tui_monkey.py [EVENTS] [SEED]

It runs in an empty folder with a worker that plans, asks, trains and ends on paper, so that every card is met. A key that leaves
the app is not pressed; nothing that it does starts a model.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import card

KEYS = [
    *"abcdehjknopruxyAKJNE=/+[]?@ ",
    *("enter", "escape", "tab", "shift+tab", "up", "down", "left", "right", "home", "end", "pageup", "pagedown", "backspace", "delete"),
    *("f1", "f2", "f3", "f4", "f5", "f7", "f8", "f9", "ctrl+o", "ctrl+g", "ctrl+j", "ctrl+p", "ctrl+t", "ctrl+b", "ctrl+s", "ctrl+u"),
]
SIZES = [(80, 24), (140, 40), (60, 15), (30, 8), (200, 50)]
TYPED = ["look at it", "/runs", "/zzz", "@", "/export", "why?", "[red]x[/]"]


async def play(count: int, seed: int, script: Path) -> tuple[int, str]:
    from modelwright.tui.app import Modelwright
    from modelwright.tui.hearing import Hearing
    from tests.tui import lines

    Hearing._hear = lambda _, handler, said: handler(said)  # type: ignore[method-assign]  # what the app would catch and tell counts too

    rng = random.Random(seed)
    teller = lines.Teller()
    said = [*lines.begin(teller), lines.pending(), {"wait": True}, *lines.training(teller), *lines.finish(teller)]
    script.write_text(json.dumps([said] * 50), encoding="utf-8")
    talking = Path(lines.__file__).with_name("talking.py")
    app = Modelwright("monkey", command=[sys.executable, "-S", str(talking), str(script)])
    begun = 0
    try:
        async with app.run_test(size=SIZES[0], notifications=True) as pilot:
            app.action_leave = lambda: None  # type: ignore[method-assign]
            app.open_url = lambda *_: None  # type: ignore[method-assign,assignment]
            os.environ["EDITOR"] = "true"
            for begun in range(1, count + 1):  # noqa: B007  # told when it ends early
                await one(rng, app, pilot)
    except Exception as error:
        return begun, f"{type(error).__name__}: {error}"
    return begun, ""


async def one(rng: random.Random, app: Any, pilot: Any) -> None:
    draw = rng.random()
    if draw < 0.72:
        await pilot.press(rng.choice(KEYS))
    elif draw < 0.9:
        width, height = app.size
        await pilot.click(offset=(rng.randrange(width), rng.randrange(height)))
    elif draw < 0.95:
        await pilot.hover(offset=(rng.randrange(app.size.width), rng.randrange(app.size.height)))
    elif draw < 0.98 and len(app.screen_stack) == 1:
        app.chat.composer.put(rng.choice(TYPED))
        await pilot.press("enter")
    else:
        await pilot.resize_terminal(*rng.choice(SIZES))


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    print(card(), "", sep="\n")
    sys.path.insert(0, str(Path(__file__).parents[1]))
    with tempfile.TemporaryDirectory() as name:
        work = Path(name) / "work"
        work.mkdir()
        os.chdir(work)
        began = time.perf_counter()
        done, error = asyncio.run(play(count, seed, Path(name) / "script.json"))
    print("| events | seed | seconds | unhandled exceptions |", "| --- | --- | --- | --- |", sep="\n")
    print(f"| {done} | {seed} | {time.perf_counter() - began:.0f} | {1 if error else 0} {error} |")
    sys.exit(1 if error else 0)


if __name__ == "__main__":
    main()
