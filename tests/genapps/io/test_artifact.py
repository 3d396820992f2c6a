"""A model file is used only if every byte of it is as it was written."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load

import genapps
from genapps.errors import InputError, UsageError
from genapps.io import artifact
from genapps.io.artifact import read_artifact, read_header, to_bytes, write_artifact
from genapps.io.atomic import partial_path

TENSORS = {
    "model/weight": np.arange(12, dtype=np.float32).reshape(3, 4).T,  # not contiguous
    "codec/edges": np.zeros((0, 3)),
    "scalar": np.float64(3),
    "flags": np.array([True, False]),
    "codes": np.array([-1, 2**40]),
}
HEADER: dict[str, Any] = {
    "family": "gmm",
    "codec": {"words": ["Zürich", "", "\x00"], "top": (1, 2.5, None, True), "inf": float("inf")},
    "measures": {"auc": np.float32(0.5)},
    "zeros": "0" * 64,
}
SMALL = to_bytes({"w": np.arange(3, dtype=np.int8)}, {"family": "gmm"})


def test_what_is_read_equals_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "m.genapps"
    write_artifact(path, TENSORS, HEADER)
    found = read_artifact(path)
    assert set(found.tensors) == set(TENSORS)
    for name, array in TENSORS.items():
        assert found.tensors[name].dtype == array.dtype
        assert found.tensors[name].flags.writeable
        np.testing.assert_array_equal(found.tensors[name], array, strict=True)
    assert found.header["codec"] == {"words": ["Zürich", "", "\x00"], "top": [1, 2.5, None, True], "inf": float("inf")}
    assert found.header["zeros"] == "0" * 64
    assert found.header["format_version"] == artifact.FORMAT_VERSION
    assert read_header(path) == found.header
    assert set(load(path.read_bytes())) == set(TENSORS)  # any reader of safetensors can open it


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_numbers_that_are_none_are_refused_where_a_model_has_none(tmp_path: Path, value: float, kind: Any) -> None:
    path = tmp_path / "m.genapps"
    write_artifact(path, TENSORS, HEADER)
    read_artifact(path, finite=True)
    write_artifact(path, {**TENSORS, "bad/one": np.array([0, value, 1], kind)}, HEADER)
    assert "bad/one" in read_artifact(path).tensors
    with pytest.raises(InputError, match=r"m\.genapps: .*NaN or infinite numbers \(bad/one\); fit the model again"):
        read_artifact(path, finite=True)


def test_a_long_header_moves_among_the_tensors_unseen(tmp_path: Path) -> None:
    path = tmp_path / "m.genapps"
    long = {"words": [f"wörd {number}" for number in range(200_000)]}
    write_artifact(path, TENSORS, HEADER | {"codec": long})
    assert int.from_bytes(path.read_bytes()[:8], "little") < 10_000
    found = read_artifact(path)
    assert found.header["codec"] == read_header(path)["codec"] == long
    assert set(found.tensors) == set(TENSORS)


def test_equal_contents_give_equal_bytes_in_any_process() -> None:
    code = (
        "import sys, numpy as np; from genapps.io.artifact import to_bytes;"
        "t = {f't{i}': np.full(i, i) for i in range(9)}; h = {f'h{i}': {'x': i} for i in range(9)};"
        "r = (lambda d: dict(reversed(d.items()))) if sys.argv[1] == '1' else dict;"
        "sys.stdout.buffer.write(to_bytes(r(t), r(h)))"
    )
    runs = [subprocess.run([sys.executable, "-c", code, str(k)], capture_output=True, check=True) for k in range(2)]
    assert runs[0].stdout == runs[1].stdout != b""


def test_no_torch_is_imported_to_write_or_read() -> None:
    code = (
        "import sys, numpy as np; from genapps.io import artifact as a;"
        "a.to_bytes({'w': np.ones(2)}, {});"
        "assert not {'torch', 'pyarrow', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_flipped_bit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.genapps"
    for place in range(len(SMALL)):
        for bit in range(8):
            data = bytearray(SMALL)
            data[place] ^= 1 << bit
            _refused(path, bytes(data))


def test_every_truncation_and_any_tail_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.genapps"
    for length in range(len(SMALL)):
        _refused(path, SMALL[:length])
    _refused(path, SMALL + b"\0")
    _refused(path, SMALL + SMALL)


def test_random_mutants_are_refused_without_a_crash(tmp_path: Path) -> None:
    path, draw = tmp_path / "m.genapps", random.Random(11)
    for _ in range(2_000):
        data = bytearray(SMALL)
        for _ in range(draw.randint(1, 8)):
            low, high = sorted(draw.randrange(len(data) + 1) for _ in range(2))
            high = min(high, low + 20)
            match draw.randrange(4):
                case 0:
                    data[low:high] = draw.randbytes(high - low)
                case 1:
                    data[low:high] = b""
                case 2:
                    data[low:low] = data[low:high] or b"{"
                case _:
                    data[low:low] = draw.choice([b"[" * 3_000, b'"', b"\xff" * 8, b"9" * 30, b"\\u0000", b"{}"])
        if data != SMALL:
            _refused(path, bytes(data))


def _refused(path: Path, data: bytes) -> None:
    path.touch()
    with path.open("r+b") as handle:  # emptying a file first makes some file systems flush it, thousands of times here
        handle.write(data)
        handle.truncate()
    with pytest.raises(InputError) as failure:
        read_artifact(path)
    assert str(path) in str(failure.value)
    with contextlib.suppress(InputError):  # the header alone is not verified, but it must not crash either
        read_header(path)


def test_a_forged_file_does_not_crash(tmp_path: Path) -> None:
    """A right digest over wrong contents: the digest detects damage, not forgery, and the rest must hold."""
    path = tmp_path / "m.genapps"
    for old, new in [
        (b'"shape":[3]', b'"shape":[9]'),
        (b'"data_offsets":[0,3]', b'"data_offsets":[3,0]'),
        (b'"data_offsets":[0,3]', b'"data_offsets":[0,9]'),
        (b'"I8"', b'"Q9"'),
        (b'"w"', b'"\x01"'),
        (rb"\"moved\":[]", rb"\"moved\":7"),
        (rb"\"genapps_version\":\"%b\",\"moved\":[]" % genapps.__version__.encode(), rb"\"moved\":[\"lost\"]"),
    ]:
        assert old in SMALL
        _refused(path, _signed(SMALL.replace(old, new.ljust(len(old)))))


def _signed(data: bytes) -> bytes:
    import hashlib

    start = data.index(b"sha256") + len(rb"sha256\":\"")
    blank = data[:start] + b"0" * 64 + data[start + 64 :]
    return data[:start] + hashlib.sha256(blank).hexdigest().encode() + data[start + 64 :]


def test_signing_as_the_forger_does_gives_back_the_file() -> None:
    assert _signed(SMALL) == SMALL


@pytest.mark.parametrize("version", [2, 7, 10**6])
def test_a_newer_format_asks_for_an_upgrade(tmp_path: Path, version: int) -> None:
    path = tmp_path / "m.genapps"
    header = json.dumps({"__metadata__": {"genapps": json.dumps({"format_version": version})}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    for read in (read_artifact, read_header):
        with pytest.raises(InputError, match=rf"newer genapps \(format {version}\); upgrade: pip install -U genapps"):
            read(path)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "the file is empty"),
        (b"age,income\n39,<=50K\n" * 99, "not a genapps model"),
        (b"PK\x03\x04" + b"\0" * 99, "but a zip archive"),
        (b"\x80\x04\x95" + b"\0" * 99, "but a Python pickle"),
        (b"\xff" * 99, "not a genapps model"),
        (b"\0" * 99, "not a genapps model"),
        ((30).to_bytes(8, "little") + b'{"__metadata__":{"format":"x"}}', "not a genapps model|damaged"),
        ((2).to_bytes(8, "little") + b"{}", "a safetensors file, but not a genapps model"),
        ((200_000).to_bytes(8, "little") + b"{" + b'"a":[' * 40_000, "damaged|cut short"),
        ((200_000).to_bytes(8, "little") + b'{"a":' * 40_000, "damaged"),
    ],
)
def test_what_is_no_model(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "m.genapps"
    path.write_bytes(data)
    for read in (read_artifact, read_header):
        with pytest.raises(InputError, match=says):
            read(path)


def test_paths_and_sizes(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_artifact(tmp_path / "m.genapps")
    with pytest.raises(UsageError, match="is a directory"):
        read_artifact(tmp_path)
    with pytest.raises(UsageError, match=r"ends in \.genapps; write m\.genapps"):
        write_artifact(tmp_path / "m.pkl", {}, {})
    path = tmp_path / "m.genapps"
    path.write_bytes(SMALL)
    with pytest.raises(InputError, match="more than the 10 a model may have"):
        read_artifact(path, max_bytes=10)


def test_a_file_that_only_claims_to_be_huge_is_never_read(tmp_path: Path) -> None:
    path = tmp_path / "m.genapps"
    with path.open("wb") as handle:
        handle.truncate(2**40)  # a terabyte of nothing on disk
    with pytest.raises(InputError, match="more than"):
        read_artifact(path)


@pytest.mark.parametrize(
    ("tensors", "header"),
    [
        ({"w": np.array(["a"])}, {}),
        ({"w": np.array([None])}, {}),
        ({}, {"codec": {1: "x"}}),
        ({}, {"codec": [{"x"}]}),
        ({}, {"codec": b"bytes"}),
    ],
)
def test_what_cannot_be_kept_is_not_written(tmp_path: Path, tensors: dict[str, Any], header: dict[str, Any]) -> None:
    path = tmp_path / "m.genapps"
    with pytest.raises(TypeError):
        write_artifact(path, tensors, header)
    assert not path.exists()
    assert not partial_path(path).exists()
