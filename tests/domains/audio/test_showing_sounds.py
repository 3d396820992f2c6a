"""Pictures of sounds: colors whose steps look alike, and what is loud where it is heard."""

from __future__ import annotations

import numpy as np

from genapps_audio.showing import colors, outline, pixels, spectrogram

RATE = 8_000


def lightness(rgb: np.ndarray) -> np.ndarray:
    """CIE's L* of sRGB bytes (N, 3), by a way other than the one that made them."""
    encoded = rgb / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    return np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)


def test_each_color_is_as_much_lighter_as_any_other() -> None:
    levels = lightness(colors(64))
    steps = np.diff(levels)
    assert levels[0] < 10 and levels[-1] > 90
    assert (steps > 0).all() and steps.max() < 1.8 * steps.mean()


def test_a_tone_is_light_where_it_sounds() -> None:
    time = np.arange(RATE) / RATE
    wave = np.where(time > 0.5, np.sin(2 * np.pi * 500 * time), 0).astype(np.float32)
    light = pixels(wave, RATE, 100, 96).sum(2, dtype=int)
    assert light.shape == (96, 100) and light[:, :40].max() < 100
    row, column = np.unravel_index(light.argmax(), light.shape)
    mel = 2595 * np.log10(1 + np.array([500, RATE / 2]) / 700)
    assert column > 50 and abs(row / 96 - (1 - mel[0] / mel[1])) < 0.03


def test_silence_and_a_single_sample_are_drawn_too() -> None:
    for wave in (np.zeros(1, np.float32), np.zeros(500, np.float32), np.ones(3, np.float32)):
        assert spectrogram(wave, RATE, "a <b>").startswith("<svg") and "&lt;b&gt;" in spectrogram(wave, RATE, "a <b>")
        assert "nan" not in outline(wave, "x")
    assert "nan" not in outline(np.zeros(0, np.float32), "x")
