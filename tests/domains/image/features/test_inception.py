"""Inception v3: published counts, each block beside one written out, the resize rule, and files that are refused."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from genapps.errors import InputError, UsageError
from genapps_image.features import extractor_of
from genapps_image.features.base import to_rgb
from genapps_image.features.given import read_given
from genapps_image.features.inception import BLOCKS, Inception, folded, shapes, stretched

Weights = dict[str, Tensor]
INPUTS = {
    "Mixed_5b": 192, "Mixed_5c": 256, "Mixed_5d": 288, "Mixed_6a": 288, "Mixed_6b": 768, "Mixed_6c": 768,
    "Mixed_6d": 768, "Mixed_6e": 768, "Mixed_7a": 768, "Mixed_7b": 1280, "Mixed_7c": 2048,
}  # fmt: skip


@pytest.fixture(scope="module")
def weights() -> Weights:
    """Random ones, each layer's output about as large as its input."""
    draws, found = torch.Generator().manual_seed(0), {}
    for name, shape in shapes().items():
        if len(shape) > 1:
            found[name] = torch.randn(shape, generator=draws) * (2 / torch.Size(shape[1:]).numel()) ** 0.5
        else:
            found[name] = torch.rand(shape, generator=draws) + (0.5 if "weight" in name or "var" in name else -0.5)
    return found


