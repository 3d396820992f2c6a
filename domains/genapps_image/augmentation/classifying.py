"""A small classifier of images: what an enlarged training set is judged by."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

_WIDTHS = (24, 48)


@dataclass(frozen=True)
class ClassifierConfig:
    """steps of batches; learning_rate at its peak (one cycle: Smith and Topin, 2018). smoothing of the labels."""

    steps: int = 400
    batch: int = 64
    learning_rate: float = 4e-3
    weight_decay: float = 0.02
    smoothing: float = 0.05


def network(shape: tuple[int, int, int], classes: int) -> nn.Sequential:
    """For images (C, H, W), two convolutions and a linear layer: seconds of work, yet what helps it helps others."""
    channels, height, width = shape
    cells = -(-height // 4) * -(-width // 4)
    return nn.Sequential(
        nn.Conv2d(channels, _WIDTHS[0], 5, 2, 2),
        nn.BatchNorm2d(_WIDTHS[0]),
        nn.ReLU(),
        nn.Conv2d(_WIDTHS[0], _WIDTHS[1], 3, 2, 1),
        nn.BatchNorm2d(_WIDTHS[1]),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(_WIDTHS[1] * cells, classes),
    )


def learn(
    images: Tensor,
    labels: Tensor,
    classes: int,
    seed: int,
    config: ClassifierConfig | None = None,
    weights: Tensor | None = None,
) -> nn.Sequential:
    """A classifier of images (N, C, H, W) of bytes and their classes (N,); ready to be asked.

    weights: (N,) how often each image is drawn, all alike if None. The same seed gives the same network.
    """
    config = config or ClassifierConfig()
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):  # layers and dropout draw from torch's own generator, which is put back
        torch.manual_seed(seed)
        model = network((images.shape[1], images.shape[2], images.shape[3]), classes)
        optimizer = torch.optim.AdamW(model.parameters(), config.learning_rate, weight_decay=config.weight_decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.learning_rate, config.steps)
        model.train()
        for _ in range(config.steps):
            if weights is None:
                rows = torch.randint(0, len(images), (config.batch,), generator=generator)
            else:
                rows = torch.multinomial(weights, config.batch, replacement=True, generator=generator)
            loss = nn.functional.cross_entropy(
                model(images[rows].float() / 255), labels[rows], label_smoothing=config.smoothing
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()


@torch.no_grad()
def probabilities(model: nn.Module, images: Tensor) -> Tensor:
    """(N, classes) of images (N, C, H, W) of bytes."""
    return torch.cat([model(part.float() / 255).softmax(1) for part in images.split(500)])
