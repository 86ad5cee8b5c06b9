"""What is measured for the silent traps of docs/side_by_side.md, in each framework.

A measurement gets a `Trap` (tests/frameworks/workers/traps.py). It returns the values of its rows in the table, in
order, and what both frameworks must give alike once they are aligned. `trap.made(name, default)` is what the lines
below "Align them" define in this framework, or else what the framework does by default.
"""

import inspect
import random
import warnings

import numpy as np

MEASURES = {}


def measure(function):
    """Register a measurement under the anchor of its trap; two underscores stand for one in the heading."""
    MEASURES[function.__name__.replace("__", " ").replace("_", "-").replace(" ", "_")] = function
    return function


def both(trap, name, default, use):
    """Use the framework's default and what is aligned; return both results."""
    return use(default()), use(trap.made(name, default))


def spread(size, variance):
    """Return values around zero with exactly this variance."""
    x = np.linspace(-1, 1, size)
    return (x / x.std() * np.sqrt(variance)).astype("float32")


@measure
def layer_norm_epsilon(trap):
    x = np.array([[-0.02, 0, 0.02]], "float32")
    default = (lambda: trap.layers.LayerNormalization()) if trap.keras else (lambda: trap.nn.LayerNorm(3))
    found, aligned = both(trap, "layer", default, lambda layer: trap.call(layer, x))
    return [trap.epsilon(default()), found.max()], aligned


@measure
def batch_norm_epsilon(trap):
    x = spread(64, 0.001)[:, None]
    default = (lambda: trap.layers.BatchNormalization()) if trap.keras else (lambda: trap.nn.BatchNorm1d(1))
    found, aligned = both(trap, "layer", default, lambda layer: trap.call(layer, x, training=True))
    return [trap.epsilon(default()), found.std()], aligned


@measure
def batch_norm_momentum(trap):
    x = 1 + spread(64, 0.5)[:, None]
    default = (lambda: trap.layers.BatchNormalization()) if trap.keras else (lambda: trap.nn.BatchNorm1d(1))

    def mean(layer):
        trap.call(layer, x, training=True)
        return trap.array(layer.moving_mean if trap.keras else layer.running_mean)

    found, aligned = both(trap, "layer", default, mean)
    return [default().momentum, found[0]], aligned


@measure
def batch_norm_running_variance(trap):
    def layer(new):  # the share of the new statistics
        return trap.layers.BatchNormalization(momentum=1 - new) if trap.keras else trap.nn.BatchNorm1d(1, momentum=new)

    def variance(layer, batches):
        for x in batches:
            trap.call(layer, x, training=True)
        return float(trap.array(layer.moving_variance if trap.keras else layer.running_var)[0])

    batches = np.random.default_rng(0).normal(size=(200, 4, 1)).astype("float32")
    found = [variance(layer(1.0), [np.array([[-1], [1]], "float32")]), variance(layer(0.1), batches[:50])]
    if not trap.keras:
        biased = 1.0
        for x in batches[:50]:
            biased = 0.9 * biased + 0.1 * x.var()
        once, often = layer(0.1), layer(0.1)
        variance(once, batches[:50])
        trap.align(layer=once)
        assert 1e-4 < abs(variance(once, []) - biased) < 2e-3  # approximate, as the text says
        for x in batches[:50]:
            variance(often, [x])
            trap.align(layer=often)
        assert variance(often, []) < 0.5 * biased  # not after every step
    long = layer(0.1)
    variance(long, batches)
    trap.align(layer=long)
    return found, variance(long, [])


@measure
def leaky_relu_slope(trap):
    x = np.array([[-1.0]], "float32")
    default = (lambda: trap.layers.LeakyReLU()) if trap.keras else (lambda: trap.nn.LeakyReLU())
    found, aligned = both(trap, "layer", default, lambda layer: trap.call(layer, x))
    default = (lambda: trap.ops.leaky_relu) if trap.keras else (lambda: trap.F.leaky_relu)
    function, same = both(trap, "function", default, lambda f: trap.array(f(trap.tensor(x))))
    if trap.keras:
        np.testing.assert_array_equal(trap.array(trap.layers.Activation("leaky_relu")(x)), function)
    return [found.item(), function.item()], [aligned, same]


