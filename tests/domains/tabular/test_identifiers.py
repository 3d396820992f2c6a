"""Fresh values: of the shapes seen, all different, and none of them seen before."""

from __future__ import annotations

import re
import uuid
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genapps_tabular.columns import fit_column
from genapps_tabular.columns.base import CodecConfig, ColumnCodec, Draw
from genapps_tabular.columns.identifiers import Fresh
from genapps_tabular.columns.permutations import hashes, keys, permute
from genapps_tabular.detection import detect_column

RNG = np.random.default_rng(5)
HEX = "[0-9a-f]"
VALUES: dict[str, tuple[list[Any] | pa.Array, str]] = {
    "uuid": ([str(uuid.UUID(bytes=RNG.bytes(16), version=4)) for _ in range(400)],
             f"{HEX}{{8}}-{HEX}{{4}}-4{HEX}{{3}}-[89ab]{HEX}{{3}}-{HEX}{{12}}"),
    "mail": ([f"{RNG.choice(['ann', 'bob'])}{i}@{RNG.choice(['post.org', 'mail.com'])}" for i in range(1000, 1400)],
             r"[a-z]{3}\d{4,}@(post\.org|mail\.com)"),
    "invoice": ([f"INV-{RNG.choice([2019, 2020])}-{i:05}" for i in range(400)], r"INV-(2019|2020)-\d{5,}"),
    "all four digits": ([f"{i:04}" for i in range(10_000)], r"\d{5,}"),
    "account": ([str(10**9 + int(i)) for i in RNG.choice(10**8, 400, replace=False)], r"1\d{9}"),
    "name": ([f"{a} {b}" for a, b in zip(
        ["".join(RNG.choice(list("abcdefghijklm"), 6)).title() for _ in range(400)],
        ["".join(RNG.choice(list("nopqrstuvwxyz"), 7)).title() for _ in range(400)], strict=True)],
        r"[A-Z][a-z]{5} [A-Z][a-z]{6,}"),
    "counted": (pa.array(range(400)), r"\d{3,}"),
    "random whole": (pa.array(RNG.choice(10**9, 400, replace=False)), r"\d{1,9}"),
    "64 bits": (pa.array(RNG.integers(-2**63, 2**63 - 1, 400)), r"-?\d{1,19}"),
    "unsigned": (pa.array(RNG.integers(0, 2**64 - 1, 400, dtype=np.uint64)), r"\d{1,20}"),
    "unsigned above 2**63": (pa.array(RNG.integers(2**63, 2**64 - 1, 400, dtype=np.uint64)), r"\d{19,20}"),
    "two": (["A1", "B2"], r"[A-Z]\d+"),
}  # fmt: skip


def fitted(values: list[Any] | pa.Array) -> tuple[ColumnCodec, pa.Array]:
    array = values if isinstance(values, pa.Array) else pa.array(values, pa.string())
    schema = detect_column("user_id", pa.chunked_array([array]))
    if schema.kind != "identifier":
        from dataclasses import replace

        schema = replace(schema, kind="identifier")
    return fit_column(array, schema, CodecConfig(), np.random.default_rng(0)), array


def made(codec: ColumnCodec, rows: int, first: int = 0, seed: int = 0) -> list[Any]:
    return list(codec.decode((), rows, Draw(np.random.default_rng(first + 1), None, first, seed)).to_pylist())


@pytest.mark.parametrize("name", VALUES)
def test_fresh_values_have_the_shape_and_are_unique_over_shards(name: str) -> None:
    values, form = VALUES[name]
    codec, array = fitted(values)
    fresh = [value for shard in range(5) for value in made(codec, 4000, 4000 * shard)]
    wrong = [value for value in fresh if not re.fullmatch(form, str(value))]
    assert not wrong, wrong[:5]
    assert len(set(fresh)) == len(fresh)
    assert not set(fresh) & set(array.to_pylist())


