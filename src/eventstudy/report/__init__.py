"""A result as a folder of files: a typeset PDF, figures, tables and JSON."""

from __future__ import annotations

from eventstudy.report.folder import check_folder
from eventstudy.report.write import ReportFiles, write_report

__all__ = ["ReportFiles", "check_folder", "write_report"]
