"""A small convolutional network learnt on the images themselves, for those that no network was trained on before.

With labels it learns to name the classes, otherwise to tell which two of many views are of one image (instances told
apart: Chen et al., "A simple framework for contrastive learning of visual representations", 2020). Views are shifted,
scaled and of other brightness, so that these do not count as differences.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from genapps_image.features.base import Extractor, resized, to_rgb, within

STEPS = 300
BATCH = 64
_WIDTHS = (32, 64, 128)
_LEAST, _MOST = 16, 48  # pixels of the shorter side as the network sees it
_RATE = 2e-3
_TEMPERATURE = 0.2
_KEYS = tuple(f"{part}{k}" for k in range(len(_WIDTHS)) for part in ("weight", "bias"))


class Own(Extractor):
    """448 features: mean and deviation of each channel of all layers, so that texture counts beside what is shown.

    Each is scaled to mean 0 and deviation 1 over the images learnt from. Maps: 64 channels at 1/4 of the image's size,
    128 at 1/8.
    """

    name = "self"

    def __init__(self, state: dict[str, Tensor]) -> None:
        self._weights = {key: state[key] for key in _KEYS}
        self._center, self._scale = state["center"], state["scale"]  # (448,) each

    @classmethod
    def learn(cls, images: Tensor, labels: Tensor | None = None, *, steps: int = STEPS, seed: int = 0) -> Own:
        """From images (N, C, H, W) of bytes, in seconds. labels: (N,) numbers of classes, where there are several."""
        generator = torch.Generator().manual_seed(seed)
        seen = _seen(images)
        classes = 0 if labels is None else int(labels.max()) + 1
        if labels is not None and len(labels.unique()) < 2:
            classes = 0
        net = _start(generator)
        last = torch.randn(classes or 64, 2 * _WIDTHS[-1], generator=generator) / (2 * _WIDTHS[-1]) ** 0.5
        parameters = [*net.values(), last]
        for tensor in parameters:
            tensor.requires_grad_()
        optimizer = torch.optim.AdamW(parameters, lr=_RATE, weight_decay=1e-2)
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = _RATE * (1 - step / steps)
            rows = torch.randint(len(seen), (BATCH,), generator=generator)
            if classes and labels is not None:
                found = _pooled(_layers(_views(seen[rows], generator), net)[-1])
                loss = F.cross_entropy(F.linear(found, last), labels[rows])
            else:
                rows = rows.unique()
                both = torch.cat([_views(seen[rows], generator), _views(seen[rows], generator)])
                loss = _told_apart(F.linear(_pooled(_layers(both, net)[-1]), last))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        state = {key: tensor.detach() for key, tensor in net.items()}
        with torch.inference_mode():
            rows = torch.cat([_textures(_layers(part, state)) for part in seen.split(256)])
        scale = rows.std(0).clamp_min(1e-3) if len(rows) > 1 else torch.ones(rows.shape[1])
        return cls({**state, "center": rows.mean(0).clone(), "scale": scale.clone()})

    def state(self) -> dict[str, Tensor]:
        """The weights and the scale."""
        return {**self._weights, "center": self._center, "scale": self._scale}

    def _features(self, images: Tensor) -> Tensor:
        return (_textures(_layers(_seen(images), self._weights)) - self._center) / self._scale

    def _maps(self, images: Tensor) -> list[Tensor]:
        return _layers(_centered(images), self._weights)[1:]


def _start(generator: torch.Generator) -> dict[str, Tensor]:
    weights = {}
    for k, (before, after) in enumerate(zip((3, *_WIDTHS), _WIDTHS, strict=False)):
        weights[f"weight{k}"] = torch.randn(after, before, 3, 3, generator=generator) * (2 / (9 * before)) ** 0.5
        weights[f"bias{k}"] = torch.zeros(after)
    return weights


def _layers(x: Tensor, weights: dict[str, Tensor]) -> list[Tensor]:
    """What comes out of each layer, half the size of the one before."""
    found = []
    for k in range(len(_WIDTHS)):
        x = F.conv2d(x, weights[f"weight{k}"], weights[f"bias{k}"], stride=2, padding=1)
        x = F.leaky_relu(F.group_norm(x, 8), 0.1)
        found.append(x)
    return found


def _pooled(x: Tensor) -> Tensor:
    return torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)


def _textures(layers: list[Tensor]) -> Tensor:
    return torch.cat([part for x in layers for part in (x.mean((2, 3)), x.std((2, 3), correction=0))], 1)


def _told_apart(codes: Tensor) -> Tensor:
    """The loss of a batch of two views each: rows i and i + n belong together."""
    unit = F.normalize(codes, dim=1)
    likeness = unit @ unit.T / _TEMPERATURE
    likeness = likeness.masked_fill(torch.eye(len(unit), dtype=torch.bool), -torch.inf)
    n = len(unit) // 2
    return F.cross_entropy(likeness, torch.cat([torch.arange(n, 2 * n), torch.arange(n)]))


def _views(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each image shifted by up to an eighth, scaled and made wider by up to a fifth, brighter and of more contrast."""
    n = len(images)

    def draw(reach: float, columns: int = 1) -> Tensor:
        return (2 * torch.rand(n, columns, generator=generator) - 1) * reach

    scale = (draw(0.15) + draw(0.08, 2)).exp()
    affine = torch.cat([torch.diag_embed(scale), draw(0.25, 2)[:, :, None]], 2)
    affine[:, 0, 1], affine[:, 1, 0] = draw(0.1)[:, 0], draw(0.1)[:, 0]
    grid = F.affine_grid(affine, list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    return moved * draw(0.2).exp()[:, :, None, None] + draw(0.1)[:, :, None, None]


def _centered(images: Tensor) -> Tensor:
    return (to_rgb(images) - 127) / 128


def _seen(images: Tensor) -> Tensor:
    """Small, piece by piece, so that large images are never all held as floats at full size."""
    height, width = within(images.shape[2], images.shape[3], _LEAST, _MOST)
    return torch.cat([resized(_centered(part), height, width) for part in images.split(256)])
