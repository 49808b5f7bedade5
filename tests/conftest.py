"""Settings of all tests: none depends on how fast the machine is, and the long ones come first."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))  # for `simulate`

# One worker per core: more threads would only be in each other's way. NumPy is not imported yet.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

settings.register_profile("any speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any speed")

FOLDERS = ("simulation", "integration", "property", "golden", "unit")
# Long tests that share nothing are handed out one by one, the tests of any other module together.
ALONE = (
    "tests/simulation/",
    "tests/property/",
    *(f"tests/integration/test_{name}.py" for name in (
        "bad_input", "power_certify_cli", "prices_cli", "refresh_cli", "schedule_cli", "user_study"
    )),
)  # fmt: skip


def pytest_collection_modifyitems(items):
    """Begin with the folders whose tests are long, so that no worker waits for them at the end."""
    order = {f"tests/{folder}": place for place, folder in enumerate(FOLDERS)}
    items.sort(key=lambda item: order.get("/".join(item.nodeid.split("/")[:2]), len(order)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give a worker one long test, or a whole module that shares its fixtures, at a time."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return nodeid if nodeid.startswith(ALONE) else nodeid.split("::")[0]

    if config.getoption("dist") != "load":  # somebody has asked for another one
        return None
    config.option.loadscopereorder = False
    return Scheduling(config, log)
