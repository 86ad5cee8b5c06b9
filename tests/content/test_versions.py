"""The committed records were made with the framework versions of the lock, and never with those installed here."""

import functools
import json

import pytest

from fmnist.paths import MODELS
from fmnist.versions import locked_versions

# What computes a result. torchvision only reads the dataset in chapter 01; where a notebook imported it, its version is
# in the notebook's own record of its run.
COMPUTE = ("keras", "tensorflow", "torch")

locked_for = functools.cache(locked_versions)  # a record may hold hundreds of runs


def versions(record):
    """Yield every set of versions in a record: its own, and those of its runs."""
    if "versions" in record:
        yield record["versions"]
    for run in record.get("runs", []):
        yield run["versions"]


def other_versions(record):
    """Return what differs from the lock, as {package: (version in the record, version in the lock)}."""
    found = {}
    for used in versions(record):
        locked = locked_for(".".join(used["python"].split(".")[:2]))
        found |= {name: (used[name], locked[name]) for name in COMPUTE if name in used and used[name] != locked[name]}
    return found


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.json")), ids=lambda path: path.stem)
def test_the_record_was_made_with_the_versions_of_the_lock(path):
    record = json.loads(path.read_text(encoding="utf-8"))
    assert list(versions(record)), "it says no version"
    assert all(set(used) & set(COMPUTE) for used in versions(record))
    assert other_versions(record) == {}, f"models/{path.name} is older than constraints.txt"


@pytest.mark.parametrize("package", ["keras", "torch"])
def test_another_version_in_a_record_is_noticed(package):
    good = {"python": "3.12.1"} | {name: locked_versions("3.12")[name] for name in COMPUTE}
    bad = good | {package: "1.0"}
    for record in ({"versions": bad}, {"runs": [{"versions": good}, {"versions": bad}]}):
        assert other_versions(record) == {package: ("1.0", good[package])}
    assert other_versions({"versions": good}) == {}
