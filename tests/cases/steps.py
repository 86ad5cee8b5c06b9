"""What each snippet of docs/side_by_side.md must do: a check for each, for both frameworks.

A check gets the snippet's `Run` (tests/frameworks/workers/steps.py). It asserts what must be true in its framework, and
returns what must be the same in both. A name that ends in "~" is the same to a tenth, others to rounding.
"""

import inspect
import warnings
from pathlib import Path

import numpy as np

CHECKS, PREPARE = {}, {}


def check(function):
    CHECKS[function.__name__.replace("_", "-")] = function
    return function


def prepare(function):
    PREPARE[function.__name__.removeprefix("for_").replace("_", "-")] = function
    return function


def close(found, expected, tolerance=1e-5):
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def trained(run, at_least=1e-4, lower=True):
    """Every array of the model has moved, and the loss on the training images has fallen."""
    assert min(run.moved()) > at_least, run.moved()
    if lower:
        assert run.loss() < run.initial_loss(), (run.loss(), run.initial_loss())


def steps_taken(run):
    """Return how many steps the optimizer has taken; an epoch of 700 images in batches of 128 has six."""
    if run.keras:
        return int(run.here["model"].optimizer.iterations)
    return int(next(iter(run.here["optimizer"].state.values()))["step"])


def adam_step(run):
    """The first step of Adam moves the weights with the largest gradients by the learning rate."""
    assert all(0.0009 < moved < 0.00101 for moved in run.moved()), run.moved()


def gradient_step(run, rate, loss=None, rows=slice(0, 128)):
    """Return the arrays after one step of gradient descent, computed apart from the snippet, in its framework."""
    here = run.here
    model = here["build_model"]()
    run.set_weights(model, run.before)
    x, y = here["x_train"][rows], here["y_train"][rows]
    if run.keras:
        with here["tf"].GradientTape() as tape:
            value = here["loss_function"](y, model(x))
        gradients = [np.array(g) for g in tape.gradient(value, model.trainable_variables)]
    else:
        here["loss_function"](model(x), y).backward()
        gradients = [run._as_in_keras(p.grad.numpy()) for p in model.parameters()]
    return [w - rate * g for w, g in zip(run.before, gradients, strict=True)]


# Data ----------------------------------------------------------------------------------------------------------------


@check
def prepare_the_images(run):
    x, y = run.array(run.here["x"]), run.array(run.here["y"])
    assert x.shape == (900, 28, 28, 1) and x.dtype == np.float32
    assert (x.min(), x.max()) == (0, 1)
    assert str(tuple(run.here["x"].shape)) in run.printed.replace("torch.Size([", "(").replace("])", ")")
    if not run.keras:
        assert str(run.here["y"].dtype) == "torch.int64"
    return {"x": x, "y": y}


@check
def split_off_a_validation_set(run):
    left, right = (list(run.here[side]) for side in ("left", "right"))
    assert (len(left), len(right)) == (810, 90) and "810 90" in run.printed
    seen = {run.array(image).tobytes() for image, _ in left + right}
    assert len(seen) == 900  # none twice, none lost
    first = [int(label) for _, label in left]
    assert first != [int(label) for label in run.here["labels"][:810]]  # shuffled before the cut
    if run.keras:  # validation_split takes the last ones
        run.here["model"].compile("sgd", run.here["loss_function"])
        history = run.here["model"].fit(run.here["x"], run.here["labels"], validation_split=0.1, verbose=0).history
        logits = run.logits(run.here["x"][810:]).astype("float64")
        close(history["val_loss"], [cross_entropy(logits, run.here["labels"][810:]).mean()], 1e-4)


@check
def batches_from_memory(run):
    batches = run.here["dataset"] if run.keras else run.here["loader"]
    sizes = [len(targets) for _, targets in batches]
    assert sizes == [128] * 5 + [60]
    x, y = run.array(run.here["batch"]), run.array(run.here["targets"])
    known = {image.tobytes(): label for image, label in zip(run.images(), run.labels(), strict=True)}
    assert [known[image.tobytes()] for image in x] == list(y)
    assert not np.array_equal(x, run.images()[:128])
    again = run.array(next(iter(batches))[0])
    assert not np.array_equal(x, again)  # another order in the next epoch


@check
def custom_dataset(run):
    if run.keras:
        dataset = run.here["dataset"]
        sizes = [len(dataset[batch][1]) for batch in range(len(dataset))]
        run.here["model"].compile("sgd", run.here["loss_function"])
        run.here["model"].fit(dataset, verbose=0)  # fit takes it
    else:
        sizes = [len(targets) for _, targets in run.here["loader"]]
    assert sizes == [128] * 5 + [60]
    close(run.array(run.here["batch"]), run.images()[:128], 0)
    return {"batch": run.array(run.here["batch"]), "targets": run.array(run.here["targets"])}


