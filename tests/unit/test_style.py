"""Lint and format, of the package, the tools, the tests and the cells of the notebooks."""

import pytest

from tests.helpers import ROOT, run_python


@pytest.mark.parametrize("command", [["check"], ["format", "--check", "--diff"]], ids=["lint", "format"])
def test_ruff(command):
    done = run_python("-m", "ruff", *command, "--no-cache", "notebooks", "tests", "tools", cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
