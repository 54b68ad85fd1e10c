// The state of the page: which step, what is chosen; keys, clicks, the slider.

const slider = document.getElementById("slider");
const counter = document.getElementById("count");
const spoken = document.getElementById("spoken");
const playButton = document.getElementById("play");

const forward = doc.forward.map((id) => nodes.get(id));
const backward = doc.backward.map((id) => nodes.get(id));
const end = forward.length + backward.length;
const valueAt = new Map(forward.map((node, i) => [node.id, i + 1]));
const gradientAt = new Map(backward.map((node, i) => [node.id, forward.length + i + 1]));
let now = null; // the step; null: everything is there
let marked = []; // elements that carry a mark of the step or the choice
let timer = 0;

const onGraph = (id, part) => shapes.get(id)?.[part];

function mark(element, ...names) {
  if (!element) return;
  element.classList.add(...names);
  marked.push([element, names]);
}

function unmark() {
  for (const [element, names] of marked) element.classList.remove(...names);
  marked = [];
  canvas.classList.remove("tracing");
  for (const element of canvas.querySelectorAll("[aria-pressed=true]")) element.setAttribute("aria-pressed", "false");
}

const elementOf = (id) => (groups.has(id) ? onGraph(id, "card") : onGraph(id, "node"));

// --- steps ---

function stepAt(step) {
  if (step === 0) return { node: null };
  const isForward = step <= forward.length;
  const list = isForward ? forward : backward;
  const position = isForward ? step : step - forward.length;
  return { node: list[position - 1], phase: isForward ? "forward" : "backward", position, total: list.length };
}

// Only what lies between two steps changes: a thousand nodes stay quick.
let painted = null;
function paint(step) {
  const done = step ?? end;
  for (const node of doc.nodes) {
    const [before, after] = [painted === null, (valueAt.get(node.id) ?? 0) > done];
    const late = (gradientAt.get(node.id) ?? 0) > done;
    if (!before && node.wait === after && node.gwait === late) continue;
    [node.wait, node.gwait] = [after, late];
    const { classList } = onGraph(node.id, "node");
    classList.toggle("wait", after);
    classList.toggle("gwait", late);
    for (const edge of node.into) onGraph(edge.id, "local")?.classList.toggle("wait", after);
  }
  painted = done;
}

function go(step, follow = true) {
  now = clamp(step, 0, end);
  unmark();
  paint(now);
  const { node, phase } = stepAt(now);
  if (node) {
    const shown = shownAs(node.id);
    mark(elementOf(shown), "now");
    const flow = phase === "forward" ? node.into : node.out.filter((edge) => edge.contribution !== null);
    for (const edge of flow) {
      const line = standIn.get(edge.id);
      if (line) mark(onGraph(line, "edge"), phase === "forward" ? "flow-f" : "flow-b");
      if (phase === "backward") mark(onGraph(edge.id, "local"), "flow-b");
    }
    if (follow) reveal(shown);
  }
  showStep(stepAt(now));
  spoken.textContent = sentence(stepAt(now));
  drawControls();
}

function sentence({ node, phase, position, total }) {
  if (!node) return "Start: the given values.";
  const value = phase === "forward" ? node.value : node.gradient;
  const one = single(value);
  const amountOf = value === null ? "not computed" : one === null ? describe(value, node.shape) : number(one);
  const subject = phase === "forward" ? `${node.name}${node.expression ? ` = ${node.expression}` : ""}` : `gradient of ${node.name}`;
  return `${phase === "forward" ? "Forward" : "Backward"} ${position} of ${total}: ${subject} is ${amountOf}.`;
}

function drawControls() {
  const at = now ?? end;
  slider.value = at;
  slider.setAttribute("aria-valuetext", now === null ? "All steps" : sentence(stepAt(at)));
  counter.textContent = `${at} / ${end}`;
  for (const id of ["first", "back"]) document.getElementById(id).disabled = at === 0;
  for (const id of ["next", "last"]) document.getElementById(id).disabled = now === end;
}

function overview() {
  now = null;
  unmark();
  paint(null);
  showOverview();
  drawControls();
}

function play() {
  if (timer) return pause();
  if (now === null || now === end) go(0);
  timer = setInterval(() => (now >= end ? pause() : go(now + 1)), 1200);
  playButton.textContent = "❚❚ Pause";
  playButton.setAttribute("aria-label", "Pause");
}

function pause() {
  clearInterval(timer);
  timer = 0;
  playButton.textContent = "▶ Play";
  playButton.setAttribute("aria-label", "Play");
}

// --- choosing ---

function choose(id) {
  pause();
  const i = doc.variables.findIndex((variable) => variable.node === id);
  if (i >= 0) return chooseVariable(i);
  now = null;
  unmark();
  paint(null);
  mark(elementOf(shownAs(id)), "chosen");
  onGraph(id, "node").setAttribute("aria-pressed", "true");
  showNode(nodes.get(id));
  drawControls();
}

function chooseVariable(i) {
  pause();
  const variable = doc.variables[i];
  now = null;
  paint(null);
  const light = (only) => lightUp(variable, only);
  showVariable(variable, light);
  light(null);
  reveal(shownAs(variable.node));
  drawControls();
  spoken.textContent = `${variable.title}. ${variable.paths.map((path) => path.text.join(" ")).join(". ")}`;
}