@check
def normalize_by_mean_and_variance(run):
    x = run.images()
    batch = run.array(run.here["batch"])
    close(batch, (run.images("test")[:128] - x.mean()) / x.std(), 1e-3)
    return {"batch": batch}


@check
def augment_a_batch(run):
    batch, original = run.array(run.here["batch"]), run.images()[:128]
    axes = (1, 2, 3)
    kept = (batch == original).all(axis=axes).sum()
    flipped = (batch == original[:, :, ::-1]).all(axis=axes).sum()
    assert kept + flipped == 128 and 40 < flipped < 88


# Model ---------------------------------------------------------------------------------------------------------------


def filled(run, x, model=None):
    """Return what a model computes with the numbers that the other framework's model gets too."""
    model = run.here["model"] if model is None else model
    run.fill(model)
    return run.logits(x, model)


@check
def sequential_model(run):
    model, x = run.here["model"], run.images()[:64]
    weights = run.weights()
    assert sum(w.size for w in weights) == 101_770 and len(weights) == 4
    trained_mode = [run.array(model(run.tensor(x), training=True) if run.keras else model.train()(run.tensor(x)))]
    assert np.abs(trained_mode[0] - run.logits(x)).max() > 1e-3  # dropout acts in training only
    return {"logits": filled(run, x)}


@check
def subclassed_model(run):
    assert run.array(run.here["logits"]).shape == (128, 10)
    assert sum(w.size for w in run.weights()) == 101_770
    return {"logits": filled(run, run.images()[:64])}


@check
def several_inputs(run):
    assert run.array(run.here["logits"]).shape == (128, 10)
    model, x = run.here["model"], run.images()[:64]
    run.fill(model)
    halves = [run.tensor(half) for half in (x[:, :14], x[:, 14:])]
    logits, swapped = (run.array(model(list(pair)) if run.keras else model(*pair)) for pair in (halves, halves[::-1]))
    assert np.abs(logits - swapped).max() > 1e-3  # each input has its own place
    kernel, bias = run.weights(model)
    if run.keras:  # the same as of the whole image
        close(logits, x.reshape(64, 784) @ kernel + bias, 1e-4)
    return {"logits": logits}


@check
def several_outputs_and_losses(run):
    moved = run.weights()
    assert [w.shape for w in moved] == [(784, 10), (10,), (784, 1), (1,)]
    if run.keras:  # the biases were 0; the first step of Adam moves both
        assert all(0.0009 < np.abs(bias).max() < 0.00101 for bias in moved[1::2])
    # At rate 0, the loss is that of the weights that are there afterwards.
    still = ("model.compile(", "optimizer.learning_rate = 0.0\nmodel.compile(") if run.keras else ("lr=0.001", "lr=0.0")
    here = run.again(*still)
    kernel, bias, light_kernel, light_bias = run.weights(here["model"])
    x = run.images()[:128].reshape(128, 784)
    kinds = cross_entropy((x @ kernel + bias).astype("float64"), run.labels()[:128]).mean()
    light = (((x @ light_kernel + light_bias)[:, 0] - x.mean(axis=1)) ** 2).mean()
    assert light > 1e-4
    close(float(run.array(here["loss"])), kinds + 0.1 * light, 1e-4)


@check
def residual_block(run):
    block = run.here["block"]
    x = np.random.default_rng(0).normal(size=(4, 28, 28, 16)).astype("float32")
    run.set_weights(block, [np.zeros_like(w) for w in run.weights(block)])
    close(run.logits(x, block), np.maximum(x, 0))  # the input goes around the convolutions
    return {"maps": filled(run, x, block)}


@check
def custom_layer(run):
    assert [w.size for w in run.weights(run.here["layer"])] == [1]
    close(run.array(run.here["scaled"]), run.images()[:128])
    layer = run.here["Scale"]() if run.keras else run.here["Scale"](5)
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype("float32")
    layer(run.tensor(x))
    scale = np.arange(1, 6, dtype="float32")
    run.set_weights(layer, [scale if run.keras else scale.reshape(5, 1, 1)])
    close(run.array(layer(run.tensor(x))), x * scale)
    if run.keras:  # a saved model comes back with the layer and its setting
        keras, start = run.here["keras"], run.here["Scale"](start=3.0)
        keras.Sequential([keras.Input((3, 4, 5)), start]).save("scaled.keras")
        loaded = keras.models.load_model("scaled.keras")
        assert loaded.layers[0].start == 3
    else:
        loaded = run.here["Scale"](5, start=3.0)
    close(run.array(loaded(run.tensor(x))), 3 * x)


