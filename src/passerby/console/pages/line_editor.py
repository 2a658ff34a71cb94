"""Lines, zones and lengths drawn on a background, beside what they will cost and give.

Invariant: what is shown of costs is worked out from what `site.parse` makes of the file as it would be written.
"""

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
from passerby.console.canvas import Board
from passerby.console.context import Desk, Signed
from passerby.console.jobs import MARKS_S, Showing
from passerby.console.pages.layout import told, words, written_url
from passerby.console.pages.review import review
from passerby.console.shapes import Shape
from passerby.console.site_file import Change
from passerby.domain.labels import LABELS
from passerby.domain.policy import Policy
from passerby.errors import InputError, PasserbyError
from passerby.privacy.plan import Plan
from passerby.privacy.standing_query import cells_of

_TOOLS = {
    "select": "Select",
    "line": "Line",
    "arm": "Junction arm",
    "zone": "Zone",
    "scale": "Known length",
}
_KINDS = {"line": "line", "zone": "zone", "scale": "length"}
_HINTS = {
    "select": "Take a shape, an end, or the edge of a corridor. Arrow keys move it, Shift faster, Alt finer.",
    "line": "Press at one end and let go at the other, or press Enter to begin with one in the middle.",
    "arm": "A line across one arm of a junction: in is towards the middle of the picture, out is away from it.",
    "zone": "Click its corners; a click on the first one, a double click or Enter closes it.",
    "scale": "A length on the ground that you know, near the lines: a car is 4.5 m, a parking bay 5 m.",
}


async def drawing(desk: Desk, signed: Signed, camera: Camera, background: Background, src: str) -> None:
    """The background and all beside it."""
    drawn = shapes.of_camera(camera, background.scales)
    board = Board(
        src,
        (background.width, background.height),
        shapes.to_browser(drawn),
        label=f"Background of camera {camera.name}",
        readonly=not signed.operates,
    )
    setup = _Setup(desk, signed, camera, background, board, drawn)
    with ui.element("div").classes("setup"):
        with ui.element("div").classes("background") as holder:
            setup.build_tools()
            board.move(holder)
            setup.build_marks()
        with ui.element("aside").props('aria-label="What is drawn"'):
            setup.build_panel()
    board.on("change", setup.changed, ["shapes", "selected", "undo", "redo", "live"])
    board.on("tool", lambda event: setup.take(str(event.args)))
    await setup.refresh()


