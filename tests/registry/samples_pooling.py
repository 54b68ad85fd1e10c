"""Pooling, padding and resampling of one to three dimensions."""

from registry.sample import real, samples

SMALL = {"K": 3, "M": 17, "N": 23, "P": 29}
NOTHING = "the gradient of nothing is 0, where PyTorch refuses to take it"

SAMPLES = [
    *samples(
        "max_pool1d max_pool1d_with_indices",
        """
        x, 2 | x, 3, 1 | x, 3, 2, 1, 1, True | x, kernel_size=(2,), stride=(1,), padding=(1,)
        x, 2, dilation=2, stride=1, ceil_mode=True | x[0], 2 | x, 2, ()
        """,
        wrong="""
        x, 0 | x, 2, 0 | x, 2, 1, -1 | x, 2, 1, 2 | x, 2, 1, 0, 0 | x, 9 | x[0, 0], 2 | x, (2, 2)
        """,
        x=real("M N P"),
    ),
    *samples(
        "max_pool2d nn.max_pool2d_with_indices",
        """
        x, 2 | x, 3, 1, 1 | x, (2, 3), (1, 2), (1, 0), 1, True | x[0], 2
        x, kernel_size=2, stride=1, padding=0, dilation=(2, 1), ceil_mode=True
        """,
        wrong="""
        x, 0, 1 | x, 2, 0 | x, 2, -1 | x, 2, 1, -1 | x, 2, 1, 2 | x, 2, 1, 0, 0 | x, 9 | x[0, 0], 2
        x, (2, 2, 2) | x, 2, (1, 1, 1) | x, 2, 1, (0, 0, 0) | x, 2, 1, 0, (1, 1, 1)
        """,
        x=real("K M N P"),
        large=SMALL,
    ),
    *samples(
        "max_pool3d nn.max_pool3d_with_indices",
        """
        x, 2 | x, 3, 1, 1 | x, (1, 2, 3), (2, 1, 2), (0, 1, 0), 1, True | x[0], 2
        x, kernel_size=2, stride=1, padding=0, dilation=(1, 2, 1), ceil_mode=True
        """,
        wrong="x, 0, 1 | x, 2, -1 | x, 9 | x[0, 0], 2 | x, (2, 2) | x, 2, 1, 0, 0 | x[:, :0], 2",
        x=real("2 K M N P"),
        large=SMALL,
    ),
    *samples(
        "avg_pool1d",
        """
        x, 2 | x, 3, 1, 1 | x, 3, 2, 1, True, False | x[0], kernel_size=2, stride=(3,), padding=0
        x, 2, ceil_mode=True, count_include_pad=False
        """,
        wrong="x, 0 | x, 2, 0 | x, 2, 1, -1 | x, 2, 1, 2 | x, 9 | x[0, 0], 2 | x, (2, 2)",
        x=real("M N P"),
    ),
    *samples(
        "nn.avg_pool2d",
        """
        x, 2 | x, 3, 1, 1 | x, (2, 3), (1, 2), (1, 0), True, False | x[0], 2
        x, kernel_size=2, stride=1, padding=1, ceil_mode=True, count_include_pad=False
        x, 2, divisor_override=3
        """,
        wrong="""
        x, 0, 1 | x, 2, 0 | x, 2, -1 | x, 2, 1, -1 | x, 2, 1, 2 | x, 9 | x[0, 0], 2 | x[None], 2
        x, (2, 2, 2) | x, 2, (1, 1, 1) | x, 2, 1, (0, 0, 0) | x, 2, divisor_override=0
        """,
        x=real("K M N P"),
        large=SMALL,
    ),
    *samples(
        "nn.avg_pool3d",
        """
        x, 2 | x, 2, 1, 1 | x, (1, 2, 3), (2, 1, 2), (0, 1, 0), True, False | x[0], 2
        x, kernel_size=2, stride=1, padding=1, ceil_mode=True, count_include_pad=False
        x, 2, divisor_override=3
        """,
        wrong="""
        x, 0, 1 | x, 2, -1 | x, 9 | x[0, 0], 2 | x, (2, 2) | x, 2, divisor_override=0 | x[:, :0], 2
        """,
        x=real("2 K M N P"),
        large=SMALL,
    ),
    *samples(
        "adaptive_avg_pool1d adaptive_max_pool1d",
        "x, 1 | x, 3 | x, (2,) | x, output_size=7 | x[0], 2",
        wrong="x, -1 | x, (2, 2) | x[0, 0], 2 | x[..., :0], 2",
        x=real("M N P"),
        unlike={"gradient, size .=0": NOTHING},
    ),
    *samples(
        "adaptive_avg_pool1d adaptive_max_pool1d",
        "x, 0",
        x=real("M N P"),
        unlike={"gradient": NOTHING, "dtype": "PyTorch looks at it where there are elements"},
    ),
    *samples(
        "nn.adaptive_avg_pool2d nn.adaptive_max_pool2d",
        "x, 1 | x, 3 | x, (2, 7) | x, output_size=(None, 2) | x[0], 2",
        wrong="x, -1 | x, (2,) | x[0, 0], 2 | x[..., :0], 2 | x[None], 2 | x, (1, 1, 1, 1, 1)",
        x=real("K M N P"),
        large=SMALL,
        unlike={"gradient, size .=0": NOTHING},
    ),
    *samples(
        "nn.adaptive_avg_pool2d nn.adaptive_max_pool2d",
        "x, 0",
        x=real("K M N P"),
        unlike={"gradient": NOTHING, "dtype": "PyTorch looks at it where there are elements"},
    ),
    *samples(
        "nn.adaptive_avg_pool3d nn.adaptive_max_pool3d",
        "x, 1 | x, 3 | x, (2, 7, 1) | x, output_size=(None, 2, None) | x[0], 2",
        wrong="x, -1 | x, (2,) | x[0, 0], 2 | x[..., :0], 2 | x[None], 2 | x[:, :0], 2",
        x=real("2 K M N P"),
        large=SMALL,
        unlike={"gradient, size .=0": NOTHING},
    ),
    *samples(
        "nn.adaptive_avg_pool3d nn.adaptive_max_pool3d",
        "x, 0",
        x=real("2 K M N P"),
        unlike={"gradient": NOTHING, "dtype": "PyTorch looks at it where there are elements"},
    ),
    *samples(
        "constant_pad_nd",
        """
        x, (1, 2) | x, (1, 2, 0, 3), 2.5 | x, (-1, 2, 1, -1, 2, 0) | x, (-1, -1) | x, ()
        x, pad=(0, 1), value=True
        """,
        wrong="x, (1,) | x, (1,) * 8 | x, (-3, -3)",
        x=real("M N P"),
    ),
    *samples(
        "nn.pad",
        """
        x, (1, 2) | x, (1, 2, 0, 3), value=2.5 | x, (-1, 2, 1, -1, 2, 0), mode='constant'
        x, (2, 1), 'reflect' | x, (2, 1), 'replicate' | x, (2, 1), 'circular' | x, (1,) * 6
        x, (-1, 2), 'reflect' | x, (-1, 2), 'replicate' | x, (-1, 2), 'circular'
        x, (1, 0, 2, 3), 'reflect' | x, (1, 0, 2, 7), 'replicate' | x, (1, 0, 2, 3), 'circular'
        """,
        wrong="""
        x, (1,) | x, (1,) * 8 | x, (5, 0), 'reflect' | x, (6, 0), 'circular'
        x, (1, 1), 'reflect', 1
        x, (1,) * 6, 'reflect' | x[0, 0], (1, 1), 'replicate' | x, (1, 1), 'mirror'
        x[..., :0], (0, 1), 'reflect' | x[..., :0], (0, 1), 'replicate' | x, (-3, -3)
        """,
        x=real("M N P"),
    ),
    *samples(
        "nn.pad",
        """
        x, (2, 1, 0, 2), 'reflect' | x, (2, 1, 0, 9), 'replicate' | x, (2, 1, 0, 2), 'circular'
        x, (1, 2, 2, 1, 1, 1), 'reflect' | x, (1, 0, 2, 3, 2, 4), 'replicate'
        x, (1, 0, -1, 2, 2, 1, 1, 1)
        """,
        wrong="x, (1, 1), 'reflect' | x, (0, 4, 9, 0), 'reflect' | x, (0, 9, 0, 0), 'circular'",
        x=real("K M N P"),
        large=SMALL,
    ),
    *samples(
        "nn.pad",
        "x, (1, -1, 2, 3, 2, -1), 'circular'",
        x=real("K M N P"),
        unlike={"size P=1": "PyTorch copies memory that nobody wrote"},
        large=SMALL,
    ),
    *samples(
        "pixel_shuffle",
        "x, 2 | x, upscale_factor=3 | x[0], 1",
        wrong="x, 5 | x, 0 | x[0, 0], 1 | x, -2",
        x=real("K 36 N P"),
        large=SMALL,
        unlike={"gradient, size .=0": "PyTorch's gradients of nothing have another shape"},
    ),
    *samples(
        "pixel_unshuffle",
        "x, 2 | x, downscale_factor=3 | x[0], 1",
        wrong="x, 5 | x, 0 | x[0, 0], 1 | x[..., :3], 2",
        x=real("K N 6 12"),
        unlike={"size .=0": "PyTorch's results and gradients of nothing have another shape"},
    ),
    *samples(
        "channel_shuffle",
        "x, 2 | x, groups=3 | x[0], 1 | x, 6",
        wrong="x, 5 | x, 0 | x[0, 0], 1",
        x=real("K 6 N P"),
        large=SMALL,
        unlike={"gradient, size .=0": "PyTorch's gradients of nothing have another shape"},
    ),
]
