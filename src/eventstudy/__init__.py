"""Event studies for one or a few oil prices and many dated events."""

from __future__ import annotations

__version__ = "0.1.0"
