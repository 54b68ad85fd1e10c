// The words beside the graph. Text from the user's program is only ever set as text, never as markup.

const panel = document.getElementById("panel");

function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== ""));
  return element;
}

// --- numbers ---

// As the text form writes them: whole numbers without a point, others with `digits` behind it.
function number(x, digits = doc.digits) {
  if (typeof x === "string") return x; // "nan", "inf", "-inf"
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size >= 1e7 || size < 10 ** (1 - digits)) {
    return x.toExponential(digits).replace(/e([+-])(\d)$/, "e$10$2");
  }
  return Number.isInteger(x) ? String(x) : x.toFixed(digits);
}

const factor = (x) => (number(x)[0] === "-" ? `(${number(x)})` : number(x));
const isNumber = (value) => typeof value === "number" || typeof value === "string";
const isSummary = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

function single(value) {
  let inner = value;
  while (Array.isArray(inner) && inner.length === 1) [inner] = inner;
  return isNumber(inner) ? inner : null;
}

const sizes = (shape) => (shape === null ? "unknown shape" : shape.length ? shape.join("×") : "a number");

// A table of numbers: the first axis down, all others to the right.
function rowsOf(value) {
  if (isSummary(value)) return value.heat;
  if (!value.some(Array.isArray)) return [value];
  return value.map((row) => [row].flat(Infinity));
}

