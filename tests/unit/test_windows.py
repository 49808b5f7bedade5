"""Windows are closed intervals; estimation windows never reach the event window."""

import pytest

from eventstudy.errors import WindowError
from eventstudy.windows import Window, as_window, estimation_window


def test_window_counts_both_ends() -> None:
    window = Window(-5, 5)
    assert len(window) == 11
    assert list(window.taus) == list(range(-5, 6))
    assert window.suffix == "-5_5"
    assert str(window) == "[-5,5]"
    assert 0 in window
    assert 6 not in window


@pytest.mark.parametrize("pair", [(1, 0), (0.0, 1), (True, 1), ("a", 1)])
def test_impossible_windows_are_refused(pair: tuple) -> None:
    with pytest.raises(WindowError):
        Window(*pair)


@pytest.mark.parametrize("value", ["05", [1], [1, 2, 3], 5, None])
def test_only_pairs_are_windows(value: object) -> None:
    with pytest.raises(WindowError):
        as_window(value)


def test_estimation_of_a_number_ends_before_the_gap() -> None:
    assert estimation_window(Window(-5, 5), 250, gap=10) == Window(-265, -16)
    assert estimation_window(Window(0, 0), 120) == Window(-120, -1)


def test_estimation_pair_is_taken_as_it_is() -> None:
    assert estimation_window(Window(-5, 5), (-260, -11)) == Window(-260, -11)


@pytest.mark.parametrize("pair", [(-100, -5), (-100, 0), (-3, -1), (6, 100)])
def test_overlapping_estimation_is_refused(pair: tuple[int, int]) -> None:
    with pytest.raises(WindowError, match=r"must end at -6 or before"):
        estimation_window(Window(-5, 5), pair)


@pytest.mark.parametrize(("length", "gap"), [(0, 0), (-1, 0), (10, -1), (True, 0)])
def test_estimation_numbers_must_be_possible(length: int, gap: int) -> None:
    with pytest.raises(WindowError):
        estimation_window(Window(0, 0), length, gap=gap)


def test_cover_and_overlap() -> None:
    assert Window(-5, 5).covers(Window(0, 4))
    assert not Window(0, 4).covers(Window(-1, 4))
    assert Window(0, 4).overlaps(Window(4, 9))
    assert not Window(0, 4).overlaps(Window(5, 9))
