"""Layers without state and losses."""

from registry.sample import index, mask, real, samples

REDUCED = "{0} | {0}, reduction='sum' | {0}, reduction='none'"

SAMPLES = [
    *samples(
        "nn.linear",
        "x, w | x, w, b | v, weight=w, bias=b | c, w, b",
        wrong="x, b",
        x=real("M N"),
        w=real("P N"),
        b=real("P"),
        v=real("N"),
        c=real("K M N"),
        large={"K": 3, "M": 401, "N": 101, "P": 31},
    ),
    *samples(
        "nn.softmax nn.log_softmax",
        "x, 0 | x, -1 | x, dim=1, dtype=T.float64",
        wrong="x, 2",
        x=real("M N"),
    ),
    *samples(
        "softmax log_softmax",
        "x, 0 | x, -1 | x, 1, T.float64 | x, dim=1, dtype=T.float64",
        wrong="x, 3 | x",
        x=real("M N P"),
    ),
    *samples(
        "nn.layer_norm",
        "x, (N,) | x, (M, N) | x, (N,), w, b | x, normalized_shape=(N,), weight=w, bias=b, eps=0.1",
        wrong="x, (7,) | x, () | x, (N,), x",
        x=real("M N"),
        w=real("N"),
        b=real("N"),
    ),
    *samples(
        "batch_norm",
        "x, None, None, None, None, True, 0.1, 1e-5, False"
        " | x, w, b, None, None, True, 0.1, 0.1, False | x, w, None, m, v, False, 0.1, 1e-5, False"
        " | y, w, b, m, v, False, 0.1, 0.1, False | y, w, b, None, None, True, 0.1, 0.1, True",
        wrong="x, None, None, None, None, False, 0.1, 1e-5, False"
        " | x, x, None, None, None, True, 0.1, 1e-5, False"
        " | w, None, None, None, None, True, 0.1, 1e-5, False"
        " | x, None, None, m, None, True, 0.1, 1e-5, False",
        x=real("M N"),
        y=real("M N K"),
        w=real("N"),
        b=real("N"),
        m=real("N", constant=True),
        v=real("N", 0.5, 2.0, constant=True),
        unlike={"size N=0": "without channels PyTorch looks for a first one"},
    ),
    *samples(
        "nn.scaled_dot_product_attention",
        """
        q, k, v | q, k, v, f | q, k, v, b, 0.0, False | q, j, w, enable_gqa=True
        query=q, key=k, value=v, attn_mask=a, dropout_p=0.0, scale=0.3
        """,
        wrong="k, w, v | q, k, q | q, k, v, w | q, k, v, b, 0.0, True | q[0, 0], k, v",
        q=real("K M N"),
        k=real("K P N"),
        v=real("K P M"),
        f=real("M P"),
        a=real("K 1 P", constant=True),
        b=mask("M P"),
        j=real("1 P N"),
        w=real("1 P M"),
        large={"K": 3, "M": 301, "P": 333, "N": 37},
        unlike={"dtype": "refuses what PyTorch promotes: another dtype for the mask"},
    ),
    *samples(
        "nn.scaled_dot_product_attention",
        "q, k, v, is_causal=True | q, k, v, None, 0.0, True, scale=0.3",
        q=real("K M N"),
        k=real("K P N"),
        v=real("K P M"),
        large={"K": 3, "M": 301, "P": 333, "N": 37},
        unlike={"special": "a key that a query does not see reaches PyTorch's result"},
    ),
    *samples(
        "nn.embedding",
        "i, w | j, w, 1 | i, weight=w, padding_idx=-1, scale_grad_by_freq=True",
        wrong="i + 9, w | w, w | i, w, 9",
        i=index("P", "M"),
        j=index("K P", "M"),
        w=real("M N"),
        large={"P": 3001, "M": 101, "N": 37},
        unlike={"finite": "the row padding_idx gets no gradient"},
    ),
    *samples(
        "nn.mse_loss nn.l1_loss nn.smooth_l1_loss nn.huber_loss",
        REDUCED.format("x, y"),
        wrong="x, y, reduction='max'",
        x=real("M N"),
        y=real("M N"),
        unlike={"dtype": "promotes, where PyTorch refuses or does not"},
    ),
    *samples(
        "nn.smooth_l1_loss",
        "x, y, beta=0.3 | x, y, beta=0",
        wrong="x, y, beta=-1",
        x=real("M N"),
        y=real("M N"),
        unlike={"dtype": "promotes, where PyTorch refuses or does not"},
    ),
    *samples(
        "nn.huber_loss",
        "x, y, delta=0.3",
        wrong="x, y, delta=0",
        x=real("M N"),
        y=real("M N"),
        unlike={"dtype": "promotes, where PyTorch refuses or does not"},
    ),
    *samples(
        "nn.binary_cross_entropy",
        REDUCED.format("p, y") + " | p, y, w | p, y, weight=w, reduction='sum'",
        wrong="p, v | p + 1, y | p, y, w.requires_grad_()",
        p=real("M N", 0.1, 0.9),
        y=real("M N", 0, 1),
        w=real("N", 0.5, 1, constant=True),
        v=real("7"),
    ),
    *samples(
        "nn.binary_cross_entropy_with_logits",
        REDUCED.format("x, y") + " | x, y, w | x, y, weight=w, pos_weight=w",
        wrong="x, v",
        x=real("M N"),
        y=real("M N", 0, 1),
        w=real("N", 0.5, 1, constant=True),
        v=real("7"),
    ),
    *samples(
        "nn.cross_entropy",
        REDUCED.format("x, i")
        + """
        | x, i, w | x, i, weight=w, ignore_index=1, label_smoothing=0.1 | x, p
        x, p, w, label_smoothing=0.2
        c, j | v, k2
        """,
        wrong="x, i + 9 | x, j | x, i, b | x, i, reduction='max' | x, i, label_smoothing=2",
        x=real("M N"),
        i=index("M", "N"),
        p=real("M N", 0, 1),
        w=real("N", 0.5, 1, constant=True),
        c=real("M N P"),
        j=index("M P", "N"),
        v=real("N"),
        k2=index("", "N"),
        b=real("M"),
        large={"M": 701, "N": 101, "P": 7},
    ),
    *samples(
        "nn.nll_loss",
        REDUCED.format("x, i") + " | x, i, w | x, i, weight=w, ignore_index=1 | c, j | v, k2",
        wrong="x, i + 9 | x, j | x, i, b | x, i, w.requires_grad_()",
        x=real("M N"),
        i=index("M", "N"),
        w=real("N", 0.5, 1, constant=True),
        c=real("M N P"),
        j=index("M P", "N"),
        v=real("N"),
        k2=index("", "N"),
        b=real("M"),
        large={"M": 701, "N": 101, "P": 7},
    ),
    *samples(
        "prelu nn.prelu",
        "x, w | x, s",
        wrong="x, x | x, v",
        x=real("M N"),
        w=real("N"),
        s=real("1"),
        v=real("7"),
        unlike={"dtype": "promotes, where PyTorch has no kernel"},
    ),
]
