"""The time to an accuracy: who takes turns with whom, when a training ends, and what is made of the seconds."""

import math
from typing import ClassVar

import pytest

from fmnist import taught
from tools.measure import time_to_accuracy


class Scripted:
    """A worker whose trainings take 2 seconds an epoch and reach what is written down; it notes what it was asked."""

    asked: ClassVar[list] = []

    def __init__(self, accuracies):
        self.accuracies, self.laps = accuracies, {}

    def ask(self, do, way, seed=None):
        self.asked.append((do, way))
        if do == "race":
            self.laps[way] = iter(self.accuracies[way])
            return {"epochs": len(self.accuracies[way])}
        return {"seconds": 2.0, "accuracy": next(self.laps[way])}


@pytest.fixture
def workers(monkeypatch):
    monkeypatch.setattr(Scripted, "asked", [])
    curves = {"tutorial": [0.90, 0.91, 0.92, 0.93], "chapter": [0.90, 0.91], "residual": [0.92, 0.93]}
    return {"pytorch": Scripted(curves)}


def test_trainings_take_turns_until_each_is_there_or_at_its_end(workers, capsys):
    found = time_to_accuracy.measure(workers, ["pytorch"], seeds=[1], most=None)
    laps = [way for do, way in Scripted.asked if do == "lap"]
    assert laps == ["tutorial", "chapter", "residual", "tutorial", "chapter", "tutorial"]
    runs = {way: runs[0] for (_, way), runs in found.items()}
    assert runs["tutorial"] == {"seed": 1, "seconds": [2, 4, 6], "accuracy": [0.90, 0.91, 0.92], "reached": 6}
    assert runs["chapter"]["reached"] is None and runs["chapter"]["seconds"] == [2, 4]
    assert runs["residual"]["reached"] == 2
    assert "chapter 06, half width" in capsys.readouterr().out


def test_a_quick_look_ends_early(workers):
    found = time_to_accuracy.measure(workers, ["pytorch"], seeds=[1], most=1)
    assert [len(runs[0]["seconds"]) for runs in found.values()] == [1, 1, 1]


def test_an_interrupted_measurement_goes_on_with_the_next_seed(workers, tmp_path, monkeypatch):
    kept = tmp_path / "benchmark.partial.json"
    first = time_to_accuracy.measure(workers, ["pytorch"], [1], most=None, kept=kept)
    Scripted.asked.clear()
    found = time_to_accuracy.measure(workers, ["pytorch"], [1, 2], most=None, kept=kept)
    assert [do for do, _ in Scripted.asked].count("race") == 3, "only the second seed"
    assert {row: runs[:1] for row, runs in found.items()} == first
    assert [run["seed"] for run in found["pytorch", "residual"]] == [1, 2]
    monkeypatch.setattr(time_to_accuracy, "conditions", lambda: ["another machine"])
    assert time_to_accuracy.resume(kept) == {}


def test_the_kept_seeds_belong_to_the_code_that_trains(monkeypatch):
    before = time_to_accuracy.conditions()
    assert time_to_accuracy.conditions() == before
    sources = taught.tagged_sources
    monkeypatch.setattr(taught, "tagged_sources", lambda *names: [f"{cell}\nx = 1" for cell in sources(*names)])
    assert time_to_accuracy.conditions() != before


def runs(*reached):
    return [{"seed": k, "seconds": [r or 9.0], "accuracy": [0.9], "reached": r} for k, r in enumerate(reached, start=1)]


def test_a_seed_that_never_gets_there_is_infinitely_late():
    found = time_to_accuracy.summarise({
        ("pytorch", "tutorial"): runs(100.0, 300.0, None),
        ("pytorch", "chapter"): runs(None, None, 50.0),
        ("pytorch", "residual"): runs(60.0, 30.0, 50.0),
        ("keras", "tutorial"): runs(None, None, None),
        ("keras", "chapter"): runs(10.0, 20.0, 30.0),
        ("keras", "residual"): runs(10.0, 20.0, 30.0),
    })  # fmt: skip
    assert found["seeds"] == [1, 2, 3] and found["target"] == 0.915
    medians = {(row["framework"], row["way"]): row["median"] for row in found["rows"]}
    assert medians["pytorch", "tutorial"] == 300 and medians["pytorch", "chapter"] is None
    faster = {(row["framework"], row["way"]): row["times_faster"] for row in found["rows"]}
    assert math.isclose(faster["pytorch", "residual"], 6) and faster["pytorch", "chapter"] is None
    assert faster["keras", "residual"] is None, "the usual way never got there"
    reached = [row["is_target_reached"] for row in found["rows"] if "target" in row]
    assert reached == [True, False]
    lines = time_to_accuracy.table(found).splitlines()
    assert len(lines) == 7 and "6.0x" in lines[3] and "5x reached" in lines[3] and "never" in lines[2]


def test_each_way_trains_in_the_process_that_belongs_to_it():
    assert time_to_accuracy.process_of("keras", "tutorial") == "keras_plain"
    assert time_to_accuracy.process_of("keras", "residual") == "keras"
    assert time_to_accuracy.process_of("pytorch", "tutorial") == "pytorch"
