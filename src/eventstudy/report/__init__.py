"""A result as a typeset PDF."""
