"""Distances, neighbors, copies and classes, beside closed forms, plain loops, and samples of known faults."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from genapps.errors import InputError
from genapps.metrics.reaching import reach
from genapps_image.evaluation.baseline import gaussian_pixels
from genapps_image.evaluation.classes import class_shares
from genapps_image.evaluation.copies import copies, nearest, proven
from genapps_image.evaluation.distances import frechet, kernel_distance
from genapps_image.evaluation.inception_score import inception_score


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def exact(mean: Tensor, scale: Tensor, n: int = 64) -> Tensor:
    """Rows whose mean and covariance are exactly those of a Gaussian with these deviations along the axes."""
    rows = torch.randn(n, len(mean), generator=generator(), dtype=torch.double)
    rows = rows - rows.mean(0)
    rows = torch.linalg.qr(rows).Q * (n - 1) ** 0.5
    return rows * scale + mean


def test_the_frechet_distance_of_two_gaussians_is_that_of_the_closed_form() -> None:
    means = torch.tensor([[0.0, 1, 2], [3.0, 1, -2]], dtype=torch.double)
    scales = torch.tensor([[1.0, 2, 3], [2.0, 2, 0.5]], dtype=torch.double)
    found = frechet(exact(means[0], scales[0]), exact(means[1], scales[1]))
    wanted = (means[0] - means[1]).square().sum() + (scales[0] - scales[1]).square().sum()
    assert found == pytest.approx(float(wanted))


def test_the_frechet_distance_is_the_same_whether_or_not_covariances_are_formed() -> None:
    left, right = torch.randn(2, 12, 5, generator=generator(), dtype=torch.double)
    padding = torch.zeros(12, 20, dtype=torch.double)  # more features than rows, and the same distance
    wide = frechet(torch.cat([left, padding], 1), torch.cat([right + 1, padding], 1))
    assert wide == pytest.approx(frechet(left, right + 1))


def test_the_kernel_distance_is_the_sum_over_pairs() -> None:
    x, y = torch.randn(7, 3, generator=generator()), torch.randn(5, 3, generator=generator(1)) + 0.5

    def k(a: Tensor, b: Tensor) -> float:
        return (float(a.double() @ b.double()) / 3 + 1) ** 3

    own = [sum(k(a, b) for i, a in enumerate(z) for j, b in enumerate(z) if i != j) for z in (x, y)]
    wanted = own[0] / 42 + own[1] / 20 - 2 * sum(k(a, b) for a in x for b in y) / 35
    found = kernel_distance(x, y)
    assert found.value == pytest.approx(wanted)
    assert found.low < found.value < found.high
    with pytest.raises(InputError, match="needs 3 images"):
        kernel_distance(x[:2], y)


def test_the_kernel_distance_is_unbiased_and_its_interval_holds() -> None:
    draw = generator()
    found = [kernel_distance(*torch.randn(2, 40, 4, generator=draw)) for _ in range(100)]
    values = torch.tensor([one.value for one in found])
    assert abs(float(values.mean())) < 3 * float(values.std()) / 10
    assert sum(one.low <= 0 <= one.high for one in found) >= 90
    assert float((values < 0).float().mean()) > 0.3  # which a biased estimate never is
    x, y = torch.randn(2, 40, 4, generator=draw)
    assert kernel_distance(x, y + 1).low > 0


def test_reach_is_what_plain_loops_find() -> None:
    real, made, k = torch.randn(30, 2, generator=generator()), torch.randn(20, 2, generator=generator(1)) * 1.5, 3

    def radius(rows: Tensor, i: int) -> float:
        return float(torch.stack([(rows[i] - row).norm() for row in rows]).sort().values[k])

    inside = [[float((r - m).norm()) <= radius(real, i) for m in made] for i, r in enumerate(real)]
    back = [[float((r - m).norm()) <= radius(made, j) for j, m in enumerate(made)] for r in real]
    found = reach(real, made, k=k)
    assert found.coverage == pytest.approx(sum(map(any, inside)) / 30)
    assert found.precision == pytest.approx(sum(map(any, zip(*inside, strict=True))) / 20)
    assert found.recall == pytest.approx(sum(map(any, back)) / 30)
    assert found.density == pytest.approx(sum(map(sum, inside)) / (k * 20))
    with pytest.raises(InputError, match="more than 5 are needed"):
        reach(real, made[:5])


def clusters(n: int, kinds: int, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    """n rows in ten kinds, or the first of them, far apart."""
    labels = torch.randint(kinds, (n,), generator=draw)
    return 20 * torch.eye(10)[labels] + torch.randn(n, 10, generator=draw), labels


def test_without_one_of_ten_classes_a_tenth_is_not_covered_and_the_class_is_named() -> None:
    draw = generator()
    (real, labels), (held_out, _), (made, _) = (
        clusters(1000, 10, draw),
        clusters(1000, 10, draw),
        clusters(1000, 9, draw),
    )
    whole, part = reach(real, held_out), reach(real, made)
    assert whole.coverage == pytest.approx(1 - 0.5**5, abs=0.02)  # what as many rows of the same cover by chance
    assert part.coverage / whole.coverage == pytest.approx(0.9, abs=0.03)
    assert part.precision == pytest.approx(whole.precision, abs=0.02)  # which therefore does not see it
    names = [str(k) for k in range(10)]
    shares = class_shares(names, labels, real, (made, held_out), (part.covered, whole.covered))
    assert [one.name for one in shares if one.is_missing] == ["9"]
    assert shares[9].made == 0
    again = class_shares(names, labels, real, (held_out, held_out), (whole.covered, whole.covered))
    assert not any(one.is_missing for one in again)


def test_copies_of_training_images_are_called_copies_and_others_are_not() -> None:
    images = torch.randint(256, (450, 1, 8, 8), generator=generator(), dtype=torch.uint8)
    training, unseen, fresh = images[:150], images[150:300], images[300:]
    base = nearest(unseen, training)
    for made in (training, training.flip(3), (training.float() + 3).clamp(0, 255).to(torch.uint8)):
        found = copies(nearest(made, training), base)
        assert found.share == 1
        assert found.certain > 0.9
        assert found.near.index.tolist() == list(range(150))
    other = copies(nearest(fresh, training), base)
    assert other.share < 0.05
    assert other.certain == 0
    with pytest.raises(InputError, match="2 training images"):
        nearest(unseen, training[:2])


def test_images_that_show_nothing_are_no_copies() -> None:
    images = torch.randint(256, (60, 1, 8, 8), generator=generator(), dtype=torch.uint8)
    images[:30] = 0
    near = nearest(images[15:45], torch.cat([images[:15], images[45:]]))
    assert bool((near.ratio[:15] == 1).all())
    assert bool((near.ratio > 0.5).all())


def test_the_interval_of_a_share_is_the_known_one() -> None:
    assert proven(0.1, 100) == pytest.approx((0.0552, 0.1744), abs=1e-4)
    assert proven(0.0, 10)[0] == pytest.approx(0, abs=1e-9)


def test_the_trivial_baseline_has_each_pixels_mean_and_spread() -> None:
    images = torch.full((400, 1, 2, 2), 100, dtype=torch.uint8)
    images[::2, 0, 0, 0], images[1::2, 0, 0, 0] = 80, 140
    drawn = gaussian_pixels(images, 600, generator())
    assert drawn.shape == (600, 1, 2, 2)
    assert bool((drawn[:, 0, 1, 1] == 100).all())
    assert float(drawn[:, 0, 0, 0].float().mean()) == pytest.approx(110, abs=5)
    assert float(drawn[:, 0, 0, 0].float().std()) == pytest.approx(30, abs=5)


def test_an_inception_score_counts_the_classes_that_are_made() -> None:
    certain = 100 * torch.eye(8)[torch.arange(80) % 8]
    assert inception_score(certain).mean == pytest.approx(8)
    assert inception_score(torch.zeros(80, 8)).mean == pytest.approx(1)  # nothing but doubt
    assert inception_score(certain[:1].expand(80, -1)).mean == pytest.approx(1)
    halves = torch.cat([certain[:40], certain[:1].expand(40, -1)])
    found = inception_score(halves)
    assert (found.mean, found.deviation) == (pytest.approx(4.5), pytest.approx(3.5))
    with pytest.raises(InputError, match="needs as many images, not 9"):
        inception_score(certain[:9])


def test_an_inception_score_is_the_one_of_plain_loops() -> None:
    logits = 3 * torch.randn(23, 5, generator=torch.Generator().manual_seed(0))
    scores = []
    for k in range(3):
        shares = [torch.softmax(row.double(), 0) for row in logits[k * 23 // 3 : (k + 1) * 23 // 3]]
        mean = sum(shares) / len(shares)
        apart = [sum(float(p) * float(torch.log(p / m)) for p, m in zip(one, mean, strict=True)) for one in shares]
        scores.append(2.718281828459045 ** (sum(apart) / len(apart)))
    mean = sum(scores) / 3
    found = inception_score(logits, 3)
    assert found.mean == pytest.approx(mean)
    assert found.deviation == pytest.approx((sum((score - mean) ** 2 for score in scores) / 3) ** 0.5)
