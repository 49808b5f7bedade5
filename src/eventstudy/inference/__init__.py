"""Tests for abnormal returns, by family, and their registry."""