@check
def shared_weights(run):
    assert sum(w.size for w in run.weights()) == 784 * 32 + 32
    model = run.here["model"]
    run.fill(model)
    a, b = (run.tensor(run.images()[rows].reshape(64, 784)) for rows in (slice(0, 64), slice(64, 128)))
    found, swapped = (run.array(model(list(pair)) if run.keras else model(*pair)) for pair in ((a, b), (b, a)))
    close(found, -swapped)
    assert np.abs(found).max() > 0.1
    return {"distance": found}


@check
def initialize_the_weights(run):
    kernel, bias = run.weights(run.here["layer"])
    assert kernel.shape == (784, 128) and not bias.any()
    assert abs(kernel.std() / np.sqrt(2 / 784) - 1) < 0.02
    assert np.abs(kernel).max() > 2.1 * kernel.std()  # normal, not uniform


@check
def convolution_with_padding_and_stride(run):
    convolution = run.here["convolution"]
    assert run.array(run.here["maps"]).shape == (128, 14, 14, 16)
    maps, weights = filled(run, run.images()[:8], convolution), run.weights(convolution)
    if not run.keras:  # what Keras's padding is at size 7
        convolution = run.here["nn"].Conv2d(1, 16, 3, stride=2, padding=1)
        run.set_weights(convolution, weights)
    return {"maps": maps, "maps at size 7": run.logits(run.images()[:8, ::4, ::4], convolution)}


@check
def batch_normalization(run):
    norm, maps = run.here["norm"], run.array(run.here["maps"])
    assert abs(maps.mean()) < 1e-4 and abs(maps.std() - 1) < 1e-3
    mean = run.array(norm.moving_mean if run.keras else norm.running_mean)
    close(mean, [0.1 * run.images()[:128].mean()])
    return {"maps": maps, "running mean": mean}


@check
def training_and_evaluation_mode(run):
    x, on, off = run.images()[:128], run.array(run.here["trained"]), run.array(run.here["evaluated"])
    close(off, x, 0)
    lit = x > 0
    assert 0.48 < (on[lit] == 0).mean() < 0.52
    close(on[on > 0], 2 * x[on > 0])


@check
def recurrent_layer(run):
    lstm, x = run.here["lstm"], run.images()[:8, ..., 0]
    assert run.array(run.here["last"]).shape == (128, 64)
    kernel, recurrent, bias = (numbers(i, shape) for i, shape in enumerate([(28, 256), (64, 256), (256,)]))
    if run.keras:
        lstm.set_weights([kernel, recurrent, bias])
        return {"last": run.array(lstm(x))}
    run.set_weights(lstm, [kernel, recurrent, bias, 0 * bias])
    outputs, (hidden, _) = lstm(run.tensor(x))
    close(run.array(outputs[:, -1]), run.array(hidden[0]))
    return {"last": run.array(outputs[:, -1])}


def numbers(i, shape):
    return np.random.default_rng(i).normal(0, 0.2, shape).astype("float32")


@check
def attention(run):
    weights = run.here["weights"].detach().numpy() if not run.keras else np.array(run.here["weights"])
    assert weights.shape == (128, 4, 28, 28) and run.array(run.here["attended"]).shape == (128, 28, 28)
    close(weights.sum(axis=-1), 1)
    layer, x = run.here["attention"], run.tensor(run.images()[:8, ..., 0])
    kernels, biases = [numbers(i, (28, 28)) for i in range(4)], [numbers(9 + i, (28,)) for i in range(4)]
    if run.keras:
        arrays = [
            a for k, b in zip(kernels[:3], biases[:3], strict=True) for a in (k.reshape(28, 4, 7), b.reshape(4, 7))
        ]
        layer.set_weights([*arrays, kernels[3].reshape(4, 7, 28), biases[3]])
        return {"attended": run.array(layer(x, x))}
    inside = [np.concatenate(kernels[:3], axis=1), np.concatenate(biases[:3])]
    run.set_weights(layer, [*inside, kernels[3], biases[3]])
    return {"attended": run.array(layer(x, x, x)[0])}


@check
def embedding(run):
    table = run.weights(run.here["embedding"])[0] if run.keras else run.here["embedding"].weight.detach().numpy()
    assert table.shape == (10, 16)
    close(run.array(run.here["vectors"]), table[run.labels()[:128]], 0)


