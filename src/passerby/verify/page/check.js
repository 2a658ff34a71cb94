"use strict";
// Draws the rows of a time slice with their marks. Each click is sent to the server, which saves it and
// answers with the whole state. This script keeps only the selection.

const SVG = "http://www.w3.org/2000/svg";
const LANE = 20, STRIP = 54, SCREEN_ROWS = 10;
const LETTERS = { person: "P", bicycle: "B", motorcycle: "M", car: "C", bus: "U", truck: "T", vehicle: "V", unknown: "?" };

let state = null;
let lineAt = 0;
let screenAt = 0;
let selected = null; // {kind: "mark" | "point" | "streak" | "end", ...}, an item of items()
let busy = false;

const $ = (id) => document.getElementById(id);
const line = () => state.lines[lineAt];
const rowOf = (atMs) => Math.min(Math.floor(atMs / state.row_ms), state.rows.length - 1);
const isChecked = (row) => {
  const start = row * state.row_ms, end = Math.min(start + state.row_ms, state.duration_ms);
  return line().checked.some(([from, to]) => from <= start && end <= to);
};

function items() {
  // Everything that can be selected, in order of time: marks, points, motion, and the end of each row.
  const here = line();
  const answered = (streak) => here.points.some((p) => p.at_ms === streak.at_ms && p.along === streak.along);
  const all = [
    ...here.marks.map((mark, index) => ({ kind: "mark", index, at: mark.at_ms, of: mark })),
    ...here.points.map((point) => ({ kind: "point", at: point.at_ms, of: point })),
    ...here.streaks.filter((s) => !answered(s)).map((s) => ({ kind: "streak", at: s.at_ms, of: s })),
    ...state.rows.map((_, row) => ({
      kind: "end", row, at: Math.min((row + 1) * state.row_ms, state.duration_ms) - 0.5, of: {},
    })),
  ];
  for (const item of all) if (item.kind !== "end") item.row = rowOf(item.at);
  return all.sort((a, b) => a.row - b.row || (a.kind === "end") - (b.kind === "end") || a.at - b.at);
}

const isOpen = (item) => item.kind === "end" ? !isChecked(item.row)
  : !isChecked(item.row) && (item.kind === "streak" || (item.kind === "mark" && !item.of.verdict));
const same = (a, b) => a && b && a.kind === b.kind && (a.kind === "end" ? a.row === b.row
  : a.at === b.at && a.of.along === b.of.along && a.index === b.index);

function mostFrequent() {
  // The most frequent class and direction of this line, as the first guess for a missed crossing.
  const most = (values, none) => {
    const counts = new Map();
    for (const value of values) counts.set(value, (counts.get(value) || 0) + 1);
    return [...counts].sort((a, b) => b[1] - a[1]).map(([value]) => value)[0] || none;
  };
  const known = [...line().marks, ...line().points.filter((p) => p.label)];
  return { label: most(known.map((k) => k.true_label || k.label), "person"),
    direction: most(known.map((k) => k.direction), "to_right") };
}

