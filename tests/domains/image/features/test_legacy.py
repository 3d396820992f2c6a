"""Files of weights are read as numbers: what would run something is refused, and so is what is cut short."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from genapps.errors import InputError
from genapps_image.features.legacy import read_tensors


def write(path: Path, state: object) -> Path:
    torch.save(state, path, _use_new_zipfile_serialization=False)
    return path


def state() -> dict[str, torch.Tensor]:
    whole = torch.arange(24.0).reshape(4, 6)
    return {"a": whole, "b": whole[1:3].T, "count": torch.tensor(7), "none": torch.zeros(0)}


def test_tensors_come_back_as_they_were(tmp_path: Path) -> None:
    found = read_tensors(write(tmp_path / "w.pth", state()))
    assert found.keys() == state().keys()
    assert all(torch.equal(found[key], tensor) and found[key].dtype == tensor.dtype for key, tensor in state().items())


class Attack:
    """What a file may hold that does harm when it is loaded the usual way."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_a_file_that_would_run_something_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "w.pth", {"a": torch.zeros(2), "b": Attack(tmp_path / "harm")})
    with pytest.raises(InputError, match=r"w\.pth: no plain file of weights .*mkdir"):
        read_tensors(path)
    assert not (tmp_path / "harm").exists()
    torch.load(path, weights_only=False)
    assert (tmp_path / "harm").exists()  # so the file does harm where it is loaded


@pytest.mark.parametrize("other", [[torch.zeros(2)], {"a": 1}, {"a": torch.zeros(2, dtype=torch.float16)}])
def test_anything_but_plain_tensors_by_name_is_refused(tmp_path: Path, other: object) -> None:
    with pytest.raises(InputError, match="no plain file of weights"):
        read_tensors(write(tmp_path / "w.pth", other))


def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    data = write(tmp_path / "w.pth", {"a": torch.arange(6.0)}).read_bytes()
    cut = tmp_path / "cut.pth"
    for size in range(0, len(data), 3):
        cut.write_bytes(data[:size])
        with pytest.raises(InputError):
            read_tensors(cut)


def test_a_tensor_larger_than_its_storage_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "w.pth", {"a": torch.zeros(1).expand(2**40)})
    with pytest.raises(InputError, match="larger than its storage"):
        read_tensors(path)
