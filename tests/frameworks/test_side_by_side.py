"""Every snippet of docs/side_by_side.md runs and does what it says; every trap and every message is real.

The checks are in tests/cases/steps.py, the measurements of the traps in tests/cases/traps.py.
"""

import functools
import re

import numpy as np
import pytest

from tests.cases import messages, steps, traps
from tools import side_by_side

TRAPS, MESSAGES = side_by_side.entries(side_by_side.TRAPS), side_by_side.entries(side_by_side.MESSAGES)
FRAMEWORKS = ("keras", "pytorch")


@pytest.mark.slow
@pytest.mark.parametrize("name", side_by_side.steps())
def test_a_step_does_what_it_says_and_the_same_in_both(name, workers):
    keras, pytorch = (workers.ask(framework, "steps", {"step": name}) for framework in FRAMEWORKS)
    assert keras.keys() == pytorch.keys()
    for key, value in keras.items():
        tolerance = {"rtol": 0.1} if key.endswith("~") else {"rtol": 1e-3, "atol": 2e-5}
        np.testing.assert_allclose(pytorch[key], value, **tolerance, err_msg=key)


# A way to spoil a snippet without an error, and the step whose check must notice.
SPOILT = [
    # It trains at rate 0, or does not train, or takes other batches.
    ("keras", "training-loop", "history = ", "optimizer.learning_rate = 0.0\nhistory = "),
    ("pytorch", "training-loop", "        optimizer.step()\n", ""),
    ("pytorch", "early-stopping", "import copy\n", 'import copy\noptimizer.param_groups[0]["lr"] = 0.0\n'),
    ("keras", "learning-rate-schedule", "0.001, decay", "0.0, decay"),
    ("pytorch", "one-training-step", "loss.backward()\n", ""),
    ("keras", "custom-callback", "    batch_size=128,\n", ""),
    ("keras", "freeze-layers", "batch_size=128, ", ""),
    # The state with which it goes on is not the one that was best, or not the whole.
    ("keras", "early-stopping", "restore_best_weights=True", "restore_best_weights=False"),
    ("pytorch", "early-stopping", "copy.deepcopy(model.state_dict())", "model.state_dict()"),
    ("pytorch", "resume-an-interrupted-run", 'optimizer.load_state_dict(kept["optimizer"])\n', ""),
    ("pytorch", "resume-an-interrupted-run", 'schedule.load_state_dict(kept["schedule"])\n', ""),
    ("pytorch", "save-and-load-a-model", "loaded.load_state_dict(state)\n", ""),
    ("pytorch", "save-the-best-checkpoint", "        best = val_loss\n", ""),
    ("keras", "evaluate", "    optimizer, loss_function", "    loss=loss_function"),
    ("keras", "mixed-precision", 'keras.config.set_dtype_policy("float32")\n', ""),
    # It reports something else.
    ("keras", "custom-training-step", "sample_weight=size[0]", "sample_weight=0 * size[0]"),
    ("pytorch", "training-loop", "model(x_val)", "model(x_train[:200])"),
    ("keras", "count-the-parameters", "model.trainable_variables", "model.variables"),
    # It computes something else.
    ("keras", "custom-loss", "ops.log_softmax(logits)", "ops.log(ops.softmax(logits))"),
    ("keras", "l2-penalty", "kernel_regularizer", "bias_regularizer"),
    ("keras", "decoupled-weight-decay", '["bias", "gamma", "beta"]', '["bias"]'),
    ("pytorch", "reduce-the-learning-rate-on-a-plateau", '        threshold_mode="abs",\n', ""),
    ("keras", "several-outputs-and-losses", '"light": 0.1', '"light": 1.0'),
    ("pytorch", "accumulate-gradients", "(loss / 4)", "loss"),
    ("keras", "clip-the-gradients", "global_clipnorm", "clipnorm"),
    ("pytorch", "exponential-moving-average-of-the-weights", "0.9", "0.5"),
    ("pytorch", "freeze-batch-normalization", "norm.eval()\n", ""),
    ("keras", "freeze-layers", "trainable = False", "trainable = True"),
    ("pytorch", "convolution-with-padding-and-stride", "(0, 1, 0, 1)", "(1, 0, 1, 0)"),
    ("keras", "evaluate", "x_test, y_test", "x_val, y_val"),
    ("pytorch", "augment-a-batch", "flip(-1)", "flip(-2)"),
    ("keras", "batches-from-memory", ".shuffle(len(x_train))\n", "\n"),
]

# The same for the lines below "Align them".
SPOILT_TRAPS = [
    ("pytorch", "batch-norm-running-variance", "(n - 1) / n", "1.0"),
    ("pytorch", "same-padding-at-stride-2", "max(total, 0) // 2", "0"),
    ("pytorch", "patience-on-a-plateau", 'threshold_mode="abs"', 'threshold_mode="rel"'),
    ("pytorch", "attention-masks", "~causal", "causal"),
    ("pytorch", "kernel-layout", "lstm.bias_hh_l0.zero_()", "lstm.bias_hh_l0.copy_(lstm_bias)"),
    ("keras", "class-weights-in-the-mean", '"mean_with_sample_weight"', '"sum_over_batch_size"'),
    ("pytorch", "attention-masks", "~padding", "padding"),
    ("pytorch", "weight_decay-of-adam-and-sgd", "AdamW", "Adam"),
    ("pytorch", "weight_decay-of-adam-and-sgd", "1 - rate * decay", "1 - decay"),
    ("pytorch", "dropout-in-a-recurrent-layer", "dropout1d(x.mT", "dropout(x.mT"),
    ("pytorch", "logits-or-probabilities", "probabilities.clamp(1e-7, 1 - 1e-7)", "probabilities"),
    ("keras", "rmsprop-defaults", "    epsilon=1e-16,  # 1e-8 squared\n", ""),
    ("pytorch", "order-of-the-gates-in-a-gru", "[reset, update, candidate]", "[update, reset, candidate]"),
]