@check
def count_the_parameters(run):
    assert run.here["count"] == run.here["trainable"] == 160 + 2704 * 10 + 10
    assert "onv2" in run.printed

    def freeze(run, here):
        first = here["model"].layers[0] if run.keras else here["model"][0]
        setattr(first, "trainable", False) if run.keras else first.requires_grad_(False)

    def normalize(run, here):
        if run.keras:
            here["model"] = here["keras"].Sequential([here["layers"].BatchNormalization()])
            here["model"].build((None, 4))
        else:
            here["model"] = here["nn"].BatchNorm1d(4)

    counts = []
    for run.prepare in (freeze, normalize):
        here = run.again()
        counts += [int(here["count"]), int(here["trainable"])]
    assert counts == [27210, 27050, 16 if run.keras else 8, 8]
    return {"count": run.here["count"], "trainable": counts[1::2]}


@check
def choose_the_device(run):
    close(run.array(run.here["logits"]), run.logits(run.images()[:128]), 1e-3)
    close(float(run.array(run.here["loss"])), run.loss(rows=slice(0, 128)), 1e-3)
    device, model = run.here["device"], run.here["model"]
    if run.keras:
        assert device in ("cpu:0", "gpu:0")
        assert all(device.upper() in variable.value.device for variable in model.variables)
    else:
        assert next(model.parameters()).device.type == device.type
        elsewhere, tensor = run.here["nn"].Linear(2, 2), run.here["torch"].zeros(2)
        elsewhere.to("meta")
        tensor.to("meta")
        assert elsewhere.weight.is_meta and not tensor.is_meta  # as the text says
    return {"logits": filled(run, run.images()[:128])}


@check
def set_the_seed(run):
    first, again, other = run.weights(), run.weights(run.again()["model"]), run.weights(run.again("42", "43")["model"])
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


# Training ------------------------------------------------------------------------------------------------------------


@check
def one_training_step(run):
    trained(run)
    adam_step(run)
    close(float(run.array(run.here["loss"])), run.initial_loss(rows=slice(0, 128)))
    return {"loss": float(run.array(run.here["loss"])), "loss after~": run.loss()}


@check
def training_loop(run):
    trained(run, 0.003)
    losses = run.here["losses"]
    assert len(losses) == 3 and losses[0] > losses[1] > losses[2] > 0.3
    assert losses[0] < run.initial_loss()
    validation = run.here["val_losses"], run.here["accuracies"]
    assert list(map(len, validation)) == [3, 3]
    close(validation[0][-1], run.loss("val"), 1e-4)
    close(validation[1][-1], (run.logits(run.images("val")).argmax(axis=1) == run.labels("val")).mean())
    return {"losses~": losses, "validation losses~": validation[0]}


@check
def custom_training_step(run):
    trained(run, 0.001)
    loss = run.here["loss"]
    assert run.loss() < loss < run.initial_loss()
    if run.keras:
        assert 0.1 < run.here["history"].history["accuracy"][0] < 0.9
        still = run.again("model.compile(", "optimizer.learning_rate = 0.0\nmodel.compile(")
    else:
        still = run.again("model.train()\n", 'optimizer.param_groups[0]["lr"] = 0.0\nmodel.train()\n')
    close(still["loss"], run.initial_loss(), 0.02)  # the noise is small
    return {"loss~": loss}


@check
def custom_loss(run):
    model = run.here["build_model"]()
    run.set_weights(model, run.before)
    ce = ce_of(run, model)
    expected = ((1 - np.exp(-ce)) ** 2 * ce).mean()
    close(float(run.array(run.here["loss"])), expected)
    trained(run)
    adam_step(run)
    # A confident mistake: the loss and its gradient stay finite.
    logits = np.zeros((1, 10), "float32")
    logits[0, 0] = 200
    if run.keras:
        tf = run.here["tf"]
        logits = tf.constant(logits)
        with tf.GradientTape() as tape:
            tape.watch(logits)
            large = run.here["focal"](np.array([1]), logits)
        gradient = tape.gradient(large, logits)
    else:
        torch = run.here["torch"]
        logits = torch.from_numpy(logits).requires_grad_()
        large = run.here["focal"](logits, torch.tensor([1]))
        (gradient,) = torch.autograd.grad(large, logits)
    close(np.ravel(run.array(large)), [200])
    close(run.array(gradient), [[1, -1, *[0] * 8]])
    return {"loss": float(run.array(run.here["loss"]))}


def ce_of(run, model, rows=slice(0, 128)):
    """Return the cross-entropy of each image."""
    return cross_entropy(run.logits(run.images()[rows], model).astype("float64"), run.labels()[rows])


def cross_entropy(logits, labels):
    logits = logits - logits.max(axis=1, keepdims=True)
    return np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(labels)), labels]


