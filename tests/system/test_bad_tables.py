"""Whatever a command does with a table, reading it refuses the bad ones alike."""

from __future__ import annotations

import time
from typing import Protocol

import pytest

from genapps.errors import GenappsError
from genapps.io.tables import iter_tables, read_table


class _BadTable(Protocol):
    name: str
    path: str
    exit_code: int
    says: str


def test_every_bad_table_is_refused_in_one_line(bad_table: _BadTable) -> None:
    start = time.process_time()
    for read in (read_table, lambda path: list(iter_tables(path))):
        with pytest.raises(GenappsError) as failure:
            read(bad_table.path)
        assert failure.value.exit_code == bad_table.exit_code
        assert bad_table.says in str(failure.value)
        assert "\n" not in str(failure.value)
    assert time.process_time() - start < 2