def test_what_is_spoilt_is_in_the_snippet():
    for framework, name, right, wrong in SPOILT:
        code = side_by_side.steps()[name].code[framework, None]
        assert right in code, (name, right)
        compile(code.replace(right, wrong), name, "exec")
    for framework, name, right, _ in SPOILT_TRAPS:
        assert right in TRAPS[name].code[framework, None], (name, right)


def unless_noticed(workers, framework, worker, question):
    """Return what a worker answers, or None where its check has failed, and not a broken snippet."""
    try:
        return workers.ask(framework, worker, question)
    except AssertionError as error:
        assert "AssertionError" in str(error), error
        return None


@pytest.mark.slow
@pytest.mark.parametrize(("framework", "name", "right", "wrong"), SPOILT)
def test_a_spoilt_snippet_is_noticed(framework, name, right, wrong, workers):
    code = side_by_side.steps()[name].code[framework, None]
    assert right in code
    found = unless_noticed(workers, framework, "steps", {"step": name, "code": code.replace(right, wrong)})
    if found is None:
        return
    (other,) = {*FRAMEWORKS} - {framework}
    expected = workers.ask(other, "steps", {"step": name})
    assert found
    assert any(not np.allclose(found[key], expected[key], rtol=1e-3, atol=2e-5) for key in found)


@functools.cache
def rows(name):
    """Return the rows of a trap's table: what, in Keras, in PyTorch."""
    _, _, *lines = re.findall(r"^\| ?(.*?) ?\| ?(.*?) ?\| ?(.*?) ?\|$", TRAPS[name].text, flags=re.M)
    return lines


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAPS)
def test_a_trap_is_there_and_its_lines_align_both(name, workers):
    found = {framework: workers.ask(framework, "traps", {"trap": name}) for framework in FRAMEWORKS}
    for column, framework in enumerate(FRAMEWORKS, start=1):
        for row, value in zip(rows(name), found[framework]["rows"], strict=True):
            assert agrees(value, row[column], random=row[0].startswith("standard deviation")), (row, value)
    assert any(keras != pytorch for _, keras, pytorch in rows(name))
    assert aligned(name, found["keras"], found["pytorch"])


def aligned(name, one, other):
    tolerance = {"rtol": 0.05} if "initial" in name else {"rtol": 1e-4, "atol": 2e-5}
    return np.allclose(one["aligned"], other["aligned"], **tolerance)


@pytest.mark.slow
@pytest.mark.parametrize(("framework", "name", "right", "wrong"), SPOILT_TRAPS)
def test_a_spoilt_alignment_is_noticed(framework, name, right, wrong, workers):
    code = TRAPS[name].code[framework, None]
    (other,) = {*FRAMEWORKS} - {framework}
    expected = workers.ask(other, "traps", {"trap": name})
    found = unless_noticed(workers, framework, "traps", {"trap": name, "code": code.replace(right, wrong)})
    assert found is None or not aligned(name, found, expected)


def agrees(value, written, random):
    """Whether a value is the one that the page gives, to the digits that it gives."""
    if isinstance(value, str):
        return value == written
    digits = re.match(r"-?\d+(?:\.(\d*))?(?:e(-?\d+))?$", written)
    step = 10.0 ** (int(digits[2] or 0) - len(digits[1] or ""))
    return abs(value - float(written)) <= (0.03 * abs(value) if random else 0.51 * step)


def test_a_table_gives_the_digits_that_were_measured():
    assert agrees(-0.0454, "-0.0454", False) and not agrees(-0.0455, "-0.0454", False)
    assert agrees(3.065e-5, "3.07e-5", False) and not agrees(3.0e-5, "3.07e-5", False)
    assert agrees("yes", "yes", False) and not agrees("no", "yes", False)


@pytest.mark.slow
@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_what_the_framework_says_and_its_cure_works(name, workers):
    code = MESSAGES[name].code
    (framework,) = {framework for framework, kind in code if kind}
    found = workers.ask(framework, "messages", name)
    assert found["right"] is None, found["right"]
    said, last = " ".join(found["wrong"].split()), 0
    for part in " ".join(code["text", None].split()).split("…"):
        last = said.find(part.strip(), last)
        assert last >= 0, (part, said)
    for (_, expected), variant in zip(messages.VARIANTS.get(name, []), found["variants"], strict=True):
        if expected is None:
            assert variant is None, variant
        else:
            assert expected in MESSAGES[name].text and expected in variant, variant


def test_every_entry_has_its_check():
    assert side_by_side.steps().keys() == steps.CHECKS.keys()
    assert TRAPS.keys() == traps.MEASURES.keys()
    assert MESSAGES.keys() >= {*messages.VARIANTS, *messages.SIMULATED, *messages.DEVICES}