// The indices of a cell, of a tensor of this shape; large ones show evenly picked rows and columns.
function indexOf(row, column, shape, value) {
  if (shape.length < 2) {
    const size = shape[0] ?? 1;
    return [isSummary(value) ? pick(column, size, value.heat[0].length) : column];
  }
  const width = shape.slice(1).reduce((a, b) => a * b, 1);
  const summary = isSummary(value);
  let rest = summary ? pick(column, width, value.heat[0].length) : column;
  const index = [];
  for (const size of shape.slice(1).reverse()) {
    index.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return [summary ? pick(row, shape[0], value.heat.length) : row, ...index];
}

const pick = (i, size, shown) => (size <= shown ? i : Math.floor((i * size) / shown));

// --- heat maps ---

function heat(value, shape, label) {
  const rows = rowsOf(value);
  if (!rows.length || !rows[0].length) return h("p", { class: "soft" }, "empty");
  const fine = rows[0].length > 6 || rows.length > 24;
  const largest = Math.max(...rows.flat().map((x) => (typeof x === "number" ? Math.abs(x) : 0))) || 1;
  const readout = h("p", { class: "readout" }, describe(value, shape));
  const table = h("table", { class: fine ? "heat fine" : "heat", tabindex: 0, role: "img",
    "aria-label": `${label}, ${describe(value, shape)}. Arrow keys read single numbers.` });
  rows.forEach((row, i) => {
    const line = table.insertRow();
    row.forEach((x, k) => line.append(cell(x, largest, fine, i, k)));
  });
  let at = null;
  const choose = (td) => {
    at?.classList.remove("at");
    at = td;
    td.classList.add("at");
    const [i, k] = [Number(td.dataset.i), Number(td.dataset.k)];
    readout.textContent = `[${indexOf(i, k, shape ?? [], value).join(", ")}] = ${exactly(rows[i][k])}`;
    readout.setAttribute("aria-live", "polite");
  };
  for (const name of ["mouseover", "click"]) {
    table.addEventListener(name, (event) => event.target.dataset.i && choose(event.target));
  }
  table.addEventListener("keydown", (event) => {
    const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const i = clamp(Number(at?.dataset.i ?? -step[0]) + step[0], 0, rows.length - 1);
    const k = clamp(Number(at?.dataset.k ?? -step[1]) + step[1], 0, rows[0].length - 1);
    choose(table.rows[i].cells[k]);
  });
  return h("div", {}, table, readout);
}

const exactly = (x) => (typeof x === "number" ? String(x) : x);

function cell(x, largest, fine, i, k) {
  const t = typeof x === "number" ? Math.abs(x) / largest : 0;
  const kind = typeof x !== "number" ? "x" : x > 0 ? "p" : x < 0 ? "n" : "";
  return h("td", { class: `${kind}${t > 0.62 ? " dark" : ""}`, style: `--t:${t.toFixed(3)}`, "data-i": i, "data-k": k },
    fine ? "" : number(x));
}

function describe(value, shape) {
  const size = sizes(shape);
  if (isSummary(value)) {
    const odd = value.nan ? `, ${value.nan} nan` : "";
    return `${size}, from ${number(value.min)} to ${number(value.max)}, norm ${number(value.norm)}, ` +
      `${value.zeros} zeros${odd}`;
  }
  return size;
}

function amount(value, shape, label, kind) {
  if (value === null) return h("p", { class: "soft" }, "not computed");
  const one = single(value);
  if (one !== null) return h("p", { class: `math big ${kind}`, title: exactly(one) }, number(one));
  return heat(value, shape, label);
}

// --- parts ---

const section = (title, ...children) => h("section", {}, h("h3", {}, title), children);

function sourceOf(node) {
  if (!node.location) return null;
  const { file, line, source, function: name } = node.location;
  const where = `${file.split(/[\\/]/).pop()}, line ${line}${name && name !== "<module>" ? `, in ${name}` : ""}`;
  return section("Source", h("pre", { class: "source" }, source || "(not available)"),
    h("p", { class: "soft small", title: file }, where));
}

const formulaOf = (node) =>
  node.formula ? section(`Formula of ${node.operation}`, h("p", { class: "math" }, node.formula)) : null;

const derivative = (node) => `∂${nodes.get(doc.result).name}/∂${node.name}`;

// The expression with numbers in place of names, where all of them are single numbers.
function withNumbers(node) {
  const known = node.into.map((edge) => nodes.get(edge.from));
  if (!node.expression || !known.length || known.some((from) => single(from.value) === null)) return null;
  const names = [...new Set(known.map((from) => from.name))].sort((a, b) => b.length - a.length);
  if (names.some((name) => node.expression.includes(`${name}(`))) return null;
  const escaped = names.map((name) => name.replace(/[.*+?^$${}()|[\]\\#]/g, "\\$$&"));
  const pattern = new RegExp(`(?<![\\w.#])(${escaped.join("|")})(?![\\w.#])`, "gu");
  const values = new Map(known.map((from) => [from.name, single(from.value)]));
  let places = 0;
  const text = node.expression.replace(pattern, (name) => {
    places += 1;
    return factor(values.get(name));
  });
  return places ? text : null;
}

function forwardPart(node) {
  const one = single(node.value);
  const numbers = withNumbers(node);
  return [
    node.expression ? h("p", { class: "math" }, `${node.name} = ${node.expression}`) : null,
    numbers && one !== null ? h("p", { class: "math" }, `${" ".repeat(node.name.length)} = ${numbers}`) : null,
    one === null || !node.expression
      ? amount(node.value, node.shape, `Value of ${node.name}`, "val")
      : h("p", { class: "math big val", title: exactly(one) }, `= ${number(one)}`),
  ];
}

// Where a gradient comes from: one product for each use of the value, then their sum.
function backwardPart(node) {
  const uses = node.out.filter((edge) => edge.contribution !== null);
  if (node.id === doc.result) {
    return [h("p", { class: "math" }, `${derivative(node)} = ${number(single(node.gradient) ?? 1)}`),
      h("p", { class: "soft" }, "Backward starts here: a value's derivative by itself is 1.")];
  }
  const parts = uses.map((edge) => product(edge, node, uses.length > 1));
  if (uses.length > 1) {
    const terms = uses.map((edge) => single(edge.contribution));
    const sum = terms.every((x) => x !== null)
      ? `${terms.map((x, i) => (i ? factor(x) : number(x))).join(" + ")} = ${number(single(node.gradient))}`
      : `the sum of ${uses.length} terms, one for each use`;
    parts.push(h("p", { class: "sum grad" }, `${derivative(node)} = ${sum}`));
    if (single(node.gradient) === null) parts.push(amount(node.gradient, node.shape, derivative(node), "grad"));
  }
  return parts;
}

function product(edge, node, isTerm) {
  const to = nodes.get(edge.to);
  const before = single(to.gradient);
  const local = single(edge.local.value);
  const result = single(edge.contribution);
  const formula = edge.local.formula || `∂${to.name}/∂${node.name}`;
  const own = `∂${to.name}/∂${node.name}`;
  const lines = [`${isTerm ? `through ${to.name}:` : derivative(node)}`, `= ${derivative(to)} · ${own}`];
  if (formula !== own) lines.push(`with ${own} = ${formula}`);
  if (before !== null && local !== null && result !== null) {
    if (edge.local.numbers && edge.local.numbers !== number(local)) {
      lines.push(`= ${number(before)} · (${edge.local.numbers})`);
    }
    lines.push(`= ${number(before)} · ${factor(local)}`);
  }
  return h("div", {}, h("p", { class: "math" }, lines.join("\n")),
    edge.local.note ? h("p", { class: "soft" }, `zero: ${edge.local.note}`) : null,
    result !== null
      ? h("p", { class: "math big grad", title: exactly(result) }, `= ${number(result)}`)
      : amount(edge.contribution, node.shape, `Part of ${derivative(node)}`, "grad"));
}

function show(title, subtitle, ...parts) {
  panel.replaceChildren(h("h2", {}, title), subtitle ? h("p", { class: "soft" }, subtitle) : "",
    h("div", { class: "parts" }, parts));
  panel.scrollTop = 0;
}

const overviewButton = () => h("p", {}, h("button", { type: "button", click: () => overview() }, "‹ Overview"));

// --- what the panel shows ---

function showOverview() {
  const result = nodes.get(doc.result);
  const uses = (n) => (n === "1" ? "1 path" : `${Number(n) < 1e15 ? Number(n).toLocaleString("en") : `about ${Number(n).toExponential(1)}`} paths`);
  const list = doc.variables.map((variable, i) =>
    h("li", {}, h("button", { type: "button", "data-variable": i, click: () => chooseVariable(i) },
      h("span", {}, variable.title), h("span", { class: "soft small" }, uses(variable.path_count)))));
  const wrong = doc.variables.filter((v) => v.checks.some((check) => check.agrees === false));
  show(`${result.name}${result.expression ? ` = ${result.expression}` : ""}`, `${doc.nodes.length} values, ${doc.forward.length} operations`,
    wrong.length ? h("p", { class: "differ" }, `A check does not agree: ${wrong.map((v) => v.name).join(", ")}`) : null,
    h("h3", {}, "Choose a variable to see its paths"), h("ul", { class: "choices" }, list),
    section("Or step through it",
      h("p", {}, "First forward, value by value; then backward, gradient by gradient. ",
        h("kbd", {}, "←"), " ", h("kbd", {}, "→"), " one step, ", h("kbd", {}, "Home"), " the start, ",
        h("kbd", {}, "Space"), " plays.")));
}

function showStep(step) {
  const { node, phase, position, total } = step;
  if (!node) {
    const given = doc.nodes.filter((n) => !n.operation).slice(0, 40);
    show("Given", "Before the first step: what the computation starts from.", given.map((n) =>
      section(n.kind === "leaf" ? n.name : `${n.name} (needs no gradient)`, amount(n.value, n.shape, n.name, "val"))));
    return;
  }
  const isForward = phase === "forward";
  show(isForward ? node.name : derivative(node), `${isForward ? "Forward" : "Backward"}, step ${position} of ${total}`,
    h("section", {}, isForward ? forwardPart(node) : backwardPart(node)), isForward ? formulaOf(node) : null,
    sourceOf(node), overviewButton());
}

function showNode(node) {
  const kind = { leaf: "variable", constant: "given: needs no gradient", result: "the result", operation: "computed" }[node.kind];
  const locals = node.into.filter((edge) => edge.local.formula);
  show(node.name, [kind, sizes(node.shape), node.dtype, node.module && `module ${node.module}`].filter(Boolean).join(", "),
    section("Value", forwardPart(node)),
    node.gradient === null ? null : section(`Gradient ${derivative(node)}`, backwardPart(node)),
    locals.length ? section("Local derivatives", locals.map(localLine)) : null, formulaOf(node),
    sourceOf(node), overviewButton());
}

// What the parts of the batch, the units or the terms add to a gradient, as bars around zero.
function splitPart(split) {
  const numbers = split.parts.map((part) => single(part.value) ?? part.share ?? 0);
  const largest = Math.max(...numbers.map((x) => (typeof x === "number" ? Math.abs(x) : 0))) || 1;
  const rows = split.parts.slice(0, 16).map((part, i) => {
    const x = typeof numbers[i] === "number" ? numbers[i] / largest : 0;
    const bar = h("span", { class: x < 0 ? "bar less" : "bar", style: `--size:${Math.abs(x).toFixed(3)}` });
    return h("tr", {}, h("th", { scope: "row" }, part.label), h("td", {}, number(numbers[i])),
      h("td", { class: "axis", "aria-hidden": "true" }, bar));
  });
  const more = split.parts.length - rows.length;
  return section(split.title, h("table", { class: "split" }, h("tbody", {}, rows)),
    more > 0 ? h("p", { class: "soft small" }, `… and ${more} more`) : null);
}

function localLine(edge) {
  const own = `∂${nodes.get(edge.to).name}/∂${nodes.get(edge.from).name}`;
  const parts = [own];
  const value = single(edge.local.value);
  if (edge.local.formula !== own) parts.push(edge.local.formula);
  if (value !== null && number(value) !== edge.local.formula) parts.push(number(value));
  return h("p", { class: "math" }, parts.join(" = "));
}

// The lines of a product are broken for a terminal; rows of matrices stay.
const unwrapped = (lines) => lines.join("\n").replace(/\n {2}(?=[^ [])/g, " ");

const isMatrix = (lines) => lines.some((line) => line.startsWith("  ["));

function showVariable(variable, light) {
  const node = nodes.get(variable.node);
  const paths = variable.paths.map((path, i) => {
    const [route, ...lines] = path.text;
    const only = () => light([i]);
    const all = () => light(null);
    return h("div", { class: `path path-${i % 4}`, tabindex: 0, mouseenter: only, mouseleave: all, focus: only, blur: all },
      h("div", { class: "route" }, route), h("div", { class: isMatrix(lines) ? "lines rows" : "lines" }, unwrapped(lines)));
  });
  const count = variable.paths.length;
  const rest = variable.path_count === String(count) ? "" : `, the ${count} largest are listed`;
  const plural = variable.path_count === "1" ? "path leads" : "paths lead";
  const [gradient, shape] = variable.element ? [variable.gradient, []] : [node.gradient, node.shape];
  const large = gradient !== null && single(gradient) === null;
  show(variable.title, `${Number(variable.path_count).toLocaleString("en")} ${plural} from ${nodes.get(doc.result).name} back to it${rest}.`,
    paths, variable.text.length ? h("p", { class: "sum" }, variable.text.join("\n")) : null,
    variable.checks.map((check) => h("p", { class: check.agrees === false ? "differ" : check.agrees ? "agree" : "soft" }, check.text)),
    (variable.splits ?? []).map(splitPart),
    large ? section("Gradient", amount(gradient, shape, variable.title, "grad")) : null,
    section("Value", amount(node.value, node.shape, `Value of ${node.name}`, "val")), sourceOf(node), overviewButton());
}
