"""The comparison's table "the same step in both" is complete, and each column stays in its framework."""

from tests.frameworks.workers.rosetta import snippets

STEPS = {
    "load and prepare", "seed", "device", "build", "summary", "loss", "optimizer", "one training step",
    "learning-rate schedule", "train", "evaluate", "predict", "save", "load", "early stop, keeping the best",
    "augmentation: flip half of a batch",
}  # fmt: skip


def test_the_table_has_every_step_of_chapter_01():
    keras, pytorch = (snippets(framework) for framework in ("keras", "pytorch"))
    assert set(keras) == set(pytorch) == STEPS
    for code in (*keras.values(), *pytorch.values()):
        assert code.strip()
        assert all(len(line) <= 58 for line in code.splitlines()), code


def test_no_column_uses_the_other_framework():
    keras, pytorch = ("\n".join(snippets(framework).values()) for framework in ("keras", "pytorch"))
    assert "torch" not in keras
    assert "keras" not in pytorch and "tf." not in pytorch
