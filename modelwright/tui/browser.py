"""Opens a file in the person's browser; where there is no graphical one its path goes to the clipboard instead.

A text browser would draw over the app, so it is not used: on Linux a browser needs DISPLAY or WAYLAND_DISPLAY.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from textual.app import App


def can_open() -> bool:
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"))


def open_file(app: App[object], path: Path) -> None:
    if not path.is_file():
        app.notify(f"{path} is not there any more", severity="error", markup=False)
    elif can_open():
        app.open_url(path.as_uri())
        app.notify(f"opened {path}", markup=False)
    else:
        app.copy_to_clipboard(str(path))
        app.notify(f"no browser here; copied {path}", markup=False)
