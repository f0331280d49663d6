"use strict";
// The report's tables and pages, made of the data in this file. Text of the data becomes text nodes alone.

const SVG = "http://www.w3.org/2000/svg";
const ROWS = 200;
const data = JSON.parse(document.getElementById("data").textContent);
const conceptOf = new Map(data.concepts.map((concept, index) => [concept.id, index]));
const latentOf = new Map(data.latents.map((latent) => [latent.index, latent]));
const proteinOf = new Map(data.proteins.map((protein) => [protein.id, protein]));
const title = document.title;

const STATUS = {
  usable: "usable", doubtful: "be careful", below: "too imprecise", unusable: "of no use", unknown: "not looked at",
};
const EXAMPLE = {
  right: "found and labelled", unlabelled: "found, no label", missed: "labelled, not found", found: "found",
};
const EXAMPLES = {
  right: "Drawn at random of those that are right.",
  unlabelled: "The likeliest of those that no label of the concept touches.",
  missed: "Drawn at random of the labels that nothing written touches.",
  found: "Drawn at random.",
};
const LEVEL = { residue: "ranges of residues", protein: "whole proteins" };
const MEASURE = { probability: "probability", activation: "activation over its maximum" };

// ---- elements

/** An element with attributes and children; text is text, whatever it holds. */
function element(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function svgElement(name, attributes, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat(3).filter((child) => child !== null && child !== undefined));
  return node;
}

// ---- numbers and names

const number = (value, digits = 2) => (value === null || value === undefined ? "" : value.toFixed(digits));
const count = (value) => (value === null || value === undefined ? "" : value.toLocaleString("en"));
const place = (range) => (range ? (range[0] === range[1] ? `${range[0]}` : `${range[0]}–${range[1]}`) : "whole protein");
const badge = (kind, text) => element("span", { class: `badge ${kind}` }, text);

function conceptLink(index) {
  const concept = data.concepts[index];
  return element("a", { href: `#concept/${encodeURIComponent(concept.id)}` }, concept.name || concept.id);
}

function conceptLinkById(id, name) {
  return conceptOf.has(id) ? conceptLink(conceptOf.get(id)) : (name || id);
}

function latentLink(index) {
  const text = `latent ${index}`;
  return latentOf.has(index) ? element("a", { href: `#latent/${index}` }, text) : text;
}

function proteinLink(id) {
  return proteinOf.has(id) ? element("a", { href: `#protein/${encodeURIComponent(id)}` }, id) : id;
}

// ---- tables

/**
 * A table with search, filters and sorting. `columns`: {label, value, show, numeric}; `filters`: {label, value, names};
 * `search` gives the text of a row that is searched.
 */
function table({ caption, columns, rows, filters = [], search, sorted }) {
  const state = { query: "", chosen: filters.map(() => ""), column: sorted ?? -1, down: sorted !== undefined, all: false };
  const said = element("output", { "aria-live": "polite" });
  const heads = columns.map((column, at) => element("th", { scope: "col", class: column.numeric ? "number" : null },
    element("button", { type: "button", onclick: () => sortBy(at) }, column.label)));
  const body = element("tbody");
  const more = element("button", { type: "button", class: "more", onclick: () => { state.all = true; draw(); } });

  function sortBy(at) {
    state.down = state.column === at ? !state.down : columns[at].numeric === true;
    state.column = at;
    draw();
  }

  function compare(a, b) {
    const [x, y] = [a, b].map(columns[state.column].value);
    // what is unknown stands last, whichever way
    const unknown = [x, y].map((value) => value === null || value === undefined || value === "");
    if (unknown[0] || unknown[1]) return unknown[0] - unknown[1];
    const order = typeof x === "number" ? x - y : String(x).localeCompare(String(y), "en", { numeric: true });
    return state.down ? -order : order;
  }

  function draw() {
    const words = state.query.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = (row) => words.every((word) => search(row).toLowerCase().includes(word));
    const kept = (row) => filters.every((filter, i) => !state.chosen[i] || String(filter.value(row)) === state.chosen[i]);
    let found = rows.filter((row) => kept(row) && matches(row));
    if (state.column >= 0) found = [...found].sort(compare);
    const shown = state.all ? found : found.slice(0, ROWS);
    body.replaceChildren(...shown.map((row) => element("tr", {}, columns.map((column) => element("td",
      { class: column.numeric ? "number" : null }, column.show ? column.show(row) : column.value(row))))));
    heads.forEach((head, at) => head.setAttribute("aria-sort",
      at !== state.column ? "none" : state.down ? "descending" : "ascending"));
    said.textContent = `${count(found.length)} of ${count(rows.length)} shown`;
    more.textContent = `Show all ${count(found.length)}`;
    more.hidden = shown.length === found.length;
  }

  const choose = (filter, at) => {
    const values = [...new Set(rows.map((row) => String(filter.value(row))))].sort();
    const options = values.map((value) => element("option", { value }, (filter.names || {})[value] || value));
    return element("label", {}, filter.label, element("select", { onchange: (event) => { state.chosen[at] = event.target.value; draw(); } },
      element("option", { value: "" }, "all"), options));
  };
  const controls = element("form", { class: "controls", role: "search", onsubmit: (event) => event.preventDefault() },
    element("label", {}, "Search", element("input", { type: "search", autocomplete: "off",
      oninput: (event) => { state.query = event.target.value; draw(); } })),
    filters.map(choose), said);
  draw();
  return [controls, element("div", { class: "scroll" }, element("table", { class: "wide" }, element("caption", {}, caption),
    element("thead", {}, element("tr", {}, heads)), body)), more];
}

