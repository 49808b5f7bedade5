"""Where the store is when nobody names it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

STORE_VARIABLE: Final = "EVENTSTUDY_STORE"


def default_store(environment: dict[str, str] | None = None) -> Path:
    """Return where the store is when nobody names it.

    ``EVENTSTUDY_STORE``, else ``data/prices.sqlite`` where the working folder has a ``data``
    folder, else the platform's folder for application data.
    """
    known = dict(os.environ) if environment is None else environment
    if known.get(STORE_VARIABLE):
        return Path(known[STORE_VARIABLE])
    local = Path("data") / "prices.sqlite"
    if local.parent.is_dir():
        return local
    home = Path.home()
    if sys.platform == "win32":
        base = Path(known.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(known.get("XDG_DATA_HOME") or home / ".local" / "share")
    return base / "eventstudy" / "prices.sqlite"
