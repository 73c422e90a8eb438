"""A plan as a file in the person's own editor."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App, SuspendNotSupported

if TYPE_CHECKING:
    from modelwright.types import Json


def edited_json(app: App[object], value: Json) -> Json | None:
    """What came back from $VISUAL or $EDITOR; None when nothing was changed. Raises ValueError when it is no JSON object."""
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plan.json"
        path.write_text(before := json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        try:
            with app.suspend():
                subprocess.run([*shlex.split(command), str(path)], check=False)
        except (SuspendNotSupported, OSError) as error:
            app.notify(f"{command}: {error or 'cannot be opened here'}", severity="error", markup=False)
            return None
        after = path.read_text(encoding="utf-8", errors="replace")
    if after == before:
        return None
    found = json.loads(after)
    if not isinstance(found, dict):
        raise ValueError("it is not one object")
    return found
