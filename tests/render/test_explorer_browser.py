"""The explorer in a real browser: every step, every button, every node."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from chromium import Chromium, Tab, find
from explored import gradients, mlp

import tinygrad_edu as tg
from tinygrad_edu.core.sweep import topological_order
from tinygrad_edu.render.explorer import explore
from tinygrad_edu.render.look.style import DARK, LIGHT, number


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """The browser."""
    program = find()
    if program is None:
        pytest.skip("there is no Chromium that could be driven")
    browser = Chromium(program, tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture
def tab(browser: Chromium) -> Iterator[Tab]:
    """A tab, in which nothing may go wrong and nothing may be loaded but the page."""
    tab = browser.tab()
    tab.prefer(prefers_reduced_motion="reduce")
    yield tab
    complaints = tab.complaints()
    tab.close()
    assert complaints == []


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the network."""
    loss, parameters = mlp()
    path = explore(
        loss, tmp_path_factory.mktemp("page") / "mlp.html", parameters=parameters, title="MLP 2 → 2 → 1"
    )
    assert isinstance(path, Path)
    return path


STEPS = 26  # 13 operations, forward and backward
NUMBERS = """
Object.fromEntries([...document.querySelectorAll(".graph text[id]")].map(e => [e.id, e.textContent]))
"""
ALL = f"""({{
  numbers: {NUMBERS.strip()}, count: $("count").textContent, said: $("step").textContent,
  acting: [...document.querySelectorAll(".acting")].map(e => +e.id.slice(1)),
  active: [...document.querySelectorAll(".active[id]")].map(e => +e.id.slice(1)),
  ahead: document.querySelectorAll(".link.active:not(.reversed)").length,
}})"""


def expected(root):
    """{address: text} of all values and gradients, from the engine."""
    found = {}
    for i, (node, g) in enumerate(zip(topological_order([root]), gradients(root), strict=True)):
        found[f"v{i}"] = number(node.value)
        if g is not None:
            found[f"g{i}"] = number(g)
    return found


def classes(tab, kind):
    """The numbers of the cards and rows of a class."""
    return set(tab.run(f"[...document.querySelectorAll('.{kind}[id^=n]')].map(e => +e.id.slice(1))"))


def test_every_step_forward_and_back(tab, page):
    loss, _ = mlp()
    order, final = topological_order([loss]), expected(loss)
    tab.open(page.as_uri())
    steps = tab.run("data.steps")
    seen = [tab.run(NUMBERS)]
    assert {text for name, text in seen[0].items() if name.startswith("g")} == {"—"}
    for name, text in seen[0].items():
        if name.startswith("v"):
            assert text == ("?" if order[int(name[1:])].op is not None else final[name])
    for step in steps:
        tab.press("ArrowRight")
        now = tab.run(ALL)
        seen.append(now["numbers"])
        assert now["count"] == f"{step['phase']} {step['k']}/{step['n']}"
        assert step["title"] in now["said"]
        assert now["acting"] == [step["node"]]
        row = "v" if step["phase"] == "forward" else "g"
        changed = {int(name[1:]) for name in seen[-1] if seen[-1][name] != seen[-2][name] and name[0] == row}
        assert changed <= set(now["active"])
        assert now["ahead"] == 0 or step["phase"] == "forward"  # backward, arrows are reversed
    assert seen[-1] == {name: final[name] for name in seen[-1]}
    assert len(steps) == STEPS
    for button in ("#back", "#next", "#back"):
        tab.click(button)
    assert tab.run(NUMBERS) == seen[-2]
    for before in reversed(seen[:-2]):
        tab.press("ArrowLeft")
        assert tab.run(NUMBERS) == before
    for after in seen[1:]:
        tab.run("$('next').click()")
        assert tab.run(NUMBERS) == after