@measure
def gelu(trap):
    x = np.array([-2.0], "float32")
    default = (lambda: trap.ops.gelu) if trap.keras else (lambda: trap.F.gelu)
    found, aligned = both(trap, "gelu", default, lambda f: trap.array(f(trap.tensor(x))))
    layer = trap.layers.Activation("gelu") if trap.keras else trap.nn.GELU()
    of_a_layer = trap.array(layer(trap.tensor(x)))
    np.testing.assert_allclose(of_a_layer, aligned, rtol=1e-6)
    return [found.item(), of_a_layer.item()], aligned


# Optimizers ----------------------------------------------------------------------------------------------------------


def weight_after(trap, optimizer, gradients, start=0.0, rates=None, set_rate=None):
    """Return a weight that began at `start`, after a step for each gradient; `optimizer` is a function of it."""
    if trap.keras:
        weight = trap.keras_module.Variable(np.float32(start))
        stepper = optimizer()
        for i, gradient in enumerate(gradients):
            if rates:
                stepper.learning_rate = rates[i]
            stepper.apply([trap.tensor(np.float32(gradient))], [weight])
        return float(np.array(weight))
    weight = trap.torch.tensor(float(start), requires_grad=True)
    stepper = optimizer(weight)
    for i, gradient in enumerate(gradients):
        if rates and i:
            (set_rate or _set_rate)(stepper, rates[i])
        weight.grad = trap.torch.tensor(float(gradient))
        stepper.step()
    return weight.item()


def _set_rate(optimizer, rate):
    optimizer.param_groups[0]["lr"] = rate


def steps(trap, name, gradients, start=0.0, **settings):
    """Return the weight after these gradients, by default and aligned; `settings` are those of both frameworks."""
    if trap.keras:

        def default():
            return getattr(trap.keras_module.optimizers, name)(**settings)
    else:
        names = {"learning_rate": "lr"}

        def default(weight):
            return getattr(trap.torch.optim, name)([weight], **{names.get(k, k): v for k, v in settings.items()})

    def aligned(*weight):
        return trap.align(weight=weight[0] if weight else None).get("optimizer") or default(*weight)

    return weight_after(trap, default, gradients, start), weight_after(trap, aligned, gradients, start)


@measure
def adamw_weight_decay(trap):
    optimizer = trap.keras_module.optimizers.AdamW if trap.keras else trap.torch.optim.AdamW
    decay = inspect.signature(optimizer).parameters["weight_decay"].default
    found, aligned = steps(trap, "AdamW", [0.0] * 100, start=1.0, learning_rate=0.1)
    return [decay, found], aligned


@measure
def weight__decay_of_adam_and_sgd(trap):
    settings = {"learning_rate": 0.1, "weight_decay": 0.01}
    adam, _ = steps(trap, "Adam", [0.0], start=1.0, **settings)
    gradients = [1.0, -2.0, 3.0, 1.0]
    _, aligned = steps(trap, "Adam", gradients, start=1.0, **settings)
    if trap.keras:

        def sgd():
            return trap.keras_module.optimizers.SGD(**settings, momentum=0.9)

        return [adam, weight_after(trap, sgd, [0.0] * 10, 1.0)], [aligned, weight_after(trap, sgd, gradients, 1.0)]
    assert not any("decoupled" in name for name in inspect.signature(trap.torch.optim.SGD).parameters)

    def sgd(weight, decay=0.01):
        return trap.torch.optim.SGD([weight], lr=0.1, momentum=0.9, weight_decay=decay)

    def shrunk(weight):
        stepper, shrink = sgd(weight, decay=0), trap.align(weight=weight)["shrink"]
        stepper.register_step_pre_hook(lambda *_: shrink([weight], 0.1, 0.01))
        return stepper

    return [adam, weight_after(trap, sgd, [0.0] * 10, 1.0)], [aligned, weight_after(trap, shrunk, gradients, 1.0)]


