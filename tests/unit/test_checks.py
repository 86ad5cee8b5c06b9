"""The checks of the exercises know right from wrong, whatever an answer does."""

import importlib
import inspect

import numpy as np
import pandas as pd
import pytest

from fmnist.checks import common
from fmnist.checks.calls import timed
from fmnist.checks.common import CheckFailed, array, both, call, check, number, require, slack
from tests.cases.answers import Args, Tensor
from tests.helpers import NOTEBOOKS

# ch01 to ch04 take over the checks of homework, callbacks, inside and trust.
HELPERS = {
    "__init__", "answers", "calls", "common", "homework", "networks", "callbacks", "inside", "trust",
}  # fmt: skip
MODULES = sorted({path.stem for path in (NOTEBOOKS / "fmnist" / "checks").glob("*.py")} - HELPERS)


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
            assert "Traceback" not in said and len(said) < 480, (name, said)
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

    line = broken.__code__.co_firstlineno + 1
    said = {
        "Not yet. That is not two.": lambda: 3,
        "Not answered yet.": lambda: ...,
        f"Not yet. Your code stopped in line {line} (`raise KeyError(\"oops\")`) with KeyError: 'oops'.": broken,
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


def forms(value):
    """Return `value`, an answer that holds numbers, in all the forms in which students have numbers."""
    plain = np.asarray(value)
    if plain.dtype.kind not in "biuf":
        return []
    found = [plain, Tensor(plain), plain.tolist()]
    if plain.ndim == 0:
        return [*found, plain[()], np.array([plain]), pd.Series([plain[()]]), Tensor([plain])]
    if plain.ndim == 1:
        return [*found, tuple(value), pd.Series(plain), [Tensor(part) for part in plain], iter(plain.tolist())]
    return [*found, pd.DataFrame(plain), [Tensor(row) for row in plain]] if plain.ndim == 2 else found


def converting(function, make):
    """A student's function that returns the same in another form."""

    def converted(*arguments):
        result = function(*arguments)
        numbers = isinstance(result, int | float | np.ndarray | np.generic)
        return make(result) if numbers and np.asarray(result).dtype.kind in "biuf" else result

    return converted


MAKERS = [lambda result, k=k: forms(result)[k % len(forms(result))] for k in range(7)]


@pytest.mark.parametrize("module", MODULES)
def test_checks_take_numbers_in_every_form(module, capsys, monkeypatch):
    """NumPy arrays and scalars, lists, tensors, pandas: what an answer is made of does not matter."""
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    checks = importlib.import_module(f"fmnist.checks.{module}")
    for name, case in importlib.import_module(f"tests.cases.{module}").CASES.items():
        check = getattr(checks, name)
        first = case["right"][0]
        arguments = list(first) if isinstance(first, Args) else [first]
        for i, parameter in enumerate(list(inspect.signature(check).parameters)[: len(arguments)]):
            answer = arguments[i]
            if parameter not in check.answers or isinstance(answer, str | dict):
                continue
            if inspect.isfunction(answer):
                others = [converting(answer, make) for make in MAKERS]
            else:
                others = forms_or_none(answer)
            for other in others:
                right = check(*arguments[:i], other, *arguments[i + 1 :])
                assert right, (name, parameter, type(other), capsys.readouterr().out)


def forms_or_none(answer):
    try:
        return forms(answer)
    except ValueError:  # shapes of different lengths, names, objects
        return []


def test_a_message_names_the_line_the_case_and_what_is_missing(capsys):
    @check(given=("labels",))
    def pair(first, second, labels):
        assert number(call(first, np.zeros((5, 2)), 3)) == 1
        array(second, (2,), "the second answer")
        return "Both."

    def said(*answers):
        assert not pair(*answers) and not pair.passed
        return " ".join(capsys.readouterr().out.split())

    def broken(images, count):
        images.append(count)

    def silent(images, count):
        print("the answer is 1", end="")

    line = broken.__code__.co_firstlineno + 1
    assert said(..., ..., [1]) == "Not answered yet."
    assert said(lambda a, b: 1, ..., [1]) == "Not yet. Still missing: `second`."
    assert said(..., [1, 2], [1]) == "Not yet. Still missing: `first`."
    assert said(lambda a, b: 1, [1, ...], [1]) == "Not yet. Value 2 of 2 is still missing in the second answer."
    text = said(broken, [1, 2], [1])
    assert f"in line {line} (`images.append(count)`) with AttributeError" in text
    assert "in the call broken(5×2 float64 array, 3)" in text
    assert "`silent` returned None. Is there a `return`?" in said(silent, [1, 2], [1])
    assert pair(lambda a, b: 1, [1, 2], [1]) and pair.passed


def test_what_given_code_calls_is_watched_too(capsys):
    @check(given=("examine",))
    def examined(build, examine):
        call(examine, build)
        return "Fine."

    def build():
        print(end="")

    assert not examined(build, lambda build: build().shape)
    assert "`build` returned None." in capsys.readouterr().out


def test_a_check_stops_what_does_not_end(capsys, monkeypatch):
    @check
    def ends(function):
        call(function)
        return "It ends."

    def endless():
        try:
            while True:
                pass
        except Exception:
            return 1

    monkeypatch.setattr(common, "LIMIT", 0.5)
    assert not ends(endless)
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("Not yet. Your code was stopped after 0.5 seconds in line") and "Does its loop end?" in said
    assert ends(lambda: 1)


def test_timed_says_how_long_or_what_went_wrong(capsys):
    def empty():
        """Nothing here yet."""

    def broken():
        raise KeyError("oops")

    assert timed(empty) is None and capsys.readouterr().out == ""
    done = timed(lambda: 7)
    assert done.result == 7 and done.problem is None and capsys.readouterr().out.endswith("seconds\n")
    assert "KeyError" in timed(broken).problem and "KeyError" in capsys.readouterr().out


def test_messages_show_enough_digits_and_tolerances_fit_them():
    assert both(1.31114, 1.31106) == "expected 1.31114, found 1.31106"
    assert both(0.5, 0.25) == "expected 0.5000, found 0.2500"
    assert slack(0.02) == pytest.approx(0.0051) and slack(0.0155) == pytest.approx(0.000051)
    assert slack(0.02, least=3) == pytest.approx(0.00051) and slack([0.1, 0.123]) == pytest.approx(0.00051)