def test_first_last_and_play(tab, page):
    tab.open(page.as_uri())
    tab.click("#last")
    assert tab.run("step") == STEPS
    assert tab.run("[...document.querySelectorAll('#next, #last')].every(b => b.disabled)")
    tab.click("#first")
    assert tab.run("step") == 0
    assert tab.run("[...document.querySelectorAll('#back, #first')].every(b => b.disabled)")
    tab.press("End")
    assert tab.run("step") == STEPS
    tab.press("Home")
    assert tab.run("step") == 0
    tab.click("#play")
    assert tab.run("step") == 1
    assert "pause" in tab.text("#play")
    tab.click("#play")
    assert "play" in tab.text("#play")
    tab.run("go(25)")
    tab.run("document.activeElement.blur()")
    tab.press(" ")
    assert tab.run("[step, timer]") == [STEPS, None]  # it stops at the end
    tab.press(" ")
    assert tab.run("step") == 0  # and begins anew
    tab.press("Escape")
    assert tab.run("timer") is None
    x, y = tab.middle("#bar i:nth-child(20)")
    tab.mouse("mousePressed", x, y, button="left", buttons=1, clickCount=1)
    assert tab.run("step") == 20
    further = tab.middle("#bar i:nth-child(22)")
    tab.mouse("mouseMoved", *further, button="left", buttons=1)
    assert tab.run("step") == 22
    tab.mouse("mouseMoved", x, y, button="left", buttons=1)
    tab.mouse("mouseReleased", x, y, button="left", clickCount=1)
    assert tab.run("step") == 20
    assert tab.run("document.querySelectorAll('#bar i').length") == STEPS
    assert tab.run("document.querySelectorAll('#bar i.done').length") == 20
    assert tab.run("document.querySelector('#bar').getAttribute('aria-valuetext')") == "backward step 7 of 13"


def test_search(tab, page):
    loss, _ = mlp()
    tab.open(page.as_uri())
    tab.press("/")
    assert tab.run("document.activeElement.id") == "search"
    tab.write("tanh neuron 2")
    assert tab.text("#found") == "1 found"
    (h2,) = (i for i, node in enumerate(topological_order([loss])) if node.name == "h2")
    assert classes(tab, "lit") == {h2}
    assert float(tab.run("getComputedStyle(document.querySelector('#n0, #n2').closest('.card')).opacity")) < 1
    tab.press("Enter")
    assert tab.run("chosen") == h2
    tab.press("Escape")
    assert tab.run("[chosen, document.getElementById('search').value, matches]") == [None, "", None]
    assert classes(tab, "lit") == set()
    tab.press("/")
    tab.write("w22")  # a row within a card
    (w22,) = (i for i, node in enumerate(topological_order([loss])) if node.name == "w22")
    assert classes(tab, "hit-by-search") == {w22}


def test_hover_lights_ancestors_and_descendants(tab, page):
    loss, _ = mlp()
    order = topological_order([loss])
    place = {node: i for i, node in enumerate(order)}
    up = {i: {place[a] for a in node.args} for i, node in enumerate(order)}

    def above(i):
        return {i}.union(*map(above, up[i]))

    tab.open(page.as_uri())
    cards = classes(tab, "card")
    for name in ("h2", "x1", "L"):
        (here,) = (i for i, node in enumerate(order) if node.name == name)
        tab.hover(f"#n{here} > .name")
        related = above(here) | {i for i in range(len(order)) if here in above(i)}
        assert classes(tab, "lit") == {i for i in related if i in cards}
    tab.mouse("mouseMoved", 5, 5)
    assert classes(tab, "lit") == set()


