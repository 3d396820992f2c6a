"""Products in bfloat16: nearly the same steps, and weights that stay float32."""

import torch

from genapps.models import GAN
from genapps.training import Event, TrainingConfig


def test_a_gan_of_images_learns_in_bfloat16() -> None:
    images = torch.randint(0, 256, (60, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    losses, weights = [], []
    for precision in ("float32", "bfloat16"):
        told: list[Event] = []
        training = TrainingConfig(max_steps=10, min_steps=10, precision=precision)
        model = GAN(channels=4).fit(images, training=training, progress=told.append)
        losses.append(next(event.loss for event in told if event.loss is not None))
        weights.append(model.state()[0]["pair.critic.join.weight"])
    assert losses[0] != losses[1] and abs(losses[0] - losses[1]) < 0.02 * losses[0]
    assert weights[1].dtype == torch.float32 and bool(torch.isfinite(weights[1]).all())
