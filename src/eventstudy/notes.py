"""What was moved, dropped, masked, replaced or is missing: said, counted, carried to the report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was moved, dropped, masked, replaced or is missing.

    Parameters
    ----------
    kind : str
        ``moved``, ``ambiguous``, ``confounded``, ``dropped``, ``undated``, ``masked``, ``gap``,
        ``stale``, ``not a session``, ``spot``, ``fallback``, ``roll``, ``note``.
    subject : str
        The event, series or key concerned.
    detail : str
        One sentence.
    """

    kind: str
    subject: str
    detail: str
