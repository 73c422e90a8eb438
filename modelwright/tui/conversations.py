"""The conversation as a whole: written to a file, or left for another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwright.tui.leaving import bound_here
from modelwright.tui.state import RunView

if TYPE_CHECKING:
    from modelwright.tui.app import Modelwright


def export(app: Modelwright, words: str) -> None:
    """ "json", "notes.md"; Markdown where nothing is said."""
    from modelwright.errors import ModelwrightError
    from modelwright.tui.data import export_named

    try:
        app.notify(f"written to {export_named(app.root, app.session, words)}", markup=False)
    except ModelwrightError as error:
        app.notify(str(error), severity="warning", markup=False)


def change(app: Modelwright, name: str) -> None:
    """Go on with another conversation."""
    from modelwright.agent.sessions import check_name
    from modelwright.errors import BadRequest

    if why := bound_here(app):
        return app.notify(why, severity="warning", markup=False)
    try:
        app.session = check_name(name)
    except BadRequest as error:
        return app.notify(str(error), severity="error", markup=False)
    app.view = RunView()
    app.turns.over()  # what it asks stays asked there
    app.call_later(app.open_other)
    return None