@check
def custom_metric(run):
    best = np.argsort(run.logits(run.images("test")), axis=1)[:, -3:]
    hits = (best == run.labels("test")[:, None]).any(axis=1)
    close(float(run.array(run.here["top3"])), hits.mean())
    if run.keras:  # what the text says
        own, built_in = run.here["hits"], run.here["keras"].metrics.SparseTopKCategoricalAccuracy(k=3, name="top")
        run.here["model"].compile("sgd", run.here["loss_function"], metrics=[own], weighted_metrics=[own, built_in])
        weights = 1.0 + 2 * hits
        options = {"batch_size": 100, "sample_weight": weights, "verbose": 0, "return_dict": True}
        found = run.here["model"].evaluate(run.here["x_test"], run.here["y_test"], **options)
        weighted = (weights * hits).sum() / weights.sum()
        assert abs(weighted - hits.mean()) > 0.01
        close([found["hits"], found["weighted_hits"], found["top"]], [hits.mean(), weighted, weighted])
    return {"top3": float(run.array(run.here["top3"]))}


@check
def learning_rate_schedule(run):
    trained(run, 0.001)
    assert run.here["steps"] == 18
    taken = int(run.here["optimizer"].iterations) if run.keras else run.here["schedule"].last_epoch
    assert taken == 18 and abs(run.here["rate"]) < 1e-9
    halfway = run.again("steps = 3", "steps = 6")  # twice as many steps planned: half of the cosine is left
    return {"halfway": float(halfway["rate"]), "loss~": run.loss()}


@check
def reduce_the_learning_rate_on_a_plateau(run):
    trained(run, 0.001)
    assert steps_taken(run) == 12
    plateau, rates = run.here["plateau"], []
    for loss in (9.0, 0.01, 0.00995, 9.0, 8.0):  # the third is lower by a share of 0.005, and by 5e-5
        plateau.on_epoch_end(9, {"val_loss": loss}) if run.keras else plateau.step(loss)
        rate = run.here["optimizer"].learning_rate if run.keras else plateau.get_last_lr()[0]
        rates.append(float(rate))
    assert rates[2] == rates[1] / 2
    return {"rates": rates}


@prepare
def for_early_stopping(run, here):
    set_rate(run, here, 0.03)  # the validation loss soon rises


def set_rate(run, here, rate):
    if run.keras:
        here["optimizer"].learning_rate = rate
    else:
        here["optimizer"].param_groups[0]["lr"] = rate


@check
def early_stopping(run):
    trained(run, 0.01)
    losses = run.here["val_losses"]
    best = int(np.argmin(losses))
    assert len(losses) == best + 4 < 20  # three more epochs, then it stopped
    assert run.keras or steps_taken(run) == 6 * len(losses)
    close(run.loss("val"), losses[best], 1e-3)  # and the best weights are back

    if not run.keras:  # a loss that is never a number stops it, too

        def no_number(run, here):
            here["x_val"][:] = float("nan")

        run.prepare = no_number
        assert len(run.again()["val_losses"]) == 3


@check
def custom_callback(run):
    trained(run, 0.001)
    assert steps_taken(run) == 12
    norms = run.here["norms"]
    assert len(norms) == 2 and norms[0] != norms[1]
    close(norms[1], np.linalg.norm(run.weights()[0]), 1e-4)


def length(run):
    return np.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(run.before, run.weights(), strict=True)))


@check
def clip_the_gradients(run):
    trained(run, 1e-5)
    close(length(run), 0.01, 1e-3)
    return {f"array {i}": w for i, w in enumerate(run.weights())}


@check
def accumulate_gradients(run):
    trained(run, 1e-4)
    for found, expected in zip(run.weights(), gradient_step(run, 0.1), strict=True):
        close(found, expected)
    return {f"array {i}": w for i, w in enumerate(run.weights())}


@check
def l2_penalty(run):
    kernel, model, loss = run.before[2], run.here["model"], run.here["loss"]
    if run.keras:
        run.fill(model)  # its new layer had other weights
        loss = model.train_on_batch(run.here["x_train"][:128], run.here["y_train"][:128])
        model.save("model.keras")
        assert len(run.here["keras"].models.load_model("model.keras").losses) == 1
    close(float(run.array(loss)), run.initial_loss(rows=slice(0, 128)) + 0.01 * (kernel**2).sum(), 1e-4)
    expected = gradient_step(run, 0.1)
    expected[2] = expected[2] - 0.1 * 2 * 0.01 * kernel
    for found, array in zip(run.weights(), expected, strict=True):
        close(found, array)
    return {f"array {i}": w for i, w in enumerate(run.weights())}