@measure
def rmsprop_defaults(trap):
    """Aligned, they agree for gradients that are much larger than epsilon."""
    found, _ = steps(trap, "RMSprop", [1.0])
    rest = {"learning_rate": 0.01, "rho": 0.99} if trap.keras else {}
    small, _ = steps(trap, "RMSprop", [1e-4], **rest)
    _, aligned = steps(trap, "RMSprop", [1e-2, -2e-2])
    return [-found, -small], aligned


@measure
def sgd_learning_rate(trap):
    found, aligned = steps(trap, "SGD", [1.0])
    return [-found], aligned


@measure
def adam_epsilon(trap):
    """Aligned, and for a gradient that is much larger than epsilon, they agree."""
    found, _ = steps(trap, "Adam", [1e-7])
    _, aligned = steps(trap, "Adam", [1e-1])
    return [-found], aligned


@measure
def momentum_under_a_schedule(trap):
    optimizer = (
        (lambda: trap.keras_module.optimizers.SGD(0.1, momentum=0.9))
        if trap.keras
        else (lambda weight: trap.torch.optim.SGD([weight], lr=0.1, momentum=0.9))
    )
    found = weight_after(trap, optimizer, [1.0, 0.0], rates=[0.1, 0.01])
    aligned = weight_after(trap, optimizer, [1.0, 0.0], rates=[0.1, 0.01], set_rate=trap.align().get("set_rate"))
    constant = weight_after(trap, optimizer, [1.0, 0.0], rates=[0.1, 0.1])  # where both agree
    if not trap.keras:  # before the first step, and without momentum, there is no buffer
        for momentum in (0.9, 0.0):
            stepper = trap.torch.optim.SGD([trap.torch.zeros(1, requires_grad=True)], lr=0.1, momentum=momentum)
            trap.align()["set_rate"](stepper, 0.01)
            assert stepper.param_groups[0]["lr"] == 0.01
    return [found], [aligned, constant]


@measure
def l2_and_weight_decay(trap):
    if trap.keras:
        gradient = 2 * 0.01  # of the penalty, which Keras adds to the loss
        penalty = trap.keras_module.regularizers.L2(0.01)
        values = [float(penalty(trap.tensor(np.float32([w])))) for w in (1 - 1e-2, 1 + 1e-2)]
        assert abs((values[1] - values[0]) / 2e-2 - gradient) < 1e-5
        return [gradient], 1 - weight_after(trap, lambda: trap.keras_module.optimizers.SGD(1.0), [gradient], 1.0)
    found, aligned = steps(trap, "SGD", [0.0], start=1.0, learning_rate=1.0, weight_decay=0.01)
    return [1 - found], 1 - aligned


@measure
def gradient_clipping_by_norm(trap):
    gradients = [np.array([3.0], "float32"), np.array([0.0, 4.0], "float32")]
    if trap.keras:

        def length(optimizer):
            weights = [trap.keras_module.Variable(np.zeros_like(g)) for g in gradients]
            optimizer.apply([trap.tensor(g) for g in gradients], weights)
            return np.sqrt(sum((np.array(w) ** 2).sum() for w in weights))

        found, aligned = both(trap, "optimizer", lambda: trap.keras_module.optimizers.SGD(1.0, clipnorm=1.0), length)
        return [found], aligned
    weights = [trap.torch.zeros(len(g), requires_grad=True) for g in gradients]
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = trap.tensor(gradient)
    trap.nn.utils.clip_grad_norm_(weights, 1.0)
    trap.torch.optim.SGD(weights, lr=1.0).step()
    found = float(np.sqrt(sum((w**2).sum().item() for w in weights)))
    return [found], found


