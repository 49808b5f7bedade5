"""Size and power of the tests on real sessions, and closed forms that keep the harness honest."""