@dataclass(slots=True, eq=False)
class _Setup:
    """What one open page knows: the shapes as drawn, which is selected, and the elements that show them."""

    desk: Desk
    signed: Signed
    camera: Camera
    background: Background
    board: Board
    shapes: tuple[Shape, ...]
    ids: list[int] = field(default_factory=list)
    selected: int | None = None
    per_hour: float = 50.0
    policy: dict[str, str] = field(default_factory=dict)
    showing: Showing | None = None
    until_s: float = 0.0
    turn: int = 0
    _parts: dict[str, Any] = field(default_factory=dict)
    _inputs: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    """Each field of what is chosen, and what it stood for when it was last looked at."""

    def __post_init__(self) -> None:
        self.ids = list(range(1, len(self.shapes) + 1))
        if self.camera.policy is not None:
            self.policy = policy_form.texts(self.camera.policy)

    # Built once.
    def build_tools(self) -> None:
        if not self.signed.operates:
            return
        with ui.element("div").classes("tools").props('role="toolbar" aria-label="Tools"'):
            tools = ui.toggle(_TOOLS, value="select", on_change=lambda event: self.take(event.value))
            tools.props('no-caps unelevated padding="4px 10px"')
            for name, does in (("undo", "Undo"), ("redo", "Redo")):
                button = ui.button(does, on_click=lambda _, name=name: self.board.run_method(name))
                button.props("flat dense no-caps").set_enabled(False)
                self._parts[name] = button
            snap = ui.checkbox(
                "Snap", value=True, on_change=lambda event: self.board.set("snap", event.value)
            )
            snap.props("dense")
        self._parts["tools"] = tools
        self._parts["hint"] = words("p", _HINTS["select"], "hint")

    def build_marks(self) -> None:
        if not self.signed.operates:
            return
        with ui.element("div").classes("actions left"):
            button = ui.button("Show what the detector sees", on_click=self.show_marks)
            button.props("flat dense no-caps")
            self._parts["marks"] = words("p", "", "hint").props("role=status")
        ui.timer(0.5, self.pass_marks)

    def build_panel(self) -> None:
        self._parts["list"] = ui.element("div").classes("shapes")
        self._parts["fields"] = ui.element("div").classes("fields")
        self._parts["told"] = ui.element("div").classes("told").props('aria-live="polite"')
        with ui.element("details").classes("policy"):
            words("summary", "Privacy of this camera")
            self._policy_fields()
        if self.signed.operates:
            with ui.element("div").classes("actions left"):
                ui.button("Review and write", on_click=self.propose).props("unelevated no-caps")

    # What the board tells.
    def take(self, tool: str) -> None:
        if tool in _TOOLS:
            self.board.set("tool", tool)
            self._parts["tools"].value = tool
            self._parts["hint"].text = _HINTS[tool]

    async def changed(self, event: GenericEventArguments) -> None:
        with told():
            said: dict[str, Any] = event.args if isinstance(event.args, dict) else {}
            self.shapes = shapes.from_browser(said.get("shapes"))
            self.ids = [one.get("id") for one in said["shapes"]]
            selected = said.get("selected")
            others, self.selected = self.selected != selected, selected if selected in self.ids else None
            if said.get("live"):
                self._tell(None)
                return
            if self.signed.operates:
                self._parts["undo"].set_enabled(bool(said.get("undo")))
                self._parts["redo"].set_enabled(bool(said.get("redo")))
            await self.refresh(fields=others)

    async def refresh(self, *, fields: bool = True) -> None:
        """Show what is drawn now; what costs a while to work out comes last, if nothing changed meanwhile."""
        self.turn += 1
        turn = self.turn
        self._list()
        if fields:
            self._fields()
        self._follow()
        self._tell(None)
        found = await run_in_threadpool(self._worked_out)
        if turn == self.turn:
            self._tell(found)

    @property
    def chosen(self) -> Shape | None:
        return self.shapes[self.ids.index(self.selected)] if self.selected in self.ids else None

    def _patch(self, **values: Any) -> None:
        if self.selected is not None:
            self.board.run_method("patch", self.selected, values)

    # What is shown.
    def _list(self) -> None:
        shown = self._parts["list"]
        shown.clear()
        with shown:
            if not self.shapes:
                words(
                    "p", "Nothing is drawn yet: take Line, and draw across the way that people go.", "empty"
                )
            for id_, shape in zip(self.ids, self.shapes, strict=True):
                name = f"{shape.metres:g} m" if shape.kind == "scale" else shape.name
                button = ui.element("button").props('type="button"').classes("shape")
                button.props["aria-pressed"] = "true" if id_ == self.selected else "false"
                button.on("click", lambda _, id_=id_: self.board.run_method("pick", id_))
                with button:
                    words("span", "arm" if shape.arm else _KINDS[shape.kind], "kind")
                    words("span", name or "without a name")

    def _fields(self) -> None:
        """The fields of what is chosen, made anew."""
        shown, shape = self._parts["fields"], self.chosen
        shown.clear()
        self._inputs = {}
        if shape is None:
            return
        with shown:
            if shape.kind == "scale":
                self._input("metres", "Metres", lambda text: self._patch(metres=_number(text)))
            else:
                self._input("name", "Name", lambda text: self._patch(name=text.strip()))
            if shape.kind == "line":
                with ui.element("div").classes("pair"):
                    self._input("right", "To the right is", lambda text: self._patch(right=text.strip()))
                    self._input("left", "To the left is", lambda text: self._patch(left=text.strip()))
                self._input(
                    "arm",
                    "An arm of the junction, empty for none",
                    lambda text: self._patch(arm=text.strip()),
                )
                self._labels(shape)
                self._input(
                    "corridor",
                    "Corridor: frame heights to each side, empty for off",
                    lambda text: self._patch(corridor=_number(text) if text.strip() else None),
                )
            if self.signed.operates:
                with ui.element("div").classes("actions left"):
                    if shape.kind == "line":
                        ui.button(
                            "Turn round", on_click=lambda: self.board.run_method("turn", self.selected)
                        ).props("flat dense no-caps")
                    ui.button("Delete", on_click=lambda: self.board.run_method("drop", self.selected)).props(
                        "flat dense no-caps color=negative"
                    )

    def _follow(self) -> None:
        """Let each field follow what it stands for, such as after an undo; one that is typed in is left alone."""
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
            label="Counted (none: all)",
            on_change=lambda event: self._patch(labels=[one for one in LABELS if one in event.value]),
        )
        labels.props("outlined dense use-chips").set_enabled(self.signed.operates)
        self._inputs["labels"] = labels, list(shape.labels)

    def _input(self, key: str, label: str, patch: Callable[[str], None]) -> None:
        value = _values(self.chosen)[key] if self.chosen else ""
        one = ui.input(label, value=value).props("outlined dense maxlength=80 autocomplete=off")
        one.set_enabled(self.signed.operates)
        self._inputs[key] = one, value

        def changed() -> None:
            with told():
                patch(one.value or "")

        # When it is left, or Enter is pressed: each letter is no step to undo.
        one.on("change", changed)

    def _policy_fields(self) -> None:
        holder = ui.element("div").classes("fields")

        def build() -> None:
            holder.clear()
            with holder:
                if not self.policy:
                    words("p", "It has no policy: nothing of it can be released.")
                    if self.signed.operates:
                        ui.button("Give it one", on_click=give).props("outline dense no-caps")
                    return
                for key, about in policy_form.KEYS.items():
                    one = ui.input(f"{key}: {about}", value=self.policy[key]).props(
                        "outlined dense maxlength=20"
                    )
                    one.set_enabled(self.signed.operates)
                    one.on("change", lambda _, key=key, one=one: changed(key, one.value or ""))

        async def give() -> None:
            self.policy = policy_form.texts(Policy())
            build()
            await self.refresh(fields=False)

        async def changed(key: str, text: str) -> None:
            self.policy[key] = text
            await self.refresh(fields=False)

        build()

    # What it will cost and give.
    def _changes(self) -> Change:
        parts = [shapes.change_of(self.camera, self.shapes)]
        if self.policy:
            parts.append(policy_form.change_of(self.camera.name, self.camera.policy, self.policy))

        def change(root: Any) -> None:
            for part in parts:
                part(root)

        return change

    def _worked_out(self) -> Plan | str | None:
        """What the chosen line gives, by the file as it would be written; a text where it cannot be told."""
        shape = self.chosen
        if shape is None or shape.kind != "line":
            return None
        try:
            line = _line_of(
                site_file.result(self.desk.settings.site, self._changes()), self.camera.name, shape.name
            )
        except PasserbyError as error:
            return str(error)
        if line is None or line.policy is None:
            return "This line has no privacy policy: nothing of it is released."
        return preview.planned(line.policy, cells_of(self.camera.name, line), self.per_hour)

    def _tell(self, found: Plan | str | None) -> None:
        shown, shape = self._parts["told"], self.chosen
        shown.clear()
        if shape is None or shape.kind != "line":
            return
        with shown:
            try:
                line = shape.line()
            except PasserbyError as error:
                words("p", str(error), "warn")
                return
            scales = shapes.scales_of(self.shapes)
            ground = preview.ground(
                line, shape.corridor, scales, self.background.width, self.background.height
            )
            rows: list[tuple[str, str]] = []
            if ground is not None:
                rows += [
                    ("Picture", f"{ground.px_per_m:.0f} px/m, {ground.name} (IEC 62676-4:2025)"),
                    (
                        "Corridor",
                        f"{ground.corridor_m:.1f} m wide: {ground.walk_s:.1f} s on foot, "
                        f"{ground.slow_s:.1f} s slowly",
                    ),
                    ("Rho it needs", f"{ground.rho_ms / 1000:g} s"),
                ]
            if isinstance(found, Plan):
                rows += _rows(found)
            _table(rows)
            if ground is not None and ground.warning:
                words("p", ground.warning, "warn")
            if isinstance(found, str):
                words("p", found, "warn")
            elif found is not None:
                words("p", preview.told(found.policy, ground), "hint")
                if found.useful_from is None:
                    words("p", _useless(found), "warn")
            elif ground is None:
                words("p", "Draw a known length near it to see pixels per metre and rho.", "hint")
            typical = ui.number(
                "Crossings an hour, each way and class", value=self.per_hour, min=0.1, max=100_000
            )
            typical.props("outlined dense")

            async def expect() -> None:
                if typical.value and typical.value > 0:
                    self.per_hour = float(typical.value)
                    await self.refresh(fields=False)

            typical.on("change", expect)

    # What is asked for.
    async def propose(self) -> None:
        with told():
            await self._catch_up()
            shapes.check(self.shapes)
            known = shapes.scales_of(self.shapes)
            if known != self.background.scales:
                self.desk.act(self.signed, "kept known lengths of a background", self.camera.name)
                self.background = await run_in_threadpool(backgrounds.with_scales, self.background, known)
                ui.notify("The known lengths are kept beside the background", type="positive")
            about = f"what is drawn of camera {self.camera.name}"
            site = self.desk.settings.site
            proposal = await run_in_threadpool(site_file.propose, site, self._changes())
            review(
                self.desk, self.signed, proposal, about, lambda: ui.navigate.to(written_url(self.camera.name))
            )

    async def _catch_up(self) -> None:
        """What is drawn at this instant: what was typed last may still be on its way."""
        try:
            drawn = await self.board.run_method("drawn", timeout=5)
        except TimeoutError:
            raise InputError("your browser does not say what is drawn: is it still connected?") from None
        self.shapes = shapes.from_browser(drawn)
        self.ids = [one.get("id") for one in drawn]

    async def show_marks(self) -> None:
        with told():
            camera = self.camera
            if camera.watched is None:
                raise InputError(f"camera {camera.name}: it has no source, expected one in the site file")
            self.desk.act(self.signed, f"was shown what the detector sees, for {MARKS_S:g} s", camera.name)
            self.showing = self.desk.jobs.show(camera.name, camera.watched, camera.transport, camera.detector)
            self.until_s = monotonic() + MARKS_S

    def pass_marks(self) -> None:
        job = self.showing
        if job is None:
            return
        if not self.desk.alive(self.signed):
            job.stop.set()
        if job.runs:
            left_s = max(0.0, self.until_s - monotonic())
            self.board.show(job.marks)
            seen = f"{len(job.marks)} now" if job.marks else "nothing now"
            self._parts[
                "marks"
            ].text = f"Each mark is a cell of a coarse grid, not a place: {seen}; {left_s:.0f} s left."
            return
        self.showing = None
        self.board.show(())
        self._parts["marks"].text = f"No marks any more: {job.ended or 'stopped'}."


