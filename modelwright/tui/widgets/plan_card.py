"""The plan as a table with what it will cost, where each argument came from, and, when policy asks, the approval under it.

Keys work for the highlighted step. For half a second after something is asked, keys that answer are not heard: they were meant for
what was on the screen before.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, DataTable

from modelwright.text import human_bytes, human_seconds
from modelwright.tui.messages import PlanTaken, Replied
from modelwright.tui.state import RunView, StepView
from modelwright.tui.texts import cell, estimate_texts, lines, money, plain, request_with_span, value_text
from modelwright.tui.widgets.plain import Plain
from modelwright.types import Json

GRACE_SECONDS = 0.5
ROOM_FOR_ARGUMENTS = 100
"""columns from which the arguments stand in the table too"""
ANSWERS = ("allow", "allow_for_run", "always", "reject")
CHANGES = ("edit_step", "remove", "move_up", "move_down", "add", "open_file")
DECISIONS = {"allow": "✓ allow", "ask": "? ask", "deny": "✗ deny", "": ""}


class PlanCard(Vertical):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "allow", "allow"),
        Binding("r", "allow_for_run", "allow for run"),
        Binding("A", "always", "always…"),
        Binding("e", "edit_step", "edit"),
        Binding("x", "reject", "reject…"),
        Binding("d", "remove", "remove step"),
        Binding("K", "move_up", "move up", show=False),
        Binding("J", "move_down", "move down", show=False),
        Binding("n", "add", "add step", show=False),
        Binding("o", "open_file", "in $EDITOR", show=False),
    ]

    def __init__(self, view: RunView, root: Path, policy: Path | None) -> None:
        super().__init__()
        self.view, self._root, self._policy = view, root, policy
        self.pending: Json | None = None
        self._asked_at = 0.0
        self.draft: Json | None = None
        """An edited plan that is not run yet."""
        self._columns: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        yield Plain("Plan", classes="title")
        table: DataTable[Text] = DataTable(cursor_type="row", zebra_stripes=False)
        table.cell_padding = 1
        yield table
        yield Plain(classes="detail")
        yield Plain(classes="asked")
        with Horizontal(classes="buttons"):
            for action, label in (
                ("allow", "Allow [a]"),
                ("allow_for_run", "For run [r]"),
                ("always", "Always [A]"),
                ("reject", "Reject [x]"),
            ):
                yield Button(Content(label), id=action, compact=True)
            yield Button(Content("Edit [e]"), id="edit_step", compact=True)
            yield Button(Content("Run edited plan [a]"), id="take", compact=True)

    def on_mount(self) -> None:
        self.show()

    def on_resize(self, event: events.Resize) -> None:
        self.show()

    # drawing -----------------------------------------------------------------------------------------------------------

    def steps(self) -> list[StepView]:
        if self.draft is not None:
            return [
                StepView(
                    s["id"], s["tool"], s["args"], s.get("sources") or {}, s.get("estimate"), s.get("decision") or "", s.get("rule") or ""
                )
                for s in self.draft["steps"]
            ]
        return list(self.view.steps.values())

    def show(self) -> None:
        """Draw what is known now."""
        if not self.is_mounted or not self.size.width:
            return
        table = self.query_one(DataTable)
        at = table.cursor_row
        wide = self.size.width >= ROOM_FOR_ARGUMENTS
        columns = ("step", "tool", *(("arguments",) if wide else ()), "time", "memory", "disk", "decision")
        table.clear(columns=columns != self._columns)
        if columns != self._columns:
            self._columns = columns
            for name in columns:
                table.add_column(name, key=name)
        for step in self.steps():
            table.add_row(*self._row(step, wide), key=step.id)
        self._add_total(table, wide)
        table.move_cursor(row=min(at, max(0, len(self.steps()) - 1)))
        self._show_detail()
        self._show_asked()
        count = len(self.steps())
        edited = " · edited, not run yet" if self.draft is not None else ""
        self.query_one(".title", Plain).say(f"Plan{edited} · run {self.view.run} · {count} {'step' if count == 1 else 'steps'}")

    def _row(self, step: StepView, wide: bool) -> list[Text]:
        seconds, memory, disk = estimate_texts(step.estimate)
        decided = DECISIONS.get(step.decision, step.decision)
        arguments = ", ".join(f"{name}={value_text(value)}" for name, value in step.args.items())
        room = max(20, self.size.width - 76)
        return [
            cell(step.id),
            cell(step.tool, "bold"),
            *([cell(arguments, limit=room)] if wide else []),
            *(cell(text, right=True) for text in (seconds, memory, disk)),
            cell(f"{decided} ({step.rule})" if wide and step.rule else decided, "bold" if step.decision != "allow" else ""),
        ]

    def _add_total(self, table: DataTable[Text], wide: bool) -> None:
        known = [s.estimate for s in self.steps() if s.estimate]
        more = "≥ " if len(known) < len(self.steps()) else ""
        seconds = more + human_seconds(sum(e.get("seconds", 0) for e in known))
        memory = more + human_bytes(max((e.get("memory_bytes", 0) for e in known), default=0))
        disk = more + human_bytes(sum(e.get("disk_bytes", 0) for e in known))
        bounds = ", ".join(f"≤ {value:g} {name}" for name, value in self.view.limits.items() if value is not None and name != "replans")
        gap = [cell(bounds, "dim")] if wide else []
        table.add_row(
            cell(""), cell("total", "bold"), *gap, *(cell(t, "bold", right=True) for t in (seconds, memory, disk)), cell(""), key="total"
        )

    def selected(self) -> StepView | None:
        at, steps = self.query_one(DataTable).cursor_row, self.steps()
        return steps[at] if 0 <= at < len(steps) else None

    def _show_detail(self) -> None:
        step = self.selected()
        if step is None:
            bounds = ", ".join(f"{name} {value:g}" for name, value in self.view.limits.items() if value is not None)
            return self.query_one(".detail", Plain).say(f"budgets of this run: {bounds or 'none'}")
        rows: list[str | Content] = []
        for name, value in step.args.items():
            source = step.sources.get(name, "no source")
            rows.append(Content.assemble("  ", (name, "bold"), f" = {value_text(value)}", plain(f"   from {source}", "$text-muted")))
        spans = [source for source in step.sources.values() if source.startswith("request[")]
        why = f" · {step.decision} by rule {step.rule}: {step.reason}" if step.rule and self.pending is None else ""
        head = f"{step.id} {step.tool}{why}"
        marked = _marked(self.view.request, spans)
        return self.query_one(".detail", Plain).say(lines((head, "bold"), *rows, marked))

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        event.stop()
        self._show_detail()
        self._show_asked()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        if self._can_change():
            self.action_edit_step()

    # what is asked -------------------------------------------------------------------------------------------------------

    def ask(self, pending: Json) -> None:
        self.pending, self._asked_at = pending, time.monotonic()
        self.show()
        self.refresh_bindings()

    def settled(self) -> None:
        """Nothing is asked any more."""
        self.pending = None
        self.draft = None
        self.show()
        self.refresh_bindings()

    def _show_asked(self) -> None:
        asked = self.query_one(".asked", Plain)
        self.set_class(self.pending is not None, "asking")
        self.set_class(self.draft is not None, "edited")
        if self.pending is None or self.draft is not None:
            return asked.say(Content(""))
        calls = {call["id"]: call for call in self.pending["calls"]}
        step = self.selected()
        call = calls.get(step.id) if step else None
        head = plain("Allow " + ", ".join(f"{c['id']} {c['tool']}" for c in calls.values()) + "?", "bold")
        if call is None:
            return asked.say(lines(head, *self._note()))
        return asked.say(lines(head, *self._note(), *self._consequences(call)))

    def _note(self) -> list[str]:
        return [f"note: {self.pending['note']}"] if self.pending and self.pending.get("note") else []

    def _consequences(self, call: Json) -> list[str]:
        """What this call will write, read, run and spend."""
        from modelwright.agent.consent import consent
        from modelwright.errors import ModelwrightError

        try:
            found = consent(call["tool"], call["args"], self._root, self._policy)
        except (ModelwrightError, OSError) as error:
            return [f"cannot be looked at: {error}"]
        seconds, memory, disk = estimate_texts(call.get("estimate"))
        return [
            f"  writes  {_places(found.writes) or 'the folder of this run only'}",
            f"  reads   {_places(found.reads) or 'no file of yours'}",
            f"  runs    {call['tool']} ({', '.join(found.effects)})",
            f"  spends  {seconds}, {memory} memory, {disk} disk, {money(call.get('estimate'))}",
            *(f"  because {why} (rule {rule})" for rule, why in found.asked_by),
            f"  allow: this call once · for run: every {call['tool']} of this run · always: see the rule first",
        ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("allow", "reject"):
            return self.pending is not None or (action == "allow" and self.draft is not None)
        if action in ANSWERS:
            return self.pending is not None and self.draft is None
        return self._can_change() if action in CHANGES else True

    def _can_change(self) -> bool:
        return self.pending is not None or self.draft is not None

    def _heard(self) -> bool:
        return time.monotonic() - self._asked_at >= GRACE_SECONDS

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        name = "allow" if event.button.id == "take" else str(event.button.id)
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
        from modelwright.tui.screens.ask import Confirm

        if not self._heard() or self.pending is None:
            return
        rules = [self._rule(call) for call in self.pending["calls"]]
        text = "This would be added to your policy, for every run in this folder:\n\n" + "\n".join(rules)
        self.app.push_screen(Confirm("Always?", text, yes="Write the rule"), lambda yes: self._write(rules) if yes else None)

    def _rule(self, call: Json) -> str:
        from modelwright.agent.consent import consent

        return consent(call["tool"], call["args"], self._root, self._policy).rule

    def _write(self, rules: list[str]) -> None:
        from modelwright.agent.consent import write_always
        from modelwright.errors import ModelwrightError

        try:
            for rule in rules:
                path = write_always(rule, self._root)
        except ModelwrightError as error:
            return self.app.notify(str(error), severity="error", markup=False)
        self.app.notify(f"written to {path.name}; modelwright policy check", markup=False)
        return self._reply({"allow_for_run": self._asked_ids()})

    def action_reject(self) -> None:
        from modelwright.tui.screens.ask import AskLine

        if not self._heard() or self.pending is None:
            return
        step = self.selected()
        name = step.id if step and step.id in self._asked_ids() else self._asked_ids()[0]

        def told(reason: str | None) -> None:
            if reason is not None:
                self._reply({"reject": {name: reason}})

        self.app.push_screen(AskLine(f"Why not {name}? (empty is fine; the run ends)"), told)

    # changes ---------------------------------------------------------------------------------------------------------------

    def action_edit_step(self) -> None:
        from modelwright.tui.screens.step_form import StepForm

        step = self.selected()
        if step is None or not self._can_change():
            return
        plan = self._plan()
        self.app.push_screen(StepForm(plan, step.id, self._root), lambda changes: self._edited(step, changes) if changes else None)

    def _edited(self, step: StepView, changes: Json) -> None:
        if self.draft is None:
            step.args = {k: v for k, v in {**step.args, **changes}.items() if v is not None}
            step.sources = {**step.sources, **dict.fromkeys(changes, "edit")}
            self._reply({"edit": {step.id: changes}})
            return
        for one in self.draft["steps"]:
            if one["id"] == step.id:
                one["args"] = {k: v for k, v in {**one["args"], **changes}.items() if v is not None}
                one["sources"] = {**one.get("sources", {}), **dict.fromkeys(changes, "edit")}
        self.take_draft(self.draft)

    def _plan(self) -> Json:
        """The plan as it is drawn, ready to be changed."""
        import copy

        if self.draft is not None:
            return copy.deepcopy(self.draft)
        steps = [{"id": s.id, "tool": s.tool, "args": dict(s.args), "sources": dict(s.sources)} for s in self.steps()]
        return {"request": self.view.request, "kind": "plan", "steps": steps}

    def take_draft(self, plan: Json) -> None:
        """Show an edited plan with fresh estimates and decisions, or say why it does not check."""
        from modelwright.agent.editing import assessed
        from modelwright.errors import ModelwrightError

        try:
            self.draft = assessed(plan, self._root, self._policy)
        except ModelwrightError as error:
            return self.app.notify(str(error), title="the plan does not check", severity="error", markup=False)
        self.show()
        return self.refresh_bindings()

    def action_remove(self) -> None:
        self._rearranged(lambda steps, at: steps.pop(at))

    def action_move_up(self) -> None:
        self._rearranged(lambda steps, at: steps.insert(at - 1, steps.pop(at)) if at else None)

    def action_move_down(self) -> None:
        self._rearranged(lambda steps, at: steps.insert(at + 1, steps.pop(at)))

    def _rearranged(self, change: Any) -> None:
        step = self.selected()
        if step is None:
            return
        plan = self._plan()
        change(plan["steps"], [s["id"] for s in plan["steps"]].index(step.id))
        self.take_draft(plan)

    def action_add(self) -> None:
        from modelwright.tui.screens.ask import ChooseTool
        from modelwright.tui.screens.step_form import StepForm

        plan = self._plan()
        taken = {step["id"] for step in plan["steps"]}
        name = next(f"s{n}" for n in range(1, 100) if f"s{n}" not in taken)

        def filled(args: Json | None) -> None:
            if args is not None:
                plan["steps"][-1]["args"] = {k: v for k, v in args.items() if v is not None}
                plan["steps"][-1]["sources"] = dict.fromkeys(args, "edit")
                self.take_draft(plan)

        def chosen(tool: str | None) -> None:
            if tool:
                plan["steps"].append({"id": name, "tool": tool, "args": {}, "sources": {}})
                self.app.push_screen(StepForm(plan, name, self._root), filled)

        self.app.push_screen(ChooseTool(), chosen)

    def action_open_file(self) -> None:
        """The plan in $EDITOR; what comes back is checked."""
        from modelwright.tui.editor import edited_json

        try:
            plan = edited_json(self.app, self._plan())
        except ValueError as error:
            return self.app.notify(f"not JSON: {error}", severity="error", markup=False)
        return self.take_draft(plan) if plan is not None else None


def _marked(request: str, sources: list[str]) -> Content:
    """The request with every place in «» that an argument of the step came from."""
    from modelwright.tui.texts import span_of

    spans = sorted({span for source in sources if (span := span_of(source, request))})
    if len(spans) == 1:
        return Content.assemble("  ", request_with_span(request, sources[0]))
    made: list[Content | str] = ["  "]
    at = 0
    for start, end in spans:
        if start >= at:
            made += [plain(request[at:start], "$text-muted"), plain(f"«{request[start:end]}»", "bold underline")]
            at = end
    return Content.assemble(*made, plain(request[at:], "$text-muted"))


def _places(found: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{path} ({zone})" for path, zone in found)
