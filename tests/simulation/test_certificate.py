"""Size of the default tests on real sessions, and the certificate that ships."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from eventstudy.certify import certify
from eventstudy.certify.page import certificate_page
from eventstudy.certify.rows import Certificate, CertificateRow
from eventstudy.prices.loading import load_prices

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def returns():
    prices = load_prices("wti-spot-1986").frame["wti_spot"].dropna().to_numpy()
    return np.diff(np.log(prices))


@pytest.fixture(scope="module")
def shipped():
    return json.loads((DOCS / "certificate.json").read_text("utf-8"))


@pytest.mark.slow
def test_the_quick_certificate_is_inside_its_bands(returns):
    found = certify(returns, series="WTI spot", form="quick", seed=1)
    assert found.ok, found.outside


def test_the_shipped_certificate_is_of_the_series_that_is_installed(returns, shipped):
    digest = hashlib.sha256(np.ascontiguousarray(returns).tobytes()).hexdigest()
    assert shipped["sha256"] == digest
    assert shipped["form"] == "full"


def test_the_shipped_certificate_keeps_every_band(shipped):
    assert shipped["ok"] is True
    rows = {(r["panel"], r["cell"], r["test"]): r for r in shipped["rows"]}
    for sessions, test in ((1, "vfc"), (1, "fhs"), (3, "fhs"), (5, "fhs"), (11, "fhs")):
        for fifth in range(1, 6):
            row = rows["single", f"W={sessions} fifth {fifth}", test]
            assert 0.035 <= row["rejection"] <= 0.065
            assert (row["low"], row["high"]) == (0.035, 0.065)
    for design in ("independent", "clustered", "turbulent"):
        for n in (5, 10, 20):
            for sessions in (1, 5):
                for test in ("overlap_z", "shift_sharp", "shift_mean"):
                    row = rows["events", f"{design} N={n} W={sessions}", test]
                    assert row["n"] == 2000
                    assert 0.035 <= row["rejection"] <= 0.065
    # naive tests in the bad range they are known for: the harness can see a bad size
    assert rows["single", "W=1 fifth 5", "t"]["rejection"] > 0.12
    assert rows["single", "W=1 fifth 1", "sq"]["rejection"] < 0.02
    assert rows["events", "clustered N=10 W=5", "cross_sectional_t"]["rejection"] > 0.2
    assert rows["events", "clustered N=20 W=5", "bmp"]["rejection"] > 0.19


def test_the_shipped_page_is_made_from_the_shipped_rows(shipped):
    def value(row, key):
        return float("nan") if row[key] is None else row[key]

    rows = tuple(
        CertificateRow(**{k: value(r, k) if k in {"low", "high"} else r[k] for k in r})
        for r in shipped["rows"]
    )
    head = {k: shipped[k] for k in ("series", "sha256", "first", "last", "sessions", "form",
                                    "seed", "command")}  # fmt: skip
    page = certificate_page(Certificate(rows, **head), figure="certificate.svg")
    assert (DOCS / "certificate.md").read_text("utf-8") == page
