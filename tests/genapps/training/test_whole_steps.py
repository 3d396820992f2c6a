"""Signals wait for the end of a step, once."""

from __future__ import annotations

import signal
import threading

import pytest

from genapps.training.whole_steps import whole_step


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_for_the_end_and_then_meets_its_handler(number: int) -> None:
    met: list[int] = []
    before = signal.signal(number, lambda n, _: met.append(n))
    try:
        with whole_step():
            signal.raise_signal(number)
            assert not met
        assert met == [number]
        signal.raise_signal(number)
        assert met == [number, number]
    finally:
        signal.signal(number, before)


def test_the_second_one_is_obeyed_at_once() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), whole_step():
        signal.raise_signal(signal.SIGINT)
        done.append("first")
        signal.raise_signal(signal.SIGINT)
        done.append("second")
    assert done == ["first"]


def test_nothing_is_held_back_where_it_is_not_wanted() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), whole_step(wanted=False):
        signal.raise_signal(signal.SIGINT)
        done.append("after")
    assert not done


def test_other_threads_have_no_signals_to_hold() -> None:
    done: list[str] = []

    def work() -> None:
        with whole_step():
            done.append("worked")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == ["worked"]