function plainTable(caption, heads, rows) {
  return element("table", {}, element("caption", {}, caption),
    element("thead", {}, element("tr", {}, heads.map((head) => element("th", { scope: "col" }, head)))),
    element("tbody", {}, rows.map((row) => element("tr", {}, row.map((cell) => element("td", {}, cell))))));
}

function showConcepts() {
  const interval = (c) => (c.f1_interval ? element("span", { class: "id" }, ` ${c.f1_interval.map((v) => number(v)).join("–")}`) : null);
  return [heading("Concepts"), table({
    caption: data.min_precision === null ? "Concepts of the model" : `Written is what is right with a probability of ${data.min_precision} % or more`,
    rows: data.concepts,
    search: (c) => `${c.id} ${c.name}`,
    filters: [{ label: "Kind", value: (c) => c.kind }, { label: "Annotates", value: (c) => c.level, names: LEVEL },
      { label: "Use", value: (c) => c.status, names: STATUS }],
    columns: [
      { label: "Concept", value: (c) => c.name || c.id, show: (c) => [conceptLink(conceptOf.get(c.id)), " ", element("span", { class: "id" }, c.id)] },
      { label: "Kind", value: (c) => c.kind },
      { label: "Use", value: (c) => STATUS[c.status], show: (c) => badge(c.status, STATUS[c.status]) },
      { label: "Instances", value: (c) => c.instances, show: (c) => count(c.instances), numeric: true },
      { label: "F1 (95 %)", value: (c) => c.f1, show: (c) => [number(c.f1), interval(c)], numeric: true },
      { label: "AUROC", value: (c) => c.auroc, show: (c) => number(c.auroc), numeric: true },
      { label: "Best precision", value: (c) => c.best_precision, show: (c) => number(c.best_precision), numeric: true },
      { label: "Written", value: (c) => c.written, show: (c) => count(c.written), numeric: true },
      { label: "Proteins", value: (c) => c.written_proteins, show: (c) => count(c.written_proteins), numeric: true },
    ],
    sorted: data.concepts.some((c) => c.written) ? 7 : undefined,
  })];
}

function showLatents() {
  if (!data.latents.length) return [heading("Named latents"), element("p", {}, "No latent beside those of the concepts has a name here; --dictionary has their names.")];
  return [heading("Named latents"), table({
    caption: "Latents without a concept in training that agree with one",
    rows: data.latents,
    search: (l) => `${l.index} ${l.concept} ${l.name} ${l.top.map((t) => t.protein).join(" ")}`,
    columns: [
      { label: "Latent", value: (l) => l.index, show: (l) => element("span", { class: "whole" }, latentLink(l.index)) },
      { label: "Agrees with", value: (l) => l.name, show: (l) => [conceptLinkById(l.concept, l.name), " ", element("span", { class: "id" }, l.concept)] },
      { label: "F1", value: (l) => l.f1, show: (l) => number(l.f1), numeric: true },
      { label: "AUROC", value: (l) => l.auroc, show: (l) => number(l.auroc), numeric: true },
      { label: "Active on", value: (l) => l.density, show: (l) => `${number(100 * l.density, 2)} %`, numeric: true },
      { label: "Most active in", value: (l) => (l.top[0] || {}).protein, show: (l) => l.top.slice(0, 3).map((t, i) => [i ? ", " : "", proteinLink(t.protein)]) },
    ],
    sorted: 2,
  })];
}