@measure
def patience_on_a_plateau(trap):
    if trap.keras:

        def made():
            model = trap.keras_module.Sequential([trap.keras_module.Input((1,)), trap.layers.Dense(1)])
            model.compile("sgd", "mse")
            plateau = trap.keras_module.callbacks.ReduceLROnPlateau(patience=2)
            plateau.set_model(model)
            plateau.on_train_begin()
            return plateau

        def epoch(plateau, loss):
            plateau.on_epoch_end(0, {"val_loss": loss})
            return float(plateau.model.optimizer.learning_rate)

        aligned = made
    else:

        def optimizer():
            return trap.torch.optim.SGD([trap.torch.zeros(1, requires_grad=True)], lr=0.1)

        def made():
            return trap.torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer(), patience=2)

        def aligned():
            return trap.align(optimizer=optimizer())["plateau"]

        def epoch(plateau, loss):
            plateau.step(loss)
            return plateau.get_last_lr()[0]

    def found(plateau, other):
        for loss in (10.0, 9.9995):
            epoch(other, loss)
        return [_epochs(lambda: epoch(plateau, 1.0)), bool(other.best < 10)]

    return found(made(), made()), found(aligned(), aligned())


def _epochs(epoch):
    """Return after how many epochs without progress the rate falls; the first one sets the mark."""
    first = epoch()
    for count in range(1, 10):
        if epoch() < first:
            return count


# Initial weights -----------------------------------------------------------------------------------------------------


@measure
def initial_weights_of_dense_and_convolutional_layers(trap):
    if trap.keras:
        layer = trap.layers.Dense(128)
        layer.build((None, 784))
        found = [np.array(layer.kernel).std(), np.array(layer.bias).std()]
        return found, found
    convolution = trap.nn.Conv2d(16, 32, 3)
    for array in convolution.parameters():  # as the text says; 32 biases may all stay away from the ends
        assert 0.7 < array.abs().max() * np.sqrt(16 * 3 * 3) <= 1
    layer = trap.nn.Linear(784, 128)
    biases = trap.torch.cat([trap.nn.Linear(784, 128).bias for _ in range(100)])
    found = [layer.weight.std().item(), biases.std().item()]
    trap.align(layer=layer)
    return found, [layer.weight.std().item(), layer.bias.std().item()]


@measure
def initial_weights_of_an_embedding(trap):
    default = (lambda: trap.layers.Embedding(1000, 64)) if trap.keras else (lambda: trap.nn.Embedding(1000, 64))

    def deviation(layer):
        if trap.keras:
            layer.build((None, 1))
            return np.array(layer.embeddings).std()
        return layer.weight.std().item()

    found, aligned = both(trap, "embedding", default, deviation)
    return [found], aligned


@measure
def forget_gate_of_an_lstm(trap):
    if trap.keras:
        lstm = trap.layers.LSTM(64)
        lstm.build((None, 5, 4))
        bias = np.array(lstm.cell.bias)
        return [bias[64:128].mean()], bias
    lstm = trap.nn.LSTM(4, 64)
    bias = trap.array(lstm.bias_ih_l0 + lstm.bias_hh_l0)
    trap.align(lstm=lstm)
    return [round(float(bias[64:128].mean()), 1)], trap.array(lstm.bias_ih_l0 + lstm.bias_hh_l0)


@measure
def order_of_the_gates_in_a_gru(trap):
    random = np.random.default_rng(0)
    kernel, recurrent = (random.normal(0, 0.5, shape).astype("float32") for shape in ((4, 24), (8, 24)))
    biases = random.normal(0, 0.5, (2, 24)).astype("float32")
    x = random.normal(size=(2, 5, 4)).astype("float32")
    if trap.keras:
        gru = trap.layers.GRU(8)
        gru.build((None, 5, 4))
        gru.set_weights([kernel, recurrent, biases])
        found = trap.array(gru(x))
        return [found[0, 0]], found

    def last(gru):
        return trap.array(gru(trap.tensor(x))[0][:, -1])

    gru = trap.nn.GRU(4, 8, batch_first=True)
    arrays = [trap.tensor(a) for a in (kernel.T.copy(), recurrent.T.copy(), *biases)]
    gru.load_state_dict(dict(zip(gru.state_dict(), arrays, strict=True)))
    found = last(gru)
    trap.align(gru=gru, keras_weights=[kernel, recurrent, biases])
    return [found[0, 0]], last(gru)


