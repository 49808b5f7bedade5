"""Prices: contracts, series, store and sources."""
