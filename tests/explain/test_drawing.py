"""Layout, SVG and the text of the page; what a browser makes of it is tested in tests/web."""

import itertools
import json
import sys
from xml.etree import ElementTree

import pytest

import backlit as torch

pytest.importorskip("fast_sugiyama", reason="the drawing's layout: pip install 'backlit[explain]'")

from backlit.explain import _page
from backlit.explain._figure import Figure
from backlit.explain._heat import limits, paths, rows, single
from backlit.explain._layout import NODE_HEIGHT, NODE_WIDTH, Group, layout

SVG = "{http://www.w3.org/2000/svg}"


def three_variables():
    x, y, z = (torch.tensor(v, requires_grad=True) for v in (1.0, 3.0, 3.0))
    p = x * y
    s = y * z
    q = p + s
    r = q**2
    return torch.explain(r)


def residual(depth, width=4):
    torch.manual_seed(0)
    blocks = torch.nn.ModuleList(
        torch.nn.Sequential(torch.nn.Linear(width, width), torch.nn.Tanh()) for _ in range(depth)
    )
    h = torch.ones(2, width)
    for block in blocks:
        h = h + block(h)
    return torch.explain((h * h).mean(), max_paths=2)


def shared_weight(turns):
    """One weight used in every turn: 3 values per turn."""
    w = torch.tensor(0.9, requires_grad=True)
    h = torch.tensor(0.3, requires_grad=True)
    for _ in range(turns):
        a = torch.tanh(h * w)
        h = a + h
    return torch.explain(h, max_paths=2)


def boxes(place):
    """Corners of what is drawn on top of the background: nodes, and closed modules."""
    shown = [i for i in place.nodes.values() if place.is_visible(i)]
    shown += [g for g in place.groups if place.is_visible(g) and not g.is_open]
    for item in shown:
        x, y = item.centre()
        yield (
            item,
            (x - NODE_WIDTH / 2, y - NODE_HEIGHT / 2, x + NODE_WIDTH / 2, y + NODE_HEIGHT / 2),
        )


@pytest.mark.parametrize("build", [three_variables, lambda: residual(3), lambda: shared_weight(9)])
def test_nothing_overlaps_and_edges_lead_to_the_right(build):
    document = build().to_dict()
    place = layout(document)
    for (_, a), (_, b) in itertools.combinations(boxes(place), 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
    for edge in document["edges"]:
        source, target = (place.shown(place.nodes[edge[end]]) for end in ("from", "to"))
        if source is not target:
            assert source.centre()[0] < target.centre()[0]


def test_the_same_document_gives_the_same_drawing():
    document = residual(3).to_dict()
    assert Figure(document).svg() == Figure(document).svg()


def test_modules_are_boxes_around_their_values():
    document = residual(2).to_dict()
    place = layout(document)
    assert all(group.is_open for group in place.groups)
    names = {node["id"]: node["name"] for node in document["nodes"]}
    for group in place.groups:
        x, y = group.centre()
        for item in group.nodes():
            ix, iy = item.centre()
            assert abs(ix - x) + NODE_WIDTH / 2 < group.width / 2
            assert abs(iy - y) + NODE_HEIGHT / 2 < group.height / 2
    inside = {names[i.id] for g in place.groups if g.title.endswith("0.0") for i in g.nodes()}
    assert {name for name in inside if name.endswith(("weight", "bias"))}


def test_large_graphs_start_closed():
    place = layout(residual(60).to_dict())
    assert sum(1 for _ in boxes(place)) <= 60
    assert any(isinstance(item, Group) for item, _ in boxes(place))


def test_the_figure_is_xml_with_values_and_local_gradients():
    root = ElementTree.fromstring(Figure(three_variables().to_dict()).svg())
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert {"r", "144", "∇ 96", "2·q = 24"} <= set(texts)


HOSTILE = "</script><script>window.hacked=1</script><img src=x onerror=hacked=1>&\u2028'\""


def test_text_of_the_program_stays_text():
    document = three_variables().to_dict()
    document["title"] = HOSTILE
    for node in document["nodes"]:
        node |= {"name": HOSTILE, "expression": HOSTILE, "module": HOSTILE, "formula": HOSTILE}
        node["location"] = {"file": HOSTILE, "line": 1, "source": HOSTILE, "function": HOSTILE}
    page = _page.render(document)
    assert page.count("<script") == 2
    assert "<img" not in page
    assert HOSTILE in json.loads(page.split('id="document">')[1].split("</script>")[0])["title"]
    ElementTree.fromstring(Figure(document).svg())


def test_the_page_of_xor_is_small():
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(2, 2), torch.nn.Sigmoid(), torch.nn.Linear(2, 1), torch.nn.Sigmoid()
    )
    inputs = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    loss = ((model(inputs) - torch.tensor([[0.0], [1.0], [1.0], [0.0]])) ** 2).mean()
    assert len(_page.render(torch.explain(loss).to_dict()).encode()) < 100_000


@pytest.mark.slow
@pytest.mark.parametrize("build", [lambda: shared_weight(340), lambda: residual(200)])
def test_a_thousand_nodes_are_drawn(build):  # how fast: python -m benchmarks.explanations
    document = build().to_dict()
    assert len(document["nodes"]) >= 1000
    page = _page.render(document)
    data = json.loads(page.split('id="document">')[1].split("</script>")[0])
    assert len(data["nodes"]) == len(document["nodes"])


def test_without_the_library_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "fast_sugiyama", None)
    with pytest.raises(ImportError, match=r"pip install 'backlit\[explain\]'"):
        Figure(three_variables().to_dict())


def test_what_was_not_computed_is_said():
    document = three_variables().to_dict()
    document["nodes"][2]["value"] = None
    assert "not computed" in Figure(document).svg()


def test_heat_maps_of_odd_values():
    assert single([[2.5]]) == 2.5
    assert single([1.0, 2.0]) is None
    assert rows([[[1, 2], [3, 4]]]) == [[1, 2, 3, 4]]
    assert limits([1.0, "nan", -2.0]) == (-2.0, 1.0)
    picture = paths([[0.0, "nan"], ["inf", -4.0]], 40, 40)
    assert picture.count('class="hx"') == 1
    assert all(f'class="{shade}"' in picture for shade in ("h0", "hn3"))
    assert "empty" in paths([], 40, 40)