@check
def decoupled_weight_decay(run):
    trained(run)
    without = run.weights(run.again("0.01", "0.0")["model"])
    for before, found, array in zip(run.before, run.weights(), without, strict=True):
        close(found - array, -0.001 * 0.01 * before * (before.ndim > 1), 2e-7)
    assert np.abs(run.weights()[2] - without[2]).max() > 5e-7

    def with_norm(run, here):
        if run.keras:
            norm = here["layers"].BatchNormalization()
            here["model"] = here["keras"].Sequential([here["keras"].Input((28, 28, 1)), norm, *here["model"].layers])
        else:
            here["model"].insert(0, here["nn"].BatchNorm2d(1))
        run.fill(here["model"])

    run.prepare = with_norm
    pairs = zip(*(run.weights(run.again("0.01", decay)["model"]) for decay in ("0.01", "0.0")), strict=True)
    moved = [(found.ndim, not np.array_equal(found, array)) for found, array in pairs]
    assert moved == [(1, False), (1, False), (4, True), (1, False), (2, True), (1, False)]


@check
def freeze_layers(run):
    moved = run.moved() if not run.keras else moved_of_all(run)
    assert moved[:2] == [0, 0] and min(moved[2:]) > 0.001
    assert steps_taken(run) == 6
    assert run.loss() < run.initial_loss()


def moved_of_all(run):
    return [float(np.abs(np.array(v) - b).max()) for v, b in zip(run.here["model"].variables, run.before, strict=True)]


@check
def freeze_batch_normalization(run):
    norm, maps = run.here["norm"], run.array(run.here["maps"])
    mean, variance = (norm.moving_mean, norm.moving_variance) if run.keras else (norm.running_mean, norm.running_var)
    assert run.array(mean) == [0] and run.array(variance) == [1]
    close(maps, run.images()[:128] / np.sqrt(1 + 0.001))
    assert not (norm.trainable_variables if run.keras else [p for p in norm.parameters() if p.requires_grad])
    return {"maps": maps}


@check
def learning_rates_for_groups_of_layers(run):
    slow, fast = gradient_step(run, 0.01), gradient_step(run, 0.1)
    for found, expected in zip(run.weights(), slow[:2] + fast[2:], strict=True):
        close(found, expected)
    trained(run, 1e-5)
    return {f"array {i}": w for i, w in enumerate(run.weights())}


@check
def learning_rate_range_test(run):
    losses, rates = run.here["losses"], run.here["rates"]
    assert len(losses) == len(rates) == 100 and np.isfinite(losses).all()
    close(losses[0], run.initial_loss(), 0.1)
    assert min(losses) < losses[0] - 0.3 and max(losses[60:]) > min(losses) + 1
    assert run.loss() < 3  # a new model, with an optimizer of its own that has taken no step
    optimizer = run.here["optimizer"]
    close(float(optimizer.learning_rate if run.keras else optimizer.param_groups[0]["lr"]), 0.001)
    if run.keras:
        assert int(optimizer.iterations) == 0
    else:
        own = run.here["model"].parameters()
        assert {id(p) for p in optimizer.param_groups[0]["params"]} == {id(p) for p in own} and not optimizer.state


@check
def class_weights_and_sample_weights(run):
    model = run.here["build_model"]()
    run.set_weights(model, run.before)
    weights = np.where(run.labels()[:128] == 6, 2, 1)
    assert (weights == 2).any()
    close(float(run.array(run.here["loss"])), (weights * ce_of(run, model)).mean())
    trained(run, 1e-5)
    if run.keras:
        model.compile("sgd", run.here["loss_function"])
        args = run.here["x_train"][:128], run.here["y_train"][:128]
        close(float(model.train_on_batch(*args, class_weight={6: 2.0})), float(run.here["loss"]))
    return {"loss": float(run.array(run.here["loss"])), **{f"array {i}": w for i, w in enumerate(run.weights())}}


@check
def label_smoothing(run):
    logits = run.logits(run.images()[:128]).astype("float64")
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    target = 0.9 * np.eye(10)[run.labels()[:128]] + 0.01
    close(float(run.array(run.here["loss"])), -(target * log_p).sum(axis=1).mean())
    return {"loss": float(run.array(run.here["loss"]))}


