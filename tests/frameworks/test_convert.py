"""What fmnist.convert carries over: arrays, functions, gradients and trainings, in both directions.

The checks are in workers/conversion.py; here is a test for each of them.
"""

import re

import pytest

from tests.helpers import ROOT

SCRIPT = ROOT / "tests" / "frameworks" / "workers" / "conversion.py"
CHECKS = re.findall(r"^def check_(\w+)\(", SCRIPT.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("name", CHECKS)
def test_conversion(workers, name):
    workers.ask("both", "conversion", name)


def test_no_check_hides_another():
    assert len(CHECKS) == len(set(CHECKS)) > 40
