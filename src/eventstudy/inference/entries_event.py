"""Entries of the single-event tests."""

from __future__ import annotations

from eventstudy.inference.statistic import Statistic

NO_EFFECT = "the event has no effect on the price"
STEADY = "volatility before the event is that of the estimation window"

EVENT_STATISTICS = (
    Statistic(
        name="t",
        title="textbook t",
        paper="MacKinlay (1997), Journal of Economic Literature 35, 13-39",
        null=NO_EFFECT,
        law="t, L - K degrees of freedom",
        formula="CAR / sqrt V, V = s^2 [W + 1'X*(X'X)^-1 X*'1]",
        meaning="Is the move large against the noise of the estimation window?",
        assumes=("normal abnormal returns", STEADY),
        scope="event",
    ),
    Statistic(
        name="sq",
        title="sample quantile",
        paper="Gelbach, Helland and Klick (2013), American Law and Economics Review 15, 495-541",
        null=NO_EFFECT,
        law="rank among estimation residuals, steps of 1 / (L + 1)",
        formula="(1 + #{|AR_s| >= |AR_0|}) / (L + 1); sums of W residuals for W sessions",
        meaning="How many ordinary sessions before the event moved as much?",
        assumes=(STEADY,),
        scope="event",
    ),
    Statistic(
        name="vfc",
        title="volatility-filtered conformal",
        paper="this package; conformal ranks after Chernozhukov, Wuthrich and Zhu (2021), "
        "JASA 116, 1849-1864",
        null=NO_EFFECT,
        law="rank among filtered returns, steps of 1 / (H + 1)",
        formula="z_s = (r_s - m_s) / sigma_{s|s-1}; (1 + #{|z_s| >= |z_0|}) / (H + 1)",
        meaning="How many sessions moved as much, each measured in the volatility of its time?",
        assumes=("filtered returns are exchangeable",),
        scope="event",
        robust_eiv=True,
    ),
    Statistic(
        name="fhs",
        title="filtered historical simulation",
        paper="Barone-Adesi, Giannopoulos and Vosper (1999), Journal of Futures Markets 19, "
        "583-602",
        null=NO_EFFECT,
        law="simulated CARs, steps of 1 / (B + 1)",
        formula="(1 + #{|CAR_b| >= |CAR|}) / (B + 1), CAR_b from W steps of the filter",
        meaning="How often does a simulated window from today's volatility move as much?",
        assumes=("runs of filtered returns repeat",),
        scope="event",
        robust_eiv=True,
    ),
    Statistic(
        name="conformal",
        title="conformal moving block",
        paper="Chernozhukov, Wuthrich and Zhu (2021), JASA 116, 1849-1864",
        null=NO_EFFECT,
        law="cyclic shifts, steps of 1 / (L + W)",
        formula="share of cyclic shifts of the residuals whose last W sum to as much",
        meaning="A second opinion: how many stretches of the sample moved as much?",
        assumes=("residuals are stationary", STEADY),
        scope="event",
    ),
)
