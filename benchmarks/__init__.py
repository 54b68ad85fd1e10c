"""PyTorch beside backlit: `python -m benchmarks` (or `make bench`), one module per topic."""
