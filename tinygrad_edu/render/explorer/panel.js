// The panel: the step in symbols and numbers, and the node that was chosen.

let chosen = null;

// Text enters as text, never as markup.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function describe() {
  const now = data.steps[step - 1];
  if (!now) {
    const hint = data.steps.length
      ? ["Before the first step only the leaves have values. ", make("kbd", {}, "→"), " goes on, ", make("kbd", {}, "space"), " plays, ", make("kbd", {}, "End"), " shows everything."]
      : ["A click on a card shows what is in it."];
    $("step").replaceChildren(make("p", { class: "kicker" }, data.steps.length ? "start" : "graph"), make("h2", {}, data.heading), make("p", { class: "hint" }, ...hint));
    return;
  }
  const piece = (part) => (typeof part === "string" ? part : make("span", { class: part[1] }, part[0]));
  const shares = now.shares.map(({ lines, sum }) => make(
    "div", { class: "share" }, ...lines.map((line) => make("p", {}, line)), make("p", { class: "sum" }, ...sum.map(piece)),
  ));
  $("step").replaceChildren(
    make("p", { class: "kicker " + now.phase }, `${now.phase} · step ${now.k} of ${now.n}`), make("h2", {}, now.title), ...shares);
}

function choose(id) {
  chosen = id;
  refresh();
  inspect();
  remember();
}

function link(id) {
  return make("button", { type: "button", class: "plain", onclick: () => { choose(id); reveal(drawn(id)); } }, data.nodes[id].name);
}

function links(ids) {
  return ids.length ? ids.flatMap((id, i) => (i ? [", ", link(id)] : [link(id)])) : ["—"];
}

function grid(rows) {
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "numbers" },
    make("table", {}, make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((text) => make("td", {}, text)))))));
}

function pairs(list) {
  return make("dl", {}, ...list.flatMap(([term, ...what]) => [make("dt", {}, term), make("dd", {}, ...what)]));
}

function histogram({ counts, low, high }, kind) {
  const space = "http://www.w3.org/2000/svg", most = Math.max(...counts);
  const svg = document.createElementNS(space, "svg");
  const put = (tag, attributes, text = "") => {
    const element = document.createElementNS(space, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.textContent = text;
    svg.append(element);
  };
  svg.setAttribute("class", "histogram");
  svg.setAttribute("viewBox", "0 0 320 62");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `histogram from ${low} to ${high}: ${counts.join(", ")}`);
  counts.forEach((count, i) => put("rect", { class: kind, x: 40 * i + 1, width: 38, y: 44 - (42 * count) / most, height: (42 * count) / most }));
  put("text", { x: 0, y: 58 }, low);
  put("text", { x: 320, y: 58, "text-anchor": "end" }, high);
  return svg;
}

// An array in numbers: all of them, or its head and tail; what they have in common; how they are spread.
function array(title, { rows, statistics, histogram: spread }, kind) {
  return [make("h3", {}, title), rows && grid(rows), statistics && pairs(statistics), spread && histogram(spread, kind)];
}

function inspect() {
  const node = data.nodes[chosen];
  if (!node) {
    $("node").replaceChildren(make("p", { class: "kicker" }, "node"), make("p", { class: "hint" }, "A click on a card or on a row in it shows it here; ", make("kbd", {}, "/"), " finds one by its name."));
    return;
  }
  const { look: [text], complete } = gradient(node.id);
  const part = drawn(node.id) && drawn(node.id).id !== "n" + node.id;
  const facts = [
    ["role", node.role], ["operation", node.op ?? "leaf"], node.module && ["module", node.module],
    ["shape", node.shape ?? "scalar"], ["dtype", node.dtype ?? "float64"],
    ["value", known(node.id) ? make("b", { class: "value" }, node.exact ?? node.value) : make("b", { class: "value" }, "not yet")],
    node.graded && ["gradient", make("b", { class: "grad" }, text === "—" ? "not yet" : complete ? node.gradient?.exact ?? text : `${text}, more to come`)],
    node.held && [".grad", `${node.held}, added up over several backward passes`],
    ["from", ...links(node.operands)], ["used by", ...links(node.users)],
  ].filter(Boolean);
  const card = part ? cardOf(node.id) : null;
  const inside = view === "modules" && drawn(node.id)?.dataset.module;
  $("node").replaceChildren(
    make("p", { class: "kicker" }, "node"), make("h2", {}, node.name),
    ...[
      card !== null && card !== node.id ? make("p", { class: "hint" }, "drawn as a part of ", link(card)) : null,
      inside ? make("p", {}, make("button", { type: "button", onclick: () => { fold("full"); reveal(drawn(node.id)); } }, "show what is inside")) : null,
      pairs(facts),
      ...(known(node.id) && node.array ? array("value", node.array, "value") : []),
      ...(complete && node.gradient?.array ? array("gradient", node.gradient.array, "grad") : []),
      ...(node.locals ?? []).flatMap(local),
      node.check && make("h3", {}, "check by numbers"),
      node.check && (complete ? verdict(node) : make("p", { class: "hint" }, "It follows when the gradient is complete.")),
    ].filter(Boolean));
}

// A local derivative: one number, a small Jacobian, or the shape of a large one.
function local({ title, symbols, number, rows, note }) {
  if (number !== undefined) {
    const numbers = symbols === number ? "" : ` = ${number}`;
    return [make("p", { class: "local" }, title, " = ", symbols ?? number, known(chosen) ? make("b", { class: "value" }, numbers) : null)];
  }
  return [make("h3", {}, title), symbols && make("p", { class: "hint" }, symbols), known(chosen) && rows && grid(rows), note && make("p", { class: "hint" }, note)];
}

function verdict({ name, shape, check }) {
  if (!check.length) {
    return make("p", { class: "hint" }, "This graph is large, and other nodes came first; tg.check_graph checks every operation.");
  }
  const [kind, analytic, numeric, error] = check;
  const titles = { right: "✓ the same both ways", wrong: "✗ they differ", open: "the numbers cannot tell" };
  const along = shape ? ", in one direction through all of its elements" : "";
  return make("div", { class: "verdict " + kind },
    make("strong", {}, titles[kind]), make("p", {}, `${name} moved a little to both sides${along}, and everything after it computed anew`),
    pairs([["by backward", analytic], ["by numbers", numeric], ["relative error", error]]));
}