function showProteins() {
  if (!data.proteins.length) return [heading("Proteins"), element("p", {}, "No protein was read: -i gives features or activations.")];
  const written = (p) => p.ranges.filter((range) => range[4]).length;
  return [heading("Proteins"), element("p", { class: "meta" }, "Those of the examples, and those that were asked for (--proteins-listed); not all that were read."),
    table({
      caption: "Proteins",
      rows: data.proteins,
      search: (p) => `${p.id} ${[...new Set(p.ranges.map((r) => r[0]))].map((c) => data.concepts[c].name).join(" ")}`,
      filters: [{ label: "Part", value: (p) => p.split || "none" }],
      columns: [
        { label: "Protein", value: (p) => p.id, show: (p) => proteinLink(p.id) },
        { label: "Part", value: (p) => p.split },
        { label: "Residues", value: (p) => p.sequence.length, show: (p) => count(p.sequence.length), numeric: true },
        { label: "Ranges written", value: written, numeric: true },
        { label: "Labels of ranges", value: (p) => p.labels.length, numeric: true },
        { label: "Calls", value: (p) => p.calls.length, numeric: true },
      ],
    })];
}

/** What corroborates something: `word=what(number)`, joined by semicolons. */
function evidence(text) {
  const at = (what) => what.replace(/@(\d+)-(\d+)$/, (_, start, end) => ` at ${place([start, end])}`);
  const parts = text.split(";").filter(Boolean).map((part) => /^([a-z]+)=(.*?)(\(([0-9.]+)\))?$/.exec(part) || [part, "", part]);
  return parts.map(([, word, what, , value], i) => [i ? ", " : "", `${word} `, word === "neighbour" ? proteinLink(what) : at(what), value ? element("span", { class: "id" }, ` ${number(Number(value))}`) : null]);
}

function showMissing() {
  if (!data.missing.length) return [heading("What labels lack"), element("p", {}, "Nothing is listed: protsae-interpret --missing makes the table, and --missing shows it here.")];
  return [heading("What labels lack"), element("p", { class: "meta" },
    "Ranges and calls that are likely right where the protein has no such label: what a curator may want to look at."),
  table({
    caption: data.missing.length < data.missing_in_all ? `The likeliest ${count(data.missing.length)} of ${count(data.missing_in_all)}` : "Likeliest first",
    rows: data.missing,
    search: (m) => `${m.protein} ${m.concept} ${m.name} ${m.evidence}`,
    filters: [{ label: "Part", value: (m) => m.split || "none" }, { label: "Corroborated", value: (m) => (m.evidence ? "yes" : "no") }],
    columns: [
      { label: "Protein", value: (m) => m.protein, show: (m) => proteinLink(m.protein) },
      { label: "Concept", value: (m) => m.name || m.concept, show: (m) => [conceptLinkById(m.concept, m.name), " ", element("span", { class: "id" }, m.concept)] },
      { label: "Where", value: (m) => (m.range ? m.range[0] : 0), show: (m) => place(m.range), numeric: true },
      { label: "Probability", value: (m) => m.probability, show: (m) => number(m.probability), numeric: true },
      { label: "Part", value: (m) => m.split },
      { label: "What speaks for it", value: (m) => m.evidence, show: (m) => evidence(m.evidence) },
    ],
  })];
}

// ---- tracks along a sequence

/** Values of a track by residue, 0 to 1. */
function valuesOf(protein, concept) {
  const values = new Float32Array(protein.sequence.length);
  const track = protein.tracks[concept];
  for (const [start, digits] of track ? track.runs : []) {
    for (let i = 0; 2 * i < digits.length; i += 1) values[start - 1 + i] = Number(digits.slice(2 * i, 2 * i + 2)) / 100;
  }
  return values;
}

