"""Recurrent networks and cells: M steps, batches of N, P inputs, K units."""

from registry.sample import Sample, real, samples

OPTIONS = "num_layers=1, dropout=0.5, train=False, bidirectional=False"
LARGE = {"M": 23, "N": 41, "P": 13, "K": 35}
CALLS = """
    x, {h}, {all}, True, 1, 0.0, False, False, False
    x, hx={h}, params={all}, has_biases=True, {options}, batch_first=False
    x.transpose(0, 1), {h}, {plain}, False, 1, 0.0, True, False, True
    x, {two}, {all} + {all}, True, 1, 0.0, True, True, False
    data={rows}, batch_sizes=T.tensor([N, N]), hx={h}, params={all}, has_biases=True, {options}
"""
WRONG = """
    x, {h}, {all}[:3], True, 1, 0.0, False, False, False
    x, {h}, {all}, True, 2, 0.0, False, False, False
    x, {h}, {all}, True, 1, 0.0, False, True, False
    x[:0], {h}, {all}, True, 1, 0.0, False, False, False
    x[..., 1:], {h}, {all}, True, 1, 0.0, False, False, False
"""
CELL_CALLS = "r, {h}, {w}, {u} | r, {h}, w_ih={w}, w_hh={u}, b_ih=b.view(-1), b_hh=a.view(-1)"
CELL_WRONG = "r[:, 1:], {h}, {w}, {u} | r[1:], {h}, {w}, {u} | r[0], {h}, {w}, {u}"


def family(network: str, cell: str, gates: int, states: int) -> list[Sample]:
    """Samples of a network and of its cell; weights are drawn as (gates, units, ·)."""
    w, u = f"w.reshape({gates} * K, P)", f"u.reshape({gates} * K, K)"
    one = {"h": "h", "two": "T.cat([h, h])"}
    pair = {"h": "(h, c)", "two": "(T.cat([h, h]), T.cat([c, c]))"}
    filled = {
        **(one if states == 1 else pair),
        "all": f"[{w}, {u}, b.view(-1), a.view(-1)]",
        "plain": f"[{w}, {u}]",
        "options": OPTIONS,
        "rows": "x[:2].flatten(0, 1)",
        "w": w,
        "u": u,
    }
    inputs = {
        "w": real(f"{gates} K P"),
        "u": real(f"{gates} K K"),
        "b": real(f"{gates} K"),
        "a": real(f"{gates} K"),
    }
    unlike = {"dtype (bool|u?int)": "PyTorch steps through relu in integers"}
    return [
        *samples(
            network,
            CALLS.format(**filled),
            wrong=WRONG.format(**filled),
            large=LARGE,
            unlike=unlike,
            x=real("M N P"),
            h=real("1 N K"),
            c=real("1 N K"),
            **inputs,
        ),
        *samples(
            cell,
            CELL_CALLS.format(**filled),
            wrong=CELL_WRONG.format(**filled),
            large=LARGE,
            unlike=unlike,
            r=real("N P"),
            h=real("N K"),
            c=real("N K"),
            **inputs,
        ),
    ]


SAMPLES = [
    *family("rnn_tanh rnn_relu", "rnn_tanh_cell rnn_relu_cell", 1, 1),
    *family("gru", "gru_cell", 3, 1),
    *family("lstm", "lstm_cell", 4, 2),
]
