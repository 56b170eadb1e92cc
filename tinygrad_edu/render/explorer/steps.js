// The steps: before any of them only the leaves have values; each step adds what it computes.

let step = 0; // so many steps have been made
let timer = null; // while playing
const PAUSE = Math.min(1000, Math.max(120, 90000 / data.steps.length)); // milliseconds from step to step
const computed = new Map(); // node -> the step that computes its value
const received = new Map(); // node -> [the step, its gradient from then on], in order
for (const node of listed) if (!node.op) computed.set(node.id, 0);
data.steps.forEach(({ phase, node, gradients }, i) => {
  if (phase === "forward") computed.set(node, i + 1);
  for (const [id, ...look] of gradients ?? []) {
    received.set(id, [...(received.get(id) ?? []), [i + 1, look]]);
  }
});

const known = (id) => !data.steps.length || step >= (computed.get(id) ?? 0);

// [text, class] of the gradient that a node has now, and whether more will come.
function gradient(id) {
  if (!data.steps.length) return { look: data.nodes[id]?.grad ?? ["—", "plain"], complete: true };
  const all = received.get(id) ?? [];
  const sofar = all.filter(([when]) => when <= step);
  return { look: sofar.at(-1)?.[1] ?? ["—", "plain"], complete: all.length > 0 && sofar.length === all.length };
}

// What a card or a row shows now. One of equal parts is told by the profile of them all, and until they all have a
// number by how many have.
function shown(id) {
  const [words, text, kind, parts = []] = data.said[view][id] ?? [];
  const { look, complete } = gradient(id);
  if (words === undefined) return { value: known(id) ? data.nodes[id].value : "?", look, seen: known(id), complete };
  const ended = step === data.steps.length, count = (k, none) => (k ? `${k} of ${parts.length}` : none);
  const values = parts.filter(known).length;
  const due = parts.filter((part) => received.has(part)), whole = due.filter((part) => gradient(part).complete).length;
  const seen = ended || values === parts.length, arrived = ended || (whole > 0 && whole === due.length);
  return {
    value: seen ? words : count(values, "?"), seen, complete: arrived,
    look: arrived ? [text, kind] : [count(whole, "—"), "plain"],
  };
}

function write(id, text) {
  const element = $(id);
  if (element && element.textContent !== text) element.textContent = text;
  return element;
}

// Bring the drawing to the present step.
function refresh() {
  const now = data.steps[step - 1];
  const { svg, links } = views[view];
  for (const element of svg.querySelectorAll("[id^=n]")) {
    const node = data.nodes[Number(element.id.slice(1))];
    if (!node) continue;
    const { value, look: [text, kind], seen, complete } = shown(node.id);
    write("v" + node.id, value);
    const written = write("g" + node.id, text);
    const arrived = now?.phase === "backward" && now.gradients.some(([id]) => id === node.id);
    if (written) written.parentElement.setAttribute("class", kind + (arrived ? " arrived" : ""));
    element.dataset.label ??= element.getAttribute("aria-label");
    const graded = written ? `, gradient ${text}` : "";
    element.setAttribute("aria-label", `${element.dataset.label}, value ${value}${graded}`);
    element.classList.remove("active", "acting");
    element.classList.toggle("unknown", !seen); // bars would tell what is to come
    element.classList.toggle("pending", !complete);
    element.classList.toggle("chosen", node.id === chosen);
  }
  const acting = now && drawn(now.node);
  acting?.classList.add("active", "acting");
  const others = now ? (now.gradients?.map(([id]) => id) ?? now.operands) : [];
  const touched = others.map(cardOf);
  for (const id of others) drawn(id)?.classList.add("active");
  for (const { path, source, target } of links) {
    const flows = Boolean(now) && target === cardOf(now.node) && touched.includes(source);
    path.classList.toggle("active", flows);
    path.classList.toggle("reversed", flows && now.phase === "backward");
    if (flows) path.parentElement.insertBefore(path, svg.querySelector(".card")); // above the other arrows
  }
}

function go(to, { quiet = false } = {}) {
  step = Math.min(Math.max(to, 0), data.steps.length);
  if (step === data.steps.length) pause();
  refresh();
  describe();
  inspect();
  mark();
  const now = data.steps[step - 1];
  if (now && !quiet) follow(drawn(now.node));
  remember();
}

function pause() {
  clearInterval(timer);
  timer = null;
  $("play").textContent = "▶ play";
  $("play").setAttribute("aria-label", "play");
}

function play() {
  if (timer !== null) return pause();
  if (!data.steps.length) return;
  timer = setInterval(() => go(step + 1), PAUSE);
  $("play").textContent = "❚❚ pause";
  $("play").setAttribute("aria-label", "pause");
  go(step === data.steps.length ? 0 : step + 1);
}

// The bar: a segment for each step, or for several where they would be too thin.
const segments = [];
function mark() {
  const n = data.steps.length, now = data.steps[step - 1];
  if (!segments.length && n) {
    const many = Math.min(n, 150);
    for (let i = 0; i < many; i++) {
      const segment = document.createElement("i");
      segment.first = Math.floor((i * n) / many) + 1;
      segment.last = Math.floor(((i + 1) * n) / many);
      segment.className = data.steps[segment.first - 1].phase;
      segments.push(segment);
    }
    $("bar").append(...segments);
  }
  for (const segment of segments) {
    segment.classList.toggle("done", step >= segment.first);
    segment.classList.toggle("now", step >= segment.first && step <= segment.last);
  }
  const words = now ? `${now.phase} ${now.k}/${now.n}` : n ? "start" : "";
  $("count").textContent = words;
  $("bar").setAttribute("aria-valuemax", n);
  $("bar").setAttribute("aria-valuenow", step);
  $("bar").setAttribute("aria-valuetext", now ? `${now.phase} step ${now.k} of ${now.n}` : "before the first step");
  $("first").disabled = $("back").disabled = step === 0;
  $("next").disabled = $("last").disabled = step === n;
  $("play").disabled = !n;
}
for (const kind of ["pointerdown", "pointermove"]) {
  $("bar").addEventListener(kind, (event) => {
    if (!(event.buttons & 1)) return;
    const frame = $("bar").getBoundingClientRect();
    const there = Math.ceil(((event.clientX - frame.left) / frame.width) * data.steps.length);
    if (there !== step) go(there);
  });
}
