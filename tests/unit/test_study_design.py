"""The design of a study: windows that fit one another."""

import pytest

from eventstudy.errors import StudyError
from eventstudy.study import Study
from eventstudy.windows import Window


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ((-5, 5), [(0, 0), (0, 1), (0, 4)]),
        ((0, 4), [(0, 0), (0, 1), (0, 4)]),
        ((-1, 1), [(0, 0), (0, 1), (-1, 1)]),
        ((0, 1), [(0, 0), (0, 1)]),
        ((0, 0), [(0, 0)]),
        ((2, 6), [(2, 6)]),
    ],
)
def test_windows_of_a_study_that_names_none_lie_inside_its_event_window(event, expected):
    study = Study(name="x", assets=["a"], event_window=event)
    assert study.car_windows == tuple(Window(*w) for w in expected)
    assert study.settings()["windows"]["car"] == [list(w) for w in expected]


def test_windows_that_are_named_must_fit():
    with pytest.raises(StudyError, match="not inside the event window"):
        Study(name="x", assets=["a"], event_window=(-1, 1), car=[(0, 4)])
    with pytest.raises(StudyError, match="at least one CAR window"):
        Study(name="x", assets=["a"], car=[])


def test_session_zero_is_always_among_the_windows():
    study = Study(name="x", assets=["a"], car=[(-1, 1)])
    assert study.car_windows == (Window(-1, 1), Window(0, 0))
