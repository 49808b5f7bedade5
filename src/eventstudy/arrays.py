"""Names for the arrays that kernels take and return."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
DayArray = npt.NDArray[np.datetime64]
"""Calendar days, ``datetime64[D]``."""

ReturnKind = Literal["log", "simple", "change"]