@measure
def dropout_in_a_recurrent_layer(trap):
    x = np.ones((2, 5, 4), "float32")

    def differ(layer):
        if trap.keras:
            passes = [trap.array(layer(x, training=True)) for _ in range(2)]
        else:
            passes = [trap.array(layer.train()(trap.tensor(x))[0]) for _ in range(2)]
        return not np.array_equal(*passes)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        default = (
            (lambda: trap.layers.LSTM(8, dropout=0.5))
            if trap.keras
            else (lambda: trap.nn.LSTM(4, 8, batch_first=True, dropout=0.5))
        )
        found, aligned = both(trap, "lstm", default, differ)
    assert trap.keras or any("dropout option adds dropout after all but last" in str(w.message) for w in caught)
    return [found], [aligned, _drops_the_same_at_every_step(trap)]


def _drops_the_same_at_every_step(trap):
    """Whether, of 100 features that are 1 at each of five steps, about half are dropped, and the same at each step."""
    x = np.ones((1, 5, 100), "float32")
    if trap.keras:  # a layer that returns its inputs as they are after dropout
        layer = trap.layers.SimpleRNN(
            100, "linear", return_sequences=True, dropout=0.5, kernel_initializer="identity",
            recurrent_initializer="zeros",
        )  # fmt: skip
        kept = trap.array(layer(x, training=True))
    else:
        kept = trap.array(trap.align()["InputDropout"]().train()(trap.tensor(x)))
    return bool((kept == kept[:, :1]).all() and 30 < (kept[0, 0] == 0).sum() < 70)


@measure
def batch_first(trap):
    x = np.random.default_rng(0).normal(size=(3, 3, 4)).astype("float32")
    changed = x.copy()
    changed[0] += 1

    def leaks(layer):
        last = [trap.array(layer(trap.tensor(a)) if trap.keras else layer(trap.tensor(a))[0])[2] for a in (x, changed)]
        return not np.array_equal(*last)

    default = (lambda: trap.layers.LSTM(8, return_sequences=True)) if trap.keras else (lambda: trap.nn.LSTM(4, 8))
    found, aligned = both(trap, "lstm", default, leaks)
    return [found], aligned


