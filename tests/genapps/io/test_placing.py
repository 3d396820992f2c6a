"""Folders of results are refused before any work is done, with what to do instead."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest

from genapps.errors import GenappsError
from genapps.io.placing import check_folder


def test_a_place_that_allows_folders_and_then_refuses_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_folder(tmp_path / "new" / "deep", [])
    assert not list(tmp_path.iterdir())

    def refused(**_: object) -> str:
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))  # what /proc says

    monkeypatch.setattr(tempfile, "mkdtemp", refused)
    with pytest.raises(GenappsError, match=r"no folder can be made in .* \(No such file.*\); choose another place"):
        check_folder(tmp_path / "new", [])
