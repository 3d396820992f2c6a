"""A target holds its old bytes or its new ones, never a mixture, whatever happens in between."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from genapps.errors import GenappsError, UsageError
from genapps.io.atomic import check_apart, check_target, partial_path, replacing


def test_the_file_appears_whole_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "rows.csv"
    with replacing(target) as handle:
        handle.write(b"new")
        assert not target.exists()
        assert Path(handle.name) == tmp_path / ".rows.csv.partial" == partial_path(target)
    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GenappsError])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "rows.csv"
    target.write_bytes(b"old")
    with pytest.raises(error), replacing(target) as handle:
        handle.write(b"new")
        raise error
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_the_partial_file_of_a_killed_run_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "rows.csv"
    partial_path(target).write_bytes(b"left behind" * 100)
    with replacing(target) as handle:
        handle.write(b"new")
    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]


def test_of_two_writers_the_earlier_gives_up(tmp_path: Path) -> None:
    target = tmp_path / "rows.csv"
    with pytest.raises(GenappsError, match="another process is writing"), replacing(target) as first:
        first.write(b"first")
        with replacing(target) as second:
            second.write(b"second")
    assert target.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [target]


def test_the_file_keeps_its_permissions_and_a_link_its_place(tmp_path: Path) -> None:
    target = tmp_path / "folder" / "rows.csv"
    target.parent.mkdir()
    target.write_bytes(b"old")
    target.chmod(0o640)
    link = tmp_path / "link.csv"
    link.symlink_to(target)
    with replacing(link) as handle:
        handle.write(b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_directory_and_a_missing_folder_are_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a directory"), replacing(tmp_path):
        pass
    with pytest.raises(UsageError, match="mkdir -p"), replacing(tmp_path / "no" / "rows.csv"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_that_has_no_path_is_written_directly() -> None:
    code = "from genapps.io.atomic import replacing\nwith replacing('/dev/stdout') as out:\n    out.write(b'row')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=300)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"row", b"")


def test_a_device_is_written_directly_and_a_full_one_is_named() -> None:
    with replacing(Path(os.devnull)) as handle:
        handle.write(b"gone")
    with pytest.raises(GenappsError, match="/dev/full: disk full") as failure, replacing("/dev/full") as handle:
        handle.write(b"x" * 100_000)
    assert failure.value.exit_code == 1


def test_an_error_of_another_file_is_not_explained_as_ours(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "rows.csv"):
        (tmp_path / "other").read_bytes()


_WRITE = """
import sys
from genapps.errors import GenappsError
from genapps.io.atomic import replacing
try:
    with replacing(sys.argv[1]) as handle:
        for _ in range(100):
            handle.write(b"y" * 10_000)
except GenappsError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@pytest.mark.parametrize("size", [0, 1, 9_999, 10_000, 123_456, 999_999])
def test_a_disk_that_fills_up_at_any_moment(
    tmp_path: Path, size: int, full_disk: Callable[[int], Callable[[], None]]
) -> None:
    target = tmp_path / "rows.csv"
    target.write_bytes(b"old")
    done = _python(_WRITE, target, preexec_fn=full_disk(size))
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == f"{target}: disk full while writing it; free some space and run again\n"
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("forbidden", ["folder", "file"])
def test_no_permission(tmp_path: Path, forbidden: str, unprivileged: Callable[[], None]) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    target = folder / "rows.csv"
    target.write_bytes(b"old")
    (folder if forbidden == "folder" else target).chmod(0o500 if forbidden == "folder" else 0o400)
    other = target if forbidden == "file" else folder / "new.csv"
    done = _python(_WRITE, other, preexec_fn=unprivileged)
    assert (done.returncode, done.stderr) == (1, "")
    assert "no permission to write" in done.stdout
    assert target.read_bytes() == b"old"


def test_check_target_agrees_with_writing(tmp_path: Path) -> None:
    check_target(tmp_path / "rows.csv")
    with pytest.raises(UsageError):
        check_target(tmp_path)
    assert list(tmp_path.iterdir()) == []


_KILLS = """
import os, random, signal, sys, time
from genapps.io.atomic import replacing

target, kills = sys.argv[1], int(sys.argv[2])
draw = random.Random(7)
whole = cut = 0
for turn in range(kills):
    before = open(target, "rb").read()
    begun, begin = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(begin, b"!")
        letter = bytes([65 + turn % 26])
        for _ in range(1000):
            with replacing(target) as handle:
                for _ in range(64):
                    handle.write(letter * 4096)
        os._exit(0)
    os.read(begun, 1)  # on a busy machine a child may start late
    time.sleep(draw.uniform(0, 0.02))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(begun), os.close(begin)
    after = open(target, "rb").read()
    whole += len(after) == 64 * 4096 and len(set(after)) == 1
    cut += os.path.exists(os.path.join(os.path.dirname(target), ".rows.csv.partial"))
print(whole, cut)
"""


def test_fifty_kills_tear_no_file(tmp_path: Path) -> None:
    target = tmp_path / "rows.csv"
    target.write_bytes(b"A" * 64 * 4096)
    done = _python(_KILLS, target, 50)
    assert done.returncode == 0, done.stderr
    whole, cut = map(int, done.stdout.split())
    assert whole == 50
    assert cut > 10  # the kills did fall into the writing
    assert {path.name for path in tmp_path.iterdir()} <= {"rows.csv", ".rows.csv.partial"}


def _python(code: str, *words: object, **settings: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-B", "-c", code, *map(str, words)], capture_output=True, text=True, timeout=300, **settings
    )


def test_nothing_is_written_over_what_is_read_or_another_result(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    check_apart((a, None, "-", "-"), (b, None, "-"))
    with pytest.raises(UsageError, match="would overwrite"):
        check_apart((a,), (tmp_path / "." / "a",))
    with pytest.raises(UsageError, match="would overwrite"):
        check_apart((a, a))
