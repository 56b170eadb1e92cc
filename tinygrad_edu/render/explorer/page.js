// The page: keys, buttons, and the address that names a step and a node.

let written = -Infinity, pending = null; // when the address was written, and what will write it

// Browsers refuse an address that changes hundreds of times in a few seconds, as under a held key.
function remember() {
  clearTimeout(pending);
  const wait = written + 100 - performance.now();
  if (wait > 0) { pending = setTimeout(remember, wait); return; }
  written = performance.now();
  const parts = [`step=${step}`];
  if (chosen !== null) parts.push(`node=${chosen}`);
  if (view !== usual()) parts.push(`view=${view}`);
  const hash = "#" + parts.join("&");
  if (hash === location.hash) return;
  try { history.replaceState(null, "", hash); } catch { /* a page within a page has no address */ }
}

// The view of a page whose address names none: of modules as one card each, if the cards would be too small otherwise.
function usual() {
  const { full, modules } = views;
  return modules && scaleOf(full) < READABLE && scaleOf(modules) > scaleOf(full) ? "modules" : "full";
}

function recall() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const node = Number(wanted.get("node"));
  chosen = wanted.has("node") && data.nodes[node] ? node : null;
  show(views[wanted.get("view")] ? wanted.get("view") : usual());
  go(Number(wanted.get("step")) || 0, { quiet: true });
  follow(drawn(chosen ?? data.steps[step - 1]?.node ?? data.root));
}

const keys = {
  ArrowRight: () => go(step + 1), ArrowLeft: () => go(step - 1), " ": play,
  Home: () => go(0), End: () => go(data.steps.length),
  "/": () => $("search").focus(), "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: whole,
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target, typing = target.matches?.("input");
  if (event.key === "Escape") {
    $("search").value = "";
    chosen = hovered = null;
    pause();
    search();
    refresh();
    inspect();
    remember();
    if (typing) target.blur();
  } else if (typing) {
    if (event.key === "Enter" && matches?.length) { choose(matches[0]); follow(drawn(matches[0])); }
  } else if (target.closest("svg.graph") && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    act(target);
  } else if (keys[event.key] && !target.closest(".scroll") && !(event.key === " " && target.matches("button"))) {
    event.preventDefault();
    keys[event.key]();
  }
});

$("first").addEventListener("click", () => go(0));
$("back").addEventListener("click", () => go(step - 1));
$("play").addEventListener("click", play);
$("next").addEventListener("click", () => go(step + 1));
$("last").addEventListener("click", () => go(data.steps.length));
$("in").addEventListener("click", () => zoom(1.25));
$("out").addEventListener("click", () => zoom(0.8));
$("fit").addEventListener("click", whole);
$("folded").addEventListener("click", () => { fold(view === "modules" ? "full" : "modules"); inspect(); });
$("folded").hidden = Object.keys(views).length < 2;
$("search").addEventListener("input", search);

const dark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
const sign = () => { $("theme").textContent = isDark() ? "☀" : "☾"; };
$("theme").addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  sign();
});
dark.addEventListener("change", sign);
addEventListener("hashchange", recall);
sign();
recall();