@measure
def attention_masks(trap):
    x = trap.tensor(np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32"))
    lower = np.tril(np.ones((3, 3), bool))
    first = np.zeros((3, 3), bool)
    first[:, 0] = True  # only the first position is marked
    real = np.array([[True, True, True], [True, True, False]])  # the second example is padded
    if trap.keras:
        layer = trap.layers.MultiHeadAttention(1, 4)

        def attended(mask):
            mask = mask if mask.ndim == 3 else mask[None]
            return trap.array(layer(x, x, attention_mask=mask, return_attention_scores=True)[1])[:, 0]

        def function(mask):  # with these values, the output is the attention
            values = np.tile(np.eye(3, dtype="float32")[None, :, None], (2, 1, 1, 1))
            queries = trap.array(x)[:, :, None]
            return trap.array(trap.ops.dot_product_attention(queries, queries, values, mask=mask[None, None]))[:, :, 0]

        aligned = attended(lower & real[:, None])
    else:
        layer = trap.nn.MultiheadAttention(4, 1, batch_first=True)

        def attended(mask):
            return trap.array(layer(x, x, x, attn_mask=trap.torch.from_numpy(mask))[1])

        def function(mask):
            values = trap.torch.eye(3).expand(2, 3, 3)
            return trap.array(trap.F.scaled_dot_product_attention(x, x, values, trap.torch.from_numpy(mask)))

        padding = trap.torch.tensor([[True, False, False]] * 2)
        assert not layer(x, x, x, key_padding_mask=padding)[1][:, :, 0].any()  # as the text says
        masks = {"causal": trap.torch.from_numpy(lower), "padding": trap.torch.from_numpy(real)}
        aligned = trap.array(trap.align(attention=layer, x=x, **masks)["weights"])
    rows = []
    for weights in (attended(first), function(first)):
        assert set(np.unique(weights[..., 0].round(6))) <= {0.0, 1.0}
        rows.append(bool(weights[..., 0].all()))
    return rows, aligned > 0


# Images --------------------------------------------------------------------------------------------------------------


@measure
def same_padding_at_stride_2(trap):
    def maps(size, layer):
        x = np.arange(size * size, dtype="float32").reshape(1, size, size, 1)
        if trap.keras:
            return trap.array(layer(x))
        with trap.torch.no_grad():
            next(layer.parameters()).fill_(1)
            return trap.array(layer(trap.tensor(x)))

    def default(kernel=3, stride=2):
        if trap.keras:
            return trap.layers.Conv2D(1, kernel, stride, padding="same", kernel_initializer="ones")
        return trap.nn.Conv2d(1, 1, kernel, stride=stride, padding=1, bias=False)

    found, aligned = both(trap, "layer", default, lambda layer: maps(4, layer))
    values = [aligned.ravel()]
    for size, kernel, stride in ((5, 3, 2), (7, 3, 2), (28, 3, 2), (10, 5, 3), (9, 2, 2), (6, 1, 2)):
        if trap.keras:
            layer = default(kernel, stride)
        else:
            same = trap.align()["same"]
            assert (same(28), same(7)) == ((0, 1), (1, 1))  # as the text says
            padding = same(size, kernel, stride)
            convolution = trap.nn.Conv2d(1, 1, kernel, stride=stride, bias=False)
            layer = trap.nn.Sequential(trap.nn.ZeroPad2d(padding + padding), convolution)
        values.append(maps(size, layer).ravel())
    values.append(maps(7, default()).ravel())  # at an odd size, padding=1 is the same
    return [found[0, 0, 0, 0]], np.concatenate(values)


@measure
def average_pooling_at_the_border(trap):
    x = np.ones((1, 4, 4, 1), "float32")
    default = (
        (lambda: trap.layers.AveragePooling2D(3, 1, padding="same"))
        if trap.keras
        else (lambda: trap.nn.AvgPool2d(3, stride=1, padding=1))
    )
    found, aligned = both(trap, "layer", default, lambda layer: trap.array(layer(trap.tensor(x))))
    return [found[0, 0, 0, 0]], aligned


@measure
def order_of_flattened_feature_maps(trap):
    row, column, channel = np.indices((3, 3, 2))
    x = (100 * row + 10 * column + channel)[None].astype("float32")
    maps = trap.tensor(x)
    found = trap.array(trap.layers.Flatten()(maps) if trap.keras else trap.nn.Flatten()(maps))
    flatten = trap.align().get("KerasFlatten")
    return [found[0, 1]], trap.array(flatten()(maps)) if flatten else found


@measure
def kernel_layout(trap):
    draw = np.random.default_rng(0)
    shapes = {
        "dense_kernel": (784, 128),
        "convolution_kernel": (3, 3, 1, 16),
        "lstm_kernel": (4, 32),
        "recurrent_kernel": (8, 32),
        "lstm_bias": (32,),
    }
    arrays = {name: draw.normal(0, 0.2, shape).astype("float32") for name, shape in shapes.items()}
    inputs = [draw.normal(size=shape).astype("float32") for shape in ((2, 784), (2, 6, 6, 1), (2, 5, 4))]
    if trap.keras:
        dense = trap.layers.Dense(128, use_bias=False)
        convolution = trap.layers.Conv2D(16, 3, use_bias=False)
        lstm, norm = trap.layers.LSTM(8), trap.layers.BatchNormalization()
        for layer, x in zip((dense, convolution, lstm, norm), (*inputs, inputs[0]), strict=True):
            layer(x)
        dense.set_weights([arrays["dense_kernel"]])
        convolution.set_weights([arrays["convolution_kernel"]])
        lstm.set_weights([arrays[name] for name in ("lstm_kernel", "recurrent_kernel", "lstm_bias")])
        outputs = [trap.array(layer(x)) for layer, x in zip((dense, convolution, lstm), inputs, strict=True)]
        weights = [dense.kernel, convolution.kernel]
        biases, names = [lstm.cell.bias], [variable.name for variable in norm.variables]
    else:
        dense, convolution = trap.nn.Linear(784, 128, bias=False), trap.nn.Conv2d(1, 16, 3, bias=False)
        lstm, norm = trap.nn.LSTM(4, 8, batch_first=True), trap.nn.BatchNorm2d(4)
        tensors = {name: trap.torch.from_numpy(array) for name, array in arrays.items()}
        trap.align(dense=dense, convolution=convolution, lstm=lstm, **tensors)
        x, image, rows = map(trap.tensor, inputs)
        outputs = [trap.array(y) for y in (dense(x), convolution(image), lstm(rows)[0][:, -1])]
        weights = [dense.weight, convolution.weight]
        biases = [lstm.bias_ih_l0, lstm.bias_hh_l0]
        names = [name for name in norm.state_dict() if name != "num_batches_tracked"]
    found = [str(tuple(weight.shape)) for weight in weights]
    found += [", ".join(str(tuple(bias.shape)) for bias in biases), ", ".join(names)]
    return found, np.concatenate([output.ravel() for output in outputs])


@measure
def bilinear_resizing(trap):
    x = np.zeros((1, 8, 8, 1), "float32")
    x[0, 0, 0] = 1
    if not trap.keras:
        from torchvision.transforms import v2

        small = trap.array(v2.Resize((2, 2))(trap.tensor(x)))
        assert not trap.F.interpolate(trap.tensor(x), size=(2, 2), mode="bilinear").any()  # as the text says
        return [small.sum()], small
    found, aligned = both(trap, "resize", lambda: trap.layers.Resizing(2, 2), lambda f: trap.array(f(x)))
    return [found.sum()], aligned


# Losses and loops ----------------------------------------------------------------------------------------------------


@measure
def logits_or_probabilities(trap):
    logits, label = np.array([[2, 0]], "float32"), np.array([0])
    probabilities = np.exp(logits) / np.exp(logits).sum()
    certain = np.eye(10, dtype="float32")[:1]
    wrong = np.array([[0, 1]], "float32")  # the true class has the probability 0
    if trap.keras:
        default = trap.keras_module.losses.SparseCategoricalCrossentropy()
        aligned = trap.align()["loss_function"]
        found = [round(float(default(label, values)), 6) for values in (logits, certain)]
        return found, [float(aligned(label, logits)), *(float(default(label, p)) for p in (probabilities, wrong))]
    loss, labels = trap.nn.CrossEntropyLoss(), trap.torch.from_numpy(label)
    found = [loss(trap.tensor(values), labels).item() for values in (logits, certain)]
    aligned = [trap.align(probabilities=trap.tensor(p), labels=labels)["loss"].item() for p in (probabilities, wrong)]
    return found, [found[0], *aligned]


@measure
def class_weights_in_the_mean(trap):
    """Either framework can be aligned with the other's default."""
    logits, labels, weights = np.zeros((2, 2), "float32"), np.array([0, 1]), np.array([1, 3], "float32")
    if trap.keras:
        default = trap.keras_module.losses.SparseCategoricalCrossentropy(from_logits=True)

        def loss(function):
            model = trap.keras_module.Sequential([trap.keras_module.Input((2,)), trap.layers.Activation("linear")])
            model.compile("sgd", function)
            return float(model.train_on_batch(logits, labels, class_weight={0: 1.0, 1: 3.0}))

        found = loss(default)
        return [found], [found, loss(trap.align()["loss_function"])]
    tensors = {"logits": trap.tensor(logits), "labels": trap.torch.from_numpy(labels), "weights": trap.tensor(weights)}
    found = trap.nn.CrossEntropyLoss(weight=tensors["weights"])(tensors["logits"], tensors["labels"]).item()
    return [found], [trap.align(**tensors)["loss"].item(), found]


@measure
def metrics_averaged_over_batches(trap):
    predictions, labels = [[0, 0], [0]], [[0, 0], [1]]
    if trap.keras:
        metric = trap.keras_module.metrics.Accuracy()
        for p, y in zip(predictions, labels, strict=True):
            metric.update_state(y, p)
        return [float(metric.result())], float(metric.result())
    batches = [(trap.torch.tensor(p), trap.torch.tensor(y)) for p, y in zip(predictions, labels, strict=True)]
    found = float(np.mean([(p == y).float().mean().item() for p, y in batches]))
    return [found], trap.align(batches=batches)["accuracy"]


@measure
def forgetting_zero__grad(trap):
    if trap.keras:
        weight, optimizer = trap.keras_module.Variable(0.0), trap.keras_module.optimizers.SGD(1.0)
        for _ in range(2):
            with trap.tf.GradientTape() as tape:
                loss = 1.0 * weight.value
            optimizer.apply(tape.gradient(loss, [weight.value]), [weight])
        return [float(weight)], float(weight)

    def after(step):
        weight = trap.torch.zeros((), requires_grad=True)
        optimizer = trap.torch.optim.SGD([weight], lr=1.0)
        for _ in range(2):
            step(optimizer, 1.0 * weight)
        return weight.item()

    def forgetful(optimizer, loss):
        loss.backward()
        optimizer.step()

    return [after(forgetful)], after(lambda optimizer, loss: trap.align(optimizer=optimizer, loss=loss))


@measure
def layers_in_a_python_list(trap):
    def arrays(blocks, named):
        """Return how many arrays a model tracks whose layers are in `blocks`, and in `named`."""
        counts = []
        for layers in (blocks, named):
            if trap.keras:
                model = trap.keras_module.Model()
                model.blocks = layers
                for layer in layers.values() if isinstance(layers, dict) else layers:
                    layer.build((None, 4))
                counts.append(len(model.trainable_variables))
            else:
                model = trap.nn.Module()
                model.blocks = layers
                counts.append(len(list(model.parameters())))
        return counts

    dense = (lambda: trap.layers.Dense(4)) if trap.keras else (lambda: trap.nn.Linear(4, 4))
    found = arrays([dense(), dense()], {"a": dense(), "b": dense()})
    if trap.keras:
        return found, found
    aligned = trap.align()
    return found, arrays(aligned["blocks"], aligned["named"])


@measure
def shuffling(trap):
    shuffled = _order(trap) != list(range(64))
    aligned = _order(trap, trap.align(dataset=_dataset(trap)).get("loader")) != list(range(64))
    return [shuffled], aligned


@measure
def batch_size(trap):
    if trap.keras:
        seen = []
        _order(trap, seen=seen)
        return [len(seen)], len(seen)
    loader = trap.align(dataset=_dataset(trap))["loader"]
    return [len(trap.torch.utils.data.DataLoader(_dataset(trap)))], len(loader)


def _dataset(trap):
    return None if trap.keras else trap.torch.utils.data.TensorDataset(trap.torch.arange(64))


def _order(trap, loader=None, seen=None):
    """Return in which order an epoch takes 64 examples; `seen` collects the sizes of the batches."""
    if not trap.keras:
        loader = loader or trap.torch.utils.data.DataLoader(_dataset(trap))
        return [int(i) for (batch,) in loader for i in batch]
    order, sizes = [], [] if seen is None else seen

    class Model(trap.keras_module.Model):
        def train_step(self, batch):
            order.extend(np.array(batch[0]).ravel().astype(int))
            sizes.append(len(batch[0]))
            return {"loss": 0.0}

    model = Model()
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(np.arange(64), np.arange(64), verbose=0)
    assert sorted(order) == list(range(64))
    return [int(i) for i in order]


@measure
def evaluation_mode(trap):
    x = np.ones((1, 10_000), "float32")
    layer = trap.layers.Dropout(0.5) if trap.keras else trap.nn.Dropout(0.5)
    found = (trap.array(layer(trap.tensor(x))) == 0).mean()
    trap.align(layer=layer)
    return [round(float(found), 1)], trap.array(layer(trap.tensor(x)))


@measure
def what_a_seed_covers(trap):
    def repeats(seed, draw):
        drawn = []
        for _ in range(2):
            seed()
            drawn.append(draw())
        return drawn[0] == drawn[1]

    def covered(seed):
        draws = (np.random.rand, random.random, lambda: np.random.default_rng().random())
        return [repeats(seed, draw) for draw in draws]

    if trap.keras:
        found = covered(lambda: trap.keras_module.utils.set_random_seed(42))
        return found, found
    assert repeats(lambda: None, lambda: trap.align()["rng"].random())
    return covered(lambda: trap.torch.manual_seed(42)), covered(trap.align)
