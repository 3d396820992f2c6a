"""What is told of a run that went back, and what is kept of it."""

from genapps.training.settings import Event
from genapps_image.generation.watching import Course, brief, figures_of, full, happened, remedy, summary

SEEN = {"coverage": 0.6, "bins": 45, "of": 50, "spread": 0.9, "real_coverage": 0.97, "real_distance": 0.008}
BACK = "mode collapse: reaches 2 of 50 bins; went back to step 250 with half the learning rate"


def test_each_figure_stands_beside_that_of_real_images() -> None:
    figures = figures_of(Event(500, 3000, 1.0, validation=0.03123, figures=SEEN))
    assert brief(figures) == "covers 60% of the images (real ones 97%), 45 of 50 bins"
    assert full(figures).endswith("spread 0.90 (1), distance 0.0312 (0.0080)")
    assert figures_of(Event(500, 3000, 1.0, validation=0.03)) == {}


def test_what_happened_is_told_with_its_step_and_kept() -> None:
    course = Course()
    events = [Event(250, 900, 1.0, figures=SEEN, validation=0.1), Event(500, 900, 2.0, message=BACK, figures=SEEN)]
    events += [Event(510, 900, 2.0, loss=0.7), Event(600, 900, 2.0, message="training diverged; went back to step 250")]
    for event in events:
        course(event)
    found = course.to_json()
    assert [entry["step"] for entry in found["checks"]] == [250, 500]
    assert found["checks"][0]["distance"] == 0.1 and "distance" not in found["checks"][1]
    assert [happened(event) for event in events] == ["", f"step 500: {BACK}", "", found_line(600)]
    said = summary(found, SEEN)
    assert said[0].endswith("2 checks, 1 collapse") and said[1].startswith("guarded      1 divergence")
    assert remedy(found) == []


def test_a_run_that_ends_in_a_collapse_says_what_to_do() -> None:
    course = Course()
    stop = Event(900, 900, 2.0, message="stopped at step 900: mode collapse: reaches 2 of 50 bins")
    course(stop)
    assert happened(stop) == stop.message
    assert "learning_rate" in remedy(course.to_json())[0]
    course = Course()
    course(Event(900, 900, 2.0, message="stopped at step 900: the held-out loss no longer falls"))
    assert remedy(course.to_json()) == [] and summary(course.to_json(), {}) == []


def found_line(step: int) -> str:
    return f"step {step}: training diverged; went back to step 250"
