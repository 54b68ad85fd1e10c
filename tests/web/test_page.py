"""The page of an explanation, opened from disk in a browser and used."""

import time

import pytest

pytest.importorskip("selenium", reason="selenium (extra web)")
pytest.importorskip("fast_sugiyama", reason="the drawing's layout (extra explain)")

from selenium.webdriver.common.keys import Keys

import backlit as torch
from backlit.explain import _page


def three_variables():
    x = torch.tensor(1.0, requires_grad=True)
    y = torch.tensor(3.0, requires_grad=True)
    z = torch.tensor(3.0, requires_grad=True)
    p = x * y
    s = y * z
    q = p + s
    r = q**2
    return torch.explain(r)


def xor():
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(2, 2), torch.nn.Sigmoid(), torch.nn.Linear(2, 1), torch.nn.Sigmoid()
    )
    inputs = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    targets = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
    loss = torch.nn.functional.mse_loss(model(inputs), targets)
    return torch.explain(loss)


def residual(depth):
    torch.manual_seed(0)
    blocks = torch.nn.ModuleList(
        torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Tanh()) for _ in range(depth)
    )
    h = torch.ones(2, 4)
    for block in blocks:
        h = h + block(h)
    return torch.explain((h * h).mean(), max_paths=2)


@pytest.fixture(scope="module")
def small():
    return three_variables()


def node_of(explanation, name):
    return f".node[data-id={explanation.graph.find(name).id}]"


def shown(browser, explanation, name, what):
    """The number in a node's box as a person sees it; None before its step."""
    element = browser.one(f"{node_of(explanation, name)} .{what}")
    return element.text if element.value_of_css_property("opacity") == "1" else None


def gradients_shown(browser, explanation):
    names = [node.name for node in explanation.graph]
    return {name for name in names if shown(browser, explanation, name, "grad") is not None}


def test_it_opens_from_disk_and_asks_for_nothing(browser, small):
    browser.open(small.to_html())
    assert browser.text("h1") == small.to_dict()["title"]
    assert [address.split(":")[0] for address in browser.requests()] == ["file"]
    assert browser.js("return performance.getEntriesByType('resource').length") == 0
    assert shown(browser, small, "r", "val") == "144"
    assert shown(browser, small, "y", "grad") == "∇ 96"


def test_arrow_keys_step_forward_and_then_backward(browser, small):
    browser.open(small.to_html())
    browser.press(Keys.HOME)
    assert browser.text("#count") == "0 / 11"
    assert shown(browser, small, "x", "val") == "1"
    values = {"p": "3", "s": "9", "q": "12", "r": "144"}
    for name, value in values.items():
        assert shown(browser, small, name, "val") is None
        browser.press(Keys.ARROW_RIGHT)
        assert shown(browser, small, name, "val") == value
        assert f"= {value}" in browser.text("#panel")
        assert value in browser.js("return document.getElementById('spoken').textContent")
    seen = []
    for _ in range(7):
        browser.press(Keys.ARROW_RIGHT)
        (new,) = gradients_shown(browser, small) - set(seen)
        seen.append(new)
    assert seen == [node.name for node in reversed(small.graph)]
    assert browser.text("#count") == "11 / 11"
    browser.press(Keys.ARROW_LEFT)
    assert len(gradients_shown(browser, small)) == 6
    browser.press(Keys.ESCAPE)
    assert len(gradients_shown(browser, small)) == 7


def test_a_backward_step_writes_its_product_and_its_sum(browser, small):
    browser.open(small.to_html())
    order = [node.name for node in reversed(small.graph)]
    browser.press(Keys.HOME, *[Keys.ARROW_RIGHT] * (4 + 1 + order.index("q")))
    assert "∂r/∂r · ∂r/∂q" in browser.text("#panel")
    assert "2·12" in browser.text("#panel") and "= 1 · 24" in browser.text("#panel")
    browser.press(*[Keys.ARROW_RIGHT] * (order.index("y") - order.index("q")))
    panel = browser.text("#panel")
    assert "through s:" in panel and "through p:" in panel
    assert "= 96" in panel


def test_the_slider_and_the_buttons_step_too(browser, small):
    browser.open(small.to_html())
    browser.click("#first")
    assert browser.text("#count") == "0 / 11"
    browser.click("#next")
    browser.click("#next")
    browser.click("#back")
    assert browser.text("#count") == "1 / 11"
    browser.js("arguments[0].focus()", browser.one("#slider"))
    browser.press(Keys.ARROW_RIGHT)
    assert browser.text("#count") == "2 / 11"
    assert shown(browser, small, "s", "val") == "9"
    browser.click("#play")
    assert "Pause" in browser.text("#play")
    browser.click("#play")
    assert "Play" in browser.text("#play")


