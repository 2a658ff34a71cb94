"""The editor of a camera's lines, zones and known lengths, with a preview of their privacy cost and accuracy.

Invariant: the preview is computed from the site file as it would be written and as `site.parse` reads it.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments
from starlette.concurrency import run_in_threadpool

from passerby.config.site import Camera, CountedLine, Site
from passerby.console import backgrounds, policy_form, preview, shapes, site_file
from passerby.console.backgrounds import Background
from passerby.console.canvas import Canvas
from passerby.console.context import ConsoleContext, Login
from passerby.console.jobs import MARKS_S, MarksJob
from passerby.console.pages.layout import errors_shown, text_element, written_url
from passerby.console.pages.review import review
from passerby.console.preview import Ground
from passerby.console.shapes import Shape
from passerby.console.site_file import Change
from passerby.domain.labels import LABELS
from passerby.domain.policy import CrossingsPolicy, FootagePolicy, PromiseName
from passerby.errors import InputError, PasserbyError
from passerby.privacy.plan import USEFUL, Plan
from passerby.privacy.standing_query import cells_of

_SETTLE_S = 0.1

_TOOLS = {
    "select": "Select",
    "line": "Line",
    "arm": "Junction arm",
    "zone": "Zone",
    "scale": "Known length",
}
_KINDS = {"line": "line", "zone": "zone", "scale": "length"}
_HINTS = {
    "select": "Drag a shape, an end, or the edge of a corridor. Arrow keys move it too (Shift: faster, Alt: finer).",
    "line": "Drag from one end to the other, or press Enter to start with a line in the middle.",
    "arm": "A line across an arm of a junction: in goes towards the middle of the picture, out goes away from it.",
    "zone": "Click the corners. Click the first corner, double-click or press Enter to close the zone.",
    "scale": "A length on the ground that you know, near the lines: a car is 4.5 m, a parking bay 5 m.",
}


async def line_editor(
    context: ConsoleContext,
    login: Login,
    camera: Camera,
    background: Background,
    src: str,
    privacy: CrossingsPolicy | None,
) -> None:
    """The background with the shapes on it, the tools and the panel; `privacy` is the site's policy under the crossings
    promise."""
    drawn = shapes.of_camera(camera, background.scales)
    canvas = Canvas(
        src,
        (background.width, background.height),
        shapes.to_browser(drawn),
        label=f"Background of camera {camera.name}",
        readonly=not login.is_operator,
    )
    editor = _Editor(context, login, camera, background, canvas, drawn, privacy)
    with ui.element("div").classes("setup"):
        with ui.element("div").classes("background") as holder:
            editor.build_tools()
            canvas.move(holder)
            editor.build_marks()
        with ui.element("aside").props('aria-label="Shapes"'):
            editor.build_panel()
    canvas.on("change", editor.changed, ["shapes", "selected", "undo", "redo", "live"])
    canvas.on("tool", lambda event: editor.choose_tool(str(event.args)))
    await editor.refresh()


@dataclass(slots=True, eq=False)
class _Editor:
    """The state of an open page: the shapes as drawn, the selection, and the elements that show them.

    `version` counts the changes, so that a preview of an older drawing is not shown."""

    context: ConsoleContext
    login: Login
    camera: Camera
    background: Background
    canvas: Canvas
    shapes: tuple[Shape, ...]
    privacy: CrossingsPolicy | None
    ids: list[int] = field(default_factory=list)
    selected: int | None = None
    per_hour: float = 50.0
    policy: dict[str, str] = field(default_factory=dict)
    marks_job: MarksJob | None = None
    marks_until_s: float = 0.0
    version: int = 0
    _fields_due: bool = False
    """Whether another shape was selected since the fields were built."""
    _parts: dict[str, Any] = field(default_factory=dict)
    _inputs: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    """The fields of the selected shape, and the value that each showed last."""

    def __post_init__(self) -> None:
        self.ids = list(range(1, len(self.shapes) + 1))
        policy = self.privacy or self.camera.policy
        if policy is not None:
            self.policy = policy_form.texts(policy)

    # Built once.
    def build_tools(self) -> None:
        if not self.login.is_operator:
            return
        with ui.element("div").classes("tools").props('role="toolbar" aria-label="Tools"'):
            tools = ui.toggle(_TOOLS, value="select", on_change=lambda event: self.choose_tool(event.value))
            tools.props('no-caps unelevated padding="4px 10px"')
            for name, label in (("undo", "Undo"), ("redo", "Redo")):
                button = ui.button(label, on_click=lambda _, name=name: self.canvas.run_method(name))
                button.props("flat dense no-caps").set_enabled(False)
                self._parts[name] = button
            snap = ui.checkbox(
                "Snap", value=True, on_change=lambda event: self.canvas.set("snap", event.value)
            )
            snap.props("dense")
        self._parts["tools"] = tools
        self._parts["hint"] = text_element("p", _HINTS["select"], "hint")

    def build_marks(self) -> None:
        if not self.login.is_operator:
            return
        with ui.element("div").classes("actions left"):
            button = ui.button("Show what the detector sees", on_click=self.show_marks)
            button.props("flat dense no-caps")
            self._parts["marks"] = text_element("p", "", "hint").props("role=status")
        ui.timer(0.5, self.update_marks)

    def build_panel(self) -> None:
        self._parts["list"] = ui.element("div").classes("shapes")
        self._parts["fields"] = ui.element("div").classes("fields")
        self._parts["preview"] = ui.element("div").classes("preview").props('aria-live="polite"')
        with ui.element("details").classes("policy"):
            text_element("summary", f"Privacy of this {'camera' if self.privacy is None else 'site'}")
            self._policy_fields()
        if self.login.is_operator:
            with ui.element("div").classes("actions left"):
                ui.button("Review and write", on_click=self.propose).props("unelevated no-caps")

    # Events of the canvas.
    def choose_tool(self, tool: str) -> None:
        if tool in _TOOLS:
            self.canvas.set("tool", tool)
            self._parts["tools"].value = tool
            self._parts["hint"].text = _HINTS[tool]

    async def changed(self, event: GenericEventArguments) -> None:
        with errors_shown():
            message: dict[str, Any] = event.args if isinstance(event.args, dict) else {}
            self.shapes = shapes.from_browser(message.get("shapes"))
            self.ids = [shape.get("id") for shape in message["shapes"]]
            selected = message.get("selected")
            reselected = self.selected != selected
            self.selected = selected if selected in self.ids else None
            if message.get("live"):
                self._show_preview(None)
                return
            if self.login.is_operator:
                self._parts["undo"].set_enabled(bool(message.get("undo")))
                self._parts["redo"].set_enabled(bool(message.get("redo")))
            self._fields_due |= reselected
            await self._refresh_when_settled()

    async def _refresh_when_settled(self) -> None:
        """Refresh unless another change follows at once: a key that is held down sends many changes a second."""
        self.version += 1
        version = self.version
        await asyncio.sleep(_SETTLE_S)
        if version == self.version:
            await self.refresh(fields=self._fields_due)

    async def refresh(self, *, fields: bool = True) -> None:
        """Show the current shapes. The plan takes a while: it is shown last, unless the drawing changed meanwhile."""
        self.version += 1
        version = self.version
        self._show_list()
        if fields:
            self._fields_due = False
            self._show_fields()
        self._update_fields()
        self._show_preview(None)
        plan = await run_in_threadpool(self._plan)
        if version == self.version:
            self._show_preview(plan)

    @property
    def chosen(self) -> Shape | None:
        """The selected shape."""
        return self.shapes[self.ids.index(self.selected)] if self.selected in self.ids else None

    def _patch(self, **values: Any) -> None:
        if self.selected is not None:
            self.canvas.run_method("patch", self.selected, values)

    # The list and the fields.
    def _show_list(self) -> None:
        section = self._parts["list"]
        section.clear()
        with section:
            if not self.shapes:
                text_element(
                    "p",
                    "Nothing is drawn yet: choose Line, and draw across the direction of travel.",
                    "empty",
                )
            for id_, shape in zip(self.ids, self.shapes, strict=True):
                name = f"{shape.metres:g} m" if shape.kind == "scale" else shape.name
                button = ui.element("button").props('type="button"').classes("shape")
                button.props["aria-pressed"] = "true" if id_ == self.selected else "false"
                button.on("click", lambda _, id_=id_: self.canvas.run_method("pick", id_))
                with button:
                    text_element("span", "arm" if shape.arm else _KINDS[shape.kind], "kind")
                    text_element("span", name or "without a name")

    def _show_fields(self) -> None:
        """Build the fields of the selected shape."""
        section, shape = self._parts["fields"], self.chosen
        section.clear()
        self._inputs = {}
        if shape is None:
            return
        with section:
            if shape.kind == "scale":
                self._input("metres", "Metres", lambda text: self._patch(metres=_number(text)))
            else:
                self._input("name", "Name", lambda text: self._patch(name=text.strip()))
            if shape.kind == "line":
                self._line_fields(shape)
            if self.login.is_operator:
                self._shape_buttons(shape)

    def _line_fields(self, shape: Shape) -> None:
        with ui.element("div").classes("pair"):
            self._input("right", "Name of to_right", lambda text: self._patch(right=text.strip()))
            self._input("left", "Name of to_left", lambda text: self._patch(left=text.strip()))
        self._input("arm", "Junction of this arm, empty for none", lambda text: self._patch(arm=text.strip()))
        self._labels(shape)
        self._input(
            "corridor",
            "Corridor: frame heights to each side, empty for off",
            lambda text: self._patch(corridor=_number(text) if text.strip() else None),
        )

    def _shape_buttons(self, shape: Shape) -> None:
        with ui.element("div").classes("actions left"):
            if shape.kind == "line":
                turn = ui.button("Reverse", on_click=lambda: self.canvas.run_method("turn", self.selected))
                turn.props("flat dense no-caps")
            delete = ui.button("Delete", on_click=lambda: self.canvas.run_method("drop", self.selected))
            delete.props("flat dense no-caps color=negative")

    def _update_fields(self) -> None:
        """Update each field whose value changed, such as by an undo; a field that is being typed in stays."""
        values = {} if self.chosen is None else _values(self.chosen)
        for key, (element, last) in self._inputs.items():
            if key in values and values[key] != last:
                self._inputs[key] = element, values[key]
                element.value = values[key]

    def _labels(self, shape: Shape) -> None:
        labels = ui.select(
            list(LABELS),
            value=list(shape.labels),
            multiple=True,
            label="Counted classes (none: all)",
            on_change=lambda event: self._patch(labels=[label for label in LABELS if label in event.value]),
        )
        labels.props("outlined dense use-chips").set_enabled(self.login.is_operator)
        self._inputs["labels"] = labels, list(shape.labels)

    def _input(self, key: str, label: str, patch: Callable[[str], None]) -> None:
        value = _values(self.chosen)[key] if self.chosen else ""
        element = ui.input(label, value=value).props("outlined dense maxlength=80 autocomplete=off")
        element.set_enabled(self.login.is_operator)
        self._inputs[key] = element, value

        def changed() -> None:
            with errors_shown():
                patch(element.value or "")

        # `change` comes when the field is left or Enter is pressed, so a letter is not a step to undo.
        element.on("change", changed)

    def _policy_fields(self) -> None:
        holder = ui.element("div").classes("fields")

        def build() -> None:
            holder.clear()
            with holder:
                if not self.policy:
                    text_element("p", "This camera has no privacy policy: nothing is released.")
                    if self.login.is_operator:
                        ui.button("Add a policy", on_click=add).props("outline dense no-caps")
                    return
                promise: PromiseName = "footage" if self.privacy is None else "crossings"
                text_element("p", f"The site gives the {promise} promise.", "hint")
                for key, about in policy_form.keys_of(promise).items():
                    element = ui.input(f"{key}: {about}", value=self.policy[key])
                    element.props("outlined dense maxlength=20").set_enabled(self.login.is_operator)
                    element.on(
                        "change", lambda _, key=key, element=element: changed(key, element.value or "")
                    )

        async def add() -> None:
            self.policy = policy_form.texts(FootagePolicy())
            build()
            await self.refresh(fields=False)

        async def changed(key: str, text: str) -> None:
            self.policy[key] = text
            await self.refresh(fields=False)

        build()

    # The preview.
    def _change(self) -> Change:
        parts = [shapes.change_of(self.camera, self.shapes)]
        if self.privacy is not None:
            parts.append(policy_form.change_of_site(self.privacy, self.policy))
        elif self.policy:
            parts.append(policy_form.change_of(self.camera.name, self.camera.policy, self.policy))

        def change(root: Any) -> None:
            for part in parts:
                part(root)

        return change

    def _plan(self) -> Plan | CrossingsPolicy | str | None:
        """The plan of the selected line in the file as it would be written, or its policy under the crossings promise;
        an error as a text; None for no line."""
        shape = self.chosen
        if shape is None or shape.kind != "line":
            return None
        try:
            site = site_file.result(self.context.settings.site, self._change())
            line = _line_of(site, self.camera.name, shape.name)
        except PasserbyError as error:
            return str(error)
        if line is not None and site.privacy is not None:
            return site.privacy
        if line is None or line.policy is None:
            return "This line has no privacy policy: nothing is released."
        return preview.plan_or_problem(line.policy, cells_of(self.camera.name, line), self.per_hour)

    def _show_preview(self, plan: Plan | CrossingsPolicy | str | None) -> None:
        section, shape = self._parts["preview"], self.chosen
        section.clear()
        if shape is None or shape.kind != "line":
            return
        with section:
            try:
                line = shape.line()
            except PasserbyError as error:
                text_element("p", str(error), "warn")
                return
            scales = shapes.scales_of(self.shapes)
            width, height = self.background.width, self.background.height
            ground = preview.ground(line, shape.corridor, scales, width, height)
            rows = [] if ground is None else _ground_rows(ground)
            if isinstance(plan, Plan):
                rows += _plan_rows(plan)
            elif isinstance(plan, CrossingsPolicy):
                rows += preview.crossings_rows(plan)
            _facts(rows)
            _messages(plan, ground)
            self._traffic_field()

    def _traffic_field(self) -> None:
        typical = ui.number(
            "Crossings per hour, for each direction and class", value=self.per_hour, min=0.1, max=100_000
        )
        typical.props("outlined dense")

        async def changed() -> None:
            if typical.value and typical.value > 0:
                self.per_hour = float(typical.value)
                await self.refresh(fields=False)

        typical.on("change", changed)

    # Actions.
    async def propose(self) -> None:
        with errors_shown():
            await self._read_canvas()
            shapes.check(self.shapes)
            scales = shapes.scales_of(self.shapes)
            if scales != self.background.scales:
                self.context.authorise(self.login, "saved known lengths of a background", self.camera.name)
                self.background = await run_in_threadpool(backgrounds.with_scales, self.background, scales)
                ui.notify("The known lengths are saved with the background", type="positive")
            subject = f"the shapes of camera {self.camera.name}"
            site = self.context.settings.site
            proposal = await run_in_threadpool(site_file.propose, site, self._change())
            url = written_url(self.camera.name)
            review(self.context, self.login, proposal, subject, lambda: ui.navigate.to(url))

    async def _read_canvas(self) -> None:
        """Read the shapes from the browser, because the last change may not have arrived yet."""
        try:
            drawn = await self.canvas.run_method("drawn", timeout=5)
        except TimeoutError:
            raise InputError("your browser does not answer: check the connection") from None
        self.shapes = shapes.from_browser(drawn)
        self.ids = [shape.get("id") for shape in drawn]

    async def show_marks(self) -> None:
        with errors_shown():
            camera = self.camera
            if camera.watched is None:
                raise InputError(f"camera {camera.name}: found no source, expected one in the site file")
            action = f"showed what the detector sees, for {MARKS_S:g} s"
            self.context.authorise(self.login, action, camera.name)
            self.marks_job = self.context.jobs.show(
                camera.name, camera.watched, camera.transport, camera.detector
            )
            self.marks_until_s = monotonic() + MARKS_S

    def update_marks(self) -> None:
        job = self.marks_job
        if job is None:
            return
        if not self.context.is_valid(self.login):
            job.stop.set()
        if job.runs:
            left_s = max(0.0, self.marks_until_s - monotonic())
            self.canvas.show(job.marks)
            number = f"{len(job.marks)} now" if job.marks else "none now"
            text = (
                f"Each mark is a cell of a coarse grid, not an exact position: {number}; {left_s:.0f} s left."
            )
        else:
            self.marks_job = None
            self.canvas.show(())
            text = f"The marks have ended: {job.ended or 'stopped'}."
        self._parts["marks"].text = text


def _values(shape: Shape) -> dict[str, Any]:
    """The value of each field of a shape."""
    return {
        "name": shape.name,
        "metres": f"{shape.metres:g}",
        "right": shape.names[0],
        "left": shape.names[1],
        "arm": shape.arm,
        "labels": list(shape.labels),
        "corridor": "" if shape.corridor is None else f"{shape.corridor:g}",
    }


def _number(text: str) -> float:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        raise InputError(f"found {text[:40]!r}, expected a number") from None


def _line_of(site: Site, camera: str, name: str) -> CountedLine | None:
    return next((line for line in site.camera(camera).lines if line.line.name == name), None)


def _ground_rows(ground: Ground) -> list[tuple[str, str]]:
    walk = f"{ground.walk_s:.1f} s on foot, {ground.slow_s:.1f} s slowly"
    return [
        ("Picture", f"{ground.px_per_m:.0f} px/m, {ground.name} (IEC 62676-4:2025)"),
        ("Corridor", f"{ground.corridor_m:.1f} m wide: {walk}"),
        ("Rho needed", f"{ground.rho_ms / 1000:g} s"),
    ]


def _plan_rows(plan: Plan) -> list[tuple[str, str]]:
    policy = plan.policy
    rows = [
        ("Promise", f"rho {policy.rho_ms / 1000:g} s, k {policy.k}, epsilon {policy.epsilon:g}"),
        ("Released", f"{len(plan.cells)} numbers per bin"),
        ("Lost by clipping", f"{plan.bias:.1%}"),
    ]
    for outlook in plan.outlooks:
        usable = "" if outlook.error <= USEFUL else ": not usable"
        text = f"expect {outlook.expected:.0f} ± {outlook.noise_95:.0f}{usable}"
        rows.append((f"Per {outlook.name}", text))
    rows.append(("Useful from", plan.useful_from or "never"))
    return rows


def _messages(plan: Plan | CrossingsPolicy | str | None, ground: Ground | None) -> None:
    if ground is not None and ground.warning:
        text_element("p", f"{ground.warning}.", "warn")
    if isinstance(plan, str):
        text_element("p", plan, "warn")
    elif isinstance(plan, Plan):
        text_element("p", preview.rho_text(plan.policy, ground), "hint")
        if plan.useful_from is None:
            text_element("p", _useless(plan), "warn")
    elif ground is None:
        text_element("p", "Draw a known length near the line to see pixels per metre and rho.", "hint")


def _useless(plan: Plan) -> str:
    better = plan.proposal
    if better is None:
        return "Too noisy even for a week. Count fewer classes, or use a larger epsilon."
    return (
        f"Too noisy even for a week. Try: rho {better.rho_ms / 1000:g} s (and a corridor that can be crossed in that "
        f"time), chunk {better.chunk_ms / 1000:g} s, clip {better.clip}."
    )


def _facts(rows: Sequence[tuple[str, str]]) -> None:
    with ui.element("dl").classes("facts"):
        for name, value in rows:
            text_element("dt", name)
            text_element("dd", value)
