"""The verdict is read against what other real rows reach."""

from genapps.report.measured import Control, Measured
from genapps_timeseries.synthesis.verdict import judge


def measures(auc, other=0.5, told=0.4, real=0.4, nearness=1.0, usual=1.0, copied=1.0):
    """The figures that a verdict looks at."""
    return (
        Measured("two_sample_auc", "apart", "half", auc, (Control("ceiling", "other", other),)),
        Measured("forecast", "forecast", "higher", told, (Control("ceiling", "other", real),)),
        Measured("nearness", "nearness", "higher", nearness, (Control("ceiling", "other", usual),)),
        Measured("copied_rows", "copied", "lower", copied, (Control("copied", "copies", 50.0),)),
    )


def test_levels_follow_likeness_and_usefulness():
    assert judge(measures(0.55)).level == "good"
    assert judge(measures(0.80)).level == "usable"
    assert judge(measures(0.95)).level == "poor"
    assert judge(measures(0.2)).level == judge(measures(0.5, other=0.2)).level == "good"  # below a half is not told
    assert judge(measures(0.55, told=0.25)).level == "usable"
    assert judge(measures(0.55, told=0.05)).level == "poor"
    assert judge(measures(None)).level == "usable"


def test_where_real_stretches_differ_that_is_said():
    found = judge(measures(0.9, other=0.85))
    assert found.level == "good"
    assert "stretches of this series differ (0.85)" in found.text
    assert "hardly" not in found.text


def test_copies_are_called_so():
    for made in (measures(0.5, nearness=0.2), measures(0.5, copied=40.0)):
        assert judge(made).level == "usable"
        assert "close to the rows learnt from" in judge(made).text
    assert judge(measures(0.5, nearness=0.2, usual=0.1)).level == "good"
