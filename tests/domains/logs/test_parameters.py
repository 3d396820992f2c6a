"""What is usual in a variable place: ranges, choices and forms, in bounded memory; what is far from it has a reason."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genapps_logs.parameters import CHOICES, KEPT, Place, Usual, classes_of, number_of


def learnt(kind: str, values: list[str]) -> Place:
    place = Place(kind)
    for value in values:
        place.take(value)
    return place


def usual(kind: str, values: list[str], alone: bool = False) -> Usual:
    found = learnt(kind, values).usual(alone)
    assert found is not None
    return found


def test_a_number_far_outside_is_told_with_what_is_normal() -> None:
    draw = random.Random(1)
    known = usual("DURATION", [f"{draw.randint(3, 120)}" for _ in range(400)])
    assert known.unusual("98,000") == "98,000; normal 3 to 120"
    assert all(known.unusual(str(value)) is None for value in (1, 3, 60, 120, 200, 250))
    assert known.unusual("word") is None, "what is no number is not judged as one"


@given(st.lists(st.floats(-1e6, 1e6), min_size=60, max_size=300))
def test_what_was_seen_is_never_unusual(numbers: list[float]) -> None:
    values = [repr(number) for number in numbers]
    known = learnt("NUM", values).usual()
    assert known is None or all(known.unusual(value) is None for value in values)


def test_heavy_tails_are_given_more_room() -> None:
    draw = random.Random(2)
    values = [draw.paretovariate(1.0) for _ in range(2000)]
    known = usual("NUM", [f"{value:.3f}" for value in values])
    fresh = [draw.paretovariate(1.0) for _ in range(20_000)]
    assert sum(known.unusual(f"{value:.3f}") is not None for value in fresh) <= 3


def test_a_counter_is_left_alone() -> None:
    assert learnt("NUM", [str(k) for k in range(1000)]).usual() is None


def test_a_new_value_where_there_were_few() -> None:
    draw = random.Random(3)
    known = usual("NUM", [draw.choice(["200", "304", "404"]) for _ in range(500)])
    assert str(known.unusual("503")).startswith("503 is new here; so far ")
    assert known.unusual("404") is None
    assert known.p == pytest.approx(1 / 501)
    names = [f"user{draw.randrange(2000)}" for _ in range(3000)]
    open_ended = usual("*", names)
    assert open_ended.unusual("user99999") is None, "of so many a new one is no news"


def test_forms_and_lengths_of_texts() -> None:
    draw = random.Random(4)
    known = usual("PATH", [f"/items/{draw.randrange(10**6)}/view" for _ in range(1000)])
    assert known.unusual("/items/7/view") is None
    assert "steps up" in str(known.unusual("/items/../../etc/passwd"))
    assert "quotes" in str(known.unusual("/items/1'--"))
    assert "characters; normal at most" in str(known.unusual("/items/" + "9" * 200))
    assert known.unusual("/items/é") is not None


def test_memory_is_bounded_and_state_is_whole() -> None:
    draw = random.Random(5)
    numbers = learnt("NUM", [str(draw.random()) for _ in range(50_000)])
    texts = learnt("*", [f"{draw.random()}" * 20 for _ in range(2000)])
    assert len(numbers.numbers) <= KEPT and numbers.choices is None and texts.choices is None
    for place in (numbers, texts, learnt("NUM", ["1", "2"] * 200)):
        again = Place.restore(json.loads(json.dumps(place.state())))
        assert again.state() == place.state() and again.usual() == place.usual()
        assert place.choices is None or len(place.choices) <= CHOICES


def test_a_log_that_is_its_own_reference_can_still_tell_the_outermost() -> None:
    draw = random.Random(6)
    values = [str(draw.randint(3, 120)) for _ in range(500)] + ["98000"]
    assert usual("NUM", values).unusual("98000") is None
    assert usual("NUM", values, alone=True).unusual("98000") is not None


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12.0), ("-3.5", -3.5), ("1,234", 1234.0), ("1.5ms", 0.0015), ("2KB", 2048.0), ("1.2.3", None), ("x", None)],
)
def test_numbers_with_their_units(text: str, number: float | None) -> None:
    assert number_of(text) == (None if number is None else pytest.approx(number))


def test_classes_of_characters() -> None:
    assert classes_of("abc") != classes_of("abc1") != classes_of("abc1;")
    assert classes_of("/_-.") == 0
