"""Series of training runs: what is made, in which order, what is kept, and what is made again."""

import argparse
import concurrent.futures
import json
from typing import ClassVar

import pytest

from tools.measure import resumable


class Inline:
    """In place of a pool of processes: does at once what is submitted."""

    submitted: ClassVar[list] = []

    def __init__(self, processes, context, initializer, initargs):
        self.processes = processes

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def submit(self, function, *arguments):
        future = concurrent.futures.Future()
        self.submitted.append(arguments[-1])
        future.set_result(function(*arguments))
        return future


def run(part, name, seed, **more):
    return {"part": part, "name": name, "seed": seed, "options": {}, **more}


def series(plan, made_by=lambda run: f"code of {run['part']}", alone=()):
    return resumable.Series(
        name="series",
        make=lambda framework, run, parts: {"found": len(run["name"])},
        wanted=plan,
        recipe=lambda framework, run: made_by(run),
        kind=lambda run: run["part"],
        line=lambda run: run["name"],
        shorter=lambda run, epochs: run | {"options": {"epochs": epochs}},
        alone=alone,
    )


@pytest.fixture
def work(tmp_path, monkeypatch, capsys):
    """Return a function that works at a series and returns what is recorded, and the names of what was made."""
    monkeypatch.setattr(concurrent.futures, "ProcessPoolExecutor", Inline)
    monkeypatch.setattr(Inline, "submitted", [])
    monkeypatch.setattr(resumable.common, "versions", lambda framework: {"python": "3"})
    for name in resumable.KEEP_MEMORY:
        monkeypatch.delenv(name, raising=False)

    def act(series, **more):
        options = {
            "parts": None,
            "seeds": None,
            "epochs": None,
            "images": None,
            "processes": 2,
            "folder": tmp_path,
        } | more
        Inline.submitted.clear()
        resumable.work(series, "pytorch", argparse.Namespace(**options))
        return series.read(tmp_path), [each["name"] for each in Inline.submitted]

    return act


A, B, C = run("one", "a", 1), run("one", "b", 1), run("other", "c", 1)


def test_only_the_parts_and_seeds_that_are_asked_for_are_made(work):
    plan = [A, B, C, run("one", "d", 2)]
    assert work(series(lambda framework, known: plan), parts=["one"], seeds=[2])[1] == ["d"]
    assert work(series(lambda framework, known: plan), seeds=[1])[1] == ["a", "b", "c"]


def test_every_run_is_recorded_with_what_made_it(work, capsys):
    recorded, made = work(series(lambda framework, known: [A, B, C]))
    assert made == ["a", "b", "c"]
    for each in recorded:
        assert each["framework"] == "pytorch" and each["versions"] == {"python": "3"} and each["seconds"] >= 0
        assert each["recipe"] == f"code of {each['part']}" and each["found"] == 1
    assert "PyTorch: 3 runs in" in capsys.readouterr().out
    assert work(series(lambda framework, known: [A, B, C]))[1] == [], "nothing is left to do"


def test_what_older_code_made_is_made_again(work):
    plan = lambda framework, known: [A, B, C]  # noqa: E731
    work(series(plan))
    newer = series(plan, made_by=lambda run: "newer" if run["part"] == "other" else f"code of {run['part']}")
    recorded, made = work(newer)
    assert made == ["c"] and {each["name"]: each["recipe"] for each in recorded}["c"] == "newer"


def test_what_has_other_options_is_made_again(work):
    work(series(lambda framework, known: [A, B]))
    recorded, made = work(series(lambda framework, known: [A, B | {"options": {"rate": 1}}]))
    assert made == ["b"] and [each["options"] for each in recorded] == [{}, {"rate": 1}]


def test_what_is_not_in_the_plan_is_dropped(work):
    work(series(lambda framework, known: [A, B]))
    recorded, made = work(series(lambda framework, known: [A, C]))
    assert made == ["c"] and [each["name"] for each in recorded] == ["a", "c"]


def test_runs_of_other_frameworks_stay(work, tmp_path):
    plan = series(lambda framework, known: [A])
    other = C | {"framework": "keras", "recipe": "older"}
    plan.write([other], tmp_path)
    recorded, made = work(plan)
    assert made == ["a"] and other in recorded


def test_a_plan_that_depends_on_results_grows(work):
    def plan(framework, known):
        return [A, *(run("one", "again", each["found"]) for each in known if each["name"] == "a")]

    assert work(series(plan))[1] == ["a", "again"]


def test_what_needs_the_machine_for_itself_comes_last(work):
    timing = run("timing", "t", 0)
    assert work(series(lambda framework, known: [timing, A, B], alone=("timing",)))[1] == ["a", "b", "t"]


def test_only_some_parts_and_fewer_epochs(work):
    plan = series(lambda framework, known: [A, B, C])
    assert work(plan, parts=["other"])[1] == ["c"]
    recorded, made = work(plan, epochs=2)
    assert sorted(made) == ["a", "b", "c"], "c was made with all of its epochs"
    assert all(each["options"] == {"epochs": 2} for each in recorded)


def test_the_record_has_a_line_for_each_run_in_the_order_of_the_plan(tmp_path):
    plan = series(lambda framework, known: [A, B] if framework == "pytorch" else [B])
    assert plan.read(tmp_path) == []
    keras, first, second = B | {"framework": "keras"}, A | {"framework": "pytorch"}, B | {"framework": "pytorch"}
    plan.write([second, first, keras], tmp_path)
    text = plan.path(tmp_path).read_text(encoding="utf-8")
    assert json.loads(text)["runs"] == plan.read(tmp_path) == [keras, first, second]
    assert len(text.splitlines()) == 3 + 4


def test_a_quick_look_needs_a_folder_of_its_own(capsys):
    plan = series(lambda framework, known: [])
    for option in ("--images", "--epochs"):
        with pytest.raises(SystemExit) as caught:
            resumable.read_options(plan, "About.", [option, "400"])
        assert caught.value.code == 2
        assert "--folder" in capsys.readouterr().err
    options = resumable.read_options(plan, "About.", ["--parts", "one", "other", "--framework", "keras"])
    assert options.parts == ["one", "other"] and options.framework == "keras" and options.processes >= 1
