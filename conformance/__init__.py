"""How alike backlit and PyTorch are, measured on PyTorch's own database of operations."""
