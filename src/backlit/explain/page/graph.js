// The graph: the drawing is there already; this moves it, opens and closes modules, and marks its parts.

const doc = JSON.parse(document.getElementById("document").textContent);
const canvas = document.getElementById("canvas");
const world = canvas.querySelector(".world");
const nodes = new Map(doc.nodes.map((node) => [node.id, node]));
const edges = new Map(doc.edges.map((edge) => [edge.id, edge]));
const groups = new Map(doc.groups.map((group) => [group.id, group]));
const shapes = new Map(); // id -> {node, edge, local, frame, card: element}
for (const element of world.children) {
  const { id } = element.dataset;
  if (!shapes.has(id)) shapes.set(id, {});
  shapes.get(id)[element.classList[0]] = element;
}
for (const node of doc.nodes) Object.assign(node, { into: [], out: [] });
for (const edge of doc.edges) {
  nodes.get(edge.from).out.push(edge);
  nodes.get(edge.to).into.push(edge);
}

let before = []; // a path is written as what differs from the one before it
for (const path of doc.variables.flatMap((variable) => variable.paths)) {
  path.edges = before.slice(0, path.shared).concat(path.edges);
  before = path.edges;
}

const items = new Map(); // what stands in the columns of modules: nodes, modules, bends
for (const group of doc.groups) {
  for (const column of group.columns) {
    for (const place of column) {
      const [id, y0, h0] = place;
      items.set(id, { id, y0, h0, width: 0, height: h0, x: 0, y: 0, group, isBend: id[0] === "b" });
    }
  }
}
const root = doc.groups[0];

function* around(id) {
  for (let group = items.get(id)?.group; group; group = items.get(group.id)?.group) yield group;
}

// The item itself, or the outermost closed module around it.
function shownAs(id) {
  let shown = id;
  for (const group of around(id)) if (!group.open) shown = group.id;
  return shown;
}

// --- places ---

// Sizes from inside out; the gaps that the layout left between neighbours are kept.
function arrange(group) {
  const { width, height, pad, title, gap } = doc.metric;
  let x = pad;
  let [top, bottom] = [Infinity, -Infinity];
  const here = [];
  for (const column of group.columns) {
    const found = column.map(([id]) => items.get(id));
    for (const item of found) {
      const inner = groups.get(item.id);
      [item.width, item.height] = item.isBend ? [0, 0] : inner?.open ? arrange(inner) : [width, height];
    }
    const widest = Math.max(...found.map((item) => item.width));
    const grown = found.reduce((sum, item) => sum + item.height - item.h0, 0);
    let shift = -grown / 2;
    for (const item of found) {
      item.x = x + widest / 2;
      item.y = item.y0 + shift + (item.height - item.h0) / 2;
      shift += item.height - item.h0;
      top = Math.min(top, item.y - item.height / 2);
      bottom = Math.max(bottom, item.y + item.height / 2);
      here.push(item);
    }
    x += widest + gap;
  }
  for (const item of here) item.y += pad + title - top;
  group.size = [x - gap + pad, bottom - top + 2 * pad + title];
  return group.size;
}

function centre(id) {
  const item = items.get(id);
  let { x, y } = item;
  for (const group of around(id)) {
    const outer = items.get(group.id);
    if (outer) [x, y] = [x + outer.x - outer.width / 2, y + outer.y - outer.height / 2];
  }
  return [x, y];
}

function move(element, id, width, height) {
  const [x, y] = centre(id);
  boxes.set(element, [x - width / 2, y - height / 2, x + width / 2, y + height / 2]);
  element.setAttribute("transform", `translate(${x - width / 2} ${y - height / 2})`);
}

const boxes = new Map(); // of visible elements: what is out of sight is not painted

// Which edge stands for this one where modules are closed; null inside of a closed one.
const standIn = new Map();

function pointsOf(edge, from, to) {
  const [a, b] = [items.get(from), items.get(to)];
  const [[x0, y0], [x1, y1]] = [centre(from), centre(to)];
  const bends = edge.via.some((id) => shownAs(id) !== id) ? [] : edge.via.map(centre);
  const port = groups.has(to) ? 0 : edge.port;
  return [[x0 + a.width / 2, y0], ...bends, [x1 - b.width / 2, y1 + port]];
}

function curve([[x0, y0], ...rest]) {
  let [x, y, text] = [x0, y0, `M${x0} ${y0}`];
  for (const [nx, ny] of rest) {
    const middle = (x + nx) / 2;
    text += `C${middle} ${y} ${middle} ${ny} ${nx} ${ny}`;
    [x, y] = [nx, ny];
  }
  return `${text}m-7 -4l7 4l-7 4`;
}

function placeEdges() {
  const drawn = new Map();
  standIn.clear();
  for (const edge of doc.edges) {
    const [from, to] = [shownAs(edge.from), shownAs(edge.to)];
    const closed = groups.has(from) || groups.has(to);
    const pair = closed ? `${from} ${to}` : edge.id;
    const hidden = from === to || drawn.has(pair);
    if (from !== to && !hidden) drawn.set(pair, edge.id);
    standIn.set(edge.id, from === to ? null : drawn.get(pair));
    const { edge: line, local } = shapes.get(edge.id);
    line.classList.toggle("hidden", hidden);
    local?.classList.toggle("hidden", hidden || closed);
    if (hidden) continue;
    const points = pointsOf(edge, from, to);
    line.setAttribute("d", curve(points));
    const [xs, ys] = [points.map((point) => point[0]), points.map((point) => point[1])];
    const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
    boxes.set(line, box);
    if (local) boxes.set(local, box);
    const [[xa, ya], [x1, y1]] = points.slice(-2);
    const x0 = Math.max(xa, x1 - doc.metric.gap);
    local?.setAttribute("transform", `translate(${(x0 + x1) / 2} ${(ya + y1) / 2})`);
  }
}

