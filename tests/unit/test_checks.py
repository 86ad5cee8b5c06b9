"""The checks of the exercises know right from wrong, whatever an answer does."""

import importlib

import pytest

from fmnist.checks.common import CheckFailed, call, check, number, require
from tests.cases.answers import Args
from tests.helpers import NOTEBOOKS

MODULES = sorted({path.stem for path in (NOTEBOOKS / "fmnist" / "checks").glob("*.py")} - {"__init__", "common"})


def check_names(module):
    found = importlib.import_module(f"fmnist.checks.{module}")
    return sorted(name for name, value in vars(found).items() if getattr(value, "is_check", False))


def arguments(case):
    answer = case["right"][0]
    return len(answer) if isinstance(answer, Args) else 1


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # some wrong answers divide by zero
@pytest.mark.parametrize("module", MODULES)
def test_checks_know_right_from_wrong(module, capsys, monkeypatch):
    """At least three right answers of each check pass, and at least three wrong ones get the message meant for them."""
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    checks = importlib.import_module(f"fmnist.checks.{module}")
    cases = importlib.import_module(f"tests.cases.{module}")
    assert sorted(cases.CASES) == check_names(module)
    for name, case in cases.CASES.items():
        check = getattr(checks, name)
        assert len(case["right"]) >= 3 and len(case["wrong"]) >= 3, name
        for answer in case["right"]:
            assert check(*answer) if isinstance(answer, Args) else check(answer), (name, capsys.readouterr().out)
            assert capsys.readouterr().out.startswith("Right. "), name
        for answer, fragment in case["wrong"]:
            assert not (check(*answer) if isinstance(answer, Args) else check(answer)), (name, fragment)
            said = " ".join(capsys.readouterr().out.split())
            assert said.startswith("Not yet. ") and fragment in said, (name, said, fragment)
            assert "Traceback" not in said and len(said) < 400, (name, said)
        for nothing in (..., None):
            assert not check(*[nothing] * arguments(case))
            assert capsys.readouterr().out == "Not answered yet.\n", name


@pytest.mark.parametrize("doing", ["validate", "autograde"])
def test_checks_raise_where_nbgrader_runs_the_notebook(monkeypatch, capsys, doing):
    @check
    def is_two(answer):
        require(call(answer) == 2, "That is not two.")
        return "Two is two."

    def broken():
        raise KeyError("oops")

    said = {
        "Not yet. That is not two.": lambda: 3,
        "Not answered yet.": lambda: ...,
        "Not yet. Your code stopped with KeyError: 'oops'": broken,
    }
    monkeypatch.setenv("NBGRADER_EXECUTION", doing)
    assert is_two(lambda: 2) and capsys.readouterr().out == "Right. Two is two.\n"
    for message, answer in [*said.items(), ("Not answered yet.", ...)]:
        with pytest.raises(CheckFailed) as failure:
            is_two(answer)
        assert str(failure.value) == message and failure.value.__context__ is None, "one error, and no other before it"
    monkeypatch.setenv("NBGRADER_EXECUTION", "")
    assert not is_two(...)


def test_a_check_survives_what_an_answer_does(capsys):
    @check
    def doubles(function):
        assert number(call(function, 2)) == 4
        return "Twice."

    def broken(value):
        raise KeyError("oops")

    def empty(value):
        """Nothing here yet."""

    assert doubles(lambda value: 2 * value)
    capsys.readouterr()
    for answer, said in ((broken, "KeyError"), (5, "Expected a function"), (lambda value: "four", "Expected numbers")):
        assert not doubles(answer)
        assert said in capsys.readouterr().out
    assert not doubles(empty)
    assert capsys.readouterr().out == "Not answered yet.\n"
