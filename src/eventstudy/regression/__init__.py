"""Regressions on event dummies and on features of events."""
