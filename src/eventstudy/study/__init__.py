"""Studies: the design, and the run that turns events and prices into a result."""

from eventstudy.study.design import ReportOptions, Study, StudyInputs, with_assets
from eventstudy.study.run import check_history, prepare, run_study

__all__ = [
    "ReportOptions",
    "Study",
    "StudyInputs",
    "check_history",
    "prepare",
    "run_study",
    "with_assets",
]
