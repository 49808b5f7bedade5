"""What a study found: tables with declared columns, notes and provenance, frozen."""

from eventstudy.results.result import (
    SCHEMA,
    Placebos,
    PlaceboSample,
    Provenance,
    StudyResult,
    clean,
    records,
)
from eventstudy.results.tables import ResultTables

__all__ = [
    "SCHEMA",
    "PlaceboSample",
    "Placebos",
    "Provenance",
    "ResultTables",
    "StudyResult",
    "clean",
    "records",
]
