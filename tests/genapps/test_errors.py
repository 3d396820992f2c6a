"""Errors keep their words and their exit codes, also on the way out of a worker process."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from genapps.errors import GenappsError, InputError, MissingExtra, UsageError


def fail(kind: str) -> None:
    raise {"extra": MissingExtra("rdkit", "molecule"), "input": InputError("x.csv: empty")}[kind]


@pytest.mark.parametrize(
    ("kind", "code", "words"), [("extra", 2, r"genapps\[molecule\]"), ("input", 3, "x.csv: empty")]
)
def test_errors_cross_processes(kind: str, code: int, words: str) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool, pytest.raises(GenappsError, match=words) as e:
        pool.submit(fail, kind).result()
    assert e.value.exit_code == code


def test_exit_codes() -> None:
    assert [e.exit_code for e in (GenappsError, UsageError, MissingExtra, InputError)] == [1, 2, 2, 3]