@check
def mixed_precision(run):
    logits = run.here["logits"]
    assert "bfloat16" in str(logits.dtype)
    assert all(w.dtype == np.float32 for w in run.weights())
    assert 0.2 < run.loss() < 2
    if run.keras:  # a new model
        config, optimizers = run.here["keras"].config, run.here["keras"].optimizers
        assert config.dtype_policy().name == "float32"
        config.set_dtype_policy("mixed_float16")
        half = run.here["build_model"]()
        config.set_dtype_policy("float32")
        half.compile("adam", run.here["loss_function"])
        assert isinstance(half.optimizer, optimizers.LossScaleOptimizer)
        assert float(half.optimizer.scale_loss(1.0)) > 1
    else:
        trained(run, 0.001)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that there is no such device
            with run.here["torch"].autocast("cuda", dtype=run.here["torch"].bfloat16):
                assert run.here["model"](run.here["x_train"][:2]).dtype == run.here["torch"].float32


@check
def compile_the_model(run):
    trained(run)
    adam_step(run)
    close(float(run.array(run.here["loss"])), run.initial_loss(rows=slice(0, 128)), 1e-4)
    model = run.here["model"]
    if run.keras:
        assert model.jit_compile
        assert inspect.signature(model.compile).parameters["jit_compile"].default == "auto"
        again = run.again(", jit_compile=True", "")
        assert not again["model"].jit_compile or run.here["tf"].config.list_physical_devices("GPU")
    else:
        compiled = run.here["compiled"]
        assert compiled is not model
        assert list(compiled.state_dict()) == [f"_orig_mod.{name}" for name in model.state_dict()]
    return {"loss": float(run.array(run.here["loss"]))}


# Evaluation ----------------------------------------------------------------------------------------------------------


@check
def evaluate(run):
    logits, labels = run.logits(run.images("test")), run.labels("test")
    close(run.here["accuracy"], (logits.argmax(axis=1) == labels).mean())
    close(run.here["loss"], run.loss("test"))
    if run.keras:  # a model that has been trained keeps its optimizer, with its state

        def train(run, here):
            here["model"].compile(here["optimizer"], here["loss_function"])
            here["model"].train_on_batch(here["x_train"][:128], here["y_train"][:128])

        run.prepare = train
        model = run.again()["model"]
        assert type(model.optimizer).__name__ == "Adam" and int(model.optimizer.iterations) == 1
        model.compile(loss=run.here["loss_function"])  # what the text warns of
        assert type(model.optimizer).__name__ == "RMSprop"
    return {"loss": float(run.here["loss"]), "accuracy": float(run.here["accuracy"])}


@check
def predict_probabilities(run):
    probabilities, classes = run.array(run.here["probabilities"]), run.array(run.here["classes"])
    assert probabilities.shape == (250, 10)
    close(probabilities.sum(axis=1), 1)
    assert np.array_equal(classes, run.logits(run.images("test")).argmax(axis=1))
    return {"probabilities": probabilities, "classes": classes}


@check
def intermediate_activations(run):
    maps = run.array(run.here["maps"])
    assert maps.shape == (16, 26, 26, 16) and maps.min() == 0 < maps.max()
    if not run.keras:
        before = run.here["kept"]["maps"]
        run.here["model"](run.here["x_test"][:2])
        assert run.here["kept"]["maps"] is before  # the hook is gone
    return {"maps": maps}


@check
def gradient_with_respect_to_the_image(run):
    saliency = run.array(run.here["saliency"])
    assert saliency.shape == (1, 28, 28, 1) and saliency.max() > 0 <= saliency.min()
    # One pixel by hand: the logit changes as the gradient says.
    pixel = np.unravel_index(saliency.argmax(), saliency.shape)
    image, label = run.images("test")[:1].astype("float64"), run.labels("test")[0]
    changed = image.copy()
    changed[pixel] += 1e-3
    logits = [run.logits(x.astype("float32"))[0, label] for x in (image, changed)]
    close(abs(logits[1] - logits[0]) / 1e-3, saliency[pixel], 0.05)
    return {"saliency": saliency}


@check
def debug_line_by_line(run):
    trained(run)
    adam_step(run)
    for value in ("nan", "inf") if run.keras else ("nan",):
        run.prepare = lambda run, here, value=value: here["x_train"].__setitem__(0, float(value))
        try:
            run.again()
        except Exception as error:
            assert value in str(error).lower()
        else:
            raise AssertionError(f"Among the images, {value} was not noticed.")
    if not run.keras:  # the forward pass alone says nothing
        torch = run.here["torch"]
        with warnings.catch_warnings(), torch.autograd.detect_anomaly():
            assert run.here["model"](torch.full((1, 1, 28, 28), float("nan"))).isnan().all()


# Saving --------------------------------------------------------------------------------------------------------------


def same_weights(run, model, arrays):
    assert all(np.array_equal(a, b) for a, b in zip(run.weights(model), arrays, strict=True))