@pytest.mark.parametrize("name", VALUES)
def test_the_state_holds_hashes_only(name: str) -> None:
    values, _ = VALUES[name]
    codec, array = fitted(values)
    arrays, settings = codec.state()
    assert {key: value.dtype for key, value in arrays.items()} == {"known": np.uint64}
    told = str(settings)
    if len(array) > 10:
        assert not [value for value in array.to_pylist()[1:-1] if len(str(value)) > 4 and str(value) in told]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rows", [200, 1000])
def test_shapes_that_grow_into_one_another_end(rows: int, seed: int) -> None:
    octets = np.random.default_rng(seed).integers(0, 256, (rows, 4))
    addresses = [".".join(map(str, address)) for address in octets.tolist()]
    codec, _ = fitted(addresses)
    fresh = [value for first, count in ((0, 1), (1, 19_999)) for value in made(codec, count, first)]
    assert all(re.fullmatch(r"\d+(\.\d+){3}", value) for value in fresh)
    assert len(set(fresh)) == len(fresh)
    assert not set(fresh) & set(addresses)


def test_another_seed_gives_other_values() -> None:
    codec, _ = fitted(VALUES["uuid"][0])
    assert not set(made(codec, 100, seed=1)) & set(made(codec, 100, seed=2))


def test_text_keeps_its_length_and_common_words() -> None:
    rows = [f"The {RNG.choice(['parcel', 'letter'])} of {''.join(RNG.choice(list('abcdefgh'), 7))} "
            f"came {''.join(RNG.choice(list('ijklmnop'), 6))} late on monday" for _ in range(300)]  # fmt: skip
    schema = detect_column("note", pa.chunked_array([pa.array(rows)]))
    assert schema.kind == "text"
    codec = fit_column(pa.array(rows), schema, CodecConfig(), np.random.default_rng(0))
    fresh = made(codec, 1000)
    assert all(re.fullmatch(r"The (parcel|letter) of [a-z]{7} came [a-z]{6} late on monday", v) for v in fresh)
    assert len(set(fresh)) == 1000
    assert not set(fresh) & set(rows)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5000), st.integers(0, 2**32))
def test_a_permutation_is_one(size: int, seed: int) -> None:
    places = permute(np.arange(size), size, keys(seed))
    np.testing.assert_array_equal(np.sort(places), np.arange(size))


def test_permutations_look_random() -> None:
    places = permute(np.arange(10_000), 10_000, keys(1))
    assert abs(np.corrcoef(np.arange(10_000), places)[0, 1]) < 0.05
    assert abs(np.corrcoef(places[1:], places[:-1])[0, 1]) < 0.05
    assert (permute(np.arange(10_000), 10_000, keys(2)) == places).mean() < 0.001


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=200), min_size=1, max_size=30))
def test_a_hash_depends_on_the_string_alone(texts: list[str]) -> None:
    together = hashes(pa.array(texts, pa.string()))
    alone = [hashes(pa.array([text], pa.string()))[0] for text in texts]
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(together[1:], hashes(pa.array(texts, pa.string()).slice(1)))


def test_hashes_of_different_strings_differ() -> None:
    texts = [f"{prefix}{i}" for prefix in ("", "a", "x" * 63, "y" * 130) for i in range(50_000)]
    assert len(np.unique(hashes(pa.array(texts)))) == len(texts)


@pytest.mark.parametrize("kind", ["invoice", "account", "counted", "random whole", "uuid"])
def test_values_of_rows_that_were_not_learnt_do_not_come_back_either(kind: str) -> None:
    values = VALUES[kind][0]
    whole = values if isinstance(values, pa.Array) else pa.array(values)
    codec = fit_column(whole.slice(0, 200), detect_column("id", whole), CodecConfig(), np.random.default_rng(0))
    assert isinstance(codec, Fresh)
    codec.reserve(whole.slice(200))
    made = codec.decode((), 20_000, Draw(np.random.default_rng(0), seed=1)).to_pylist()
    assert len(set(made)) == len(made)
    assert not set(made) & set(whole.to_pylist())
