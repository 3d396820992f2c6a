"""The checks that every reader shares."""

from __future__ import annotations

from typing import Any

import pytest

from genapps.errors import InputError
from genapps.io.limits import MIB, Limits, check_columns, parse_json, recognize


def test_small_files_may_expand_freely_and_large_ones_in_proportion() -> None:
    limits = Limits()
    assert limits.allowed(1) == 64 * MIB
    assert limits.allowed(MIB) == 200 * MIB


@pytest.mark.parametrize("depth", [0, 1, 63, 64])
def test_json_as_deep_as_allowed(depth: int) -> None:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value} if depth % 2 else [value, 2]
    import json

    assert parse_json(json.dumps(value), "t") == value


@pytest.mark.parametrize("depth", [65, 66, 500, 100_000])
@pytest.mark.parametrize("ends", [("[", "]"), ('{"a":', "}")])
def test_deeper_json_is_refused(depth: int, ends: tuple[str, str]) -> None:
    with pytest.raises(InputError, match="t: JSON nested deeper than 64 levels"):
        parse_json(ends[0] * depth + "1" + ends[1] * depth, "t")


@pytest.mark.parametrize("text", ["", "{", "nul", '{"a": }', b"\xff", "9" * 5_000, '"\n"'])
def test_bad_json_is_refused_in_one_line(text: str | bytes) -> None:
    with pytest.raises(InputError, match="t: not valid JSON") as failure:
        parse_json(text, "t")
    assert "\n" not in str(failure.value)


def test_columns_are_counted_and_told_apart() -> None:
    check_columns("t", ["a", "A", " a", ""], Limits())
    check_columns("t", [str(i) for i in range(10_000)], Limits())
    with pytest.raises(InputError, match="columns 2 and 4 are both named 'b'; rename one of them"):
        check_columns("t", ["a", "b", "c", "b"], Limits())
    with pytest.raises(InputError, match="3 columns, more than the 2 allowed"):
        check_columns("t", ["a", "b", "c"], Limits(max_columns=2))


def test_no_text_is_taken_for_another_kind_of_file() -> None:
    for head in (b"a,b\n", b'{"a": 1}', b"PK,name\n", b"PAR1", b"\x1f\x8b", b"", "größe".encode()):
        assert recognize(head) is None
    kind = recognize(b"PK\x03\x04rest")
    assert kind is not None and "Excel" in kind[0]


def test_huge_numbers_are_told_without_the_words_of_a_library() -> None:
    with pytest.raises(InputError, match="thousands of digits") as failure:
        parse_json("9" * 5_000, "t")
    assert "sys" not in str(failure.value)