def test_a_click_on_each_node_shows_it(tab, page):
    loss, _ = mlp()
    order, derivatives = topological_order([loss]), gradients(loss)
    place = {node: i for i, node in enumerate(order)}
    tab.open(page.as_uri())
    tab.press("End")
    drawn = sorted(classes(tab, "card") | classes(tab, "inset"))
    assert len(drawn) > 20
    for i in drawn:
        tab.click(f"#n{i} > .name")
        said = tab.text("#node")
        assert tab.run("chosen") == i
        assert tab.text("#node h2") == tab.run(f"data.nodes[{i}].name")
        assert repr(order[i].value).replace("-", "−") in said
        if derivatives[i] is not None:
            assert repr(derivatives[i]).replace("-", "−") in said
            assert "✓ the same both ways" in said
        for operand in order[i].args:
            assert tab.run(f"data.nodes[{place[operand]}].name") in said
        for a in re.findall(r"by (?:backward|numbers)(−?[\d.]+(?:e[−+]?\d+)?)", said):
            assert float(a.replace("−", "-")) == pytest.approx(derivatives[i], rel=1e-6)
    tab.click("#node button.plain")  # a link to another node
    assert tab.run("chosen") != drawn[-1]


def test_modules_fold_and_unfold(tab, page):
    tab.open(page.as_uri() + "#step=26")
    whole = classes(tab, "card")
    tab.click(".handle")
    folded = tab.run("[...document.querySelectorAll('[data-module]')].map(e => e.dataset.module)")
    assert set(folded) == {"hidden", "loss", "output"}
    assert len(classes(tab, "card")) < len(whole)
    assert tab.run(HASH) == "#step=26&view=modules"
    tab.press("Home")
    for _ in range(STEPS):
        tab.press("ArrowRight")
        assert len(classes(tab, "acting")) == 1
    tab.click("[data-module=output] > .name")
    tab.click("#node p button:not(.plain)")
    assert classes(tab, "card") == whole
    tab.click("#folded")
    assert tab.run("document.querySelector('#folded').getAttribute('aria-pressed')") == "true"
    tab.click("#folded")
    assert classes(tab, "card") == whole


