"""A graph convolution finds two communities from one labelled member of each.

Nodes of a community are linked more often than others. Each layer averages over neighbours,
``relu(D^-1/2 (A + 1) D^-1/2 X W)``; the loss sees two of the nodes, the accuracy all of them.
"""

import backlit as torch

nn = torch.nn
NODES = 60

torch.manual_seed(0)
community = (torch.arange(NODES) >= NODES // 2).long()
together = community.unsqueeze(0) == community.unsqueeze(1)
chance = torch.where(together, 0.25, 0.02)
links = (torch.rand(NODES, NODES) < chance).float().triu(1)
adjacency = links + links.T + torch.eye(NODES)
scale = adjacency.sum(1).rsqrt()
averaging = scale.unsqueeze(1) * adjacency * scale


class Convolution(nn.Module):
    def __init__(self, width_in, width_out):
        super().__init__()
        self.linear = nn.Linear(width_in, width_out)

    def forward(self, x):
        return averaging @ self.linear(x)


model = nn.Sequential(Convolution(NODES, 16), nn.ReLU(), Convolution(16, 2))
features = torch.eye(NODES)  # nothing is known of a node but its links
labelled = torch.tensor([0, NODES - 1])
optimizer = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=5e-4)

for epoch in range(1, 61):
    optimizer.zero_grad()
    scores = model(features)
    loss = nn.functional.cross_entropy(scores[labelled], community[labelled])
    loss.backward()
    optimizer.step()
    if epoch <= 3 or epoch % 20 == 0:
        right = (scores.argmax(1) == community).float().mean().item()
        print(f"epoch {epoch}: loss {loss.item():.6f}, {right:.0%} of the nodes right")
