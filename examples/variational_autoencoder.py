"""A variational autoencoder of small images of bars.

An image is encoded as a normal distribution over two numbers; one sample of it is decoded into the
probability of each pixel. The loss bounds the negative log-likelihood of the image: what the
decoder misses, plus the divergence of the code from a standard normal distribution.
"""

import backlit as torch

nn = torch.nn
SIZE = 6
CODE = 2

torch.manual_seed(0)


def bars(count):
    """Images (count, SIZE * SIZE): each row or each column of an image is on or off."""
    on = (torch.rand(count, SIZE) < 0.3).float()
    rows = on.unsqueeze(2).expand(count, SIZE, SIZE)
    upright = (torch.rand(count, 1, 1) < 0.5).float()
    return (upright * rows + (1 - upright) * rows.transpose(1, 2)).reshape(count, -1)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(SIZE * SIZE, 64), nn.Tanh(), nn.Linear(64, 2 * CODE))
        self.decoder = nn.Sequential(nn.Linear(CODE, 64), nn.Tanh(), nn.Linear(64, SIZE * SIZE))

    def code(self, images):
        loc, log_scale = self.encoder(images).chunk(2, dim=-1)
        return torch.distributions.Normal(loc, log_scale.exp())

    def loss(self, images):
        code = self.code(images)
        pixels = torch.distributions.Bernoulli(logits=self.decoder(code.rsample()))
        prior = torch.distributions.Normal(torch.zeros(CODE), torch.ones(CODE))
        divergence = torch.distributions.kl_divergence(code, prior).sum(-1)
        return (divergence - pixels.log_prob(images).sum(-1)).mean()


images = bars(512)
model = Autoencoder()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

for epoch in range(1, 21):
    total = 0.0
    for batch in images.split(64):
        optimizer.zero_grad()
        loss = model.loss(batch)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch) / len(images)
    if epoch <= 3 or epoch % 5 == 0:
        print(f"epoch {epoch}: {total:.4f} nats per image")
