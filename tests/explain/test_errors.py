"""What cannot be explained is said in one sentence, with what to do."""

import pytest

import backlit as torch
from backlit.explain import ExplainError


def message(error):
    text = str(error.value)
    assert text.startswith("explain: ") and text.endswith(".") and "\n" not in text
    return text


def squared():
    w = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    return w, (w**2).sum()


def test_no_graph():
    with pytest.raises(ExplainError) as error:
        torch.explain(torch.tensor(1.0))
    assert "requires grad" in message(error)


def test_complex_numbers():
    z = torch.tensor([1 + 2j, 3 - 1j], requires_grad=True)
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    for loss in (z.sum(), z.abs().sum(), torch.fft.rfft(x).abs().sum()):
        with pytest.raises(ExplainError) as error:
            torch.explain(loss)
        assert "complex" in message(error)


def test_graph_freed():
    _, loss = squared()
    loss.backward()
    with pytest.raises(ExplainError) as error:
        torch.explain(loss)
    assert "retain_graph=True" in message(error) and "before backward()" in message(error)


def test_after_backward_that_retains():
    w, loss = squared()
    loss.backward(retain_graph=True)
    before = w.grad.tolist()
    assert torch.explain(loss, w)["w"].gradient.tolist() == before
    assert w.grad.tolist() == before
    loss.backward()  # the explanation freed nothing
    assert w.grad.tolist() == [[4.0, 8.0], [12.0, 16.0]]


def test_changed_in_place():
    w = torch.tensor(2.0, requires_grad=True)
    s = w * 3
    loss = s**2
    with torch.no_grad():
        s.add_(1)
    with pytest.raises(ExplainError) as error:
        torch.explain(loss, w)
    assert "in place" in message(error)


def test_unknown_name():
    w, loss = squared()
    with pytest.raises(ExplainError) as error:
        torch.explain(loss, "v")
    assert "'v'" in message(error) and "w" in message(error)
    assert w.grad is None


def test_not_in_the_graph():
    _, loss = squared()
    other = torch.tensor(1.0, requires_grad=True)
    with pytest.raises(ExplainError) as error:
        torch.explain(loss, other)
    assert "not computed from this tensor" in message(error)


def test_without_gradient():
    x = torch.tensor(3.0)
    w = torch.tensor(1.0, requires_grad=True)
    with pytest.raises(ExplainError) as error:
        torch.explain(w * x, x)
    assert "does not require grad" in message(error)


@pytest.mark.parametrize("index", [(2, 0), (0, -3), (0,), (0, 0, 0)])
def test_index_out_of_range(index):
    w, loss = squared()
    with pytest.raises(ExplainError) as error:
        torch.explain(loss, w, at=index)
    assert "2×2" in message(error)


def test_a_part_with_several_elements():
    w, loss = squared()
    with pytest.raises(ExplainError) as error:
        torch.explain(loss, w[1])
    assert "w[0, 0]" in message(error)


def test_a_tensor_computed_from_a_value_is_no_element():
    w, loss = squared()
    with pytest.raises(ExplainError) as error:
        torch.explain(loss, w.sum())
    assert "not computed from this tensor" in message(error)


def test_integers():
    with pytest.raises(ExplainError) as error:
        torch.explain(torch.tensor(3))
    assert "int64" in message(error)


def test_many_elements():
    w, _ = squared()
    with pytest.raises(ExplainError) as error:
        torch.explain(w * 2)
    assert "y.sum()" in message(error)


def test_a_gradient_of_another_shape():
    w, _ = squared()
    with pytest.raises(ExplainError) as error:
        torch.explain(w * 2, gradient=torch.ones(3))
    assert "(3,)" in message(error)


def test_given_gradient():
    w, _ = squared()
    y = w * 2
    variable = torch.explain(y, w, gradient=torch.full((2, 2), 3.0))["w"]
    assert variable.gradient.tolist() == [[6.0, 6.0], [6.0, 6.0]]
    assert all(check.agrees for check in variable.checks)


def test_no_tensor():
    with pytest.raises(TypeError, match="expected a tensor"):
        torch.explain(3.0)
    w, loss = squared()
    with pytest.raises(TypeError, match="tensor or its name"):
        torch.explain(loss, 3.0)
    assert w.grad is None


def test_nan_is_shown_as_nan():
    x = torch.tensor([1.0, float("nan")], requires_grad=True)
    loss = (x * 2).sum()
    text = str(torch.explain(loss, x))
    assert "nan" in text
    z = torch.tensor(0.0, requires_grad=True)
    y = torch.sqrt(z) * 0.0
    explanation = torch.explain(y, z)
    assert "nan" in str(explanation)
    assert "NaN, first behind sqrt" in str(explanation.flow())
    assert '"nan"' in explanation.to_json()


def test_unknown_suffix(tmp_path):
    _, loss = squared()
    with pytest.raises(ValueError, match=r"\.html \.svg \.tex \.md \.json \.txt"):
        torch.explain(loss).save(tmp_path / "why.docx")


@pytest.mark.parametrize("suffix", [".tex", ".md", ".json", ".txt"])
def test_saved(tmp_path, suffix):
    _, loss = squared()
    explanation = torch.explain(loss)
    path = tmp_path / f"why{suffix}"
    explanation.save(path)
    text = path.read_text(encoding="utf-8")
    assert text.endswith("\n") and "loss" in text and "\x1b" not in text


def test_by_sample_without_samples():
    w = torch.tensor(1.0, requires_grad=True)
    with pytest.raises(ExplainError) as error:
        torch.explain(w**2).by_sample(w)
    assert "row per sample" in message(error)


def test_by_term_of_a_product():
    w = torch.tensor(1.0, requires_grad=True)
    with pytest.raises(ExplainError) as error:
        torch.explain(w * w).by_term(w)
    assert "not a sum" in message(error)


def test_no_side_effects():
    w = torch.tensor(2.0, requires_grad=True)
    y = w * 3
    y.retain_grad()
    z = y**2
    w.grad = torch.tensor(7.0)
    torch.explain(z)
    assert w.grad.item() == 7.0
    assert y.grad is None
