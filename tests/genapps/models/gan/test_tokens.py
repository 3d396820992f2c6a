"""GANs of sequences of codes, by way of an autoencoder."""

from pathlib import Path

import pytest
import torch

from genapps.batches import Ragged
from genapps.errors import UsageError
from genapps.models import load
from genapps.models.gan import GAN
from genapps.spaces import Tokens
from genapps.training import Event, TrainingConfig

SPACE = Tokens(4, 8)
QUICK = TrainingConfig(epochs=3, min_steps=10, max_steps=10, batch_size=40, check_steps=5, checkpoint_seconds=0.0)


def make_data(n: int = 200) -> Ragged:
    """One code over and over, 3 to 8 times."""
    g = torch.Generator().manual_seed(0)
    lengths = torch.randint(3, 9, (n,), generator=g)
    return Ragged(torch.repeat_interleave(torch.randint(4, (n,), generator=g), lengths), lengths)


def fitted(**more: object) -> GAN:
    model = GAN(space=SPACE, latent=4, hidden=16, depth=1)
    return model.fit(make_data(), training=QUICK, **more)  # type: ignore[arg-type]


def test_sequences_are_made_saved_scored_and_named() -> None:
    model = fitted(labels=torch.arange(200) % 2)
    one, two = (model.sample(20, labels=1, generator=torch.Generator().manual_seed(2)) for _ in range(2))
    assert len(one) == 20 and one.values.equal(two.values) and int(one.lengths.max()) <= 8
    assert model.transform(make_data()).shape == (200, 4)
    assert torch.isfinite(model.anomaly_score(make_data())).all() and model.variety_["of"] > 0
    again = load("gan", SPACE, *model.state())
    assert again.sample(20, labels=1, generator=torch.Generator().manual_seed(2)).values.equal(one.values)
    assert again.anomaly_score(make_data()).equal(model.anomaly_score(make_data()))
    with pytest.raises(UsageError, match="has no likelihood"):
        model.log_prob(make_data())


def test_a_stopped_run_goes_on_to_the_same_model_bit_for_bit(tmp_path: Path) -> None:
    """Stopped while the GAN learns, after the autoencoder has."""

    class Killed(BaseException):
        """Stands for a signal."""

    ends = 0

    def kill(event: Event) -> None:
        nonlocal ends
        ends += event.step == event.total and event.validation is not None
        if ends == 2:
            raise Killed

    whole = fitted()
    with pytest.raises(Killed):
        fitted(progress=kill, checkpoint=tmp_path / "run.checkpoint")
    resumed = fitted(checkpoint=tmp_path / "run.checkpoint", resume=True)
    one, two = whole.state()[0], resumed.state()[0]
    assert all(one[name].equal(two[name]) for name in one)
