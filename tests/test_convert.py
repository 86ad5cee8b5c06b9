"""What fashion.convert carries over: arrays, functions, gradients and trainings, in both directions.

The checks are in both_frameworks.py. They run once, in a process of their own, so that this one stays free of both
frameworks; here is a test for each of them.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("both_frameworks.py")
CHECKS = re.findall(r"^def check_(\w+)\(", SCRIPT.read_text(encoding="utf-8"), re.MULTILINE)
# The networks are tiny: more threads would only wait for each other.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")


@pytest.fixture(scope="module")
def done():
    command = [sys.executable, str(SCRIPT)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, env={**os.environ, **ONE_THREAD})


def results(done):
    assert done.returncode == 0, (done.returncode, done.stderr)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {result["name"]: result for result in lines}


@pytest.mark.slow
@pytest.mark.parametrize("name", CHECKS)
def test_conversion(done, name):
    result = results(done)[name]
    assert result["error"] is None, result["error"]


@pytest.mark.slow
def test_every_check_has_run(done):
    assert list(results(done)) == CHECKS
    assert len(CHECKS) == len(set(CHECKS)) > 40
