"""Lines of a file that grows, is rotated and cut, and of a pipe: each whole line once and in order."""

from __future__ import annotations

import os
import random
import threading
import tracemalloc
from pathlib import Path

import pytest

from genapps.errors import UsageError
from genapps.io.following import Batch, Lines, Place, Splitter


def lines_of(batches: list[Batch]) -> list[bytes]:
    return [line for batch in batches for line in batch.lines]


def drain(lines: Lines, idle: int = 1) -> list[bytes]:
    """What comes until nothing has come for `idle` looks."""
    found: list[bytes] = []
    for batch in lines.batches(patience=0.02):
        if batch is None:
            idle -= 1
            if not idle:
                break
        else:
            found += batch.lines
    return found


@pytest.mark.parametrize("seed", range(20))
def test_pieces_of_any_size_make_the_same_lines(seed: int) -> None:
    draws = random.Random(seed)
    text = b"".join(bytes(draws.choices(b"ab,", k=draws.randrange(12))) + b"\n" for _ in range(60)) + b"rest"
    splitter, found, place = Splitter(longest=8), [], 0
    while place < len(text):
        size = draws.randrange(1, 40)
        for batch in splitter.feed(text[place : place + size]):
            assert text[batch.start :].startswith(b"\n".join(batch.lines))
            assert text[: batch.start].count(b"\n") == batch.first
            found.append(batch)
        place += size
    whole = text.split(b"\n")
    assert lines_of(found) == [line for line in whole[:-1] if len(line) <= 8]
    assert splitter.dropped == sum(len(line) > 8 for line in whole[:-1])
    assert lines_of(list(splitter.finish())) == [b"rest"]


def test_a_line_of_ten_megabytes_is_left_out_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"one\n" + b"x" * 10_000_000 + b"\ntwo\n")
    lines = Lines(str(path))
    assert lines_of([b for b in lines.batches() if b]) == [b"one", b"two"]
    assert lines.oversized == 1 and lines.place().line == 3


def test_a_long_line_is_cut_where_that_is_asked_and_the_next_one_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"one\n" + b"x" * 10_000_000 + b"\ntwo\n" + b"y" * 70_000)
    lines = Lines(str(path), longest=100, shorten=True, keep_cut=True)
    found = []
    for batch in lines.batches():
        assert batch is not None
        found += batch.lines
        for place in (lines.place(), lines.place(batch, len(batch.lines))):
            assert path.read_bytes()[: place.offset].endswith(bytes.fromhex(place.before))
            rest = Lines(str(path), longest=100, shorten=True, place=place)
            assert lines_of([b for b in rest.batches() if b]) == [b"one", b"x" * 100, b"two", b"y" * 100][place.line :]
    assert found == [b"one", b"x" * 100, b"two"] and lines.oversized == 0


def test_an_endless_line_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"x" * 20_000_000)
    lines = Lines(str(path), follow=True)
    tracemalloc.start()
    assert drain(lines) == []
    assert tracemalloc.get_traced_memory()[1] < 3_000_000
    tracemalloc.stop()


def test_a_half_written_line_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a\nb")
    lines = Lines(str(path), follow=True)
    assert drain(lines) == [b"a"]
    with path.open("ab") as file:
        file.write(b"c\nd\n")
    assert drain(lines) == [b"bc", b"d"]


def test_the_end_of_a_file_ends_its_last_line_unless_it_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a\nb")
    assert lines_of([b for b in Lines(str(path)).batches() if b]) == [b"a", b"b"]
    kept = Lines(str(path), keep_cut=True)
    assert lines_of([b for b in kept.batches() if b]) == [b"a"]
    with path.open("ab") as file:
        file.write(b"c\n")
    assert lines_of([b for b in Lines(str(path), place=kept.place()).batches() if b]) == [b"bc"]


def test_a_renamed_file_is_read_to_its_end_first(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a\n")
    lines = Lines(str(path), follow=True)
    assert drain(lines) == [b"a"]
    with path.open("ab") as file:
        path.rename(tmp_path / "a.csv.1")
        file.write(b"b\nhalf")
    assert drain(lines) == [b"b"]
    path.write_bytes(b"c\n")
    assert drain(lines) == [b"half", b"c"]
    assert "rotated" in lines.notes[0]


@pytest.mark.parametrize("longer", [False, True])
def test_a_cut_file_is_begun_again(tmp_path: Path, longer: bool) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"first\nsecond\n")
    lines = Lines(str(path), follow=True)
    assert drain(lines) == [b"first", b"second"]
    new = b"third\nfourth\nfifth\n" if longer else b"third\n"
    path.write_bytes(new)  # the same file, cut and written anew
    assert drain(lines) == new.split()
    assert "cut" in lines.notes[0]


def test_going_on_after_any_number_of_rotations(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a\nb\n")
    lines = Lines(str(path), follow=True)
    assert drain(lines) == [b"a", b"b"]
    place = lines.place()
    with path.open("ab") as file:
        file.write(b"c\n")
    for name, text in (("a.csv.2", b"d\n"), ("a.csv.1", b"e\n")):
        path.rename(tmp_path / name)
        path.write_bytes(text)
        os.utime(path, ns=(0, path.stat().st_mtime_ns + 1_000_000))
    on = Lines(str(path), follow=True, place=place)
    assert drain(on) == [b"c", b"d", b"e"]


def test_going_on_in_the_copy_of_a_file_that_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"x" * 300 + b"\nb\n")
    lines = Lines(str(path), follow=True)
    drain(lines)
    with path.open("ab") as file:
        file.write(b"c\n")
    place = lines.place()
    (tmp_path / "a.csv.1").write_bytes(path.read_bytes())
    path.write_bytes(b"d\n")
    assert drain(Lines(str(path), follow=True, place=place)) == [b"c", b"d"]


def test_each_place_between_batches_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"".join(b"%d\n" % k for k in range(999)) + b"half")
    lines = Lines(str(path), follow=True)
    drain(lines)
    with path.open("ab") as file:
        file.write(b"a\nb\nc\n")
    found = []
    for batch in lines.batches(patience=0.02):
        if batch is None:
            break
        found += batch.lines
        place = lines.place()
        assert path.read_bytes()[: place.offset].endswith(bytes.fromhex(place.before))
        rest = b"".join(line + b"\n" for line in drain(Lines(str(path), follow=True, place=place)))
        assert path.read_bytes()[place.offset :] == rest
    assert found == [b"halfa", b"b", b"c"]


def test_what_is_gone_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"new\n")
    lines = Lines(str(path), place=Place(10, 3, 1, 1, b"some old\n".hex()))
    assert lines_of([b for b in lines.batches() if b]) == [b"new"]
    assert "may be missing" in lines.notes[0]


def test_a_pipe_is_read_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def write() -> None:
        with path.open("wb", 0) as pipe:
            for piece in (b"a\nb", b"b\n", b"c"):
                pipe.write(piece)

    writer = threading.Thread(target=write)
    writer.start()
    found = lines_of([b for b in Lines(str(path)).batches() if b])
    writer.join()
    assert found == [b"a", b"bb", b"c"]


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        Lines(str(tmp_path / "none.csv"))
