"""How the codec is learnt: waves come back with the same spectra at several resolutions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from genapps.training import order
from genapps.training.device import choose_device
from genapps.training.job import Job
from genapps.training.loop import Phase, train
from genapps.training.settings import Event, Recipe
from genapps_audio.codes.network import CodecNet, Shape
from genapps_audio.records import Wave
from genapps_audio.signal.mel import mel_filters
from genapps_audio.signal.spectra import stft

_WEIGHTS = 21  # purpose of a generator
_PIECE = 0.5  # seconds of a piece to learn from
_QUIET = 1e-3  # magnitude below which differences do not count, beside a loudness of one
RESOLUTIONS = ((64, 8), (128, 16), (256, 32), (512, 64))  # samples of a spectrum, and mel bands

RECIPE = Recipe(
    budget=240.0, batch_size=12, learning_rate=2e-3, schedule="cosine", warmup_steps=100, beta1=0.8, beta2=0.99,
    clip=1.0, ema=0.99, check_steps=500,
)  # fmt: skip


def spectral_loss(made: Tensor, truth: Tensor, rate: int) -> Tensor:
    """How far waves (B, T) are apart in logarithms of mel bands and in magnitudes, at four resolutions.

    Kumar et al. 2023, section 3.4, without a critic: mean absolute differences.
    """
    loss = made.new_zeros(())
    for n_fft, bands in RESOLUTIONS:
        filters = mel_filters(rate, n_fft, bands, norm=None).to(made)
        both = [stft(wave, n_fft).abs() / (n_fft / 4) for wave in (made, truth)]
        logs = [(filters @ one + _QUIET).log() for one in both]
        loss = loss + (logs[0] - logs[1]).abs().mean() + 2 * (both[0] - both[1]).abs().mean()
    return loss / len(RESOLUTIONS)


def learn(
    waves: Sequence[Wave],
    rate: int,
    shape: Shape,
    *,
    recipe: Recipe = RECIPE,
    seed: int = 0,
    progress: Callable[[Event], None] | None = None,
) -> tuple[CodecNet, int]:
    """The network and the steps it took, from waves (T,) of a loudness of about one."""
    device = choose_device(recipe.device)
    net = CodecNet(shape, order.derived(seed, _WEIGHTS)).to(device)
    long = max(shape.hop, round(_PIECE * rate) // shape.hop * shape.hop)
    sounds = [torch.from_numpy(wave) for wave in waves]

    def loss(rows: Tensor, generator: torch.Generator) -> Tensor:
        pieces = torch.stack([_piece(sounds[i % len(sounds)], long, generator) for i in rows.tolist()]).to(device)
        made, found = net(pieces[:, None], generator)
        apart = spectral_loss(made[:, 0], pieces, rate) + 0.1 * functional.l1_loss(made[:, 0], pieces)
        whole: Tensor = apart + found.loss
        return whole

    count = min(max(len(sounds), 4 * recipe.batch_size), 49_999)
    state = train(net, [Phase("codec", loss)], None, rows=count, recipe=recipe, job=Job(seed=seed, progress=progress))
    return net.cpu().eval(), state.step


def _piece(wave: Tensor, long: int, generator: torch.Generator) -> Tensor:
    """So many samples from anywhere in a wave (T,); what is missing is silence, before or after."""
    spare = len(wave) - long
    begin = int(torch.randint(abs(spare) + 1, (1,), generator=generator))
    if spare >= 0:
        return wave[begin : begin + long]
    return functional.pad(wave, (begin, -spare - begin))