@pytest.fixture(scope="module")
def file(weights: Weights, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "inception.safetensors"
    save_file(weights, path)
    return path


def test_counts_are_those_that_are_published() -> None:
    """Keras tells 21,768,352 and 34,432 without classes; torchvision 27,161,264 with 1,000 and its second head."""
    told = {name: torch.Size(shape).numel() for name, shape in shapes().items()}
    kernels = sum(count for name, count in told.items() if name.endswith("conv.weight"))
    channels = sum(count for name, count in told.items() if name.endswith("bn.bias"))
    assert kernels + channels == 21_768_352
    assert 2 * channels == 34_432
    second = 768 * 128 + 2 * 128 + 128 * 768 * 25 + 2 * 768 + 768 * 1000 + 1000
    assert kernels + 2 * channels + 2048 * 1000 + 1000 + second == 27_161_264
    assert len(told) == 94 * 5 + 2  # and 94 counters in the published file: 566
    assert shapes()["fc.weight"] == (1008, 2048)


def test_names_are_those_of_the_published_file() -> None:
    for name, shape in {
        "Conv2d_1a_3x3.conv.weight": (32, 3, 3, 3),
        "Conv2d_4a_3x3.bn.running_var": (192,),
        "Mixed_5b.branch5x5_2.conv.weight": (64, 48, 5, 5),
        "Mixed_5d.branch_pool.conv.weight": (64, 288, 1, 1),
        "Mixed_6a.branch3x3dbl_3.conv.weight": (96, 96, 3, 3),
        "Mixed_6b.branch7x7_2.conv.weight": (128, 128, 1, 7),
        "Mixed_6e.branch7x7dbl_2.conv.weight": (192, 192, 7, 1),
        "Mixed_7a.branch7x7x3_4.conv.weight": (192, 192, 3, 3),
        "Mixed_7b.branch3x3_2b.conv.weight": (384, 384, 3, 1),
        "Mixed_7c.branch3x3dbl_3a.conv.weight": (384, 384, 1, 3),
        "Mixed_7c.branch_pool.bn.weight": (192,),
    }.items():
        assert shapes()[name] == shape


def written_out(w: Weights, block: str, x: Tensor, average: Callable[[Tensor], Tensor]) -> Tensor:
    """A block as the figures of the paper draw it, layer by layer, each as a convolution and its normalization."""

    def conv(name: str, x: Tensor, stride: int = 1, inside: bool = False) -> Tensor:
        kernel, bn = w[f"{block}.{name}.conv.weight"], f"{block}.{name}.bn."
        padding = (0, 0) if inside else (kernel.shape[2] // 2, kernel.shape[3] // 2)
        x = F.conv2d(x, kernel, stride=stride, padding=padding)
        mean, var = w[f"{bn}running_mean"], w[f"{bn}running_var"]
        return F.batch_norm(x, mean, var, w[f"{bn}weight"], w[f"{bn}bias"], eps=1e-3).clamp_min(0)

    def chain(x: Tensor, *names: str) -> Tensor:
        for name in names:
            x = conv(name, x)
        return x

    if block in ("Mixed_5b", "Mixed_5c", "Mixed_5d"):
        parts = [
            conv("branch1x1", x),
            chain(x, "branch5x5_1", "branch5x5_2"),
            chain(x, "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"),
            conv("branch_pool", average(x)),
        ]
    elif block == "Mixed_6a":
        double = conv("branch3x3dbl_3", chain(x, "branch3x3dbl_1", "branch3x3dbl_2"), 2, True)
        parts = [conv("branch3x3", x, 2, True), double, F.max_pool2d(x, 3, 2)]
    elif block == "Mixed_7a":
        wide = conv("branch7x7x3_4", chain(x, "branch7x7x3_1", "branch7x7x3_2", "branch7x7x3_3"), 2, True)
        parts = [conv("branch3x3_2", conv("branch3x3_1", x), 2, True), wide, F.max_pool2d(x, 3, 2)]
    elif block.startswith("Mixed_6"):
        parts = [
            conv("branch1x1", x),
            chain(x, "branch7x7_1", "branch7x7_2", "branch7x7_3"),
            chain(x, *(f"branch7x7dbl_{k}" for k in range(1, 6))),
            conv("branch_pool", average(x)),
        ]
    else:
        inner, double = conv("branch3x3_1", x), chain(x, "branch3x3dbl_1", "branch3x3dbl_2")
        largest = F.pad(x, (1, 1, 1, 1), value=-torch.inf).unfold(2, 3, 1).unfold(3, 3, 1).amax((4, 5))
        parts = [
            conv("branch1x1", x),
            conv("branch3x3_2a", inner),
            conv("branch3x3_2b", inner),
            conv("branch3x3dbl_3a", double),
            conv("branch3x3dbl_3b", double),
            conv("branch_pool", average(x) if block == "Mixed_7b" else largest),
        ]
    return torch.cat(parts, 1)


def of_those_there(x: Tensor) -> Tensor:
    """The mean of 3 x 3 neighbors, of as many as there are."""
    return F.avg_pool2d(x, 3, 1, 1) / F.avg_pool2d(torch.ones_like(x), 3, 1, 1)


def of_nine(x: Tensor) -> Tensor:
    """The same as torchvision's network has it: what lies outside counts as 0."""
    return F.avg_pool2d(x, 3, 1, 1)


@pytest.mark.parametrize("name", list(BLOCKS))
def test_each_block_is_as_it_is_drawn(name: str, weights: Weights) -> None:
    x = torch.randn(2, INPUTS[name], 5, 6, generator=torch.Generator().manual_seed(1)).clamp_min(0)
    own = {key: tensor for key, tensor in weights.items() if key.startswith(name)}
    made = folded(own).block(name, x)
    torch.testing.assert_close(made, written_out(own, name, x, of_those_there), atol=1e-3, rtol=1e-3)
    if name not in ("Mixed_6a", "Mixed_7a", "Mixed_7c"):  # and another variant would be seen
        assert float((made - written_out(own, name, x, of_nine)).abs().max()) > 0.1


@pytest.mark.parametrize(("height", "width"), [(5, 7), (40, 33)])
def test_images_are_stretched_as_the_graph_does(height: int, width: int) -> None:
    image = torch.rand(1, 2, height, width, generator=torch.Generator().manual_seed(2)) * 255
    found = stretched(image, 17)
    for row, column in ((0, 0), (3, 11), (16, 16), (8, 5)):
        y, x = row * height / 17, column * width / 17
        top, left = int(y), int(x)
        below, right = min(top + 1, height - 1), min(left + 1, width - 1)
        dy, dx = y - top, x - left
        by_hand = (
            image[0, :, top, left] * (1 - dy) * (1 - dx)
            + image[0, :, top, right] * (1 - dy) * dx
            + image[0, :, below, left] * dy * (1 - dx)
            + image[0, :, below, right] * dy * dx
        )
        torch.testing.assert_close(found[0, :, row, column], by_hand, atol=1e-3, rtol=1e-4)


def test_an_image_at_its_full_size_is_seen_quickly(file: Path, weights: Weights) -> None:
    extractor = extractor_of("inception", weights=file)
    images = torch.randint(0, 256, (1, 1, 20, 30), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
    began = time.process_time()
    rows = extractor.features(images)
    assert time.process_time() - began < 2
    assert rows.shape == (1, 2048)
    assert isinstance(extractor, Inception)
    assert torch.equal(extractor.logits(rows), rows @ weights["fc.weight"].T)
    assert extractor.distances == ("FID", "KID")


def test_features_are_the_mean_over_the_image(file: Path, weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genapps_image.features.inception.SIDE", 107)
    images = torch.randint(0, 256, (2, 4, 20, 30), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
    x = (stretched(to_rgb(images), 107) - 128) / 128
    places = folded(weights).through(x)
    assert places.shape == (2, 2048, 2, 2)
    extractor = Inception(file)
    torch.testing.assert_close(extractor.features(images), places.mean((2, 3)))
    extractor._net = folded({**weights, "Mixed_7c.branch1x1.conv.weight": torch.full((320, 2048, 1, 1), 3e38)})
    with pytest.raises(InputError, match="beyond all numbers"):
        extractor.features(images)


def test_the_digest_is_of_the_numbers_alone(tmp_path: Path) -> None:
    wanted = {"a.weight": (2, 3), "b": (1,)}
    plain = {"a.weight": torch.arange(6.0).view(2, 3), "b": torch.ones(1)}
    save_file(plain, tmp_path / "1.safetensors")
    save_file({**plain, "a.num_batches_tracked": torch.tensor(7)}, tmp_path / "2.safetensors", {"told": "more"})
    save_file({**plain, "b": torch.zeros(1)}, tmp_path / "3.safetensors")
    first, second, third = (read_given(tmp_path / f"{k}.safetensors", wanted).digest for k in (1, 2, 3))
    assert first == second != third


WANTED = {"a": (2, 3), "b": (1,)}
GOOD = {"a": torch.zeros(2, 3), "b": torch.zeros(1)}


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"a": GOOD["a"]}, "1 of 2 tensors are missing: b; docs/image.md says"),
        ({**GOOD, "a": torch.zeros(3, 2)}, "a is 3 x 2, not 2 x 3"),
        ({**GOOD, "b": torch.zeros(1, dtype=torch.float16)}, "b is of kind F16"),
        ({**GOOD, "c": torch.zeros(1), "d": torch.zeros(1)}, "do not belong to it: c, d;"),
        ({**GOOD, "b": torch.tensor([torch.nan])}, "b: not all numbers are finite"),
    ],
)
def test_other_tensors_are_named(held: Weights, said: str, tmp_path: Path) -> None:
    save_file(held, tmp_path / "w.safetensors")
    with pytest.raises(InputError, match=said) as error:
        read_given(tmp_path / "w.safetensors", WANTED)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x03\x04 and more", "written by torch.save, whose files can run programs"),
        (pickle.dumps(1), "written by torch.save"),
        (b"", "no safetensors file, or a damaged one"),
        (b"\xff" * 60, "no safetensors file"),
        (b"\x08\x00\x00\x00\x00\x00\x00\x00{}      rest", "no safetensors file"),
    ],
)
def test_files_of_another_kind_are_refused(data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(data)
    with pytest.raises(InputError, match=said):
        read_given(tmp_path / "w.pth", WANTED)


def test_weights_and_inception_go_together(tmp_path: Path) -> None:
    for words in ({"name": "inception"}, {"name": "pixels", "weights": "w.safetensors"}):
        with pytest.raises(UsageError, match="--features inception --weights FILE"):
            extractor_of(**words)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no such file of weights"):
        extractor_of("inception", weights=tmp_path / "none.safetensors")
