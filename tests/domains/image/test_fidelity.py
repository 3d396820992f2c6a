"""Measures of closeness, beside their definitions written out in loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image, ImageFilter

from genapps_image.fidelity import perceptual, psnr, sharpness, ssim


def picture(seed: int, shape: tuple[int, int, int] = (20, 17, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def scene(side: int = 48) -> np.ndarray:
    """Edges, a slope and a fine pattern."""
    down, across = np.mgrid[:side, :side]
    grey = 90 + 60 * ((down // 12 + across // 12) % 2) + across + 20 * ((down % 4 < 2) & (across > side // 2))
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[:, :, None], 3, 2)


def test_psnr_is_its_definition() -> None:
    first, second = picture(0), picture(1)
    error = sum((int(a) - int(b)) ** 2 for a, b in zip(first.ravel(), second.ravel(), strict=True)) / first.size
    assert psnr(first, second) == pytest.approx(10 * math.log10(255 * 255 / error), rel=1e-12)
    assert psnr(first, first) == math.inf
    assert psnr(np.zeros((4, 4, 1)), np.full((4, 4, 1), 255)) == pytest.approx(0)


def ssim_by_loops(x: np.ndarray, y: np.ndarray) -> float:
    """Wang et al. 2004, equations 13 to 16, window by window."""
    places = np.arange(11) - 5
    one = np.exp(-(places**2) / (2 * 1.5**2))
    weights = np.outer(one, one) / np.outer(one, one).sum()
    c1, c2, found = (0.01 * 255) ** 2, (0.03 * 255) ** 2, []
    for top in range(x.shape[0] - 10):
        for left in range(x.shape[1] - 10):
            a, b = x[top : top + 11, left : left + 11], y[top : top + 11, left : left + 11]
            mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
            var_a, var_b = (weights * (a - mean_a) ** 2).sum(), (weights * (b - mean_b) ** 2).sum()
            both = (weights * (a - mean_a) * (b - mean_b)).sum()
            found.append(
                (2 * mean_a * mean_b + c1) * (2 * both + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
            )
    return float(np.mean(found))


def test_ssim_is_its_definition() -> None:
    first = picture(2, (20, 17, 1))
    second = np.clip(first + np.random.default_rng(3).normal(0, 20, first.shape), 0, 255).astype(np.uint8)
    wanted = ssim_by_loops(first[:, :, 0].astype(float), second[:, :, 0].astype(float))
    assert ssim(first, second) == pytest.approx(wanted, abs=1e-10)
    assert ssim(first, first) == pytest.approx(1)


def test_ssim_with_another_window_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from genapps_image import fidelity

    first = picture(2, (20, 17, 1))
    second = np.clip(first + np.random.default_rng(3).normal(0, 60, first.shape), 0, 255).astype(np.uint8)
    wanted = ssim_by_loops(first[:, :, 0].astype(float), second[:, :, 0].astype(float))
    assert ssim(first, second) == pytest.approx(wanted, abs=1e-10)
    own = fidelity._gaussian
    monkeypatch.setattr(fidelity, "_gaussian", lambda length, _: own(length, 3.0))
    assert abs(ssim(first, second) - wanted) > 1e-4


@pytest.mark.parametrize("measure", [ssim, psnr])
def test_more_noise_is_farther(measure) -> None:  # type: ignore[no-untyped-def]
    truth = scene()
    noise = np.random.default_rng(0).normal(0, 1, truth.shape)
    found = [measure(np.clip(truth + size * noise, 0, 255), truth) for size in (2, 8, 32)]
    assert found == sorted(found, reverse=True)


def test_perceptual_distance_grows_and_ignores_what_is_not_seen() -> None:
    truth = scene()
    noise = np.random.default_rng(0).normal(0, 1, truth.shape)
    found = [perceptual(np.clip(truth + size * noise, 0, 255), truth) for size in (0, 2, 8, 32)]
    assert found[0] == 0
    assert found == sorted(found)
    brighter = np.clip(truth + 6.0, 0, 255)
    grain = np.clip(truth + 6.0 * np.sign(noise), 0, 255)  # the same error, but where the eye sees it
    assert psnr(brighter, truth) == pytest.approx(psnr(grain, truth), abs=0.1)
    assert perceptual(brighter, truth) < 0.5 * perceptual(grain, truth)


def test_sharpness_falls_with_blur_and_rises_with_ringing() -> None:
    truth = scene()
    blurred = np.asarray(Image.fromarray(truth).filter(ImageFilter.GaussianBlur(1)))
    harsh = np.asarray(Image.fromarray(truth).filter(ImageFilter.UnsharpMask(1, 150, 0)))
    assert sharpness(blurred, truth) < 0.9 < sharpness(truth, truth) == 1 < 1.1 < sharpness(harsh, truth)
    flat = np.full((8, 8, 1), 7, np.uint8)
    assert sharpness(flat, flat) == 1


@pytest.mark.parametrize("measure", [psnr, ssim, perceptual, sharpness])
def test_images_of_two_shapes_are_refused(measure) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="one shape"):
        measure(picture(0), picture(0, (20, 18, 3)))
    with pytest.raises(ValueError, match="one shape"):
        measure(picture(0, (20, 18, 4)), picture(0, (20, 18, 4)))


@pytest.mark.parametrize("measure", [ssim, perceptual, sharpness, psnr])
def test_tiny_images_have_figures(measure) -> None:  # type: ignore[no-untyped-def]
    assert math.isfinite(measure(picture(0, (3, 2, 1)), picture(1, (3, 2, 1))))
