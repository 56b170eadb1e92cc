// The graph: what part of it is in sight, and which of its cards are lit.

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const listed = data.nodes;
data.nodes = []; // by their numbers; of a large graph not all of them are here
for (const node of listed) data.nodes[node.id] = node;
const stage = $("stage");
const views = {}; // "full" and, if there are modules, "modules"
for (const template of document.querySelectorAll("template")) {
  const svg = template.content.firstElementChild;
  const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  views[template.dataset.view] = { svg, width, height, ...neighbours(svg) };
}
let view = null; // the name of the drawing on the stage
let overview = false; // the reader has asked for the whole
let fitted = true; // it is in sight as `fit` has put it, so it is to fit a window of another size, too
let seen = { x: 0, y: 0, scale: 1 }; // the left top corner, and pixels per point
const ABOVE = 46, BELOW = 38; // pixels for the buttons, and for the legend
const READABLE = 0.45; // a scale at which cards can still be read

function neighbours(svg) {
  const links = [...svg.querySelectorAll("[data-link]")].map((path) => {
    const [source, target] = path.dataset.link.split(" ").map(Number);
    return { path, source, target };
  });
  const operands = new Map(), users = new Map();
  for (const { source, target } of links) {
    operands.set(target, [...(operands.get(target) ?? []), source]);
    users.set(source, [...(users.get(source) ?? []), target]);
  }
  return { links, operands, users };
}

// A node is drawn as a card, as a row in one, or as a part of another card.
function drawn(id) {
  return $("n" + id) ?? $("n" + data.where[view][id]);
}

function cardOf(id) {
  const card = drawn(id)?.closest(".card");
  return card ? Number(card.id.slice(1)) : null;
}

function show(name) {
  if (!views[name] || name === view) return;
  view = name;
  stage.querySelector("svg.graph")?.remove();
  stage.append(views[name].svg);
  $("folded").setAttribute("aria-pressed", String(name === "modules"));
  fit();
}

function look(x, y, scale) {
  if (!stage.clientWidth) return; // a page that is not shown yet
  seen = { x, y, scale };
  const { svg } = views[view];
  svg.setAttribute("viewBox", [x, y, stage.clientWidth / scale, stage.clientHeight / scale].join(" "));
}

// The scale at which all of a drawing is in sight.
function scaleOf({ width, height }) {
  return Math.max(0.02, Math.min((stage.clientWidth - 24) / width, (stage.clientHeight - ABOVE - BELOW) / height, 1.6));
}

function fit() {
  const { width, height } = views[view];
  const scale = scaleOf(views[view]);
  look((width - stage.clientWidth / scale) / 2, (height - (stage.clientHeight + ABOVE - BELOW) / scale) / 2, scale);
  fitted = true;
}
new ResizeObserver(() => { if (fitted) fit(); else look(seen.x, seen.y, seen.scale); }).observe(stage);

function whole() {
  overview = true;
  fit();
}

// Zoom so that the point under (x, y), in pixels of the stage, stays where it is.
function zoom(factor, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
  const scale = Math.min(4, Math.max(0.02, seen.scale * factor));
  overview = fitted = false;
  look(seen.x + x / seen.scale - x / scale, seen.y + y / seen.scale - y / scale, scale);
}

// Move as little as is needed to have an element in sight.
function reveal(element) {
  if (!element) return;
  const card = element.getBoundingClientRect(), frame = stage.getBoundingClientRect(), margin = 30;
  const move = (low, high, from, to) => Math.min(0, low - from - margin) || Math.max(0, high - to + margin);
  const dx = move(card.left, card.right, frame.left, frame.right);
  const dy = move(card.top, card.bottom, frame.top, frame.bottom);
  if (!dx && !dy) return;
  look(seen.x + dx / seen.scale, seen.y + dy / seen.scale, seen.scale);
  fitted = false;
}

// Have a card in sight, and large enough to be read, unless the reader wants to see the whole.
function follow(element) {
  if (!element || !stage.clientWidth) return;
  if (!overview && seen.scale < READABLE) {
    zoom(0.8 / seen.scale);
    const card = element.getBoundingClientRect(), frame = stage.getBoundingClientRect();
    const dx = card.left + card.width / 2 - frame.left - frame.width / 2;
    const dy = card.top + card.height / 2 - frame.top - frame.height / 2;
    look(seen.x + dx / seen.scale, seen.y + dy / seen.scale, seen.scale);
  }
  reveal(element);
}

