"""The processes that answer the questions of other tests: a failure or a change must not reach the next question."""

import pytest

from tests.frameworks.workers import Workers

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["keras", "pytorch"])
def test_a_question_leaves_the_process_as_it_was(workers, kind):
    before = workers.ask(kind, "disturb", "look")
    assert kind in before or "torch" in before
    with pytest.raises(AssertionError, match="changed everything"):
        workers.ask(kind, "disturb", "change")
    assert workers.ask(kind, "disturb", "look") == before


def test_every_question_comes_from_one_process(request, workers):
    """Where pytest-xdist knows a test's group, it appends it to the name; else every process starts the frameworks."""
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("the tests run without --dist loadgroup")
    assert request.node.nodeid.endswith("@workers")


@pytest.fixture
def alone():
    """Workers of this test alone, without a framework."""
    started = Workers()
    yield started
    started.close()


def test_what_fails_shows_its_traceback_and_the_process_goes_on(alone):
    with pytest.raises(
        AssertionError, match=r"(?s)disturb failed in the process with none.*in _fail.*ValueError: as it"
    ):
        alone.ask("none", "disturb", "fail")
    assert alone.ask("none", "disturb", "look")["folder"]
    assert alone.close() == {"none": 0}


def test_a_crash_is_reported_and_the_next_question_answered(alone, capfd):
    with pytest.raises(AssertionError, match=r"The process with none ended with exit code -?\d+ while"):
        alone.ask("none", "disturb", "die")
    assert "Fatal Python error" in capfd.readouterr().err
    assert alone.ask("none", "disturb", "look")["folder"]


def test_an_endless_answer_is_given_up(alone):
    with pytest.raises(AssertionError, match="disturb did not answer within 2 seconds"):
        alone.ask("none", "disturb", "sleep", timeout=2)
    assert alone.ask("none", "disturb", "look")["folder"]
