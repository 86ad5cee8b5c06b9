"""The frameworks start quietly, and both work in one process."""

import pytest

from tests.helpers import run_python

pytestmark = pytest.mark.slow


def test_both_frameworks_work_in_one_process(workers):
    """After the import cell of the comparison, an optimizer of each, which crashed elsewhere.

    The fixture sees to it that the process then ends without a crash, which happened, too.
    """
    assert workers.ask("both", "start") == pytest.approx([0.001, 0.001], rel=1e-3)


def test_keras_starts_quietly():
    start = run_python("-c", "from fmnist.quiet import quiet_start\nwith quiet_start():\n    import keras\n")
    assert start.returncode == 0
    assert start.stderr == ""
