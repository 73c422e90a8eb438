"""The plan, and what the person says to it: yes in three sizes, no with a reason, or a change.

Keys work for the highlighted step. A letter alone approves nothing: it goes to its button, where Enter gives the yes; one that another
letter follows at once begins words (held.py). For half a second after something is asked, keys that answer are not heard. A change of
arguments goes to the run, which asks again; any other makes a draft, another plan. An undo takes both back, all at once.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Button, DataTable

from modelwright.tui.messages import AlwaysWritten, PlanTaken, Replied
from modelwright.tui.widgets import plan_edits
from modelwright.tui.widgets.arguments import Arguments
from modelwright.tui.widgets.asked import BUTTONS, Asked
from modelwright.tui.widgets.held import deeds_of
from modelwright.tui.widgets.plain import Plain
from modelwright.tui.widgets.plan_table import Others, PlanTable, in_short
from modelwright.tui.widgets.reach import Answers

if TYPE_CHECKING:
    from modelwright.tui.state import RunView
    from modelwright.tui.steps import StepView
    from modelwright.types import Json

GRACE_SECONDS = 0.5
ANSWERS = ("allow_for_run", "always")
OF_A_STEP = ("edit_step", "remove", "move_step")
CHANGES = ("allow", "edit_step", "remove", "move_step", "add", "open_file")


class PlanCard(PlanTable):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "begin('a')", "allow"),
        Binding("r", "begin('r')", "for run"),
        Binding("A", "begin('A')", "always…"),
        Binding("e", "edit_step", "edit"),
        Binding("x", "reject", "reject…"),
        Binding("x", "undo", "undo edits"),
        Binding("s", "source(1)", "source"),
        Binding("S", "source(-1)", "source, backwards", show=False),
        Binding("d", "remove", "remove step"),
        Binding("K", "move_step(-1)", "move up", show=False),
        Binding("J", "move_step(1)", "move down", show=False),
        Binding("n", "add", "add step", show=False),
        Binding("o", "open_file", "in $EDITOR", show=False),
    ]

    def __init__(self, view: RunView, root: Path, policy: Path | None) -> None:
        super().__init__(view)
        self._root, self._policy = root, policy
        self.pending: Json | None = None
        self._asked_at = 0.0
        self._edits = plan_edits.ArgumentEdits()
        self._rejected = False

    def compose(self) -> ComposeResult:
        yield Plain("Plan", classes="title")
        yield DataTable(cursor_type="row", zebra_stripes=False)
        yield Others()
        yield Arguments()
        yield Asked()
        yield Answers(BUTTONS)

    # what is asked -------------------------------------------------------------------------------------------------------

    def ask(self, pending: Json) -> None:
        self.pending, self._asked_at = pending, time.monotonic()
        self._edits.settle(self.view.steps, pending["calls"])
        self.query_one(Asked).look(pending["calls"], self._root, self._policy)
        self._changed()
        self.go_to([step.id for step in self.steps() if step.changed] + self._asked_ids())
        self.call_after_refresh(self.post_message, Asked.Sized())  # as long as before, it may still be out of view

    def settled(self) -> None:
        """Nothing is asked any more."""
        self.pending = self.draft = None
        self._changed()

    def superseded(self, as_it_was: RunView) -> None:
        """Words have changed the plan: another card shows what it is now, this one what it was."""
        self.view, self._rejected = as_it_was, False
        self.settled()

    def _changed(self) -> None:
        self.show()
        self.refresh_bindings()

    def standing(self) -> list[str]:
        if self._rejected:
            return ["rejected", "say what to change, or Ctrl+G and g plan it again"]
        return [*(super().standing() or ["edited"]), "x undoes every edit"] if self.is_edited else []

    @property
    def is_edited(self) -> bool:
        """Whether what is shown is another plan than the one that was proposed, and can still become that again."""
        return self.draft is not None or (self.pending is not None and bool(self._edits.back(self.view.steps)))

    def show_detail(self) -> None:
        super().show_detail()
        self._show_asked()

    def _show_asked(self) -> None:
        asked = self.query_one(Asked)
        self.set_class(self.pending is not None, "asking")
        self.set_class(self.draft is not None, "edited")
        self.set_class(self.is_edited, "changed")
        if self.pending is None or self.draft is not None:
            return asked.say("")
        step = self.selected()
        return asked.tell(self.pending, step.id if step else None, self.view.run, {one.id: in_short(one) for one in self.steps()})

    def on_asked_looked(self, event: Asked.Looked) -> None:
        event.stop()
        self._show_asked()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        if self._can_change:
            self.action_edit_step()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "begin":
            return str(parameters[0]) in self._yes
        if action in ("reject", "undo"):
            return self._can_change and self.is_edited == (action == "undo")
        if action in ANSWERS:
            return self.pending is not None and self.draft is None
        if action in OF_A_STEP and self.selected() is None:  # at the row of totals
            return False
        return self._can_change if action in CHANGES else True

    @property
    def _can_change(self) -> bool:
        return self.pending is not None or self.draft is not None

    @property
    def _yes(self) -> dict[str, str]:
        """The letters that begin a yes, each with its button."""
        yes = {"a": "allow", "r": "allow_for_run", "A": "always"} if self.pending is not None else {}
        return {"a": "take"} if self.draft is not None else yes

    def on_key(self, event: events.Key) -> None:
        self.query_one(Answers).hear(event, self._yes, deeds_of(self, at_once=("source",)))

    def action_begin(self, letter: str) -> None:
        self.query_one(Answers).begin(letter, self._yes[letter])

    def _heard(self) -> bool:
        return time.monotonic() - self._asked_at >= GRACE_SECONDS

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.query_one(Answers).given()
        name = {"take": "allow", "drop": "undo"}.get(str(event.button.id), event.button.id)
        getattr(self, f"action_{name}")()

    # answers ---------------------------------------------------------------------------------------------------------------

    def action_allow(self) -> None:
        if not self._heard():
            return
        if self.draft is not None:
            self.post_message(PlanTaken(self.draft, self.view.run))
        else:
            self._reply({"allow": self._asked_ids()})

    def action_allow_for_run(self) -> None:
        if self._heard():
            self._reply({"allow_for_run": self._asked_ids()})

    def _asked_ids(self) -> list[str]:
        return [call["id"] for call in (self.pending or {}).get("calls", [])]

    def _reply(self, reply: Json) -> None:
        self.pending = None
        self._show_asked()
        self.refresh_bindings()
        self.post_message(Replied(reply))

    def action_always(self) -> None:
        """Show the rules that would be written; write them after a yes."""
        from modelwright.tui.screens.always import Always

        if not self._heard() or self.pending is None:
            return
        if rules := self.query_one(Asked).rules():
            self.app.push_screen(Always(rules), lambda yes: self._write(rules) if yes else None)
        else:
            self.app.notify("what it touches is not known yet", markup=False)

    def _write(self, rules: list[str]) -> None:
        from modelwright.tui.screens.always import write

        if write(rules, self._root, self.app):
            self.post_message(AlwaysWritten())
            self._reply({"allow_for_run": self._asked_ids()})

    def action_reject(self) -> None:
        """No, with a reason."""
        from modelwright.tui.screens.ask import AskLine

        if not self._heard() or self.pending is None:
            return
        step = self.selected()
        name = step.id if step and step.id in self._asked_ids() else self._asked_ids()[0]

        def told(reason: str | None) -> None:
            if reason is not None:
                self._rejected = True
                self._reply({"reject": {name: reason}})
                self.show()

        self.app.push_screen(AskLine(f"Why not {name}? (say what to change, and it is asked about again; otherwise the run ends)"), told)

    def action_undo(self) -> None:
        """Back to the plan as it was proposed: the draft is dropped, and the run is told to change arguments back."""
        if self._heard():
            self.draft = None
            if self.pending is not None and (told := self._edits.take_back(self.view.steps)):
                self._reply({"edit": told})
            self._changed()

    # changes ---------------------------------------------------------------------------------------------------------------

    def _plan(self) -> Json:
        """The plan as it is drawn."""
        return self.draft if self.draft is not None else plan_edits.plan_of(self.steps(), self.view.request)

    def take_draft(self, plan: Json) -> None:
        """Show an edited plan with fresh estimates and decisions, or say why it does not check."""
        from modelwright.agent.editing import assessed
        from modelwright.errors import ModelwrightError

        try:
            self.draft = assessed(plan, self._root, self._policy)
        except ModelwrightError as error:
            why = plan_edits.out_of_order(plan) if "come before" in error.message else str(error)
            return self.app.notify(why, title="the plan does not check", severity="error", markup=False)
        return self._changed()

    def action_edit_step(self) -> None:
        from modelwright.tui.screens.step_form import StepForm

        step = self.selected()
        if step is not None and self._can_change:
            form = StepForm(self._plan(), step.id, self._root)
            self.app.push_screen(form, lambda changes: self._edited(step, changes) if changes else None)

    def _edited(self, step: StepView, changes: Json) -> None:
        if self.draft is not None or self.pending is None:
            return self.take_draft(plan_edits.with_arguments(self._plan(), step.id, changes))
        self._edits.make(step, changes)
        return self._reply({"edit": {step.id: changes}})

    def action_remove(self) -> None:
        step = self.selected()
        if step is not None and (why := plan_edits.still_needed(self._plan(), step.id)):
            self.app.notify(why, severity="warning", markup=False)
        elif step is not None:
            self.take_draft(plan_edits.without(self._plan(), step.id))
            self.table.move_cursor(row=min(self.table.cursor_row, len(self.steps()) - 1))

    def action_move_step(self, by: int) -> None:
        if step := self.selected():
            self.take_draft(plan_edits.moved(self._plan(), step.id, by))
            self.table.move_cursor(row=[s.id for s in self.steps()].index(step.id))

    def action_add(self) -> None:
        from modelwright.tui.screens.ask import ChooseTool

        self.app.push_screen(ChooseTool(), lambda tool: self._add(tool) if tool else None)

    def _add(self, tool: str) -> None:
        from modelwright.tui.screens.step_form import StepForm

        plan, name = plan_edits.with_step(self._plan(), tool)

        def filled(args: Json | None) -> None:
            if args is not None:
                self.take_draft(plan_edits.with_arguments(plan, name, args))

        self.app.push_screen(StepForm(plan, name, self._root), filled)

    def action_open_file(self) -> None:
        """The plan in $EDITOR; what comes back is checked."""
        from modelwright.tui.editor import edited_json

        try:
            plan = edited_json(self.app, self._plan())
        except ValueError as error:
            return self.app.notify(f"not JSON: {error}", severity="error", markup=False)
        return self.take_draft(plan) if plan is not None else None
