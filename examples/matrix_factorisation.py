"""Matrix factorisation: fill in ratings that nobody gave, from those that somebody did.

Each user and each film gets a few numbers; a rating is their product. Only known ratings pull.

    python examples/matrix_factorisation.py
"""

import backlit as torch

torch.manual_seed(0)
USERS, FILMS, TASTES = 40, 30, 3

truth = torch.randn(USERS, TASTES) @ torch.randn(TASTES, FILMS)
known = torch.rand(USERS, FILMS) < 0.6

users = torch.nn.Parameter(0.3 * torch.randn(USERS, TASTES))
films = torch.nn.Parameter(0.3 * torch.randn(TASTES, FILMS))
optimizer = torch.optim.NAdam([users, films], lr=0.05)


def rms(error):
    """Root of the mean square."""
    return error.square().mean().sqrt().item()


for step in range(301):
    optimizer.zero_grad()
    error = users @ films - truth
    loss = error[known].square().mean()
    loss.backward()
    if step in (0, 1, 2) or step % 100 == 0:
        gap = error.detach()
        print(
            f"step {step:3}, error of known {rms(gap[known]):.5f}, of hidden {rms(gap[~known]):.5f}"
        )
    optimizer.step()