const of = (concept) => (item) => item[0] === concept;
const isBond = (concept) => data.concepts[concept].bonds;

/** A concept along a protein: its values, its ranges and its labels, one below the other. */
function drawTrack(protein, concept) {
  const [width, height, bar] = [1000, 46, 8];
  const length = protein.sequence.length;
  const x = (position) => ((position - 1) / length) * width;
  const values = valuesOf(protein, concept);
  const path = ["M0 46"];
  values.forEach((value, i) => {
    const top = (height * (1 - value)).toFixed(1);
    path.push(`L${x(i + 1).toFixed(1)} ${top}H${x(i + 2).toFixed(1)}`);
  });
  const block = (top, kind) => ([, start, end]) => {
    if (isBond(concept)) return svgElement("path", { class: `bond ${kind}`, d: `M${x(start + 0.5)} ${top + bar}v-${bar - 2}H${x(end + 0.5)}v${bar - 2}` });
    return svgElement("rect", { class: kind, x: x(start), y: top, width: Math.max(2, x(end + 1) - x(start)), height: bar, rx: 2 },
      svgElement("title", {}, place([start, end])));
  };
  const ranges = protein.ranges.filter(of(concept));
  const labels = protein.labels.filter(of(concept));
  const say = (items) => (items.length ? items.map(([, start, end]) => place([start, end])).join(", ") : "none");
  const written = ranges.filter((range) => range[4]);
  const measure = protein.tracks[concept] ? MEASURE[protein.tracks[concept].of] : "values";
  const name = `${data.concepts[concept].name} along ${protein.id}: ${measure}; written ranges: ${say(written)}; labels: ${say(labels)}`;
  // whole proteins have neither ranges nor labels of any
  const base = data.concepts[concept].level === "protein" ? 48 : 72;
  return svgElement("svg", { class: "track", viewBox: `0 0 ${width} ${base + 14}`, role: "img", "aria-label": name },
    svgElement("path", { class: "area", d: `${path.join("")}V46Z` }),
    ranges.map((range) => block(50, range[4] ? "written" : "doubted")(range)),
    labels.map(block(61, "labelled")),
    svgElement("path", { class: "axis", d: `M0 ${base}.5H1000` }),
    ticks(length).map((tick) => svgElement("text", { x: x(tick), y: base + 12, "text-anchor": tick === 1 ? "start" : tick === length ? "end" : "middle" }, String(tick))));
}