@check
def save_and_load_a_model(run):
    loaded = run.here["loaded"]
    same_weights(run, loaded, run.before)
    assert loaded is not run.here["model"] and (run.keras or not loaded.training)
    assert [path.suffix for path in Path().iterdir()] == [".keras" if run.keras else ".pth"]
    return {"logits": run.logits(run.images()[:64], loaded)}


@check
def save_and_load_the_weights_only(run):
    same_weights(run, run.here["loaded"], run.before)
    assert len(list(Path().iterdir())) == 1
    return {"logits": run.logits(run.images()[:64], run.here["loaded"])}


@prepare
def for_resume_an_interrupted_run(run, here):
    if not run.keras:  # the same batches in both runs
        here["loader"] = here["DataLoader"](here["TensorDataset"](here["x_train"], here["y_train"]), 128)


@check
def resume_an_interrupted_run(run):
    """The epochs before and after the file give what two epochs without a break give."""
    here = run.again("verbose=0", "shuffle=False, verbose=0") if run.keras else run.here
    model = here["build_model"]()
    run.set_weights(model, run.before)
    if run.keras:
        model.compile(here["keras"].optimizers.Adam(0.001), here["loss_function"])
        options = {"batch_size": 128, "verbose": 0}
        model.fit(here["x_train"], here["y_train"], epochs=2, shuffle=False, **options)
        same_weights(run, here["resumed"], run.weights(model))
        # What the text says of the callback: a second call goes on where the first was interrupted.
        model.optimizer.learning_rate = 1e-4
        backup = here["keras"].callbacks.BackupAndRestore("backup")
        stop = here["keras"].callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: 1 / (2 - epoch))
        try:
            model.fit(here["x_train"], here["y_train"], epochs=4, callbacks=[backup, stop], **options)
        except ZeroDivisionError:
            backup = here["keras"].callbacks.BackupAndRestore("backup")
            history = model.fit(here["x_train"], here["y_train"], epochs=4, callbacks=[backup], **options)
            assert history.epoch == [2, 3]
        else:
            raise AssertionError("It was not interrupted.")
        return
    resumed, rate = run.weights(here["model"]), here["optimizer"].param_groups[0]["lr"]
    here["model"], here["optimizer"] = model, here["torch"].optim.Adam(model.parameters(), lr=0.001)
    schedule = here["ExponentialLR"](here["optimizer"], gamma=0.9)
    for _ in range(2):
        here["train_epoch"]()
        schedule.step()
    same_weights(run, model, resumed)
    close(rate, 0.001 * 0.9**2)
    close(here["schedule"].get_last_lr(), [0.001 * 0.9**2])
    assert here["schedule"].last_epoch == schedule.last_epoch == 2


@check
def save_the_best_checkpoint(run):
    if run.keras:
        best = run.here["keras"].models.load_model("best.keras")
    else:
        best = run.here["build_model"]()
        best.load_state_dict(run.here["torch"].load("best.pth"))
    close(run.loss("val", model=best), run.here["best"], 1e-4)
    trained(run, 0.001)
    assert steps_taken(run) == 18


# Going further -------------------------------------------------------------------------------------------------------


@check
def log_the_curves(run):
    head, *lines = Path("log.csv").read_text().split()
    assert head.startswith("epoch,loss") and [line.split(",")[0] for line in lines] == ["0", "1"]
    losses = [float(line.split(",")[1]) for line in lines]
    assert run.initial_loss() > losses[0] > losses[1]
    trained(run, 0.001)
    assert steps_taken(run) == 12


@check
def deterministic_computation(run):
    again = run.again()["model"]
    same_weights(run, again, run.weights())
    assert run.loss() < np.log(10)
    if run.keras:
        from tensorflow.python.framework import config

        assert config.is_op_determinism_enabled()
    else:
        assert run.here["torch"].are_deterministic_algorithms_enabled()


@check
def exponential_moving_average_of_the_weights(run):
    model = run.here["model"] if run.keras else run.here["average"].module
    first = gradient_step(run, 0.1)
    kept, run.before = run.before, first
    second = gradient_step(run, 0.1, rows=slice(128, 256))
    run.before = kept
    for found, one, two in zip(run.weights(model), first, second, strict=True):
        close(found, 0.9 * one + 0.1 * two)
    assert np.abs(first[2] - second[2]).max() > 1e-3
    return {f"array {i}": w for i, w in enumerate(run.weights(model))}


@check
def from_an_array_to_a_tensor_and_back(run):
    array = run.here["array"]
    assert isinstance(array, np.ndarray) and array.shape == (2, 10)
    return {"logits": array}