def test_a_click_on_a_variable_lights_its_paths_and_writes_them_out(browser, small):
    browser.open(small.to_html())
    browser.click(node_of(small, "y"))
    panel = browser.text("#panel")
    for line in ("r → q → s → y", "= 24 · 1 · 3", "= 72", "r → q → p → y", "= 24 · 1 · 1", "= 24"):
        assert line in panel
    assert "72 + 24" in panel and "= 96" in panel
    lit = {element.get_attribute("data-id") for element in browser.all(".edge.on")}
    assert lit == {edge.id for term in small["y"].paths for edge in term.edges}
    assert len(browser.all(".edge.path-0")) == len(browser.all(".edge.path-1")) == 2
    browser.press(Keys.ESCAPE)
    assert browser.all(".edge.on") == []


def test_tab_and_enter_choose_a_variable(browser, small):
    browser.open(small.to_html())
    for _ in range(40):
        browser.press(Keys.TAB)
        if browser.js("return document.activeElement.dataset.id") == small.graph.find("x").id:
            break
    assert browser.js("return document.activeElement.matches(':focus-visible')")
    browser.press(Keys.ENTER)
    assert "∂r/∂x = 72" in browser.text("#panel h2")
    assert browser.one(node_of(small, "x")).get_attribute("aria-pressed") == "true"


def test_everything_that_can_be_used_has_a_name(browser):
    explanation = residual(3)
    browser.open(explanation.to_html())
    for element in browser.all("button, input, [tabindex='0']"):
        if element.is_displayed():
            assert element.accessible_name, element.get_attribute("outerHTML")[:200]


def test_a_tensor_opens_as_heat_maps_with_its_numbers(browser):
    explanation = xor()
    weight = next(node for node in explanation.graph if node.shape == (2, 2))
    browser.open(explanation.to_html())
    browser.js("document.querySelector('[data-do=fit]').click()")
    browser.click(f".node[data-id={weight.id}]")
    assert len(browser.all("#panel .heat")) == 2  # gradient, value
    value = browser.all("#panel .heat")[-1]
    cells = value.find_elements("css selector", "td")
    wanted = [float(x) for row in weight.value.tolist() for x in row]
    assert [float(cell.text) for cell in cells] == pytest.approx(wanted, abs=1e-4)
    browser.js("arguments[0].scrollIntoView()", cells[3])
    cells[3].click()
    readout = value.find_element("xpath", "following-sibling::*").text
    index, number = readout.split(" = ")
    assert index == "[1, 1]"
    assert float(number) == pytest.approx(wanted[3], rel=1e-5)
    browser.js("arguments[0].focus()", value)
    before = browser.text("#count")
    browser.press(Keys.ARROW_LEFT)
    assert value.find_element("xpath", "following-sibling::*").text.startswith("[1, 0] = ")
    assert browser.text("#count") == before


def test_what_was_not_computed_is_said_and_not_drawn_as_zero(browser, small):
    document = small.to_dict()
    for node in document["nodes"]:
        if node["name"] == "p":
            node["value"] = None
    browser.open(_page.render(document))
    assert shown(browser, small, "p", "val") == "not computed"
    browser.click(node_of(small, "p"))
    assert "not computed" in browser.text("#panel")


def test_modules_close_and_open(browser):
    explanation = residual(3)
    browser.open(explanation.to_html())
    frame = browser.one(".frame:not(.hidden)")
    name = frame.get_attribute("data-id")
    visible = len(browser.all(".node:not(.hidden)"))
    browser.js("arguments[0].focus()", frame)
    browser.press(Keys.ENTER)
    assert len(browser.all(f".card[data-id={name}]:not(.hidden)")) == 1
    closed = len(browser.all(".node:not(.hidden)"))
    assert closed < visible
    browser.js("document.querySelector('[data-do=fit]').click()")
    browser.click(f".card[data-id={name}]")
    assert len(browser.all(".node:not(.hidden)")) == visible


def test_a_path_through_a_closed_module_stays_visible(browser):
    explanation = residual(3)
    browser.open(explanation.to_html())
    frame = browser.one(".frame:not(.hidden)")
    browser.js("arguments[0].focus()", frame)
    browser.press(Keys.ENTER)
    browser.js("document.querySelector('[data-variable]').click()")
    assert browser.all(".card.on:not(.hidden)")
    assert browser.all(".edge.on:not(.hidden)")


def background(browser):
    return browser.one("html").value_of_css_property("background-color")


def test_dark_and_light_follow_the_system_and_the_button(browser, small):
    browser.open(small.to_html())
    light = background(browser)
    browser.prefer("dark")
    dark = background(browser)
    assert dark != light
    browser.prefer("light")
    browser.click("#theme")
    assert background(browser) == dark
    browser.click("#theme")
    browser.prefer("dark")
    assert background(browser) == light


