"""REINFORCE: a cart learns to balance a pole by trying, without knowing the physics.

The policy network gives the probability of pushing right. After each episode the actions taken
become more likely, each by how much longer the pole stood after it than it usually does.

    python examples/cartpole.py
"""

import math

import backlit as torch

nn = torch.nn
torch.manual_seed(1)

GRAVITY, PUSH, STEP = 9.8, 10.0, 0.02
CART, POLE, HALF_LENGTH = 1.0, 0.1, 0.5
LONGEST = 200


def accelerations(angle, spin, force):
    """Of the cart, and of the pole's angle (Barto, Sutton and Anderson 1983)."""
    total = CART + POLE
    pull = (force + POLE * HALF_LENGTH * spin**2 * math.sin(angle)) / total
    torque = GRAVITY * math.sin(angle) - math.cos(angle) * pull
    inertia = HALF_LENGTH * (4 / 3 - POLE * math.cos(angle) ** 2 / total)
    turn = torque / inertia
    return pull - POLE * HALF_LENGTH * turn * math.cos(angle) / total, turn


def play(policy):
    """One episode: the log-probabilities of the actions, one for each step that the pole stood."""
    position, speed, angle, spin = (torch.rand(4) * 0.1 - 0.05).tolist()
    chosen = []
    while abs(position) < 2.4 and abs(angle) < 12 * math.pi / 180 and len(chosen) < LONGEST:
        choices = policy(torch.tensor([position, speed, angle, spin])).log_softmax(dim=0)
        action = int(torch.multinomial(choices.detach().exp(), 1).item())
        chosen.append(choices[action])
        push, turn = accelerations(angle, spin, PUSH if action else -PUSH)
        position, speed = position + STEP * speed, speed + STEP * push
        angle, spin = angle + STEP * spin, spin + STEP * turn
    return torch.stack(chosen)


def returns(steps, discount=0.99):
    """What was still to come at each step, standardised."""
    powers = discount ** torch.arange(float(steps), 0, -1)
    to_come = (1 - powers) / (1 - discount)
    return (to_come - to_come.mean()) / (to_come.std() + 1e-6)


policy = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(policy.parameters(), lr=0.01)
recent = 0.0

for episode in range(1, 151):
    chosen = play(policy)
    loss = -(chosen * returns(len(chosen))).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    recent = 0.9 * recent + 0.1 * len(chosen)
    if episode <= 5 or episode % 30 == 0:
        steps, mean = len(chosen), recent / (1 - 0.9**episode)
        print(f"episode {episode:3}: {steps:3} steps, mean {mean:5.1f}, loss {loss.item():.5f}")
