// The panel: the step in symbols and numbers, and the node that was chosen.

let chosen = null;

// Text enters as text, never as markup; what is missing is left out.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children.filter(Boolean));
  return element;
}

const text = (tag, kind, ...words) => make(tag, { class: kind }, ...words);
const hint = (...words) => text("p", "hint", ...words);
const key = (name) => make("kbd", {}, name);

function describe() {
  const now = data.steps[step - 1], module = now && data.nodes[now.node].module;
  const place = now?.part ?? (module && `in ${module}`);
  if (now) {
    $("step").replaceChildren(
      text("p", `kicker ${now.phase}`, `${now.phase} · step ${now.k} of ${now.n}`),
      make("h2", {}, now.title),
      place ? hint(place) : "",
      ...now.shares.map(share),
    );
  } else if (data.steps.length) {
    $("step").replaceChildren(
      text("p", "kicker", "start"),
      make("h2", {}, data.heading),
      hint("Before the first step only the leaves have values. ", key("→"), " goes on, ", key("space"), " plays, ",
        key("End"), " shows everything."),
    );
  } else {
    $("step").replaceChildren(text("p", "kicker", "graph"), make("h2", {}, data.heading));
  }
}

// What one operand receives: lines of symbols, and a sum whose pieces have the colours of the cards.
function share({ lines, sum }) {
  const pieces = sum.map((piece) => (typeof piece === "string" ? piece : text("span", piece[1], piece[0])));
  return text("div", "share", ...lines.map((line) => make("p", {}, line)), text("p", "sum", ...pieces));
}

function choose(id) {
  chosen = id;
  refresh();
  inspect();
  remember();
}

function link(id) {
  const go = () => { choose(id); follow(drawn(id)); };
  return make("button", { type: "button", class: "plain", onclick: go }, data.nodes[id].name);
}

// Links to nodes, and how many there are that this page does not know.
function links(ids, more = 0) {
  const found = ids.flatMap((id, i) => (i ? [", ", link(id)] : [link(id)]));
  if (more) found.push(ids.length ? `, and ${more} more` : `${more} without a card`);
  return found.length ? found : ["—"];
}

function grid(rows) {
  const lines = rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, cell))));
  const table = make("table", {}, make("tbody", {}, ...lines));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "numbers" }, table);
}

function pairs(list) {
  return make("dl", {}, ...list.flatMap(([term, ...what]) => [make("dt", {}, term), make("dd", {}, ...what)]));
}

function histogram({ counts, low, high }, kind) {
  const space = "http://www.w3.org/2000/svg", most = Math.max(...counts);
  const draw = (tag, attributes, ...children) => {
    const element = document.createElementNS(space, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const bars = counts.map((count, i) => {
    const height = (42 * count) / most;
    return draw("rect", { class: kind, x: 40 * i + 1, width: 38, y: 44 - height, height });
  });
  const label = `histogram from ${low} to ${high}: ${counts.join(", ")}`;
  return draw("svg", { class: "histogram", viewBox: "0 0 320 62", role: "img", "aria-label": label }, ...bars,
    draw("text", { x: 0, y: 58 }, low), draw("text", { x: 320, y: 58, "text-anchor": "end" }, high));
}

// An array in numbers: all of them, or its head and tail; what they have in common; how they are spread.
function array(title, { rows, statistics, histogram: spread }, kind) {
  return [make("h3", {}, title), rows && grid(rows), pairs(statistics), spread && histogram(spread, kind)];
}

function inspect() {
  const node = data.nodes[chosen];
  if (!node) {
    const how = hint("A click on a card or on a row in it shows it here; ", key("/"), " finds one by its name.");
    $("node").replaceChildren(text("p", "kicker", "node"), how);
    return;
  }
  const seen = known(node.id), { complete } = gradient(node.id), element = drawn(node.id), card = cardOf(node.id);
  const part = element && element.id !== "n" + node.id && card !== node.id;
  const open = () => { fold("full"); reveal(drawn(node.id)); };
  const parts = [
    text("p", "kicker", "node"), make("h2", {}, node.name),
    part && hint("drawn as a part of ", link(card)),
    view === "modules" && element?.dataset.module
      && make("p", {}, make("button", { type: "button", onclick: open }, "show what is inside")),
    facts(node),
    ...(seen && node.array ? array("value", node.array, "value") : []),
    ...(complete && node.gradient?.array ? array("gradient", node.gradient.array, "grad") : []),
    ...(node.locals ?? []).flatMap((each) => local(each, seen)),
    node.check && make("h3", {}, "check by numbers"),
    node.check && (complete ? verdict(node) : hint("It follows when the gradient is complete.")),
  ];
  $("node").replaceChildren(...parts.filter(Boolean));
}

function facts(node) {
  const { look: [received], complete } = gradient(node.id);
  const whole = complete ? node.gradient?.exact ?? received : `${received}, more to come`;
  return pairs([
    ["role", node.role],
    ["operation", node.op ?? "leaf"],
    node.module && ["module", node.module],
    ["shape", node.shape ?? "scalar"],
    ["dtype", node.dtype ?? "float64"],
    ["value", text("b", "value", known(node.id) ? node.exact ?? node.value : "not yet")],
    node.graded && ["gradient", text("b", "grad", received === "—" ? "not yet" : whole)],
    node.held && [".grad", `${node.held}, added up over several backward passes`],
    ["from", ...links(node.operands, node.more_operands)],
    ["used by", ...links(node.users, node.more_users)],
  ].filter(Boolean));
}

// A local derivative: one number, a small Jacobian, or the shape of a large one.
function local({ title, symbols, number, rows, note }, seen) {
  if (number === undefined) {
    return [make("h3", {}, title), symbols && hint(symbols), seen && rows && grid(rows), note && hint(note)];
  }
  const also = seen && symbols !== undefined && symbols !== number && text("b", "value", ` = ${number}`);
  return [text("p", "local", `${title} = ${symbols ?? number}`, also)];
}

function verdict({ name, shape, check }) {
  if (!check.length) {
    return hint("This graph is too large to check every node here; tg.check_graph checks every operation.");
  }
  const [kind, analytic, numeric, error] = check;
  const titles = { right: "✓ the same both ways", wrong: "✗ they differ", kink: data.kink,
    open: "the numbers cannot tell" };
  const along = shape ? ", in one direction through all of its elements" : "";
  return text("div", `verdict ${kind}`,
    make("strong", {}, titles[kind]),
    make("p", {}, `${name} moved a little to both sides${along}, and everything after it computed anew`),
    pairs([["by backward", analytic], ["by numbers", numeric], ["relative error", error]]));
}
