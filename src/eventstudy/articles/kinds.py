"""The kinds of events that move oil, as a desk names them."""

from __future__ import annotations

from typing import Final

KINDS: Final = (
    "military strike",
    "energy attack",
    "war outbreak",
    "peace talks",
    "sanctions",
    "embargo or price cap",
    "producer decision",
    "supply offer or release",
    "export outage or restart",
    "shipping disruption",
    "regime change or unrest",
    "territorial claim",
    "statement or threat",
    "demand news",
    "other",
)
