// A protein chain on a canvas: a ribbon through its C-alphas, coloured by a value along it, that can be turned.
//   const view = drawStructure(canvas, data, options);
// data.ca      one entry a residue: [x, y, z] in tenths of an ångström, or null where it has no coordinates; or all
//              of them as base64 of 16-bit integers (x, y, z a residue, little-endian, -32768 for none)
// data.values  one entry a residue: a number from 0 to 1, or null
// data.labels  what residues are called: an array, or the sequence, which gives "K42"
// data.ranges  [{start, end, name, color}]: positions from 1, drawn as edges along the ribbon; colours #rrggbb
// options      name (of the protein), valueName, showLegend (true)
// view         setValues(values, ranges) draws others in the same attitude; destroy() takes all of it away
// The canvas's CSS gives its size, and by --structure-background and --structure-text (#rrggbb) its colours. A
// paragraph of class structure-status behind it says what the pointer is on. Nothing moves but by the user.
const drawStructure = (() => {
  "use strict";

  const parseColor = (text) => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16));
  const SCALE = ["#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151",
    "#bddf26", "#fde725"].map(parseColor); // viridis at 0, 0.1, ..., 1
  const NO_VALUE = parseColor("#b8b8b8");
  const HALF_WIDTH = { helix: 13, strand: 12, coil: 0 }; // of the ribbon, in tenths of an ångström
  const TUBE = 6; // its thickness, in the same
  const BREAK = 45; // C-alphas farther apart than this are not joined
  const PAIRED = 58; // those of neighbouring strands are nearer than this
  const NEAR = 14; // pixels between the pointer and a residue that it points at
  const HELP = "Turn: drag, arrow keys. Zoom: plus and minus, or the wheel after a click. Residues: N and P. Reset: 0.";

  const mix = (a, b, part) => a.map((v, i) => v + (b[i] - v) * part);
  const css = (color) => `rgb(${color.map(Math.round).join(",")})`;
  const minus = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
  const plus = (a, b, times = 1) => [a[0] + b[0] * times, a[1] + b[1] * times, a[2] + b[2] * times];
  const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
  const length = (a) => Math.sqrt(dot(a, a));
  const unit = (a) => a.map((v) => v / (length(a) || 1));
  const within = (value, least, most) => Math.min(Math.max(value, least), most);
  const turned = (matrix, a) => matrix.map((row) => dot(row, a));

  function colorOf(value) {
    if (value === null || value === undefined) return NO_VALUE;
    const at = within(value, 0, 1) * (SCALE.length - 1);
    const low = Math.min(Math.floor(at), SCALE.length - 2);
    return mix(SCALE[low], SCALE[low + 1], at - low);
  }

  function decode(ca) {
    if (typeof ca !== "string") return ca;
    const numbers = new DataView(Uint8Array.from(atob(ca), (c) => c.charCodeAt(0)).buffer);
    return Array.from({ length: numbers.byteLength / 6 }, (_, i) => {
      const place = [0, 2, 4].map((byte) => numbers.getInt16(6 * i + byte, true));
      return place[0] === -32768 ? null : place;
    });
  }

  // Residues that follow each other without a gap, as arrays of their indices.
  const pieces = (ca) => ca.reduce((found, place, i) => {
    if (place && ca[i - 1] && length(minus(place, ca[i - 1])) < BREAK) found.at(-1).push(i);
    else if (place) found.push([i]);
    return found;
  }, []);

  // Helix, strand or coil of each residue, by the distances of C-alphas: strands are stretched and have a neighbour.
  function secondary(ca) {
    const kinds = ca.map(() => "coil");
    const apart = (i, j) => (ca[i] && ca[j] ? length(minus(ca[i], ca[j])) : 0);
    const paired = (i) => ca.some((place, j) => place && Math.abs(i - j) > 2 && apart(i, j) < PAIRED);
    for (let i = 0; i + 3 < ca.length; i++) {
      const stretched = apart(i, i + 2) > 60 && apart(i + 1, i + 3) > 60 && apart(i, i + 3) > 90;
      if (stretched && paired(i + 1) && paired(i + 2)) kinds.fill("strand", i, i + 4);
    }
    for (let i = 0; i + 4 < ca.length; i++) {
      const coiled = Math.abs(apart(i, i + 3) - 51) < 11 && Math.abs(apart(i, i + 4) - 62) < 13;
      if (coiled) kinds.fill("helix", i, i + 5);
    }
    return kinds;
  }

  // Cubic through b and c (Catmull-Rom), t from 0 to 1 between them.
  const spline = (a, b, c, d, t) => b.map((_, i) => b[i] + 0.5 * t * (c[i] - a[i]
    + t * (2 * a[i] - 5 * b[i] + 4 * c[i] - d[i] + t * (3 * (b[i] - c[i]) + d[i] - a[i]))));

  // A piece as cross-sections: a place, the way to the ribbon's edge, and the residue.
  function sections(ca, piece, kinds, steps) {
    const raw = piece.map((i) => ca[i]);
    const before = (i) => raw[i - 1] || raw[i], behind = (i) => raw[i + 1] || raw[i];
    // the zigzag of strands is taken out, so that they are flat
    const places = raw.map((p, i) => (kinds[piece[i]] === "strand" ? mix(p, mix(before(i), behind(i), 0.5), 0.5) : p));
    let last = [0, 0, 0];
    const sides = raw.map((p, i) => {
      const side = unit(cross(minus(p, before(i)), minus(behind(i), p)));
      if (length(side) > 0) last = dot(side, last) < 0 ? side.map((v) => -v) : side;
      return last;
    });
    sides[0] = sides[1] || sides[0];
    const widths = piece.map((i) => HALF_WIDTH[kinds[i]]);
    const at = (list, i) => list[within(i, 0, list.length - 1)];
    return piece.flatMap((residue, i) => Array.from({ length: i + 1 < piece.length ? steps : 1 }, (_, step) => {
      const t = step / steps;
      const width = widths[i] + (at(widths, i + 1) - widths[i]) * t;
      return {
        place: spline(at(places, i - 1), places[i], at(places, i + 1), at(places, i + 2), t),
        side: unit(mix(sides[i], at(sides, i + 1), t)).map((v) => v * width),
        residue: t < 0.5 ? residue : piece[i + 1],
      };
    }));
  }

  // The attitude in which a chain is widest across and then down: its principal axes.
  function bestAttitude(places) {
    const axis = (without) => {
      let vector = [0.61, 0.53, 0.59];
      for (let i = 0; i < 40; i++) {
        const next = places.reduce((sum, p) => plus(sum, p, dot(p, vector)), [0, 0, 0]);
        vector = unit(plus(next, without, -dot(next, without)));
      }
      return vector;
    };
    const x = axis([0, 0, 0]), y = axis(x);
    return [x, y, cross(x, y)];
  }

  // `matrix`, turned about the screen's axis across ("x") or down ("y").
  function turn(matrix, axis, angle) {
    const [x, y, z] = matrix, c = Math.cos(angle), s = Math.sin(angle);
    const both = (a, b, m, n) => a.map((v, i) => v * m + b[i] * n);
    return axis === "x" ? [x, both(y, z, c, -s), both(y, z, s, c)] : [both(x, z, c, s), y, both(x, z, -s, c)];
  }

  return function drawStructure(canvas, data, options = {}) {
    const decoded = decode(data.ca);
    const known = decoded.filter(Boolean);
    const middle = known.reduce((sum, p) => plus(sum, p, 1 / known.length), [0, 0, 0]);
    const ca = decoded.map((p) => p && minus(p, middle));
    const first = bestAttitude(ca.filter(Boolean));
    const reach = first.map((axis) => Math.max(40, ...ca.map((p) => (p ? Math.abs(dot(axis, p)) : 0))));
    const kinds = secondary(ca);
    const steps = within(Math.round(2400 / known.length), 3, 6); // of a residue: fewer where there are many
    const ribbons = pieces(ca).map((piece) => sections(ca, piece, kinds, steps));
    const context = canvas.getContext("2d");
    let { values, ranges = [] } = data;
    let attitude = first, scaling = 1, chosen = null, frame = 0, projected = [];

    const status = document.createElement("p");
    Object.assign(status, { className: "structure-status", ariaLive: "polite", textContent: HELP });
    canvas.after(status);
    canvas.tabIndex = 0;
    canvas.style.touchAction = "none";
    canvas.role = "application";
    canvas.ariaRoleDescription = "structure that can be turned";
    canvas.ariaLabel = `${options.name || "Protein"}: ${known.length} residues in space. ${HELP}`;

    const labelOf = (i) => `${data.labels?.[i] ?? ""}${Array.isArray(data.labels) ? "" : i + 1}`;
    const rangesAt = (i) => ranges.filter((range) => range.start <= i + 1 && i < range.end);
    const redraw = () => { frame = frame || requestAnimationFrame(draw); };

    function choose(i) {
      if (chosen === i) return;
      chosen = i;
      status.textContent = i === null ? HELP : [`${labelOf(i)}: ${options.valueName || "value"} `
        + (values[i]?.toFixed(2) ?? "not given"), ...rangesAt(i).map((range) => range.name)].join(", ");
      redraw();
    }

    function draw() {
      frame = 0;
      const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
      Object.assign(canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) }); // and clears it
      context.scale(ratio, ratio);
      const style = getComputedStyle(canvas);
      const background = parseColor(style.getPropertyValue("--structure-background").trim() || "#ffffff");
      const text = style.getPropertyValue("--structure-text").trim() || "#222222";
      Object.assign(context, { fillStyle: css(background) }).fillRect(0, 0, width, height);
      const scale = scaling * Math.min((0.45 * width) / reach[0], (0.43 * height) / Math.max(reach[1], reach[2]));
      const flat = (p) => [width / 2 + p[0] * scale, height / 2 - p[1] * scale];
      projected = ca.map((p) => p && turned(attitude, p)).map((p) => p && [...flat(p), p[2]]);
      const parts = ribbons.flatMap((ribbon) => {
        const seen = ribbon.map((s) => ({ ...s, place: turned(attitude, s.place), side: turned(attitude, s.side) }));
        return seen.slice(1).map((next, i) => [seen[i], next]);
      });
      // from the back to the front
      parts.sort((a, b) => a[0].place[2] + a[1].place[2] - b[0].place[2] - b[1].place[2]);
      const dark = dot(background, [0.3, 0.6, 0.1]) < 100;
      for (const [a, b] of parts) drawPart(a, b, { flat, scale, background, dark });
      context.beginPath();
      if (projected[chosen]) context.arc(...projected[chosen].slice(0, 2), 7, 0, 2 * Math.PI);
      Object.assign(context, { lineWidth: 2.5, strokeStyle: text }).stroke();
      if (options.showLegend !== false) drawLegend(height, text);
    }

    // The ribbon between two cross-sections: edges first, so that what lies in front stands out.
    function drawPart(a, b, { flat, scale, background, dark }) {
      const depth = within((a.place[2] + b.place[2]) / 2 / Math.max(...reach), -1, 1); // far to near
      const fog = (dark ? 0.2 : 0.28) * (1 - depth);
      const wide = length(a.side) + length(b.side) > 2;
      const normal = unit(cross(minus(b.place, a.place), plus(a.side, b.side)));
      const light = wide ? 0.64 + 0.36 * Math.abs(normal[2] * 0.8 + normal[1] * 0.6) : 0.92;
      const color = colorOf(values[a.residue]).map((v) => v * light);
      const range = rangesAt(a.residue)[0];
      const edge = range ? parseColor(range.color) : mix(color, dark ? [255, 255, 255] : [0, 0, 0], dark ? 0.4 : 0.55);
      const thick = Math.max(TUBE * scale * (wide ? 0.4 : 1) * (1 + 0.25 * depth), 1.2);
      const [fill, rim] = [css(mix(color, background, fog)), css(mix(edge, background, range ? 0.6 * fog : fog))];
      const left = [plus(a.place, a.side), plus(b.place, b.side)].map(flat);
      const right = [plus(a.place, a.side, -1), plus(b.place, b.side, -1)].map(flat);
      // a line along an edge, moved aside by as many pixels, and longer by `beyond` so that no gaps are seen
      const stroke = ([from, to], aside, beyond, strokeStyle, lineWidth) => {
        const [x, y] = [to[0] - from[0], to[1] - from[1]], way = Math.hypot(x, y) || 1;
        const out = (aside / way) * (x * (left[0][1] - right[0][1]) < y * (left[0][0] - right[0][0]) ? 1 : -1);
        Object.assign(context, { strokeStyle, lineWidth }).beginPath();
        context.moveTo(from[0] - (x * beyond) / way + y * out, from[1] - (y * beyond) / way - x * out);
        context.lineTo(to[0] + (x * beyond) / way + y * out, to[1] + (y * beyond) / way - x * out);
        context.stroke();
      };
      const rimWidth = range ? 2.4 : 0.9, aside = (thick + rimWidth) / 2;
      stroke(left, aside, 0.3, rim, rimWidth);
      stroke(right, -aside, 0.3, rim, rimWidth);
      stroke(left, 0, 0.6, fill, thick);
      if (!wide) return;
      stroke(right, 0, 0.6, fill, thick);
      context.beginPath();
      for (const corner of [left[0], left[1], right[1], right[0]]) context.lineTo(...corner);
      context.closePath();
      Object.assign(context, { fillStyle: fill, lineWidth: 0.8 }).fill();
      context.stroke();
    }

    function drawLegend(height, text) {
      const [left, top, width] = [12, height - 30, 110];
      const bar = context.createLinearGradient(left, 0, left + width, 0);
      SCALE.forEach((color, i) => bar.addColorStop(i / (SCALE.length - 1), css(color)));
      const box = (fillStyle, ...place) => Object.assign(context, { fillStyle }).fillRect(...place);
      const write = (...words) => Object.assign(context, { fillStyle: text }).fillText(...words);
      context.font = "12px system-ui, sans-serif";
      box(bar, left, top, width, 8);
      write(options.valueName || "value", left, top - 5);
      write("0", left, top + 21);
      write("1", left + width - 7, top + 21);
      ranges.slice(0, 8).forEach((range, i) => {
        box(range.color, left, 11 + 17 * i, 10, 10);
        write(`${range.name} ${range.start}–${range.end}`, left + 16, 20 + 17 * i);
      });
    }

    const rotate = (axis, angle) => { attitude = turn(attitude, axis, angle); redraw(); };
    const zoom = (by) => { scaling = within(scaling * by, 0.4, 12); redraw(); };
    const reset = () => { [attitude, scaling] = [first, 1]; redraw(); };
    const along = (by) => {
      let i = (chosen ?? (by > 0 ? -1 : ca.length)) + by;
      while (i >= 0 && i < ca.length && !ca[i]) i += by;
      if (ca[i]) choose(i);
    };
    const pointAt = (event) => {
      const box = canvas.getBoundingClientRect();
      let best = null, least = NEAR;
      projected.forEach((p, i) => {
        if (!p) return;
        const away = Math.hypot(p[0] - event.clientX + box.left, p[1] - event.clientY + box.top);
        const far = away - (4 * p[2]) / Math.max(...reach); // of two, the one in front
        if (far < least) [best, least] = [i, far];
      });
      choose(best);
    };

    const keys = {
      ArrowLeft: () => rotate("y", -0.12), ArrowRight: () => rotate("y", 0.12), ArrowUp: () => rotate("x", -0.12),
      ArrowDown: () => rotate("x", 0.12), "+": () => zoom(1.2), "=": () => zoom(1.2), "-": () => zoom(1 / 1.2),
      0: reset, n: () => along(1), p: () => along(-1), Escape: () => choose(null),
    };
    const pointers = new Map();
    const spread = ([a, b]) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) || 1;
    const release = (event) => pointers.delete(event.pointerId);
    const handlers = {
      pointerdown(event) { pointers.set(event.pointerId, event); canvas.setPointerCapture(event.pointerId); },
      pointermove(event) {
        const before = pointers.get(event.pointerId);
        if (!before) return pointAt(event);
        const apart = pointers.size === 2 ? spread([...pointers.values()]) : 0;
        pointers.set(event.pointerId, event);
        if (apart) return zoom(spread([...pointers.values()]) / apart);
        rotate("y", (event.clientX - before.clientX) * 0.01);
        rotate("x", (event.clientY - before.clientY) * 0.01);
      },
      pointerup: release, pointercancel: release, pointerleave: () => pointers.size || choose(null), dblclick: reset,
      wheel(event) { // the page scrolls past a structure that nobody has chosen
        if (document.activeElement !== canvas && !event.ctrlKey) return;
        event.preventDefault();
        zoom(Math.exp(-event.deltaY * 0.002));
      },
      keydown(event) {
        if (!Object.hasOwn(keys, event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        keys[event.key]();
      },
    };
    for (const [name, handler] of Object.entries(handlers)) canvas.addEventListener(name, handler, { passive: false });
    const watcher = new ResizeObserver(redraw);
    watcher.observe(canvas);
    const media = ["(prefers-color-scheme: dark)", "print"].map((query) => window.matchMedia(query));
    media.forEach((query) => query.addEventListener("change", redraw));
    draw();

    return {
      setValues(newValues, newRanges = []) { [values, ranges] = [newValues, newRanges]; redraw(); },
      destroy() {
        cancelAnimationFrame(frame);
        watcher.disconnect();
        media.forEach((query) => query.removeEventListener("change", redraw));
        for (const [name, handler] of Object.entries(handlers)) canvas.removeEventListener(name, handler);
        status.remove();
      },
    };
  };
})();