def _values(shape: Shape) -> dict[str, Any]:
    """What each field shows of a shape."""
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


def _line_of(site: Site, camera: str, line: str) -> CountedLine | None:
    return next((one for one in site.camera(camera).lines if one.line.name == line), None)


def _rows(found: Plan) -> list[tuple[str, str]]:
    policy = found.policy
    rows = [
        ("Promised", f"rho {policy.rho_ms / 1000:g} s, k {policy.k}, epsilon {policy.epsilon:g}"),
        ("Released", f"{len(found.cells)} numbers each time"),
        ("Clipping loses", f"{found.bias:.1%}"),
    ]
    rows += [
        (
            f"In {one.name}"
            if one.name[0].isdigit()
            else f"In a {one.name}"
            if one.name != "hour"
            else "In an hour",
            f"{one.expected:.0f} ± {one.noise_95:.0f} (error {_error(one.error)})",
        )
        for one in found.outlooks
    ]
    rows.append(("Useful from", found.useful_from or "never"))
    return rows


def _error(share: float) -> str:
    return f"{share:.0%}" if share < 10 else "over 1000%"


def _useless(found: Plan) -> str:
    better = found.proposal
    told = "Useless: not even a week comes within 25 %. "
    if better is None:
        return told + "Count fewer classes, or accept a larger epsilon."
    return told + (
        f"Nearest that is not: rho {better.rho_ms / 1000:g} s (a corridor that is crossed in that time), "
        f"chunk {better.chunk_ms / 1000:g} s, clip {better.clip}."
    )


def _table(rows: Sequence[tuple[str, str]]) -> None:
    with ui.element("dl").classes("facts"):
        for name, value in rows:
            words("dt", name)
            words("dd", value)