/** Round positions, with both ends. */
function ticks(length) {
  const step = [5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((s) => length / s <= 8) || 10000;
  const round = Array.from({ length: Math.floor(length / step) }, (_, i) => (i + 1) * step);
  return [1, ...round.filter((tick) => length - tick > 0.6 * step), length];
}

const trackKey = (concept, protein) => element("p", { class: "meta" },
  element("span", { class: "key value" }, protein.tracks[concept] ? MEASURE[protein.tracks[concept].of] : "no values"),
  data.concepts[concept].level === "protein" ? null : [
    element("span", { class: "key range" }, "ranges (outlined: too doubtful to be written)"),
    element("span", { class: "key label" }, "labels")]);

/** Letters from one residue to another, coloured by a concept's values. */
function letters(protein, concept, first, last) {
  const values = concept === null ? null : valuesOf(protein, concept);
  const within = (items, position) => items.some(([, start, end]) => (isBond(concept) ? position === start || position === end : start <= position && position <= end));
  const ranges = concept === null ? [] : protein.ranges.filter((range) => range[0] === concept && range[4]);
  const labels = concept === null ? [] : protein.labels.filter(of(concept));
  return Array.from({ length: last - first + 1 }, (_, i) => {
    const position = first + i;
    const value = values ? values[position - 1] : 0;
    const classes = ["residue"];
    if (within(labels, position)) classes.push("in-label");
    if (within(ranges, position)) classes.push("in-range");
    const style = value > 0 ? `background:color-mix(in srgb, var(--value) ${Math.round(70 * value)}%, transparent)` : null;
    return element("span", { class: classes.join(" "), style, title: `${position}` }, protein.sequence[position - 1]);
  });
}

/** The surroundings of a range. */
function sequenceWindow(protein, concept, [start, end]) {
  const around = 12;
  const first = Math.max(1, start - around);
  const last = Math.min(protein.sequence.length, Math.min(end, start + 60) + around);
  return element("div", { class: "window", tabindex: "0", role: "group", "aria-label": `Residues ${first} to ${last} of ${protein.id}` },
    element("span", { class: "meta" }, `${first} `), letters(protein, concept, first, last), element("span", { class: "meta" }, ` ${last}`));
}

// ---- plots of shares

/** Copies prepared axes and draws into them; `draw` gets functions from shares to pixels. */
function plot(frame, name, draw) {
  const template = document.getElementById(frame);
  const [left, bottom, right, top] = template.dataset.ends.split(" ").map(Number);
  const svg = template.content.querySelector("svg").cloneNode(true);
  svg.setAttribute("aria-label", name);
  svg.append(...draw((v) => left + v * (right - left), (v) => bottom + v * (top - bottom)).flat(3));
  return svg;
}

/** Wilson's 95 % interval of a share. */
function interval(right, all) {
  const z = 1.96;
  const [share, scale] = [right / all, 1 + (z * z) / all];
  const middle = (share + (z * z) / (2 * all)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / all + (z * z) / (4 * all * all));
  return [middle - half, middle + half];
}

function reliability(concept) {
  const bins = concept.bins.filter((bin) => bin.annotations);
  const svg = plot("reliability-frame", `Reliability of ${concept.name}: the share that is right against the stated probability`, (x, y) => [
    svgElement("path", { class: "plot-even", d: `M${x(0)} ${y(0)}L${x(1)} ${y(1)}` }),
    bins.map((bin) => {
      const [low, high] = interval(bin.right, bin.annotations);
      return [svgElement("path", { class: "plot-bar", d: `M${x(bin.expected)} ${y(low)}V${y(high)}` }),
        svgElement("circle", { class: "plot-dot", cx: x(bin.expected), cy: y(bin.right / bin.annotations), r: 4 },
          svgElement("title", {}, `${bin.right} of ${bin.annotations} right, ${number(bin.expected)} stated`))];
    })]);
  return element("figure", {}, svg, element("figcaption", {},
    `Annotations on ${judged()} in bins of like probability, with intervals of 95 %. Points on the broken line are as right as is said.`));
}

function recall(concept) {
  const levels = concept.levels.filter((level) => level.recall !== null);
  let [all, right, weight] = [0, 0, 0];
  const expected = levels.map((level) => {
    right += level.precision * level.annotations;
    weight += level.annotations;
    return [level.recall, right / weight];
  });
  right = 0;
  const seen = concept.instances ? concept.bins.map((bin) => {
    all += bin.annotations;
    right += bin.right;
    return [right / concept.instances, right / all];
  }) : [];
  const line = (points, x, y) => points.map(([a, b], i) => `${i ? "L" : "M"}${x(Math.min(1, a)).toFixed(1)} ${y(b).toFixed(1)}`).join("");
  const svg = plot("recall-frame", `Precision against recall of ${concept.name}`, (x, y) => [
    expected.length ? [svgElement("path", { class: "plot-line", d: line(expected, x, y) })] : [],
    seen.length ? [svgElement("path", { class: "plot-seen", d: line(seen, x, y) })] : [],
    [[expected, "plot-mark"], [seen, "plot-dot"]].map(([points, kind]) => points.map(([a, b]) => (
      svgElement("circle", { class: kind, cx: x(Math.min(1, a)), cy: y(b), r: 3 }))))]);
  const keys = [expected.length ? element("span", { class: "key c0" }, "by validation proteins") : null,
    seen.length ? element("span", { class: "key c1" }, `on ${judged()}`) : null];
  return element("figure", {}, svg, element("figcaption", {}, keys));
}

const judged = () => (data.judged_on === "test" ? "test proteins" : "all proteins");

function plotNumbers(concept) {
  return element("details", {}, element("summary", {}, "The numbers of these plots"), element("div", { class: "facts" },
    plainTable("By validation proteins", ["probability", "annotations", "recall from here on"],
      concept.levels.map((level) => [number(level.precision), count(level.annotations), number(level.recall)])),
    plainTable(`On ${judged()}`, ["probability", "annotations", "right"],
      concept.bins.map((bin) => [number(bin.expected), count(bin.annotations), count(bin.right)]))));
}

// ---- pages

const heading = (text) => element("h1", { tabindex: "-1", id: "view-title" }, text);

function cards(items) {
  const known = items.filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return element("ul", { class: "cards" }, known.map(([name, value]) => element("li", {}, element("b", {}, value), element("span", {}, name))));
}

function example(concept, index, shown) {
  const protein = proteinOf.get(shown.protein);
  const likely = shown.probability === null ? "" : `, ${shown.probability} % likely right`;
  return element("article", { class: "panel" }, element("header", {}, element("h3", {}, proteinLink(shown.protein)), badge(shown.kind, EXAMPLE[shown.kind]),
    element("span", { class: "meta" }, `${place(shown.range)}${likely}${protein.split ? `; ${protein.split} protein` : ""}, ${count(protein.sequence.length)} residues`)),
  drawTrack(protein, index), shown.range ? sequenceWindow(protein, index, shown.range) : null);
}

function examples(concept, index) {
  if (!concept.examples.length) return [element("p", { class: "meta" }, "None: nothing was found or labelled in the proteins that were read.")];
  const kinds = [...new Set(concept.examples.map((shown) => shown.kind))];
  return [trackKey(index, proteinOf.get(concept.examples[0].protein)), kinds.map((kind) => element("section", {},
    element("h3", {}, `${EXAMPLE[kind][0].toUpperCase()}${EXAMPLE[kind].slice(1)}`), element("p", { class: "meta" }, EXAMPLES[kind]),
    concept.examples.filter((shown) => shown.kind === kind).map((shown) => example(concept, index, shown))))];
}

function related(concept, index) {
  const list = (title, items) => (items.length ? element("div", {}, element("h3", {}, title), element("ul", { class: "related" }, items.map((item) => element("li", {}, item)))) : null);
  const near = (neighbour) => [conceptLink(neighbour.index), element("span", { class: "id" }, ` cosine ${number(neighbour.cosine)}`)];
  const latent = (neighbour) => {
    const named = latentOf.get(neighbour.index);
    return [latentLink(neighbour.index), named ? ` (${named.name})` : "", element("span", { class: "id" }, ` cosine ${number(neighbour.cosine)}`)];
  };
  const same = data.latents.filter((l) => l.concept === concept.id).map((l) => [latentLink(l.index), element("span", { class: "id" }, ` F1 ${number(l.f1)}`)]);
  const lists = [list("More general", concept.parents.map(conceptLink)), list("More special", concept.children.map(conceptLink)),
    list("Concepts with like directions", concept.near_concepts.map(near)), list("Latents with like directions of the decoder", concept.near_latents.map(latent)),
    list("Other latents that agree with it", same)];
  return lists.some(Boolean) ? [element("h2", {}, "Related"), lists] : [];
}

function showConcept(id) {
  const index = conceptOf.get(id);
  if (index === undefined) return notFound("concept", id);
  const concept = data.concepts[index];
  const missing = data.missing.filter((row) => row.concept === id).length;
  const known = concept.levels.length || concept.bins.length;
  return [heading(concept.name || concept.id), element("p", {}, badge(concept.status, STATUS[concept.status]), " ",
    element("span", { class: "meta" }, `${concept.id}, ${concept.kind}, of ${LEVEL[concept.level]}`)),
  concept.reason ? element("p", {}, concept.reason) : null,
  concept.found_by ? element("p", { class: "meta" }, `${concept.found_by}${concept.latent === null ? "" : `${concept.level === "protein" ? "; examples show the activation of" : ";"} latent ${concept.latent}`}`) : null,
  cards([["F1", number(concept.f1)], ["AUROC", number(concept.auroc)], ["best precision", number(concept.best_precision)],
    ["instances judged on", count(concept.instances)], ["written", count(concept.written)], ["in proteins", count(concept.written_proteins)],
    ["that labels lack", missing ? count(missing) : ""], ["proteins that carry it", count(concept.proteins)]]),
  known ? [element("h2", {}, "How right it is"), concept.bins.length ? reliability(concept) : null, recall(concept), plotNumbers(concept)] : null,
  element("h2", {}, "Examples"), examples(concept, index), related(concept, index)].flat();
}

function showLatent(text) {
  const latent = latentOf.get(Number(text));
  if (!latent) return notFound("latent", text);
  const near = data.concepts.map((concept, index) => [index, concept.near_latents.find((n) => n.index === latent.index)]).filter(([, n]) => n);
  return [heading(`Latent ${latent.index}`), element("p", {}, "It had no concept in training, and agrees with ", conceptLinkById(latent.concept, latent.name), "."),
    cards([["F1", number(latent.f1)], ["AUROC", number(latent.auroc)], ["of residues", `${number(100 * latent.density)} %`]]),
    element("h2", {}, "Most active in"),
    plainTable("Proteins", ["protein", "activation over its maximum", "longest run"], latent.top.map((top) => [proteinLink(top.protein), number(top.share), top.range ? place(top.range) : ""])),
    near.length ? [element("h2", {}, "Concepts with like directions"), element("ul", {}, near.map(([index, n]) => element("li", {}, conceptLink(index), element("span", { class: "id" }, ` cosine ${number(n.cosine)}`))))] : []].flat();
}

function sequence(protein, concept) {
  const rows = [];
  for (let first = 1; first <= protein.sequence.length; first += 60) {
    const blocks = [];
    for (let start = first; start < first + 60 && start <= protein.sequence.length; start += 10) {
      blocks.push(element("span", { class: "block" }, letters(protein, concept, start, Math.min(start + 9, protein.sequence.length))));
    }
    rows.push(element("span", { class: "at" }, String(first)), element("span", {}, blocks));
  }
  return element("div", { class: "sequence" }, rows);
}

/** The chain that is drawn, if any: it is to be taken away with its page. */
let drawn = null;

/** The chain, where there is a structure: a host for it, and a function that colours it by a concept. */
function structure(protein) {
  if (!protein.structure) return { host: null, color: () => {} };
  const canvas = element("canvas", { class: "structure" });
  const host = element("figure", { class: "wide-figure" }, canvas);
  const color = getComputedStyle(document.documentElement).getPropertyValue("--range").trim();
  const colorBy = (concept) => {
    const values = concept === null ? [] : Array.from(valuesOf(protein, concept));
    const own = concept === null ? [] : protein.ranges.filter((range) => range[0] === concept && range[4]);
    const ranges = own.map(([, start, end]) => ({ start, end, name: data.concepts[concept].name, color }));
    if (drawn) drawn.setValues(values, ranges);
    // it must be in the page before it is drawn: its size is that of its place
    else requestAnimationFrame(() => {
      if (canvas.isConnected) drawn = drawStructure(canvas, { ca: protein.structure.ca, values, labels: protein.sequence, ranges }, { name: protein.id, valueName: "value" });
    });
  };
  return { host, color: colorBy };
}

function calls(protein) {
  if (!protein.calls.length) return [element("p", { class: "meta" }, "None that is likely.")];
  const labelled = (call) => (call.labelled === null ? "" : call.labelled ? "yes" : "no");
  const donor = (call) => (call.donor ? [proteinLink(call.donor), element("span", { class: "id" }, ` cosine ${number(call.donor_score)}`)] : "");
  const withDonors = protein.calls.some((call) => call.donor);
  return [element("table", {}, element("caption", {}, `Calls of the whole protein${data.min_precision === null ? "" : `; written from ${data.min_precision} % on`}`),
    element("thead", {}, element("tr", {}, ["concept", "likely right", "labelled", ...(withDonors ? ["a neighbour that has it"] : [])].map((head) => element("th", { scope: "col" }, head)))),
    element("tbody", {}, protein.calls.map((call) => element("tr", {}, element("td", {}, conceptLink(call.concept), " ", element("span", { class: "id" }, data.concepts[call.concept].id)),
      element("td", { class: "number" }, `${call.probability} %`), element("td", {}, labelled(call)), withDonors ? element("td", {}, donor(call)) : null))))];
}

function showProtein(id) {
  const protein = proteinOf.get(id);
  if (!protein) return notFound("protein", id);
  const best = (concept) => Math.max(0, ...protein.ranges.filter(of(concept)).map((range) => range[3]));
  const written = (concept) => protein.ranges.filter((range) => range[0] === concept && range[4]).length;
  const shown = [...new Set([...Object.keys(protein.tracks).map(Number), ...protein.ranges.map((r) => r[0]), ...protein.labels.map((l) => l[0])])]
    .sort((a, b) => (written(b) > 0) - (written(a) > 0) || best(b) - best(a) || a - b);
  const say = (concept) => [written(concept) ? `${written(concept)} written` : "none written", best(concept) ? `best ${best(concept)} %` : "", `${protein.labels.filter(of(concept)).length} labelled`].filter(Boolean).join(", ");
  const withTrack = shown.filter((concept) => protein.tracks[concept]);
  const [placed, whole] = ["residue", "protein"].map((level) => shown.filter((concept) => data.concepts[concept].level === level));
  const panel = (concept, said) => element("article", { class: "panel" }, element("header", {}, element("h3", {}, conceptLink(concept)),
    element("span", { class: "meta" }, said)), drawTrack(protein, concept));
  const letterHost = element("div");
  const chain = structure(protein);
  const color = (text) => {
    const concept = text === "" ? null : Number(text);
    letterHost.replaceChildren(sequence(protein, concept));
    chain.color(concept);
  };
  const chosen = withTrack.length ? String(withTrack[0]) : "";
  const select = element("select", { onchange: (event) => color(event.target.value) }, element("option", { value: "" }, "nothing"),
    withTrack.map((concept) => element("option", { value: String(concept), selected: String(concept) === chosen }, data.concepts[concept].name)));
  color(chosen);
  return [heading(protein.id), cards([["residues", count(protein.sequence.length)], ["part", protein.split || ""], ["ranges written", count(protein.ranges.filter((r) => r[4]).length)],
    ["labels of ranges", count(protein.labels.length)], ["calls", count(protein.calls.length)]]),
  element("h2", {}, "Ranges"), placed.length ? trackKey(placed[0], protein) : element("p", { class: "meta" }, "None."),
  placed.map((concept) => panel(concept, say(concept))),
  element("h2", {}, "Calls"), calls(protein),
  whole.length ? [element("h2", {}, "Where latents of terms are active"), trackKey(whole[0], protein), whole.map((concept) => panel(concept, ""))] : null,
  element("h2", {}, chain.host ? "Structure and sequence" : "Sequence"), element("div", { class: "controls" }, element("label", {}, "Colour by", select)), chain.host, letterHost].flat();
}

function notFound(what, id) {
  return [heading("Not here"), element("p", {}, `This report has no page of the ${what} '${id}'.`)];
}

// ---- routes

const TABLES = { concepts: showConcepts, latents: showLatents, proteins: showProteins, missing: showMissing };
/** Tables once they are made: what was searched and sorted is there again on the way back. */
const made = {};
const PAGES = { concept: [showConcept, "concepts"], latent: [showLatent, "latents"], protein: [showProtein, "proteins"] };

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Shows what the address asks for. */
function route(isFirst) {
  const [, name, , argument] = /^#?([a-z]*)(\/(.*))?$/.exec(location.hash) || [];
  const [make, parent] = TABLES[name] ? [() => (made[name] ??= TABLES[name]()), name] : PAGES[name] ? [() => PAGES[name][0](decode(argument || "")), PAGES[name][1]] : [null, "overview"];
  const [overview, view] = ["overview", "view"].map((id) => document.getElementById(id));
  if (drawn) drawn.destroy();
  drawn = null;
  overview.hidden = make !== null;
  view.hidden = make === null;
  view.replaceChildren(...(make ? make().flat(3).filter(Boolean) : []));
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${parent}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const shown = (make ? view : overview).querySelector("h1");
  document.title = make ? `${shown.textContent} – ${title}` : title;
  if (!isFirst) {
    window.scrollTo(0, 0);
    shown.focus({ preventScroll: true });
  }
}

for (const link of document.querySelectorAll("a[data-concept]")) link.href = `#concept/${encodeURIComponent(link.dataset.concept)}`;
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.querySelector("#view:not([hidden]) h1, #overview:not([hidden]) h1").focus();
});
document.addEventListener("keydown", (event) => {
  const search = document.querySelector("#view input[type=search]");
  if (event.key === "/" && search && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
    event.preventDefault();
    search.focus();
  }
});
window.addEventListener("hashchange", () => route(false));
route(true);
