"""Price and return paths with a known effect, for tests, size studies and examples."""

from eventstudy.simulate.designs import (
    ConstantVolatility,
    Effect,
    Garch,
    Jumps,
    Market,
    Simulation,
)
from eventstudy.simulate.paths import simulate, write_wide

__all__ = [
    "ConstantVolatility",
    "Effect",
    "Garch",
    "Jumps",
    "Market",
    "Simulation",
    "simulate",
    "write_wide",
]