CONTRAST = """
(() => {
  const light = (colour) => {
    const linear = x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = colour.match(/[\\d.]+/g).map(x => linear(x / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (!/^rgba.*, 0\\)$/.test(colour)) return colour;
    }
  };
  const worst = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || element.closest("svg, script, template") || element.disabled) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(behind(element))];
    worst.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.outerHTML.slice(0, 120)]);
  }
  return worst.sort((a, b) => a[0] - b[0])[0].concat(worst.length);
})()
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_themes_and_their_contrast(tab, page, theme):
    paper = {"light": LIGHT.paper, "dark": DARK.paper}
    shown = "getComputedStyle(document.body).backgroundColor"

    def rgb(colour):
        return f"rgb({', '.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))})"

    other = {"light": "dark", "dark": "light"}[theme]
    tab.prefer(prefers_color_scheme=theme)
    for step in (5, 16, 26):
        tab.open(f"{page.as_uri()}#step={step}&node=7")
        assert tab.run(shown) == rgb(paper[theme])
        ratio, where, count = tab.run(CONTRAST)
        assert ratio >= 4.5, where
        assert count > 20
    tab.click("#theme")
    assert tab.run(shown) == rgb(paper[other])
    tab.click("#theme")
    assert tab.run(shown) == rgb(paper[theme])


HASH = "new Promise(done => setTimeout(() => done(location.hash), 150))"


def test_the_address_names_the_step_and_the_node(tab, page):
    tab.open(page.as_uri() + "#step=10&node=3")
    assert tab.run("[step, chosen]") == [10, 3]
    tab.press("ArrowRight")
    assert tab.run(HASH) == "#step=11&node=3"
    tab.run("location.hash = '#step=4&node=5'; new Promise(done => addEventListener('hashchange', done))")
    assert tab.run("[step, chosen]") == [4, 5]
    tab.open(page.as_uri() + "?nonsense#step=9999&node=-3")
    assert tab.run("[step, chosen]") == [STEPS, None]


def test_names_are_text(tab, tmp_path):
    hostile = '</script><img src=x onerror="hacked=1"><!--\'"&\u2028${hacked=1}`{{data}}'
    a, b = tg.Scalar(2.0, name=hostile), tg.Scalar(3.0, name="<script>hacked=1</script>")
    with tg.scope(hostile):
        c = a * b
        c.name = hostile + "2"
    path = explore(tg.tanh(c), tmp_path / "x.html", title=hostile, subtitle=hostile)
    tab.open(path.as_uri())
    assert tab.run("typeof hacked") == "undefined"
    assert (
        tab.run("document.querySelectorAll('main img, aside img, script').length") == 2
    )  # the data, and the code
    assert len(classes(tab, "card")) == 4
    tab.press("End")
    for i in range(4):
        tab.click(f"#n{i} > .name")
    assert hostile.replace("\u2028", " ")[:30] in tab.text("h1")
    assert tab.run("typeof hacked") == "undefined"


def test_everything_to_press_has_a_name(tab, page):
    tab.open(page.as_uri() + "#step=16&node=7")
    tree = tab.send("Accessibility.getFullAXTree")["nodes"]
    pressed = [
        node for node in tree
        if any(each["name"] == "focusable" and each["value"]["value"] for each in node.get("properties", []))
    ]  # fmt: skip
    assert len(pressed) > 30
    for node in pressed:
        assert node["name"]["value"].strip(), node
    roles = {node["role"]["value"] for node in pressed}
    assert roles >= {"button", "slider", "searchbox", "group"}
    names = " | ".join(node["name"]["value"] for node in pressed)
    assert "h₁" in names or "h1" in names
    assert "gradient" in names
    live = [
        n
        for n in tree
        if any(p["name"] == "live" and p["value"]["value"] == "polite" for p in n.get("properties", []))
    ]
    assert live


def test_the_keyboard_reaches_the_cards(tab, page):
    tab.open(page.as_uri())
    tab.run("document.querySelector('.card').focus()")
    here = tab.run("+document.activeElement.id.slice(1)")
    tab.press("Enter")
    assert tab.run("chosen") == here
    assert here in classes(tab, "lit")
    tab.run("document.querySelector('.handle').focus()")
    tab.press(" ")
    assert tab.run("[view, timer]") == ["modules", None]


def test_zoom_drag_and_fit(tab, page):
    tab.open(page.as_uri())
    start = tab.run("seen")
    x, y = 600.0, 500.0
    point = "((x, y) => [seen.x + (x - stage.getBoundingClientRect().x) / seen.scale, seen.y + (y - stage.getBoundingClientRect().y) / seen.scale])(600, 500)"  # noqa: E501
    under = tab.run(point)
    tab.mouse("mouseWheel", x, y, deltaX=0, deltaY=-240)
    assert tab.run("new Promise(done => requestAnimationFrame(() => done(seen.scale)))") > start["scale"]
    assert tab.run(point) == pytest.approx(under)
    before = tab.run("seen")
    tab.mouse("mousePressed", x, y, button="left", clickCount=1)
    tab.mouse("mouseMoved", x + 50, y + 20, button="left", buttons=1)
    tab.mouse("mouseMoved", x + 80, y + 30, button="left", buttons=1)
    tab.mouse("mouseReleased", x + 80, y + 30, button="left", clickCount=1)
    after = tab.run("seen")
    assert (before["x"] - after["x"]) * after["scale"] == pytest.approx(80)
    assert (before["y"] - after["y"]) * after["scale"] == pytest.approx(30)
    assert tab.run("chosen") is None  # a drag is no click
    tab.press("0")
    assert tab.run("seen") == start
    for button in ("#in", "#out", "#fit"):
        tab.click(button)
    assert tab.run("seen") == start


def test_the_graph_fits_a_window_of_another_size(tab, page):
    tab.open(page.as_uri())
    inside = """
    (frame => [...document.querySelectorAll('.card')].map(e => e.getBoundingClientRect()).every(
      box => box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom
    ))(stage.getBoundingClientRect())
    """
    frames = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    for width, height in ((1700, 1040), (900, 500), (600, 900)):
        tab.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        tab.run(frames)
        assert tab.run(inside)
    tab.click("#in")  # what the reader has chosen stays
    scale = tab.run("seen.scale")
    tab.send("Emulation.setDeviceMetricsOverride", width=1000, height=700, deviceScaleFactor=1, mobile=False)
    tab.run(frames)
    assert tab.run("seen.scale") == scale


def test_little_motion_if_the_reader_wants_it(tab, page):
    tab.open(page.as_uri())
    duration = "getComputedStyle(document.querySelector('.card')).transitionDuration"
    tab.prefer(prefers_reduced_motion="no-preference")
    assert tab.run(duration) == "0.15s"
    tab.prefer(prefers_reduced_motion="reduce")
    assert tab.run(duration) == "0s"


FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.mark.parametrize("cap", [12_000, 10])
def test_a_page_without_steps(tab, tmp_path, monkeypatch, cap):
    monkeypatch.setattr("tinygrad_edu.render.explorer.page.CAP", cap)
    h, w = tg.tensor(0.5, name="c"), tg.tensor(0.9, requires_grad=True, name="w")  # c needs no gradient
    for _ in range(20):
        h = tg.tanh(h * w + 1.0)
    tab.open(explore(h, tmp_path / "x.html").as_uri())
    assert tab.run("[data.steps.length, step]") == [0, 0]
    assert tab.text("#step h2") == "A computation, step by step"
    assert tab.run("$('next').disabled")
    for i in sorted(classes(tab, "card") | classes(tab, "inset")):
        tab.click(f"#n{i} > .name")
        assert tab.run("chosen") == i
        assert (tab.text("#node h2") == tab.run(f"data.nodes[{i}].name")) if cap > 10 else True
    assert "?" not in tab.run(NUMBERS).values()


def test_equal_parts_count_until_all_are_known(tab, tmp_path):
    h = tg.Scalar(0.5, "h")
    for i in range(14):
        h = tg.tanh(h * 0.5 + tg.Scalar(i + 1.0, f"x{i}"))
    tab.open(explore(h, tmp_path / "x.html").as_uri())
    (card,) = (i for i in classes(tab, "card") if "×14" in tab.text(f"#n{i}"))
    (row,) = (i for i in classes(tab, "inset") if "x0" in tab.text(f"#n{i}"))
    mean = f"{np.mean(np.arange(14) + 1):g} ± "
    assert tab.text(f"#v{row}").startswith(mean)
    assert [tab.text(f"#v{card}"), tab.text(f"#g{card}"), tab.text(f"#g{row}")] == ["?", "—", "—"]
    tab.run("go(3 * 6)")
    assert tab.text(f"#v{card}") == "6 of 14"
    assert "in step 6 of 14" in tab.text("#step")
    tab.run("go(3 * 14)")
    assert "→" in tab.text(f"#v{card}")
    tab.run("go(3 * 14 + 3 * 4)")
    assert tab.text(f"#g{row}") == "4 of 14"
    assert tab.text(f"#v{row}").startswith(mean)
    assert classes(tab, "pending") >= {card, row}
    tab.press("End")
    assert "→" in tab.text(f"#g{card}")
    assert classes(tab, "pending") & {card, row} == set()


def test_a_large_graph_starts_where_it_can_be_read(tab, tmp_path):
    def chain(n, h):
        for i in range(n):
            h = tg.sin(h) if i % 2 else tg.exp(-h)
        return h

    x = tg.Scalar(0.5, name="x")
    path = explore(chain(40, x), tmp_path / "a.html", fold=False)
    tab.open(path.as_uri())
    tab.run(FRAMES)
    visible = "(id => { const a = $('n' + id).getBoundingClientRect(), b = stage.getBoundingClientRect(); \
        return a.width > 60 && a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom })"
    assert tab.run(f"{visible}(data.root)")
    tab.open(path.as_uri() + "?#node=0")
    tab.run(FRAMES)
    assert tab.run(f"{visible}(0)")
    tab.open(path.as_uri() + "?2#step=30")
    tab.run(FRAMES)
    assert tab.run(f"{visible}(data.steps[29].node)")
    tab.press("0")
    assert tab.run("seen.scale") < 0.45  # who asks for the whole sees it
    with tg.scope("first"):
        h = chain(20, x)
    with tg.scope("second"):
        h = chain(20, h)
    tab.open(explore(h, tmp_path / "b.html", fold=False).as_uri())
    assert tab.run("view") == "modules"
    tab.click("#folded")
    assert tab.run(HASH) == "#step=0&view=full"


def test_the_animation_has_one_left_edge(tab, tmp_path):
    for name, length in (("short", 2), ("wide", 14)):
        h = tg.Scalar(0.5, name="h")
        for _ in range(length):
            h = tg.tanh(h * 0.9)
        tab.open(tg.animate(h, tmp_path / f"{name}.html", phase="forward").as_uri())
        edges = tab.run("""["svg text", "#first", "summary"].map(each => Math.min(
            ...[...document.querySelectorAll(each)].map(e => e.getBoundingClientRect().left).filter(x => x > 0)))""")
        assert max(edges) - min(edges) < 16
        assert tab.run("document.documentElement.scrollWidth <= innerWidth")


def test_without_an_engine(tab, tmp_path):
    loss, parameters = mlp()
    tab.open(explore(loss, tmp_path / "x.html", parameters=parameters, engine="layers").as_uri() + "#step=26")
    shown, final = tab.run(NUMBERS), expected(loss)
    assert shown == {name: final[name] for name in shown}
    assert len(shown) > 40


def test_in_a_notebook(tab, tmp_path):
    loss, parameters = mlp()
    path = tmp_path / "notebook.html"
    path.write_text(
        f"<!DOCTYPE html><meta charset=utf-8>{explore(loss, parameters=parameters)._repr_html_()}"
    )
    tab.open(path.as_uri())
    frame = tab.frame()
    assert frame.run("document.querySelectorAll('.card').length") > 10
    frame.run("go(26)")
    assert "backward" in frame.text("#step")
    assert frame.complaints() == []


def test_arrays_and_jacobians(tab, tmp_path):
    x = tg.tensor(np.array([0.5, -1.0, 2.0]), requires_grad=True, name="x")
    y = tg.softmax(x)
    y.name = "y"
    root = tg.sum(y * y)
    tab.open(explore(root, tmp_path / "x.html").as_uri() + "#step=99")
    place = next(i for i, node in enumerate(topological_order([root])) if node is y)
    bars = f"getComputedStyle(document.querySelector('#n{place} > .bars')).visibility"
    assert tab.run(bars) == "visible"
    tab.run("go(0)")
    assert tab.run(bars) == "hidden"  # the histogram of what is not computed yet
    tab.run("go(99)")
    tab.run(f"choose({place})")
    s = np.exp(x.numpy()) / np.exp(x.numpy()).sum()
    tables = tab.run(
        "[...document.querySelectorAll('#node table')]"
        ".map(table => [...table.rows].map(row => [...row.cells].map(cell => cell.textContent)))"
    )
    read = [np.array([[float(text.replace("−", "-")) for text in row] for row in table]) for table in tables]
    assert read[0][0] == pytest.approx(s, abs=5e-5)  # the value
    assert read[1][0] == pytest.approx(2 * s, abs=5e-5)  # the gradient
    assert read[2] == pytest.approx(np.diag(s) - np.outer(s, s), abs=5e-5)  # the Jacobian of the softmax
    assert "✓" in tab.text("#node")