@pytest.mark.parametrize("build", [three_variables, xor, lambda: residual(3)])
def test_a_phone_shows_it_without_sideways_scrolling(browser, build):
    explanation = build()
    browser.resize(390, 844)
    browser.open(explanation.to_html())
    assert browser.size().content <= browser.size().window == 390
    browser.js("document.querySelector('[data-variable]').click()")
    assert browser.size().content <= 390
    for button in browser.all("#controls button"):
        assert button.size["height"] >= 44  # for thumbs
    assert float(browser.one("#panel").value_of_css_property("font-size")[:-2]) >= 16


def test_wheel_and_drag_move_the_view(browser, small):
    browser.open(small.to_html())
    before = browser.one(".world").get_attribute("transform")
    browser.js(
        "document.getElementById('canvas').dispatchEvent(new WheelEvent('wheel',"
        " {deltaY: -200, clientX: 300, clientY: 300, bubbles: true, cancelable: true}))"
    )
    zoomed = browser.one(".world").get_attribute("transform")
    assert zoomed != before
    from selenium.webdriver.common.action_chains import ActionChains

    drag = ActionChains(browser.driver).move_to_element_with_offset(browser.one("#canvas"), 0, -150)
    drag.click_and_hold().move_by_offset(60, 30).release().perform()
    assert browser.one(".world").get_attribute("transform") != zoomed
    browser.press("f")
    assert browser.one(".world").get_attribute("transform") != zoomed


def test_paper_shows_the_tables(browser, small):
    browser.open(small.to_html())
    assert browser.driver.execute_cdp_cmd("Page.printToPDF", {})["data"]
    assert browser.js("return document.querySelector('#tables details').open")
    assert "∂r/∂y = 96" in browser.text("#tables")


def test_text_of_the_program_is_never_markup(browser, small):
    hostile = "</script><script>window.hacked=1</script><img src=x onerror='window.hacked=1'>"
    document = small.to_dict()
    document["title"] = hostile
    for node in document["nodes"]:
        node |= {"name": hostile, "expression": hostile, "formula": hostile, "dtype": hostile}
        node["location"] = {"file": hostile, "line": 1, "source": hostile, "function": hostile}
    for variable in document["variables"]:
        variable["title"] = hostile
    browser.open(_page.render(document))
    browser.click(node_of(small, "q"))
    browser.click(node_of(small, "y"))
    browser.press(Keys.HOME, Keys.ARROW_RIGHT)
    assert hostile in browser.text("#panel")
    assert browser.js("return window.hacked") is None


def test_a_thousand_nodes_step_and_zoom(browser):
    explanation = residual(200)
    document = explanation.to_dict()
    assert len(document["nodes"]) >= 1000
    browser.open(_page.render(document))
    assert len(browser.all(".node:not(.hidden), .card:not(.hidden)")) <= 60
    browser.js(  # open everything there is
        "let card; while ((card = document.querySelector('.card:not(.hidden)')))"
        " card.dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    assert len(browser.all(".node:not(.hidden)")) >= 1000
    browser.js(
        "document.getElementById('first').click();"
        "for (let i = 0; i < 50; i++) document.getElementById('next').click()"
    )
    assert browser.text("#count").startswith("50 / ")
    before = browser.js("return document.querySelector('#canvas').innerHTML.length")
    assert before > 100_000
    zoomed = browser.driver.execute_async_script(
        "const done = arguments[0], canvas = document.getElementById('canvas');"
        "const world = document.querySelector('.world');"
        "const scale = () => +world.getAttribute('transform').match(/scale\\((.*)\\)/)[1];"
        "const first = scale(); let turns = 0;"
        "const turn = () => { canvas.dispatchEvent(new WheelEvent('wheel', {deltaY: -30,"
        " clientX: 400, clientY: 200, bubbles: true, cancelable: true}));"
        " if (++turns < 40) requestAnimationFrame(turn); else done(scale() / first); };"
        "requestAnimationFrame(turn)"
    )
    assert zoomed > 2


def test_the_page_says_where_a_value_was_computed(browser, small):
    document = small.to_dict()
    for node in document["nodes"]:
        place = {"file": "/a/lesson.py", "line": 7, "source": "p = x * y", "function": "<module>"}
        node["location"] = place if node["operation"] else None
    browser.open(_page.render(document))
    browser.click(node_of(small, "p"))
    assert "p = x * y" in browser.text("#panel .source")
    assert "lesson.py, line 7" in browser.text("#panel")


def test_play_runs_to_the_end(browser, small):
    browser.open(small.to_html().replace(", 1200)", ", 20)"))
    browser.click("#play")
    for _ in range(100):
        if browser.text("#count") == "11 / 11" and "Play" in browser.text("#play"):
            break
        time.sleep(0.05)
    assert browser.text("#count") == "11 / 11"