function place() {
  const { width, height } = doc.metric;
  arrange(root);
  boxes.clear();
  for (const node of doc.nodes) {
    const { node: element } = shapes.get(node.id);
    const visible = shownAs(node.id) === node.id;
    element.classList.toggle("hidden", !visible);
    if (visible) move(element, node.id, width, height);
  }
  for (const group of doc.groups.slice(1)) {
    const { frame, card } = shapes.get(group.id);
    const visible = [...around(group.id)].every((outer) => outer.open);
    frame.classList.toggle("hidden", !visible || !group.open);
    card.classList.toggle("hidden", !visible || group.open);
    if (!visible) continue;
    if (group.open) {
      const [w, h] = group.size;
      frame.firstElementChild.setAttribute("width", w);
      frame.firstElementChild.setAttribute("height", h);
      move(frame, group.id, w, h);
    } else move(card, group.id, width, height);
  }
  placeEdges();
}

function setOpen(group, open) {
  const before = toScreen(centre(group.id));
  group.open = open;
  place();
  const after = toScreen(centre(group.id)); // the module stays under the pointer
  view.x += before[0] - after[0];
  view.y += before[1] - after[1];
  drawView();
}

// --- the view: dragging, zooming ---

const view = { x: 0, y: 0, scale: 1 };
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const clamp = (x, low, high) => Math.min(Math.max(x, low), high);
const toScreen = ([x, y]) => [x * view.scale + view.x, y * view.scale + view.y];

function drawView() {
  world.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.scale})`);
  canvas.classList.toggle("far", view.scale < 0.42);
  canvas.classList.toggle("farther", view.scale < 0.14);
  if (!culling && doc.nodes.length > 150) culling = requestAnimationFrame(cull);
}

let culling = 0;
function cull() {
  culling = 0;
  const margin = 150;
  const [left, top] = [(-view.x - margin) / view.scale, (-view.y - margin) / view.scale];
  const right = left + (canvas.clientWidth + 2 * margin) / view.scale;
  const bottom = top + (canvas.clientHeight + 2 * margin) / view.scale;
  for (const [element, box] of boxes) {
    const away = box[0] > right || box[2] < left || box[1] > bottom || box[3] < top;
    if (element.away !== away) element.classList.toggle("away", (element.away = away));
  }
}

function zoom(factor, x, y) {
  const scale = clamp(view.scale * factor, 0.02, 4);
  view.x = x - ((x - view.x) * scale) / view.scale;
  view.y = y - ((y - view.y) * scale) / view.scale;
  view.scale = scale;
  drawView();
}

function fit(smallest = 0) {
  const { clientWidth: w, clientHeight: h } = canvas;
  const [rw, rh] = root.size;
  view.scale = clamp(Math.min(w / (rw + 16), h / (rh + 16)), Math.max(smallest, 0.01), 1.5);
  view.x = (w - rw * view.scale) / 2;
  view.y = (h - rh * view.scale) / 2;
  drawView();
}

// Moves as little as needed to see the item; `middle` puts it there.
let gliding = 0;
function reveal(id, smooth = true) {
  const [x, y] = toScreen(centre(id));
  const { clientWidth: w, clientHeight: h } = canvas;
  const side = Math.min((doc.metric.width / 2) * view.scale + 12, w / 2);
  const edge = Math.min((doc.metric.height / 2) * view.scale + 12, h / 2);
  const dx = clamp(x, side, w - side) - x;
  const dy = clamp(y, edge, h - edge) - y;
  cancelAnimationFrame(gliding);
  if (!dx && !dy) return;
  const from = { ...view };
  const began = performance.now();
  const glide = (now) => {
    const t = calm.matches || !smooth ? 1 : clamp((now - began) / 220, 0, 1);
    const eased = t * (2 - t);
    view.x = from.x + dx * eased;
    view.y = from.y + dy * eased;
    drawView();
    if (t < 1) gliding = requestAnimationFrame(glide);
  };
  if (smooth) gliding = requestAnimationFrame(glide);
  else glide(began);
}

const fingers = new Map();
let dragged = 0; // pixels: a click that was a drag chooses nothing
canvas.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  cancelAnimationFrame(gliding);
  fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
  if (fingers.size === 1) dragged = 0;
});
canvas.addEventListener("pointermove", (event) => {
  const last = fingers.get(event.pointerId);
  if (!last) return;
  const at = [event.offsetX, event.offsetY];
  fingers.set(event.pointerId, at);
  dragged += Math.hypot(at[0] - last[0], at[1] - last[1]);
  if (dragged < 4) return;
  if (!canvas.hasPointerCapture(event.pointerId)) canvas.setPointerCapture(event.pointerId);
  canvas.classList.add("dragging");
  const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
  if (other) {
    const before = Math.hypot(last[0] - other[0], last[1] - other[1]);
    const now = Math.hypot(at[0] - other[0], at[1] - other[1]);
    zoom(now / (before || 1), (at[0] + other[0]) / 2, (at[1] + other[1]) / 2);
  } else {
    view.x += at[0] - last[0];
    view.y += at[1] - last[1];
    drawView();
  }
});
for (const name of ["pointerup", "pointercancel"]) {
  canvas.addEventListener(name, (event) => {
    fingers.delete(event.pointerId);
    if (!fingers.size) canvas.classList.remove("dragging");
  });
}
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  const unit = event.deltaMode ? 30 : 1;
  zoom(Math.exp(-event.deltaY * unit * 0.0016), event.offsetX, event.offsetY);
}, { passive: false });
