"""Every committed model finds its recorded accuracy again on the real test images, on every kind of processor."""

import pytest

from fmnist.records import read_all

pytestmark = pytest.mark.slow

# With and without the library that both frameworks use for some processors, and that rounds differently.
WITH_AND_WITHOUT_ONEDNN = [
    ("keras", "keras", True), ("keras", "keras without oneDNN", False),
    ("pytorch", "pytorch", True), ("pytorch", "pytorch", False),
]  # fmt: skip


@pytest.mark.parametrize(("framework", "kind", "onednn"), WITH_AND_WITHOUT_ONEDNN)
def test_the_model_finds_its_recorded_accuracy_again(framework, kind, onednn, workers):
    found = workers.ask(kind, "evaluate_models", {"onednn": onednn})
    records = {record["name"]: record for record in read_all() if record["framework"] == framework}
    assert set(found) == set(records)
    for name, values in found.items():
        # A processor may round a tie the other way; two images are room enough for that.
        assert abs(values["right"] - round(records[name]["test_accuracy"] * 10_000)) <= 2, name
        assert values["parameters"] == records[name]["parameters"]