// Everything that a card was computed from, and everything that was computed from it.
function kin(id) {
  const found = new Set([id]);
  for (const map of [views[view].operands, views[view].users]) {
    const queue = [id];
    while (queue.length) for (const next of map.get(queue.pop()) ?? []) {
      if (!found.has(next)) queue.push(next);
      found.add(next);
    }
  }
  return found;
}

let hovered = null; // a card under the pointer or with the focus
let matches = null; // the nodes that the search has found; null: no search

function light() {
  const { svg, links } = views[view];
  const cards = hovered !== null ? kin(hovered) : matches && new Set(matches.map(cardOf));
  svg.firstElementChild.classList.toggle("choosing", cards !== null);
  for (const card of svg.querySelectorAll(".card")) {
    card.classList.toggle("lit", cards !== null && cards.has(Number(card.id.slice(1))));
  }
  for (const { path, source, target } of links) {
    path.classList.toggle("lit", hovered !== null && cards.has(source) && cards.has(target));
  }
  for (const row of svg.querySelectorAll(".inset")) {
    row.classList.toggle("hit-by-search", matches !== null && matches.includes(Number(row.id.slice(1))));
  }
}

function search() {
  const words = $("search").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  matches = null;
  if (words.length) {
    matches = data.nodes.filter((node) => {
      const text = [node.name, node.plain, node.op, node.module, node.role].join(" ").toLowerCase();
      return words.every((word) => text.includes(word)) && cardOf(node.id) !== null;
    }).map((node) => node.id);
  }
  $("found").textContent = matches === null ? "" : `${matches.length} found`;
  light();
}

// The pointer: drag to move, the wheel or two fingers to zoom, a click to choose.
const pointers = new Map();
let dragged = false;

stage.addEventListener("pointerdown", (event) => {
  if (event.button || event.target.closest("button")) return;
  pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (pointers.size === 1) dragged = false;
});
stage.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const dx = event.clientX - before.x, dy = event.clientY - before.y;
  if (!dragged && Math.hypot(dx, dy) < 4) return;
  dragged = true;
  stage.classList.add("dragging");
  stage.setPointerCapture(event.pointerId);
  const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
  pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (other) {
    const distance = (x, y) => Math.hypot(x - other.x, y - other.y) || 1;
    const factor = distance(event.clientX, event.clientY) / distance(before.x, before.y);
    const frame = stage.getBoundingClientRect();
    zoom(factor, other.x - frame.left, other.y - frame.top);
  } else {
    look(seen.x - dx / seen.scale, seen.y - dy / seen.scale, seen.scale);
    fitted = false;
  }
});
for (const kind of ["pointerup", "pointercancel"]) {
  stage.addEventListener(kind, (event) => {
    pointers.delete(event.pointerId);
    stage.classList.remove("dragging");
  });
}
stage.addEventListener("wheel", (event) => {
  event.preventDefault();
  const frame = stage.getBoundingClientRect();
  const turned = event.deltaY * (event.deltaMode ? 30 : 1) * (event.ctrlKey ? 5 : 1); // lines, and pinched touchpads
  zoom(Math.exp(-0.0015 * turned), event.clientX - frame.left, event.clientY - frame.top);
}, { passive: false });
stage.addEventListener("click", (event) => {
  if (dragged) { dragged = false; return; }
  act(event.target);
});
for (const [kind, over] of [["pointerover", true], ["focusin", true], ["pointerout", false], ["focusout", false]]) {
  stage.addEventListener(kind, (event) => {
    const card = event.target.closest(".card");
    hovered = over && card ? Number(card.id.slice(1)) : null;
    light();
  });
}

// What a click, Enter or the space bar on something in the graph does.
function act(target) {
  const node = target.closest(".inset") ?? target.closest(".card");
  if (target.closest(".handle")) fold("modules");
  else if (node) choose(Number(node.id.slice(1)));
}

function fold(name) {
  show(name);
  hovered = null;
  refresh();
  light();
  remember();
}