async function send(path, body) {
  if (busy) return false;
  busy = true;
  try {
    const answer = await fetch(path, body === undefined ? {} : {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(await answer.text());
    state = await answer.json();
    $("problem").hidden = true;
    return true;
  } catch (error) {
    $("problem").textContent = `Not saved: ${error.message}`;
    $("problem").hidden = false;
    return false;
  } finally {
    busy = false;
  }
}

function select(item, scroll = true) {
  selected = item;
  if (item && scroll) screenAt = Math.floor(item.row / SCREEN_ROWS);
  draw();
}

function step(way, onlyOpen) {
  const all = items();
  let at = all.findIndex((item) => same(item, selected));
  if (at < 0) at = way > 0 ? -1 : all.length;
  for (let i = at + way; i >= 0 && i < all.length; i += way) {
    if (!onlyOpen || isOpen(all[i])) return select(all[i]);
  }
  if (onlyOpen) {
    const open = all.find(isOpen);
    if (open) return select(open);
  }
  draw();
}

function keep(item) {
  // After a click: select the same item in the new state.
  selected = item && items().find((candidate) => same(candidate, item) || (candidate.kind === "point"
    && item.kind !== "mark" && candidate.at === item.at && candidate.of.along === item.of.along)) || null;
}

async function sendClick(click, goOn) {
  const was = selected;
  if (!await send("clicks", { line: lineAt, ...click })) return;
  keep(was);
  if (goOn) step(1, true); else draw();
}

const sendMissed = (of, label, direction, goOn) =>
  sendClick({ verdict: "missed", at_ms: of.at_ms, along: of.along, label, direction }, goOn);

const actions = {
  next: () => step(1, false),
  previous: () => step(-1, false),
  right() {
    if (!selected) return step(1, true);
    if (selected.kind === "end") return actions.checked();
    if (selected.kind === "mark") return sendClick({ verdict: "right", mark: selected.index }, true);
    if (selected.kind === "streak") return actions.nothing();
    return step(1, true);
  },
  wrong() {
    if (selected?.kind === "mark") return sendClick({ verdict: "wrong", mark: selected.index }, true);
    if (selected?.kind === "point") return actions.nothing();
  },
  nothing() {
    if (selected?.kind !== "streak" && selected?.kind !== "point") return;
    return sendClick({ verdict: "nothing", at_ms: selected.of.at_ms, along: selected.of.along }, true);
  },
  missed() {
    if (selected?.kind !== "streak" && selected?.kind !== "point") return;
    const { label, direction } = mostFrequent();
    return sendMissed(selected.of, label, direction, false);
  },
  turn() {
    if (selected?.kind !== "point" || selected.of.verdict !== "missed") return;
    const turned = selected.of.direction === "to_left" ? "to_right" : "to_left";
    return sendMissed(selected.of, selected.of.label, turned, false);
  },
  classify(label) {
    if (selected?.kind === "mark") {
      const verdict = label === selected.of.label ? "right" : "other";
      return sendClick({ verdict, mark: selected.index, label }, true);
    }
    if (selected?.kind === "streak" || selected?.kind === "point") {
      return sendMissed(selected.of, label, selected.of.direction || mostFrequent().direction, false);
    }
  },
  async checked() {
    const row = selected ? selected.row : state.rows.findIndex((_, index) => !isChecked(index));
    if (row < 0) return;
    if (!await send("clicks", { line: lineAt, verdict: "checked", row })) return;
    selected = items().find((item) => item.kind === "end" && item.row === row);
    step(1, true);
  },
  async undo() {
    if (await send("undo", {})) { keep(selected); draw(); }
  },
  random() {
    const open = state.rows.map((_, row) => row).filter((row) => !isChecked(row));
    if (!open.length) return;
    const row = open[Math.floor(Math.random() * open.length)];
    select(items().find((item) => item.row === row));
  },
  async finish() {
    const answer = await fetch("finish", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
    if (answer.ok) location.assign("report");
  },
  line(index) { lineAt = index; screenAt = 0; selected = null; draw(); },
  screen(way) {
    const last = Math.ceil(state.rows.length / SCREEN_ROWS) - 1;
    screenAt = Math.max(0, Math.min(last, screenAt + way));
    draw();
  },
};

const KEYS = {
  ArrowRight: "next", j: "next", ArrowLeft: "previous", k: "previous", Enter: "right", w: "wrong", m: "missed",
  n: "nothing", d: "turn", " ": "checked", u: "undo", r: "random",
};

document.addEventListener("keydown", (event) => {
  if (!state || event.ctrlKey || event.metaKey || event.altKey) return;
  const onButton = event.target instanceof HTMLButtonElement;
  if (onButton && (event.key === "Enter" || event.key === " ")) return; // the browser presses the button
  const digit = Number(event.key);
  if (event.key.trim() && digit >= 1 && digit <= state.labels.length) actions.classify(state.labels[digit - 1]);
  else if (event.key === "l") actions.line((lineAt + 1) % state.lines.length);
  else if (event.key === "PageDown") actions.screen(1);
  else if (event.key === "PageUp") actions.screen(-1);
  else if (KEYS[event.key]) actions[KEYS[event.key]]();
  else return;
  event.preventDefault();
});

function text(tag, content, className) {
  const element = document.createElement(tag);
  element.textContent = content;
  if (className) element.className = className;
  return element;
}

function shape(tag, attributes, parent) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  parent.append(element);
  return element;
}

function drawRow(row, width) {
  const start = row * state.row_ms, scale = width / state.row_ms;
  const length = Math.min(state.row_ms, state.duration_ms - start);
  const holder = text("div", "", `row${isChecked(row) ? " checked" : ""}${selected?.row === row ? " here" : ""}`
    + `${selected?.kind === "end" ? " at-end" : ""}`);
  holder.dataset.row = row;
  const when = text("div", state.rows[row], "when");
  const minutes = Math.floor(start / 60000), seconds = String(Math.floor(start / 1000) % 60).padStart(2, "0");
  when.append(text("small", `+${minutes}:${seconds}`));
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${LANE + STRIP + 2}`);
  svg.setAttribute("height", LANE + STRIP + 2);
  shape("rect", { x: 0, y: LANE, width: length * scale, height: STRIP, class: "base" }, svg);
  const ticks = Math.ceil(length / 80) * 80;
  shape("image", { href: `rows/${lineAt}/${row}.png`, x: 0, y: LANE, width: ticks * scale, height: STRIP,
    preserveAspectRatio: "none" }, svg);
  for (let tenth = 1; tenth < 10; tenth += 1) {
    const x = tenth * width / 10;
    if (tenth * state.row_ms / 10 < length) shape("line", { x1: x, y1: LANE, x2: x, y2: LANE + STRIP, class: "grid" }, svg);
  }
  shape("rect", { x: 1, y: LANE, width: Math.max(0, length * scale - 2), height: STRIP, class: "end" }, svg);
  let taken = -Infinity;
  for (const item of items().filter((entry) => entry.row === row && entry.kind !== "end")) {
    if (item.kind === "streak") {
      const of = item.of, x = Math.max(0, (of.start_ms - start) * scale - 3);
      const box = shape("rect", { x, y: LANE + of.first * STRIP - 3,
        width: Math.min(width - x, Math.max(8, (of.end_ms - of.start_ms) * scale + 6)),
        height: Math.max(8, (of.last - of.first) * STRIP + 6),
        class: `streak${same(item, selected) ? " selected" : ""}` }, svg);
      box.addEventListener("click", (event) => { event.stopPropagation(); selected = item; actions.missed(); });
    } else {
      taken = drawMark(item, svg, (item.at - start) * scale, width, taken);
    }
  }
  svg.addEventListener("click", (event) => {
    const box = svg.getBoundingClientRect();
    const at_ms = Math.round(start + (event.clientX - box.left) / box.width * state.row_ms);
    const along = ((event.clientY - box.top) / box.height * (LANE + STRIP + 2) - LANE) / STRIP;
    if (at_ms >= Math.min(start + state.row_ms, state.duration_ms) || along < 0) return;
    const of = { at_ms, along: Math.round(Math.min(1, along) * 1000) / 1000 };
    selected = { kind: "streak", at: at_ms, row, of };
    actions.missed();
  });
  holder.append(when, svg, text("div", "✓", "done"));
  holder.lastChild.title = isChecked(row) ? "checked" : "not checked";
  return holder;
}

function drawAxis(width) {
  const holder = text("div", "", "row axis");
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} 14`);
  svg.setAttribute("height", 14);
  for (let tenth = 1; tenth < 10; tenth += 1) {
    shape("text", { x: tenth * width / 10, y: 11 }, svg).textContent = `${tenth * state.row_ms / 10000} s`;
  }
  holder.append(document.createElement("div"), svg, document.createElement("div"));
  return holder;
}

function drawMark(item, svg, x, width, taken) {
  const of = item.of, label = of.true_label || of.label;
  const letterX = of.verdict === "nothing" ? x : Math.min(Math.max(x, taken + 26), width - 14);
  const y = LANE + of.along * STRIP;
  const group = shape("g", { class: `mark ${label || ""} ${of.verdict || ""}${same(item, selected) ? " selected" : ""}`,
    role: "button", "aria-label": `${of.time} ${label || "no crossing"} ${of.direction || ""} ${of.verdict || ""}` }, svg);
  shape("line", { x1: letterX, y1: LANE - 2, x2: x, y2: y, class: "stem" }, group);
  shape("circle", { cx: x, cy: y, r: 4.5, class: "dark" }, group);
  shape("circle", { cx: x, cy: y, r: 4.5, class: "ring" }, group);
  if (of.direction) {
    const way = of.direction === "to_right" ? 1 : -1, middle = LANE / 2;
    const at = letterX - 5 * way;
    shape("rect", { x: at - 8, y: 1, width: 16, height: LANE - 3, rx: 3, class: "tag" }, group);
    shape("text", { x: at, y: middle }, group).textContent = LETTERS[label];
    const tip = letterX + 12 * way;
    shape("path", { d: `M${tip - 9 * way} ${middle - 5}L${tip} ${middle}L${tip - 9 * way} ${middle + 5}Z`, class: "arrow" }, group);
  }
  shape("path", { d: `M${letterX - 9} 3L${letterX + 9} ${LANE - 3}M${letterX + 9} 3L${letterX - 9} ${LANE - 3}`, class: "cross" }, group);
  shape("path", { d: `M${x - 5} ${LANE + STRIP - 6}l4 5l8 -9`, class: "tick" }, group);
  if (item.index !== undefined) group.dataset.mark = item.index;
  group.addEventListener("click", (event) => { event.stopPropagation(); select(item, false); });
  return of.verdict === "nothing" ? taken : letterX;
}

function drawSelected() {
  const kind = selected?.kind, of = selected?.of;
  const directions = line().directions;
  const place = (time) => `${time} (${of.offset || ""} in the file, frame ${Math.round(of.at_ms * state.fps / 1000)})`;
  const verdict = { right: "right", wrong: "wrong", other: `class is ${of?.true_label}` }[of?.verdict];
  let question = "Press → for the first mark. Press Space if the row is right as it stands.";
  if (kind === "end") question = `${state.rows[selected.row]}: is a crossing missing in this row? If not, press Enter or Space.`;
  if (kind === "mark") question = `${place(of.time)}: ${of.label}, ${directions[of.direction]}, `
    + `${Math.round(of.share * 100)} % of the votes${verdict ? `: ${verdict}` : ""}`;
  if (kind === "point") question = `${place(of.time)}: `
    + (of.verdict === "missed" ? `missed ${of.label}, ${directions[of.direction]}` : "no crossing");
  if (kind === "streak") question = of.time ? `${place(of.time)}: something moved here, but no crossing was counted`
    : "Something moved here, but no crossing was counted";
  $("question").textContent = question;
  const can = {
    right: Boolean(kind), wrong: kind === "mark" || kind === "point", missed: kind === "streak" || kind === "point",
    nothing: kind === "streak" || kind === "point", turn: kind === "point" && of.verdict === "missed",
  };
  for (const button of document.querySelectorAll("#verdicts [data-do]")) {
    button.disabled = !can[button.dataset.do];
    button.setAttribute("aria-pressed", String(of?.verdict === button.dataset.do));
  }
  $("classes").replaceChildren(...state.labels.map((label, index) => {
    const button = text("button", `${label} `);
    button.type = "button";
    button.append(text("kbd", String(index + 1)));
    button.disabled = !kind || kind === "end";
    button.setAttribute("aria-pressed", String((of?.true_label || of?.label) === label));
    button.addEventListener("click", () => actions.classify(label));
    return button;
  }));
}

function draw() {
  $("video").textContent = state.video;
  $("about").textContent = `${state.detector} · saved in ${state.saved_at}`;
  $("lines").replaceChildren(...state.lines.map((each, index) => {
    const button = text("button", each.name);
    button.type = "button";
    button.setAttribute("aria-pressed", String(index === lineAt));
    button.addEventListener("click", () => actions.line(index));
    return button;
  }));
  const sum = (f) => state.lines.reduce((total, each) => total + f(each), 0);
  const inside = (each, at) => each.checked.some(([from, to]) => from <= at && at < to);
  const checkedMs = sum((each) => each.checked.reduce((total, [from, to]) => total + to - from, 0));
  const checked = sum((each) => each.marks.filter((mark) => inside(each, mark.at_ms)).length);
  const missed = sum((each) => each.points.filter((p) => p.verdict === "missed").length);
  const wrong = sum((each) => each.marks.filter((m) => m.verdict === "wrong").length);
  const reclassified = sum((each) => each.marks.filter((m) => m.verdict === "other").length);
  const clock = (ms) => `${Math.floor(ms / 60000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, "0")}`;
  $("progress").textContent = `checked ${clock(checkedMs)} of ${clock(state.duration_ms * state.lines.length)}`
    + ` · ${checked} of ${sum((each) => each.marks.length)} counted crossings · ${missed} missed · ${wrong} wrong`
    + ` · ${reclassified} with another class · time spent ${clock(state.spent_s * 1000)}`;
  const first = screenAt * SCREEN_ROWS;
  const last = Math.min(first + SCREEN_ROWS, state.rows.length);
  const width = Math.max(300, $("rows").clientWidth - 28 - 78 - 34);
  const rows = [drawAxis(width)];
  for (let row = first; row < last; row += 1) rows.push(drawRow(row, width));
  $("rows").replaceChildren(...rows);
  $("screen").textContent = `${state.rows[first]} – ${clock(Math.min(last * state.row_ms, state.duration_ms))} in the file`;
  $("earlier").disabled = first === 0;
  $("later").disabled = last === state.rows.length;
  drawSelected();
  document.body.dataset.clicks = state.clicks;
  document.querySelector(".row.here")?.scrollIntoView({ block: "nearest" });
}

for (const button of document.querySelectorAll("[data-do]")) {
  button.addEventListener("click", () => { actions[button.dataset.do](); button.blur(); });
}
$("earlier").addEventListener("click", () => actions.screen(-1));
$("later").addEventListener("click", () => actions.screen(1));
window.addEventListener("resize", () => state && draw());
send("state").then((ok) => { if (ok) draw(); });
