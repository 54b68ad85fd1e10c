"""The flow of gradients as a picture, and as files."""

import itertools
import json
import sys

import pytest

import backlit as torch
from backlit import nn

LIBRARY = "the plot's library: pip install 'backlit[plot]'"


@pytest.fixture
def axes():
    figure = pytest.importorskip("matplotlib.figure", reason=LIBRARY)
    return figure.Figure(figsize=(9, 6)).add_subplot()


def names(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def notes(ax):
    return [text.get_text() for text in ax.texts]


def dots(ax):
    """The norms that are drawn, from the top down."""
    return [line.get_xdata()[0] for line in ax.lines if len(line.get_xdata()) == 1]


def shrinking(steps):
    a = torch.tensor(1.0, requires_grad=True)
    y = a
    for _ in range(steps):
        y = y * 0.1
    return torch.explain(y, a).flow()


def network():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 1))
    return torch.explain((net(torch.ones(2, 4)) ** 2).mean())


def test_a_dot_per_node_at_the_norm_of_its_gradient(axes):
    a = torch.tensor(2.0, requires_grad=True)
    b = a * 100.0
    c = b * 0.001
    d = c * 3.0
    ax = torch.explain(d, a).flow().plot(axes)
    assert ax is axes
    assert ax.get_xscale() == "log"
    assert names(ax) == ["d", "c", "b", "a"]
    assert dots(ax) == pytest.approx([1.0, 3.0, 0.003, 0.3])
    assert notes(ax)[2] == "×0.001 mul, largest shrink"
    assert notes(ax)[3] == "×100 mul, largest growth"


def test_the_ways_to_several_variables_share_their_beginning(axes):
    explanation = network()
    flow = explanation.flow()
    ax = flow.plot(axes)
    norms = {step.node.name: step.norm for route in flow.routes for step in route.steps}
    assert sorted(names(ax)) == sorted(norms)
    assert dots(ax) == pytest.approx([norms[name] for name in names(ax)])
    assert sum("largest shrink" in note for note in notes(ax)) == 1
    assert {v.node.name for v in explanation.variables} == {
        label.get_text() for label in ax.get_yticklabels() if label.get_fontweight() == "bold"
    }


def test_an_exact_zero_stands_apart_with_its_reason(axes):
    a = torch.tensor([-1.0, -2.0], requires_grad=True)
    ax = torch.explain((torch.relu(a) * 4).sum(), a).flow().plot(axes)
    assert notes(ax)[-1] == "×0 relu, 2 of 2 inputs below 0"
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert labels[0] == "0" and ax.get_xticks()[0] == dots(ax)[-1]
    assert dots(ax)[-1] < min(dots(ax)[:-1])


def test_an_infinite_gradient_is_drawn(axes):
    z = torch.tensor([0.0, 1.0], requires_grad=True)
    ax = torch.explain(torch.sqrt(z).sum(), z).flow().plot(axes)
    assert notes(ax)[-1] == "×inf sqrt"
    assert ax.get_xticklabels()[-1].get_text() == "inf, NaN"


@pytest.mark.parametrize("steps", [20, 200])
def test_labels_do_not_overlap(steps):
    figure = pytest.importorskip("matplotlib.figure", reason=LIBRARY).Figure(figsize=(9, 6))
    ax = shrinking(steps).plot(figure.add_subplot())
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
    boxes.sort(key=lambda box: -box.y0)
    assert all(above.y0 > below.y1 for above, below in itertools.pairwise(boxes))
    assert len(boxes) > 15


def test_plot_makes_a_figure_of_its_own():
    matplotlib = pytest.importorskip("matplotlib", reason=LIBRARY)
    matplotlib.use("agg")
    from matplotlib import pyplot

    ax = shrinking(3).plot()
    assert ax.figure.number in pyplot.get_fignums()
    pyplot.close(ax.figure)


def test_pictures_are_saved(tmp_path):
    pytest.importorskip("matplotlib", reason=LIBRARY)
    flow = network().flow()
    flow.save(tmp_path / "flow.png")
    flow.save(str(tmp_path / "flow.svg"))
    flow.save(tmp_path / "again.svg")
    assert (tmp_path / "flow.png").read_bytes().startswith(b"\x89PNG")
    svg = (tmp_path / "flow.svg").read_text()
    assert "<svg" in svg and svg == (tmp_path / "again.svg").read_text()


def test_text_and_document_are_saved_without_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    flow = network().flow()
    flow.save(tmp_path / "flow.txt")
    flow.save(tmp_path / "flow.json")
    assert (tmp_path / "flow.txt").read_text(encoding="utf-8") == f"{flow}\n"
    assert json.loads((tmp_path / "flow.json").read_text(encoding="utf-8")) == flow.to_dict()
    with pytest.raises(ImportError, match=r"pip install 'backlit\[plot\]'"):
        flow.plot()
    with pytest.raises(ImportError, match=r"pip install 'backlit\[plot\]'"):
        flow.save(tmp_path / "flow.png")
    assert not (tmp_path / "flow.png").exists()


def test_another_suffix_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"cannot save as '\.doc'.*\.png \.svg \.json \.txt"):
        network().flow().save(tmp_path / "flow.doc")
