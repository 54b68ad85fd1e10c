"""Convolutions and what takes their windows apart."""

from registry.sample import real, samples

UNLIKE = {
    r"dtype u?int(8|16|32)": "PyTorch: neither dilated nor transposed",
    "gradient, size M=0": "PyTorch raises on the way to the second derivative",
}

SAMPLES = [
    *samples(
        "conv1d",
        """x, w | x, w, b, stride=2, padding=1, dilation=2 | x, w, padding=(2,), stride=(3,)
        x, g, groups=M | u, weight=w, bias=b | x, w, padding='same' | x, w, b, 2, 'valid', 1, 1
        """,
        wrong="""x, w, padding=-1 | x, w, stride=0 | x, w, dilation=0 | x, w, groups=2
        x, w, x | x, g | w, w, groups=0 | x, w, padding='full' | x, w, stride=2, padding='same'
        x, w, (1, 2) | b, w | x, b | x[..., :1], w | x, w, stride='1' | x
        """,
        x=real("K M 9"),
        u=real("M 9"),
        w=real("N M 3"),
        g=real("M 1 3"),
        b=real("N"),
        large={"K": 7, "M": 5, "N": 11},
        unlike=UNLIKE,
    ),
    *samples(
        "conv2d",
        """x, w | x, w, b, stride=(2, 1), padding=(1, 2), dilation=(1, 2) | x, g, groups=M
        u, w, b, padding='same'
        x, weight=w, bias=b, stride=2, padding='valid', dilation=1, groups=1
        """,
        wrong="""x, w, padding=-1 | x, w, stride=0 | x, w, dilation=0 | x, w, groups=2
        x, w, x | x, g | x, w, (1, 2, 3) | b, w | x, w, padding=(1, 2, 3) | x[..., :1], w
        """,
        x=real("K M 6 5"),
        u=real("M 6 5"),
        w=real("N M 3 2"),
        g=real("M 1 3 2"),
        b=real("N"),
        large={"K": 19, "M": 7, "N": 23},
        unlike=UNLIKE,
    ),
    *samples(
        "conv3d",
        """x, w, b | x, w, None, (1, 2, 1), padding=1, dilation=(1, 1, 2) | x, g, groups=M
        u, w, b, 1, 'same', 1, 1 | x, w, b, 1, (0, 1, 2), 1, 1
        """,
        wrong="x, w, padding=-1 | x, w, dilation=0 | x, w, groups=2 | x[0, 0], w | x[:, :, :1], w",
        x=real("K M 3 4 4"),
        u=real("M 3 4 4"),
        w=real("N M 2 2 3"),
        g=real("M 1 2 2 3"),
        b=real("N"),
        large={"K": 5, "M": 3, "N": 17},
        unlike=UNLIKE,
    ),
    *samples(
        "conv_transpose1d",
        """x, w | x, w, b, stride=2, padding=1, dilation=2, output_padding=1 | x, g, groups=M
        u, weight=w, bias=b
        """,
        wrong="""x, w, padding=-1 | x, w, stride=0 | x, w, dilation=0 | x, w, groups=7 | x, w, x
        x, w, output_padding=1 | x, w, padding=9 | b, w | x, w, padding='same'
        """,
        x=real("K M 5"),
        u=real("M 5"),
        w=real("M N 3"),
        g=real("M 1 3"),
        b=real("N"),
        large={"K": 19, "M": 23, "N": 29},
        unlike=UNLIKE,
    ),
    *samples(
        "conv_transpose2d",
        """x, w | x, w, b, (2, 3), (1, 0), (1, 2), 1, (1, 2) | x, g, groups=M
        u, weight=w, bias=b, stride=1, padding=1, output_padding=0, groups=1, dilation=1
        """,
        wrong="""x, w, padding=-1 | x, w, output_padding=-1 | x, w, output_padding=2, stride=2
        x, w, dilation=0 | x, w, padding=9 | x, w, x | b, w
        """,
        x=real("K M 4 3"),
        u=real("M 4 3"),
        w=real("M N 3 2"),
        g=real("M 1 3 2"),
        b=real("N"),
        large={"K": 19, "M": 23, "N": 29},
        unlike=UNLIKE,
    ),
    *samples(
        "conv_transpose3d",
        """x, w, b | x, w, None, 2, 1, (1, 0, 1), groups=1, dilation=(1, 2, 1) | x, g, groups=M
        u, weight=w, bias=b, stride=1, padding=1, output_padding=0, groups=1, dilation=1
        """,
        wrong="x, w, output_padding=1 | x, w, dilation=0 | x, w, padding=9 | x[0, 0], w",
        x=real("K M 2 3 3"),
        u=real("M 2 3 3"),
        w=real("M N 2 3 2"),
        g=real("M 1 2 3 2"),
        b=real("N"),
        large={"K": 5, "M": 7, "N": 9},
        unlike=UNLIKE,
    ),
    *samples(
        "convolution",
        """x, w, b, [2, 1], [1, 0], [1, 2], False, [0, 0], 1
        x, v, None, [1], [0], [1], True, [0], 1
        input=x, weight=w, bias=b, stride=[1], padding=[1], dilation=[1], transposed=False, \
output_padding=[0], groups=1
        """,
        wrong="""x, w, b, [1, 2, 3], [0], [1], False, [0], 1
        x[0], w, b, [1], [0], [1], False, [0], 1 | x, w, b, [], [0], [1], False, [0], 1
        b, b, b, [1], [0], [1], False, [0], 1
        """,
        x=real("K M 6 5"),
        w=real("N M 3 2"),
        v=real("M N 3 2"),
        b=real("N"),
        large={"K": 19, "M": 7, "N": 23},
        unlike=UNLIKE,
    ),
    *samples(
        "conv_tbc",
        "x, w, b | x, weight=w, bias=b, pad=2",
        wrong="x[0], w, b | x, w[0], b | x, w, w | x, w, x[0, 0] | x, w[:, :1], b",
        x=real("P K M"),
        w=real("3 M N"),
        b=real("N"),
        large={"P": 101, "K": 7, "M": 13, "N": 17},
        unlike={
            "transposed|expanded": "PyTorch takes a view of what is not contiguous, and raises",
            "special": "zero padding times nan is nan; PyTorch leaves the padding out here",
            "[PMN]=0": "PyTorch takes no times and no channels here",
        },
    ),
    *samples(
        "nn.unfold",
        """x, (3, 2) | x, 2, dilation=(2, 1), padding=(1, 2), stride=(1, 3) | u, kernel_size=2
        x, (1, 2), 1, 0, 2
        """,
        wrong="""x, 9 | x, 0 | x, 2, stride=0 | x, 2, dilation=0 | x, 2, padding=-1 | x, (1, 2, 3)
        x[:, :, :0], 2 | x, 2, stride=(1, 2, 3) | x.unsqueeze(0), 2 | (x > 0).long(), 2
        """,
        x=real("K M 6 5"),
        u=real("M 6 5"),
        large={"K": 19, "M": 23},
        unlike={"0-d": "an index error in PyTorch"},
    ),
    *samples(
        "nn.fold",
        """x, (4, 5), 2 | u, (4, 5), 2
        x, (5, 6), (3, 2), stride=1, padding=(0, 0), dilation=(1, 2)
        x, output_size=(7, 5), kernel_size=(2, 2), dilation=1, padding=0, stride=(2, 1)
        """,
        wrong="""x, (4, 5), 3 | x, (4, 6), 2 | x, (4, 5), 0 | x, (4, 5), 2, stride=0
        x, (4, 5), 2, dilation=0 | x, (4, 5), 2, padding=-1 | x, (4, 5, 6), 2 | x[0, 0], (4, 5), 2
        x[:, :0], (4, 5), 2 | x, (1, 1), 2
        """,
        x=real("K 12 12"),
        u=real("12 12"),
        large={"K": 301},
    ),
]