// Edges of one path in its colour and dash, edges that paths share in the colour of the text.
function lightUp(variable, only) {
  unmark();
  canvas.classList.add("tracing");
  const paths = variable.paths.map((path, i) => [i, path]).filter(([i]) => !only || only.includes(i));
  const users = new Map();
  for (const [i, path] of paths) {
    for (const id of path.edges) {
      const line = standIn.get(id);
      mark(onGraph(id, "local"), "on");
      if (!line) continue;
      if (!users.has(line)) users.set(line, new Set());
      users.get(line).add(i);
    }
    for (const id of path.edges) {
      const { from, to } = edges.get(id);
      for (const end of [from, to]) mark(elementOf(shownAs(end)), "on");
    }
  }
  for (const [line, paths] of users) {
    mark(onGraph(line, "edge"), "on", ...(paths.size === 1 ? [`path-${[...paths][0] % 4}`] : []));
  }
  const element = elementOf(shownAs(variable.node));
  mark(element, "chosen", "on");
  element.setAttribute("aria-pressed", "true");
}

function activate(target) {
  const element = target.closest?.("[data-id]");
  if (!element || !canvas.contains(element)) return false;
  const { id } = element.dataset;
  if (element.classList.contains("node")) choose(id);
  else if (groups.has(id)) toggle(id);
  else if (edges.has(id)) choose(edges.get(id).to);
  return true;
}

function toggle(id) {
  const group = groups.get(id);
  setOpen(group, !group.open);
  if (now === null) overview();
  else go(now, false);
  const { frame, card } = shapes.get(id);
  (group.open ? frame : card).focus({ preventScroll: true });
  spoken.textContent = `Module ${group.title} ${group.open ? "open" : "closed"}.`;
}

// --- events ---

canvas.addEventListener("click", (event) => {
  if (dragged >= 4) return;
  const isFrame = event.target.closest(".frame") && event.target.tagName !== "text";
  if (isFrame || !activate(event.target)) overview();
});
canvas.addEventListener("focusin", (event) => {
  const { id } = event.target.closest("[data-id]")?.dataset ?? {};
  if (id && event.target.matches(":focus-visible")) reveal(id, false);
  canvas.parentElement.scrollTo(0, 0); // browsers scroll a focused element into view on their own
});
const actions = {
  first: () => go(0), back: () => go((now ?? end + 1) - 1), next: () => go((now ?? -1) + 1), last: () => go(end),
};
for (const [id, action] of Object.entries(actions)) {
  document.getElementById(id).addEventListener("click", () => {
    pause();
    action();
  });
}
playButton.addEventListener("click", play);
slider.addEventListener("input", () => {
  pause();
  go(Number(slider.value));
});
const zooms = {
  in: () => zoom(1.3, canvas.clientWidth / 2, canvas.clientHeight / 2),
  out: () => zoom(1 / 1.3, canvas.clientWidth / 2, canvas.clientHeight / 2),
  fit: () => fit(),
};
for (const button of document.querySelectorAll("[data-do]")) button.addEventListener("click", zooms[button.dataset.do]);

const keys = {
  ArrowRight: "next", ArrowLeft: "back", Home: "first", End: "last",
};
const letters = { "+": "in", "=": "in", "-": "out", f: "fit", 0: "fit" };
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const inControl = event.target.closest("button, input, summary");
  if (event.target === slider && keys[event.key]) return;
  if (keys[event.key]) {
    pause();
    actions[keys[event.key]]();
  } else if (event.key === "Escape") overview();
  else if (letters[event.key]) zooms[letters[event.key]]();
  else if ((event.key === "Enter" || event.key === " ") && !inControl && canvas.contains(event.target)) activate(event.target);
  else if (event.key === " " && !inControl) play();
  else return;
  event.preventDefault();
});

const themes = { "": ["dark", "◐ Auto", "Colours: as the system"], dark: ["light", "☾ Dark", "Colours: dark"], light: ["", "☀ Light", "Colours: light"] };
const themeButton = document.getElementById("theme");
themeButton.addEventListener("click", () => {
  const next = themes[document.documentElement.dataset.theme ?? ""][0];
  document.documentElement.dataset.theme = next;
  [, themeButton.textContent] = themes[next];
  themeButton.setAttribute("aria-label", themes[next][2]);
});

// On paper: the whole graph, everything computed, the tables open.
const details = document.querySelector("#tables details");
addEventListener("beforeprint", () => {
  details.open = true;
  canvas.setAttribute("viewBox", `0 0 ${root.size[0]} ${root.size[1]}`);
  world.removeAttribute("transform");
  canvas.classList.add("paper");
});
addEventListener("afterprint", () => {
  canvas.removeAttribute("viewBox");
  canvas.classList.remove("paper");
  drawView();
});

function start() {
  const few = doc.nodes.length <= 60;
  for (const { node, frame, card } of shapes.values()) {
    for (const element of [node, frame, card]) {
      if (!element) continue;
      const id = element.dataset.id;
      element.setAttribute("role", "button");
      element.setAttribute("aria-label", element === frame ? `Module ${groups.get(id).title}, open` : element.querySelector("title").textContent);
      element.setAttribute("tabindex", few || element !== node || nodes.get(id).kind === "leaf" ? 0 : -1);
    }
  }
  document.documentElement.style.setProperty("--forward", forward.length);
  document.documentElement.style.setProperty("--backward", backward.length);
  slider.max = end;
  place();
  const [width, height] = root.size;
  document.querySelector("main").classList.toggle("wide", width > 3.2 * height);
  overview();
  frame();
}

// Everything in view if it can be read at that size; else the result, and steps move the view.
function frame() {
  fit(canvas.clientWidth < 600 ? 0.75 : 0.55);
  reveal(now === null ? shownAs(doc.result) : shownAs(stepAt(now).node?.id ?? doc.nodes[0].id), false);
}

start();
addEventListener("resize", frame);
