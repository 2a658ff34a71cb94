// Draws lines, zones and known lengths on a background, with mouse, touch or keyboard; every step can be undone.
// It receives the URL of a picture and shapes, and sends the shapes to the server, which checks them.
const SNAP_PX = 12;
const EDGE_PX = 8;
const LEVEL = 0.05; // radians from horizontal or vertical
const TOOLS = { line: 2, arm: 2, scale: 2, zone: 100 };

export default {
  template: `
    <div class="canvas" :data-tool="tool" :data-readonly="readonly">
      <svg ref="svg" :viewBox="'0 0 ' + width + ' ' + height" role="group" :aria-label="label" tabindex="0"
        @pointerdown="down" @pointermove="move" @pointerup="up" @pointercancel="cancel" @keydown="key"
        @dblclick.prevent="finish">
        <image :href="src" x="0" y="0" :width="width" :height="height" preserveAspectRatio="none"></image>
        <g v-for="(m, i) in marks" :key="'m' + i" class="mark">
          <circle :cx="m.x * width" :cy="m.y * height" :r="9 * u" :stroke-width="1.5 * u"></circle>
          <text :x="m.x * width" :y="m.y * height" :font-size="10 * u">{{ letter(m.label) }}</text>
        </g>
        <g v-for="s in shapes" :key="s.id" class="shape" :class="[s.kind, { selected: s.id === selected }]"
          :data-id="s.id" tabindex="0" role="button" :aria-label="described(s)" @focus="select(s.id)">
          <template v-if="s.kind === 'zone'">
            <polygon class="hit" :points="list(s.points)" :stroke-width="18 * u"></polygon>
            <polygon class="ink" :points="list(s.points)" :stroke-width="2 * u"></polygon>
          </template>
          <template v-else>
            <polygon v-if="s.kind === 'line' && s.corridor" class="corridor" :points="corridor(s)"
              :stroke-width="u"></polygon>
            <line class="hit" v-bind="ends(s)" :stroke-width="24 * u"></line>
            <line class="halo" v-bind="ends(s)" :stroke-width="5 * u"></line>
            <line class="ink" v-bind="ends(s)" :stroke-width="2.5 * u"></line>
            <template v-if="s.kind === 'line'">
              <path v-for="side in [1, -1]" :key="side" class="arrow" :d="arrow(s, side)"
                :stroke-width="2 * u"></path>
            </template>
          </template>
        </g>
        <g v-for="s in shapes" :key="'t' + s.id" aria-hidden="true">
          <template v-if="s.kind === 'line'">
            <text v-for="side in [1, -1]" :key="side" v-bind="arrowText(s, side)" :font-size="11 * u"
              :stroke-width="3 * u">{{ short(s.names[side === 1 ? 0 : 1]) }}</text>
          </template>
          <text class="name" v-bind="nameAt(s)" :font-size="13 * u" :stroke-width="3.5 * u">{{
            shownName(s) }}</text>
        </g>
        <g v-if="!readonly && chosen">
          <g v-for="(p, i) in chosen.points" :key="i" class="handle" tabindex="0" role="button"
            :aria-label="handleLabel(chosen, i)" :data-handle="i">
            <circle class="grab" :cx="p[0] * width" :cy="p[1] * height" :r="22 * u"></circle>
            <circle class="dot" :cx="p[0] * width" :cy="p[1] * height" :r="6 * u" :stroke-width="2 * u"></circle>
          </g>
          <g v-if="chosen.kind === 'line' && chosen.corridor" class="handle" tabindex="0" role="button"
            data-handle="corridor" :aria-label="'corridor, ' + chosen.corridor + ' frame heights to each side'">
            <circle class="grab" v-bind="edge(chosen)" :r="20 * u"></circle>
            <circle class="dot wide" v-bind="edge(chosen)" :r="5 * u" :stroke-width="2 * u"></circle>
          </g>
        </g>
        <g v-if="draft" class="draft">
          <polyline :points="list(draft.points.concat(draft.to ? [draft.to] : []))" :stroke-width="2.5 * u"></polyline>
          <circle v-for="(p, i) in draft.points" :key="i" :cx="p[0] * width" :cy="p[1] * height" :r="5 * u"></circle>
        </g>
        <circle v-if="snapped" class="snapped" :cx="snapped[0] * width" :cy="snapped[1] * height" :r="10 * u"
          :stroke-width="1.5 * u"></circle>
      </svg>
      <p class="sr-only" role="status" aria-live="polite">{{ announced }}</p>
    </div>`,
  props: {
    src: String,
    width: Number,
    height: Number,
    initial: Array,
    marks: { type: Array, default: () => [] },
    readonly: Boolean,
    tool: { type: String, default: "select" },
    snap: { type: Boolean, default: true },
    label: { type: String, default: "Background" },
  },
  emits: ["change", "tool"],
  data() {
    const shapes = copy(this.initial);
    return {
      shapes,
      next: Math.max(0, ...shapes.map((s) => s.id)) + 1,
      selected: null,
      past: [],
      future: [],
      draft: null,
      drag: null,
      snapped: null,
      announced: "",
      u: 1,
      emittedMs: 0,
    };
  },
  computed: {
    chosen() {
      return this.shapes.find((s) => s.id === this.selected) || null;
    },
  },
  watch: {
    tool() {
      this.draft = null;
    },
  },
  mounted() {
    this.sizes = new ResizeObserver(() => {
      this.u = this.width / Math.max(1, this.$refs.svg.clientWidth);
    });
    this.sizes.observe(this.$refs.svg);
  },
  unmounted() {
    this.sizes.disconnect();
  },
  methods: {
    // Calls from the page.
    undo() {
      if (this.draft) {
        this.draft = null;
      } else if (this.past.length) {
        this.future.push(copy(this.shapes));
        this.shapes = this.past.pop();
        this.announce("Undone");
      }
    },
    redo() {
      if (this.future.length) {
        this.past.push(copy(this.shapes));
        this.shapes = this.future.pop();
        this.announce("Redone");
      }
    },
    patch(id, fields) {
      const shape = this.shapes.find((s) => s.id === id);
      if (shape && ("right" in fields || "left" in fields)) {
        fields = { names: [fields.right ?? shape.names[0], fields.left ?? shape.names[1]] };
      }
      if (!shape || Object.keys(fields).every((k) => JSON.stringify(shape[k]) === JSON.stringify(fields[k]))) return;
      this.remember();
      Object.assign(shape, fields);
      this.announce("");
    },
    turn(id) {
      const shape = this.shapes.find((s) => s.id === id);
      if (!shape || shape.kind !== "line") return;
      this.remember();
      shape.points.reverse();
      this.announce("Reversed");
    },
    drop(id) {
      if (this.readonly || !this.shapes.some((s) => s.id === id)) return;
      this.remember();
      this.shapes = this.shapes.filter((s) => s.id !== id);
      this.selected = null;
      this.announce("Deleted");
    },
    pick(id) {
      this.select(id);
    },

    // Events for the page, and texts for screen readers.
    drawn() {
      return copy(this.shapes);
    },
    remember() {
      this.past.push(copy(this.shapes));
      if (this.past.length > 200) this.past.shift();
      this.future = [];
    },
    announce(text, live = false) {
      if (text) this.announced = text;
      const now = Date.now();
      if (live && now - this.emittedMs < 150) return;
      this.emittedMs = now;
      this.$emit("change", {
        shapes: copy(this.shapes),
        selected: this.selected,
        undo: this.past.length,
        redo: this.future.length,
        live,
      });
    },
    select(id) {
      if (this.selected === id) return;
      this.selected = id;
      this.announce("");
    },

    // Pointers: mouse, pen and touch alike.
    at(event) {
      const box = this.$refs.svg.getBoundingClientRect();
      const x = (event.clientX - box.left) / Math.max(1, box.width);
      const y = (event.clientY - box.top) / Math.max(1, box.height);
      return [clamp(x), clamp(y)];
    },
    down(event) {
      if (event.button) return;
      const handle = event.target.closest("[data-handle]");
      const shape = event.target.closest("[data-id]");
      const at = this.at(event);
      if (this.readonly) {
        this.select(shape ? Number(shape.dataset.id) : null);
        return;
      }
      this.$refs.svg.setPointerCapture(event.pointerId);
      if (this.tool !== "select") {
        event.preventDefault();
        this.$refs.svg.focus({ preventScroll: true });
        this.begin(this.snapTo(at, null, this.draft && this.draft.points[this.draft.points.length - 1]), at);
        return;
      }
      if (handle && this.chosen) {
        this.drag = { handle: part(handle), from: at, points: copy(this.chosen.points), moved: false };
      } else if (shape) {
        this.select(Number(shape.dataset.id));
        this.drag = { handle: null, from: at, points: copy(this.chosen.points), moved: false };
      } else {
        this.select(null);
      }
    },
    begin(at, raw) {
      if (!this.draft) {
        this.draft = { points: [at], to: at, pressed: raw };
        return;
      }
      if (this.tool === "zone" && this.draft.points.length > 2 && this.near(raw, this.draft.points[0], 14)) {
        this.finish();
        return;
      }
      this.draft.points.push(at);
      this.draft.pressed = null;
      if (this.draft.points.length >= TOOLS[this.tool]) this.finish();
    },
    move(event) {
      const at = this.at(event);
      if (this.draft) {
        const last = this.draft.points[this.draft.points.length - 1];
        this.draft.to = this.snapTo(at, null, last);
        return;
      }
      if (!this.drag || !this.chosen) return;
      if (!this.drag.moved) {
        if (this.near(at, this.drag.from, 3)) return;
        this.remember();
        this.drag.moved = true;
      }
      if (this.drag.handle === "corridor") {
        const { a, right } = this.frame(this.chosen);
        const [x, y] = this.px(at);
        this.widen(Math.abs((x - a[0]) * right[0] + (y - a[1]) * right[1]) / this.height);
      } else if (this.drag.handle !== null) {
        const otherEnd = this.chosen.points.length === 2 ? this.chosen.points[1 - this.drag.handle] : null;
        this.chosen.points[this.drag.handle] = this.snapTo(at, this.chosen, otherEnd);
      } else {
        this.shift(this.drag.points, at[0] - this.drag.from[0], at[1] - this.drag.from[1]);
      }
      this.announce("", true);
    },
    up(event) {
      if (this.draft && this.draft.pressed && this.tool !== "zone") {
        // Drawn by one drag.
        if (!this.near(this.at(event), this.draft.pressed, 10)) {
          this.draft.points.push(this.draft.to);
          this.finish();
        } else {
          this.draft.pressed = null;
        }
      }
      if (this.drag && this.drag.moved) this.announce("");
      this.drag = null;
      this.snapped = null;
    },
    cancel() {
      if (this.drag && this.drag.moved) this.undo();
      this.drag = null;
      this.draft = null;
      this.snapped = null;
    },
    finish() {
      const points = this.draft ? distinct(this.draft.points) : [];
      const tool = this.tool;
      this.draft = null;
      this.snapped = null;
      if (tool === "select" || points.length < (tool === "zone" ? 3 : 2)) return;
      this.add(tool, points);
    },
    add(tool, points) {
      const kind = tool === "arm" ? "line" : tool;
      const shape = {
        id: this.next++,
        kind,
        name: kind === "scale" ? "" : this.fresh(tool),
        was: "",
        points,
        names: tool === "arm" ? ["in", "out"] : ["to_right", "to_left"],
        labels: kind === "line" ? ["person", "bicycle"] : [],
        corridor: 0.15,
        metres: 0,
        arm: "",
      };
      if (tool === "arm") {
        shape.arm = this.shapes.find((s) => s.arm)?.arm ?? "junction";
        shape.labels = [];
        // `in` is towards the middle of the picture, where the junction is.
        if (this.side(points, [0.5, 0.5]) < 0) shape.points.reverse();
      }
      this.remember();
      this.shapes.push(shape);
      this.selected = shape.id;
      this.$emit("tool", "select");
      this.announce(this.described(shape) + " drawn");
    },
    fresh(tool) {
      const taken = new Set(this.shapes.map((s) => s.name));
      for (let i = 1; ; i++) if (!taken.has(tool + " " + i)) return tool + " " + i;
    },

    // Keys: they can do everything that a pointer can.
    key(event) {
      const control = event.ctrlKey || event.metaKey;
      if (control && event.key.toLowerCase() === "z") {
        event.preventDefault();
        event.shiftKey ? this.redo() : this.undo();
        return;
      }
      if (control && event.key.toLowerCase() === "y") {
        event.preventDefault();
        this.redo();
        return;
      }
      if (this.readonly || control) return;
      if (event.key === "Escape") {
        this.draft = null;
        this.$emit("tool", "select");
        return;
      }
      if (event.key === "Enter") {
        event.preventDefault();
        if (this.draft) this.finish();
        else if (this.tool !== "select") {
          this.add(this.tool, START[this.tool === "zone" ? "zone" : "line"].map((p) => [...p]));
          this.$nextTick(() => this.$refs.svg.querySelector("[data-handle]")?.focus());
        }
        return;
      }
      if (event.key === "Delete" || event.key === "Backspace") {
        event.preventDefault();
        if (this.chosen) this.drop(this.chosen.id);
        return;
      }
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!way || !this.chosen) return;
      event.preventDefault();
      const step = event.shiftKey ? 0.05 : event.altKey ? 0.001 : 0.01;
      const handle = event.target.closest("[data-handle]");
      // A key that is held down is one step to undo.
      if (!event.repeat) this.remember();
      if (handle && part(handle) === "corridor") {
        this.widen(this.chosen.corridor + (way[0] - way[1]) * step);
        this.announce("corridor " + this.chosen.corridor);
      } else if (handle) {
        const i = part(handle);
        const p = this.chosen.points[i];
        this.chosen.points[i] = [clamp(p[0] + way[0] * step), clamp(p[1] + way[1] * step)];
        this.announce(this.handleLabel(this.chosen, i));
      } else {
        this.shift(copy(this.chosen.points), way[0] * step, way[1] * step);
        this.announce(this.described(this.chosen));
      }
    },

    // Geometry, in pixels of the picture.
    near(a, b, px) {
      return Math.hypot((a[0] - b[0]) * this.width, (a[1] - b[1]) * this.height) <= px * this.u;
    },
    shift(points, dx, dy) {
      const xs = points.map((p) => p[0]);
      const ys = points.map((p) => p[1]);
      const x = Math.min(Math.max(dx, -Math.min(...xs)), 1 - Math.max(...xs));
      const y = Math.min(Math.max(dy, -Math.min(...ys)), 1 - Math.max(...ys));
      this.chosen.points = points.map((p) => [p[0] + x, p[1] + y]);
    },
    widen(corridor) {
      this.chosen.corridor = Math.round(Math.min(2, Math.max(0.01, corridor)) * 200) / 200;
    },
    edge(s) {
      const { a, b, right } = this.frame(s);
      const at = [0, 1].map((i) => a[i] + (b[i] - a[i]) * 0.2 + right[i] * s.corridor * this.height);
      // A handle outside the picture is moved to its edge.
      return { cx: this.inside(at[0], this.width), cy: this.inside(at[1], this.height) };
    },
    snapTo(at, own, otherEnd) {
      this.snapped = null;
      if (!this.snap) return at;
      for (const shape of this.shapes) {
        if (shape === own) continue;
        for (const p of shape.points) {
          if (this.near(at, p, SNAP_PX)) return (this.snapped = [...p]);
        }
      }
      let [x, y] = at;
      if (otherEnd) {
        const angle = Math.atan2((y - otherEnd[1]) * this.height, (x - otherEnd[0]) * this.width);
        if (Math.abs(Math.sin(angle)) < LEVEL) y = otherEnd[1];
        if (Math.abs(Math.cos(angle)) < LEVEL) x = otherEnd[0];
      }
      const ex = (EDGE_PX * this.u) / this.width;
      const ey = (EDGE_PX * this.u) / this.height;
      x = x < ex ? 0 : x > 1 - ex ? 1 : x;
      y = y < ey ? 0 : y > 1 - ey ? 1 : y;
      if (x !== at[0] || y !== at[1]) this.snapped = [x, y];
      return [x, y];
    },
    side(points, p) {
      const [[x1, y1], [x2, y2]] = points;
      return (x2 - x1) * this.width * (p[1] - y1) * this.height - (y2 - y1) * this.height * (p[0] - x1) * this.width;
    },
    px(p) {
      return [p[0] * this.width, p[1] * this.height];
    },
    list(points) {
      return points.map((p) => this.px(p).map((v) => v.toFixed(1)).join(",")).join(" ");
    },
    ends(s) {
      const [a, b] = s.points.map(this.px);
      return { x1: a[0], y1: a[1], x2: b[0], y2: b[1] };
    },
    frame(s) {
      const [a, b] = s.points.map(this.px);
      const length = Math.max(1e-6, Math.hypot(b[0] - a[0], b[1] - a[1]));
      const along = [(b[0] - a[0]) / length, (b[1] - a[1]) / length];
      return { a, b, along, right: [-along[1], along[0]], middle: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2] };
    },
    corridor(s) {
      const { a, b, along, right } = this.frame(s);
      const h = s.corridor * this.height;
      return [
        [a, -1, 1],
        [b, 1, 1],
        [b, 1, -1],
        [a, -1, -1],
      ]
        .map(([p, l, r]) => [0, 1].map((i) => (p[i] + (along[i] * l + right[i] * r) * h).toFixed(1)).join(","))
        .join(" ");
    },
    arrow(s, side) {
      const { middle, along, right } = this.frame(s);
      const to = (l, r) => [0, 1].map((i) => (middle[i] + (along[i] * l + right[i] * r * side) * this.u).toFixed(1));
      // The two arrows stand side by side, so that they stay distinct on a short line.
      const l = 7 * side;
      return `M${to(l, 2)}L${to(l, 24)}M${to(l - 5, 18)}L${to(l, 24)}L${to(l + 5, 18)}`;
    },
    arrowText(s, side) {
      const { middle, along, right } = this.frame(s);
      const across = Math.abs(right[0]) > 0.4;
      const away = across ? 29 : 36;
      const at = [0, 1].map((i) => middle[i] + (along[i] * 7 * side + right[i] * side * away) * this.u);
      // Beside an arrow that points sideways a text begins, or ends, at its tip.
      const anchor = across ? (right[0] * side > 0 ? "start" : "end") : "middle";
      return this.fitted(at, anchor, this.short(s.names[side === 1 ? 0 : 1]), 11);
    },
    nameAt(s) {
      if (s.kind === "zone") {
        const n = s.points.length;
        const at = [0, 1].map((i) => s.points.reduce((sum, p) => sum + this.px(p)[i], 0) / n);
        return this.fitted(at, "middle", this.shownName(s), 13);
      }
      const { a, b, along, right } = this.frame(s);
      // At the end that has more room, off the line.
      const end = s.kind === "scale" ? [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2] : a[1] > b[1] ? b : a;
      const at = [0, 1].map((i) => end[i] + right[i] * (Math.abs(along[0]) > 0.7 ? -18 : 18) * this.u);
      const anchor = Math.abs(right[0]) > 0.7 && s.kind === "line" ? (right[0] > 0 ? "start" : "end") : "middle";
      return this.fitted(at, anchor, this.shownName(s), 13);
    },
    // A text that is moved inwards if it would leave the picture.
    fitted(at, anchor, text, size) {
      const wide = 0.6 * size * this.u * text.length;
      const left = at[0] - { start: 0, middle: wide / 2, end: wide }[anchor];
      const margin = 4 * this.u;
      let x = at[0];
      if (left < margin) [x, anchor] = [margin, "start"];
      else if (left + wide > this.width - margin) [x, anchor] = [this.width - margin, "end"];
      return { x, y: this.inside(at[1], this.height), style: { textAnchor: anchor } };
    },
    shownName(s) {
      return s.kind === "scale" ? (s.metres || "?") + " m" : this.short(s.name);
    },
    short(text) {
      return text.length > 24 ? text.slice(0, 23) + "…" : text;
    },
    inside(value, most) {
      return Math.min(Math.max(value, 18 * this.u), most - 18 * this.u);
    },
    letter(label) {
      return { person: "P", bicycle: "B", motorcycle: "M", car: "C", bus: "U", truck: "T", unknown: "?" }[label] || "V";
    },
    described(s) {
      const name = s.kind === "scale" ? "known length " + s.metres + " m" : s.kind + " " + s.name;
      return name + ", " + s.points.map(percent).join(" to ");
    },
    handleLabel(s, i) {
      const end = s.kind === "zone" ? "corner " + (i + 1) : i ? "end" : "start";
      return (s.name || s.kind) + ", " + end + ", " + percent(s.points[i]);
    },
  },
};

const START = {
  line: [
    [0.3, 0.6],
    [0.7, 0.6],
  ],
  zone: [
    [0.35, 0.35],
    [0.65, 0.35],
    [0.65, 0.65],
    [0.35, 0.65],
  ],
};

function part(handle) {
  return handle.dataset.handle === "corridor" ? "corridor" : Number(handle.dataset.handle);
}

function copy(value) {
  return JSON.parse(JSON.stringify(value));
}

function clamp(value) {
  return Math.min(1, Math.max(0, value));
}

function percent(p) {
  return p.map((v) => Math.round(v * 1000) / 10 + " %").join(", ");
}

function distinct(points) {
  return points.filter((p, i) => !i || p[0] !== points[i - 1][0] || p[1] !== points[i - 1][1]);
}
