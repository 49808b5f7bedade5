"""Numbers and lists look the same wherever they are shown."""

import pytest

from eventstudy.formats import PLAIN, TYPESET, listed, percent, significant, true_minus

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (PLAIN.number(1234.567), "1234.57"),
        (PLAIN.number(-0.001), "0.00"),
        (PLAIN.signed(0.0), "0.00"),
        (PLAIN.signed(-0.004), "0.00"),
        (PLAIN.signed(0.125, 1), "+0.1"),
        (PLAIN.whole(12.0), "12"),
        (PLAIN.number(NAN), ""),
        (PLAIN.signed(-INF), ""),
        (PLAIN.span(-4.1, 1.2), "-4.10 to +1.20"),
        (PLAIN.span(NAN, 1.2), ""),
        (PLAIN.pvalue(0.0009), "<0.001"),
        (PLAIN.pvalue(0.001), "0.001"),
        (PLAIN.pvalue(NAN), ""),
        (PLAIN.named_pvalue(0.31), "p = 0.310"),
        (PLAIN.named_pvalue(0.0), "p < 0.001"),
        (TYPESET.number(-1234.567), "\u22121\u202f234.57"),
        (TYPESET.span(-4.1, 1.2), "\u22124.10 to +1.20"),
        (TYPESET.pvalue(NAN), "\u2013"),
        (percent(0.05), "5%"),
        (percent(1 - 0.005), "99.5%"),
    ],
)
def test_numbers(shown: str, expected: str) -> None:
    assert shown == expected


@pytest.mark.parametrize(
    ("value", "form", "expected"),
    [
        (0.0123456, "", "0.01235"),
        (0.0123456, "signed", "+0.01235"),
        (0.0001, "pvalue", "<0.001"),
        (12.0, "count", "12"),
        (12345, "", "12345"),
        (NAN, "signed", ""),
    ],
)
def test_declared_formats(value: float, form: str, expected: str) -> None:
    assert significant(value, form) == expected  # type: ignore[arg-type]


def test_lists_say_how_many_more_there_are() -> None:
    names = ["a", "b", "c"]
    assert listed(names, 3) == "a; b; c"
    assert listed(names, 2) == "a; b; and 1 more"
    assert listed(names, 2, sep=", ") == "a, b and 1 more"
    assert listed([]) == ""


def test_minus_signs_leave_dates_and_names_alone() -> None:
    assert true_minus("-1.5% from 2026-01-05 (a-7)") == "\u22121.5% from 2026-01-05 (a-7)"
