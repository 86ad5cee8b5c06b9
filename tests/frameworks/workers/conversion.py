"""Converts small networks between Keras and PyTorch, for test_convert.py.

Every function called check_NAME is a check; what it returns is the largest difference that it measured. The process
has imported both frameworks in the order that the comparison tells.
"""

import contextlib
import math

import keras
import numpy as np
import tensorflow as tf
import torch
import torch.nn.utils.prune
from keras import layers
from torch import nn

from fmnist import convert

random = np.random.default_rng(0)
IMAGE = (9, 6, 2)  # height, width and channels differ, so that none passes for another
MAPS = (3, 4, 5)  # what comes out of the convolutions below
EPSILON = 1e-3


# Networks, each in both frameworks -----------------------------------------------------------------------------------


def sequential(shape, keras_layers, torch_layers):
    return keras.Sequential([keras.Input(shape), *keras_layers]), nn.Sequential(*torch_layers)


def dense():
    return sequential(
        (5,),
        [layers.Dense(7, activation="relu"), layers.Dense(3)],
        [nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3)],
    )


def convolutions():
    """The layers from images to feature maps, in Keras and in PyTorch."""
    keras_layers = [
        layers.Conv2D(3, (3, 2), activation="relu"),
        layers.MaxPooling2D((2, 1)),
        layers.Conv2D(5, (1, 2), activation="tanh"),
    ]
    torch_layers = [nn.Conv2d(2, 3, (3, 2)), nn.ReLU(), nn.MaxPool2d((2, 1)), nn.Conv2d(3, 5, (1, 2)), nn.Tanh()]
    return keras_layers, torch_layers


def cnn(keras_head=None, torch_head=None):
    """Convolutions and what follows them: a flatten layer and two dense ones, or the layers given."""
    keras_layers, torch_layers = convolutions()
    keras_head = keras_head or [layers.Flatten(), layers.Dense(8, activation="relu"), layers.Dense(3)]
    torch_head = torch_head or [nn.Flatten(), nn.Linear(math.prod(MAPS), 8), nn.ReLU(), nn.Linear(8, 3)]
    return sequential(IMAGE, keras_layers + keras_head, torch_layers + torch_head)


def norm(**options):
    return layers.BatchNormalization(epsilon=EPSILON, momentum=0.99, **options)


def norm_1d(size, **options):
    return nn.BatchNorm1d(size, eps=EPSILON, momentum=0.01, **options)


def norm_2d(size, **options):
    return nn.BatchNorm2d(size, eps=EPSILON, momentum=0.01, **options)


def cnn_with_norm_of_maps():
    keras_layers, torch_layers = convolutions()
    return sequential(
        IMAGE,
        [norm(), keras_layers[0], norm(), *keras_layers[1:], norm(), layers.Flatten(), layers.Dense(3)],
        [norm_2d(2), *torch_layers[:2], norm_2d(3), *torch_layers[2:], norm_2d(5), nn.Flatten(), nn.Linear(60, 3)],
    )


def cnn_with_norm_of_vectors():
    """Batch normalization on both sides of the first dense layer; the first one sees the flattened maps."""
    return cnn(
        [layers.Flatten(), norm(), layers.Dense(60), norm(), layers.Activation("relu"), layers.Dense(3)],
        [nn.Flatten(), norm_1d(60), nn.Linear(60, 60), norm_1d(60), nn.ReLU(), nn.Linear(60, 3)],
    )


def cnn_with_dropout(rate=0.5):
    return cnn(
        [layers.Dropout(rate), layers.Flatten(), layers.Dropout(rate), layers.Dense(8), layers.Dense(3)],
        [nn.Dropout(rate), nn.Flatten(), nn.Dropout(rate), nn.Linear(60, 8), nn.Linear(8, 3)],
    )


def nested():
    """Models in models: the flatten layer and what follows it are not in the same one."""
    keras_layers, torch_layers = convolutions()
    keras_head = keras.Sequential([keras.Sequential([layers.Dense(60), norm()]), layers.Dense(3)])
    torch_head = nn.Sequential(nn.Sequential(nn.Linear(60, 60), norm_1d(60)), nn.Linear(60, 3))
    return sequential(
        IMAGE,
        [keras.Sequential([*keras_layers, layers.Flatten()]), keras_head],
        [nn.Sequential(*torch_layers, nn.Flatten()), torch_head],
    )


class Residual(nn.Module):
    """The PyTorch half of `functional`."""

    def __init__(self):
        super().__init__()
        self.widen = nn.Conv2d(2, 5, (3, 2))
        self.around = nn.Sequential(norm_2d(5), nn.ReLU(), nn.Conv2d(5, 5, (3, 1), padding="same", bias=False))
        self.head = nn.Linear(7 * 5 * 5, 3)

    def forward(self, images):
        maps = self.widen(images)
        return self.head(torch.flatten(maps + self.around(maps), 1))


def functional():
    images = keras.Input(IMAGE)
    maps = layers.Conv2D(5, (3, 2))(images)
    around = layers.ReLU()(norm()(maps))
    around = layers.Conv2D(5, (3, 1), padding="same", use_bias=False)(around)
    logits = layers.Dense(3)(layers.Flatten()(layers.Add()([maps, around])))
    return keras.Model(images, logits), Residual()


# Numbers in and out of them ------------------------------------------------------------------------------------------


@contextlib.contextmanager
def precision(dtype):
    """Build and train networks of this dtype in both frameworks."""
    try:
        keras.config.set_floatx(dtype)
        keras.config.set_dtype_policy(dtype)
        torch.set_default_dtype(getattr(torch, dtype))
        yield
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")
        torch.set_default_dtype(torch.float32)


def randomize(model):
    """Give every array random numbers: the zeros and ones that layers begin with would hide a mistake."""
    if isinstance(model, nn.Module):
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                tensor.copy_(torch.as_tensor(numbers(name, tensor.shape)))
    else:
        for variable in model.weights:
            variable.assign(numbers(variable.name, variable.shape))
    return model


def numbers(name, shape):
    """Around one for what batch normalization multiplies and divides with, else around zero."""
    name = name.split(".")[-1]
    if name in ("gamma", "moving_variance", "running_var") or (name == "weight" and len(shape) == 1):
        return random.uniform(0.5, 1.5, shape)
    return random.normal(0, 0.2, shape)


def arrays(model):
    """What a model holds, except for PyTorch's count of batches, which Keras does not have."""
    if isinstance(model, nn.Module):
        return [tensor.numpy().copy() for tensor in model.state_dict().values() if tensor.is_floating_point()]
    return model.get_weights()


def same_bits(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype and one.shape == other.shape
        assert one.tobytes() == np.ascontiguousarray(other).tobytes()


def as_in_pytorch(array, maps=None):
    """An array of Keras as PyTorch has it, written independently of fmnist.convert.

    Given the height, width and channels of `maps`, rows that belong to the flattened maps are ordered anew.
    """
    if maps and len(array) == math.prod(maps):
        array = np.moveaxis(array.reshape(*maps, *array.shape[1:]), 2, 0).reshape(array.shape)
    return np.einsum({1: "o->o", 2: "io->oi", 4: "hwio->oihw"}[array.ndim], array)


def batch_for(keras_model, size=16):
    shape = keras_model.input_shape[1:]
    return random.normal(size=(size, *shape)).astype(keras.config.floatx()), random.integers(0, 3, size)


def channels_first(images):
    images = torch.from_numpy(images)
    return images.permute(0, 3, 1, 2).contiguous() if images.ndim == 4 else images


def logits(keras_model, torch_model, images):
    torch_model.eval()
    with torch.inference_mode():
        found = torch_model(channels_first(images)).numpy()
    return keras_model(images, training=False).numpy(), found


def largest(keras_array, torch_array):
    return float(np.max(np.abs(keras_array - torch_array)))


# 1. Arrays -----------------------------------------------------------------------------------------------------------


def round_trip(build):
    """Both ways around, through networks that held other numbers before."""
    keras_model, torch_model = map(randomize, build())
    keras_end, torch_end = map(randomize, build())
    before = arrays(keras_model)
    assert convert.keras_to_pytorch(keras_model, torch_model) is torch_model
    assert convert.pytorch_to_keras(torch_model, keras_end) is keras_end
    same_bits(arrays(keras_model), before)
    same_bits(arrays(keras_end), before)
    before = arrays(randomize(torch_model))
    assert convert.pytorch_to_keras(torch_model, keras_model) is keras_model
    assert convert.keras_to_pytorch(keras_model, torch_end) is torch_end
    same_bits(arrays(torch_model), before)
    same_bits(arrays(torch_end), before)


def one_layer(shape, keras_layer, torch_layer):
    """The same for networks of one layer, where the order of the arrays is known: they are where they should be."""

    def build():
        return sequential(shape, [keras_layer()], [torch_layer()])

    round_trip(build)
    keras_model, torch_model = map(randomize, build())
    convert.keras_to_pytorch(keras_model, torch_model)
    same_bits(arrays(torch_model), [as_in_pytorch(array) for array in arrays(keras_model)])
    keras_model, torch_model = map(randomize, build())
    convert.pytorch_to_keras(torch_model, keras_model)
    same_bits(arrays(torch_model), [as_in_pytorch(array) for array in arrays(keras_model)])


def check_arrays_of_dense():
    one_layer((5,), lambda: layers.Dense(4), lambda: nn.Linear(5, 4))
    one_layer((4,), lambda: layers.Dense(4), lambda: nn.Linear(4, 4))


def check_arrays_of_dense_without_bias():
    one_layer((5,), lambda: layers.Dense(4, use_bias=False), lambda: nn.Linear(5, 4, bias=False))


def check_arrays_of_convolution():
    one_layer(IMAGE, lambda: layers.Conv2D(5, (3, 4)), lambda: nn.Conv2d(2, 5, (3, 4)))
    one_layer((5, 5, 3), lambda: layers.Conv2D(3, 3), lambda: nn.Conv2d(3, 3, 3))


def check_arrays_of_convolution_without_bias():
    one_layer(IMAGE, lambda: layers.Conv2D(5, (3, 4), use_bias=False), lambda: nn.Conv2d(2, 5, (3, 4), bias=False))


def check_arrays_of_grouped_convolution():
    one_layer((7, 5, 6), lambda: layers.Conv2D(4, (3, 2), groups=2), lambda: nn.Conv2d(6, 4, (3, 2), groups=2))


def check_arrays_of_batch_normalization():
    one_layer((4, 3, 5), norm, lambda: norm_2d(5))
    one_layer((5,), norm, lambda: norm_1d(5))


def check_arrays_of_batch_normalization_without_scale_and_center():
    off = {"scale": False, "center": False}
    one_layer((4, 3, 5), lambda: norm(**off), lambda: norm_2d(5, affine=False))
    one_layer((5,), lambda: norm(**off), lambda: norm_1d(5, affine=False))


def check_arrays_of_batch_normalization_without_scale_or_center():
    def without(name, build):
        module = build(5)
        setattr(module, name, None)
        return module

    for size, build in (((4, 3, 5), norm_2d), ((5,), norm_1d)):
        one_layer(size, lambda: norm(scale=False), lambda build=build: without("weight", build))
        one_layer(size, lambda: norm(center=False), lambda build=build: without("bias", build))


def check_arrays_of_whole_networks():
    for build in (dense, cnn, cnn_with_norm_of_maps, cnn_with_norm_of_vectors, cnn_with_dropout):
        round_trip(build)


def check_arrays_of_nested_models():
    round_trip(nested)


def check_arrays_of_functional_models():
    round_trip(functional)


def check_every_bit_is_kept():
    """Also of numbers that calculating, even with one or zero, might change."""
    odd = np.array([-0.0, 1e-42, np.inf, np.nan, 1 + 2**-23], "float32")
    keras_model, torch_model = sequential((5,), [layers.Dense(1)], [nn.Linear(5, 1)])
    keras_model.layers[0].kernel.assign(odd[:, np.newaxis])
    convert.keras_to_pytorch(keras_model, torch_model)
    assert torch_model[0].weight.detach().numpy().tobytes() == odd.tobytes()
    randomize(keras_model)
    convert.pytorch_to_keras(torch_model, keras_model)
    assert keras_model.layers[0].kernel.numpy().tobytes() == odd.tobytes()


def check_the_target_keeps_its_dtype():
    keras_model, torch_model = map(randomize, cnn())
    expected = arrays(keras_model)
    convert.keras_to_pytorch(keras_model, torch_model.double())
    assert {array.dtype for array in arrays(torch_model)} == {np.dtype("float64")}
    randomize(keras_model)
    convert.pytorch_to_keras(torch_model, keras_model)
    same_bits(arrays(keras_model), expected)


def check_tensors_are_filled_in_place():
    """An optimizer that was made before still finds its parameters; nor does the layout in memory matter."""
    keras_model, torch_model = map(randomize, cnn())
    torch_model = torch_model.to(memory_format=torch.channels_last)
    before = [(id(tensor), tensor.data_ptr(), tensor.stride()) for tensor in torch_model.parameters()]
    convert.keras_to_pytorch(keras_model, torch_model)
    assert [(id(tensor), tensor.data_ptr(), tensor.stride()) for tensor in torch_model.parameters()] == before
    assert all(tensor.requires_grad and tensor.is_leaf for tensor in torch_model.parameters())
    expected = arrays(keras_model)
    randomize(keras_model)
    convert.pytorch_to_keras(torch_model, keras_model)
    same_bits(arrays(keras_model), expected)


def check_pairs():
    keras_model, torch_model = functional()
    found = convert.pairs(keras_model, torch_model)
    assert [name for _, name, _ in found] == ["widen", "around.0", "around.2", "head"]
    assert [type(layer).__name__ for layer, _, _ in found] == ["Conv2D", "BatchNormalization", "Conv2D", "Dense"]
    for layer, name, module in found:
        assert torch_model.get_submodule(name) is module
        assert layer in keras_model.layers


# 2. The same function ------------------------------------------------------------------------------------------------


def same_function(build):
    """Converted either way, the networks give the same logits in evaluation mode."""
    found = {}
    for dtype, limit in (("float32", 1e-5), ("float64", 1e-12)):
        with precision(dtype):
            keras_model, torch_model = build()
            images, _ = batch_for(keras_model)
            differences = []
            for to, *models in (
                (convert.keras_to_pytorch, keras_model, torch_model),
                (convert.pytorch_to_keras, torch_model, keras_model),
            ):
                for model in models:
                    randomize(model)
                to(*models)
                by_keras, by_pytorch = logits(keras_model, torch_model, images)
                assert by_keras.dtype == by_pytorch.dtype == dtype
                assert by_keras.std(axis=0).min() > 1e-3  # the images matter
                differences.append(largest(by_keras, by_pytorch))
        found[dtype] = max(differences)
        assert found[dtype] <= limit, (dtype, differences)
    return found


def check_function_of_dense():
    return same_function(dense)


def check_function_of_cnn():
    return same_function(cnn)


def check_function_with_batch_normalization_of_maps():
    return same_function(cnn_with_norm_of_maps)


def check_function_with_batch_normalization_after_flatten():
    return same_function(cnn_with_norm_of_vectors)


def check_function_with_dropout():
    return same_function(cnn_with_dropout)


def check_function_of_nested_models():
    return same_function(nested)


def check_function_of_functional_models():
    return same_function(functional)


class Branches(nn.Module):
    """The PyTorch half of the next check."""

    def __init__(self):
        super().__init__()
        self.conv, self.dense = nn.Conv2d(5, 3, 2), nn.Linear(60, 3)

    def forward(self, maps):
        return self.dense(maps.flatten(1)) + self.conv(maps).mean((2, 3))


def check_function_with_a_convolution_beside_flatten():
    """Keras lists it between the flatten layer and the dense layer, to which it does not belong."""

    def build():
        maps = keras.Input(MAPS)
        flat, conv = layers.Flatten()(maps), layers.Conv2D(3, 2)(maps)
        logits = layers.Add()([layers.Dense(3)(flat), layers.GlobalAveragePooling2D()(conv)])
        return keras.Model(maps, logits), Branches()

    return same_function(build)


def check_function_with_grouped_convolution():
    return same_function(
        lambda: sequential(
            (7, 5, 6),
            [layers.Conv2D(4, (3, 2), groups=2), layers.GlobalAveragePooling2D()],
            [nn.Conv2d(6, 4, (3, 2), groups=2), nn.AdaptiveAvgPool2d(1), nn.Flatten()],
        )
    )


def check_only_the_first_dense_after_flatten_is_reordered():
    """The second takes as many inputs, so it could be reordered too."""
    return same_function(
        lambda: cnn(
            [layers.Flatten(), layers.Dense(60, activation="relu"), layers.Dense(60)],
            [nn.Flatten(), nn.Linear(60, 60), nn.ReLU(), nn.Linear(60, 60)],
        )
    )


def check_flatten_after_flatten_changes_nothing():
    return same_function(
        lambda: cnn(
            [layers.Flatten(), layers.Flatten(), layers.Dense(60), layers.Flatten(), layers.Dense(60)],
            [nn.Flatten(), nn.Flatten(), nn.Linear(60, 60), nn.Flatten(), nn.Linear(60, 60)],
        )
    )


def check_flatten_of_images():
    return same_function(
        lambda: sequential(
            MAPS,
            [layers.Flatten(), layers.Dense(60), layers.Dense(3)],
            [nn.Flatten(), nn.Linear(60, 60), nn.Linear(60, 3)],
        )
    )


def check_flatten_without_channels_changes_nothing():
    return same_function(
        lambda: sequential((3, 4), [layers.Flatten(), layers.Dense(3)], [nn.Flatten(), nn.Linear(12, 3)])
    )


def check_global_pooling_changes_nothing():
    return same_function(
        lambda: cnn(
            [layers.GlobalAveragePooling2D(), layers.Dense(5, activation="tanh"), layers.Dense(3)],
            [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 5), nn.Tanh(), nn.Linear(5, 3)],
        )
    )


# 3. The same gradients -----------------------------------------------------------------------------------------------


def step_of_keras(model, images, labels):
    """The loss of one batch in training mode, and the gradients of the variables that can be trained."""
    with tf.GradientTape() as tape:
        losses = keras.losses.sparse_categorical_crossentropy(labels, model(images, training=True), from_logits=True)
        loss = keras.ops.mean(losses)
    return loss, tape.gradient(loss, model.trainable_variables)


def step_of_pytorch(model, images, labels):
    """The loss of one batch in training mode; the gradients stay with their parameters."""
    model.train()
    model.zero_grad()
    loss = nn.functional.cross_entropy(model(channels_first(images)), torch.from_numpy(labels))
    loss.backward()
    return loss.item()


def same_gradients(build, maps=None):
    """Of one batch, layer by layer, relative to the largest gradient of the layer."""
    found = {}
    for dtype, limit in (("float32", 1e-5), ("float64", 1e-10)):
        with precision(dtype):
            keras_model, torch_model = build()
            convert.keras_to_pytorch(randomize(keras_model), torch_model)
            images, labels = batch_for(keras_model)
            _, gradients = step_of_keras(keras_model, images, labels)
            step_of_pytorch(torch_model, images, labels)
        of = dict(zip((id(variable) for variable in keras_model.trainable_variables), gradients, strict=True))
        differences = {}
        for layer, name, module in convert.pairs(keras_model, torch_model):
            expected = [as_in_pytorch(of[id(variable)].numpy(), maps) for variable in layer.trainable_variables]
            gradient = [parameter.grad.numpy() for parameter in module.parameters()]
            scale = max(float(np.abs(array).max()) for array in expected)
            assert scale > 1e-4, name
            differences[name] = max(largest(*both) for both in zip(expected, gradient, strict=True)) / scale
        found[dtype] = max(differences.values())
        assert found[dtype] <= limit, (dtype, differences)
    return found


def check_gradients_of_dense():
    return same_gradients(dense)


def check_gradients_of_cnn():
    return same_gradients(cnn, MAPS)


def check_gradients_with_dropout_of_rate_0():
    return same_gradients(lambda: cnn_with_dropout(rate=0), MAPS)


def check_gradients_with_batch_normalization_of_maps():
    return same_gradients(cnn_with_norm_of_maps, MAPS)


def check_gradients_with_batch_normalization_after_flatten():
    def build():  # sizes other than 60, by which the test would take the second layer for the first
        return cnn(
            [layers.Flatten(), norm(), layers.Dense(8), norm(), layers.Activation("relu"), layers.Dense(3)],
            [nn.Flatten(), norm_1d(60), nn.Linear(60, 8), norm_1d(8), nn.ReLU(), nn.Linear(8, 3)],
        )

    return same_gradients(build, MAPS)


# 4. The same training ------------------------------------------------------------------------------------------------

# Keras turns these numbers into float32 on their way to a float64 network; PyTorch takes them as they are.
MOMENTUM, BETAS = float(np.float32(0.9)), (float(np.float32(0.9)), float(np.float32(0.999)))


def train_both(keras_optimizer, torch_optimizer, before_step=None, steps=60):
    """Train a converted pair on the same random batches, and return how far losses and final logits differ."""
    with precision("float64"):
        keras_model, torch_model = cnn()
        convert.keras_to_pytorch(randomize(keras_model), torch_model)
        keras_optimizer, torch_optimizer = keras_optimizer(), torch_optimizer(torch_model.parameters())
        keras_optimizer.build(keras_model.trainable_variables)

        @tf.function
        def train_keras(images, labels):
            loss, gradients = step_of_keras(keras_model, images, labels)
            keras_optimizer.apply(gradients, keras_model.trainable_variables)
            return loss

        losses = []
        for step in range(1, steps + 1):
            images, labels = batch_for(keras_model)
            of_keras = float(train_keras(tf.constant(images), tf.constant(labels)))
            losses.append(abs(of_keras - step_of_pytorch(torch_model, images, labels)))
            if before_step:
                before_step(torch_optimizer, step)
            torch_optimizer.step()
        images, _ = batch_for(keras_model)
        return {"losses": max(losses), "logits": largest(*logits(keras_model, torch_model, images))}


def same_training(*args):
    found = train_both(*args)
    assert found["losses"] <= 1e-10 and found["logits"] <= 1e-9, found
    return found


def keras_adam():
    return keras.optimizers.Adam(0.001, beta_1=BETAS[0], beta_2=BETAS[1], epsilon=1e-7)


def torch_adam(parameters):
    return torch.optim.Adam(parameters, 0.001, betas=BETAS, eps=1e-7)


def check_training_with_sgd():
    return same_training(lambda: keras.optimizers.SGD(0.05), lambda parameters: torch.optim.SGD(parameters, 0.05))


def check_training_with_momentum():
    return same_training(
        lambda: keras.optimizers.SGD(0.05, momentum=MOMENTUM),
        lambda parameters: torch.optim.SGD(parameters, 0.05, momentum=MOMENTUM),
    )


def check_training_with_adam():
    """Keras adds epsilon to the root of the second moment before its bias is corrected, PyTorch afterwards."""

    def align(optimizer, step):
        optimizer.param_groups[0]["eps"] = 1e-7 / math.sqrt(1 - BETAS[1] ** step)

    return same_training(keras_adam, torch_adam, align)


def check_training_shows_where_adam_adds_epsilon():
    """Without that correction the difference is small, but these tests can see it."""
    found = train_both(keras_adam, torch_adam)
    assert min(found.values()) > 1e-8, found
    return found


def check_training_updates_the_variance_differently():
    """After a step of training Keras holds the biased variance of the batch, PyTorch the unbiased one.

    Keras with momentum 0.99 and PyTorch with momentum 0.01 both keep 0.99 of the old variance. What comes to it is
    0.01 of the batch's: divided by the number n of its values in Keras, and by n - 1 in PyTorch. The means agree.
    """
    found = []
    for build, images in (
        (lambda: sequential((5,), [norm()], [norm_1d(5)]), 8),
        (lambda: sequential((4, 3, 5), [norm()], [norm_2d(5)]), 2),
    ):
        with precision("float64"):
            keras_model, torch_model = build()
            convert.keras_to_pytorch(randomize(keras_model), torch_model)
            batch, _ = batch_for(keras_model, images)
            before = keras_model.layers[0].moving_variance.numpy()
            keras_model(batch, training=True)
            torch_model.train()(channels_first(batch))
        layer, module = keras_model.layers[0], torch_model[0]
        in_keras = layer.moving_variance.numpy() - 0.99 * before
        in_pytorch = module.running_var.numpy() - 0.99 * before
        n = batch.size // 5
        values = batch.reshape(n, 5)
        found.append(largest(in_keras, 0.01 * values.var(axis=0)))
        found.append(largest(in_pytorch, 0.01 * values.var(axis=0, ddof=1)))
        found.append(largest(in_pytorch / in_keras, n / (n - 1)))
        found.append(largest(layer.moving_mean.numpy(), module.running_mean.numpy()))
    assert max(found) <= 1e-12, found
    return max(found)


# 5. What cannot be converted -----------------------------------------------------------------------------------------


def refused(models, *said):
    """Neither direction begins, and the error names the layers. Wrong layers come last here, after some that fit."""
    keras_model, torch_model = map(randomize, models)
    for to, source, target in (
        (convert.keras_to_pytorch, keras_model, torch_model),
        (convert.pytorch_to_keras, torch_model, keras_model),
    ):
        before = arrays(target)
        message = "no error"
        try:
            to(source, target)
        except ValueError as error:
            assert isinstance(error, convert.ConversionError)
            message = str(error)
        for words in said:
            assert words in message, (words, message)
        same_bits(arrays(target), before)


def after_dense(keras_layers, torch_layers):
    return sequential((4,), [layers.Dense(5, name="first"), *keras_layers], [nn.Linear(4, 5), *torch_layers])


def after_convolution(keras_layers, torch_layers):
    return sequential(IMAGE, [layers.Conv2D(5, 2, name="first"), *keras_layers], [nn.Conv2d(2, 5, 2), *torch_layers])


def check_refuses_an_unknown_keras_layer():
    refused(after_dense([layers.LayerNormalization(name="centred")], [nn.Linear(5, 5)]), "centred (LayerNormalization)")
    refused(
        after_convolution([layers.DepthwiseConv2D(2, name="apart")], [nn.Conv2d(5, 5, 2, groups=5)]),
        "apart (DepthwiseConv2D)",
    )


def check_refuses_an_unknown_pytorch_layer():
    refused(after_dense([layers.Dense(5)], [nn.ReLU(), nn.PReLU()]), "2 (PReLU)")
    refused(after_dense([norm()], [nn.LayerNorm(5)]), "1 (LayerNorm)")


def check_refuses_parameters_of_the_module_itself():
    class Scaled(nn.Sequential):
        def __init__(self, *modules):
            super().__init__(*modules)
            self.scale = nn.Parameter(torch.ones(1))

    keras_model, torch_model = dense()
    refused((keras_model, Scaled(*torch_model)), "the module itself (Scaled)")


def check_names_every_unknown_layer():
    refused(
        after_dense([layers.LayerNormalization(name="centred")], [nn.LayerNorm(5)]),
        "centred (LayerNormalization)",
        "1 (LayerNorm)",
    )


def check_refuses_another_number_of_layers():
    more, fewer = [layers.Dense(5, name="second")], [nn.ReLU()]
    refused(after_dense(more, fewer), "2 layers", "first (Dense)", "second (Dense)", "0 (Linear)")
    more, fewer = [nn.ReLU(), nn.Linear(5, 5)], [layers.ReLU()]
    refused(after_dense(fewer, more), "first (Dense)", "PyTorch 2", "0 (Linear)", "2 (Linear)")


def check_refuses_kinds_in_another_order():
    refused(
        after_dense([layers.Dense(5, name="second"), norm(name="third")], [norm_1d(5), nn.Linear(5, 5)]),
        "second (Dense)",
        "1 (BatchNorm1d)",
    )


def check_refuses_shapes_that_do_not_fit():
    second = {"name": "second"}
    refused(after_dense([layers.Dense(6, **second)], [nn.Linear(5, 7)]), "second (Dense)", "1 (Linear)", "(5, 6)")
    refused(after_dense([layers.Dense(6, **second)], [nn.Linear(6, 5)]), "second (Dense)", "1 (Linear)", "(6, 5)")
    refused(after_dense([norm(**second)], [norm_1d(6)]), "second (BatchNormalization)", "1 (BatchNorm1d)", "(6,)")
    for channels, options, module in (
        (10, {}, nn.Conv2d(5, 10, (2, 3))),
        (10, {}, nn.Conv2d(5, 9, (3, 2))),
        (10, {}, nn.Conv2d(10, 10, (3, 2))),
        (10, {}, nn.Conv2d(5, 10, (3, 2), groups=5)),
        (10, {"groups": 5}, nn.Conv2d(5, 10, (3, 2))),
    ):
        layer = layers.Conv2D(channels, (3, 2), **options, **second)
        refused(after_convolution([layer], [module]), "second (Conv2D)", "1 (Conv2d)", "kernel")


def check_refuses_when_one_has_a_bias():
    kinds = "second (Dense)", "1 (Linear)", "bias"
    refused(after_dense([layers.Dense(3, use_bias=False, name="second")], [nn.Linear(5, 3)]), *kinds)
    refused(after_dense([layers.Dense(3, name="second")], [nn.Linear(5, 3, bias=False)]), *kinds)
    kinds = "second (Conv2D)", "1 (Conv2d)", "bias"
    refused(after_convolution([layers.Conv2D(3, 2, use_bias=False, name="second")], [nn.Conv2d(5, 3, 2)]), *kinds)
    refused(after_convolution([layers.Conv2D(3, 2, name="second")], [nn.Conv2d(5, 3, 2, bias=False)]), *kinds)


def check_refuses_when_one_has_a_scale_or_center():
    for off, array in (("scale", "gamma"), ("center", "beta")):
        refused(
            after_dense([norm(name="second", **{off: False})], [norm_1d(5)]),
            "second (BatchNormalization)",
            "1 (BatchNorm1d)",
            array,
        )
    refused(after_dense([norm(name="second")], [norm_1d(5, affine=False)]), "second (BatchNormalization)", "gamma")
    refused(
        after_dense([norm(name="second")], [norm_1d(5, track_running_stats=False)]),
        "second (BatchNormalization)",
        "1 (BatchNorm1d)",
        "moving_mean",
    )


def check_refuses_another_epsilon():
    both = "second (BatchNormalization)", "0.001", "1e-05"
    refused(after_dense([norm(name="second")], [nn.BatchNorm1d(5)]), "1 (BatchNorm1d)", *both)
    refused(after_convolution([norm(name="second")], [nn.BatchNorm2d(5)]), "1 (BatchNorm2d)", *both)


def check_refuses_channels_first():
    for layer, module in (
        (layers.Conv2D(3, 2, data_format="channels_first", name="second"), nn.Conv2d(8, 3, 2)),
        (layers.MaxPooling2D(data_format="channels_first", name="second"), nn.MaxPool2d(2)),
        (layers.Flatten(data_format="channels_first", name="second"), nn.Flatten()),
    ):
        refused(after_convolution([layer], [module]), f"second ({type(layer).__name__})", "order of axes")


def check_refuses_another_order_of_axes():
    reshaped = [layers.Reshape((8 * 5 * 5,), name="second"), layers.Dense(3)]
    refused(after_convolution(reshaped, [nn.Flatten(), nn.Linear(8 * 5 * 5, 3)]), "second (Reshape)", "order of axes")
    # The first axis of the maps has 8 places: a batch normalization of 8 features would fit.
    over_rows = sequential(
        IMAGE,
        [layers.Conv2D(8, 2), layers.BatchNormalization(axis=1, epsilon=EPSILON, name="second")],
        [nn.Conv2d(2, 8, 2), nn.BatchNorm2d(8, eps=EPSILON)],
    )
    refused(over_rows, "second (BatchNormalization)", "order of axes")


def check_refuses_a_dense_layer_that_does_not_follow_its_flatten():
    inputs = keras.Input(IMAGE)
    maps = layers.Conv2D(5, 2, name="first")(inputs)
    flat = layers.Flatten()(maps)
    pooled = layers.Dense(3, name="second")(layers.GlobalAveragePooling2D()(maps))
    keras_model = keras.Model(inputs, [flat, pooled])
    torch_model = nn.Sequential(nn.Conv2d(2, 5, 2), nn.Linear(5, 3))
    refused((keras_model, torch_model), "second (Dense)", "flattened before")


def check_refuses_arrays_that_are_made_anew():
    pruned = torch.nn.utils.prune.identity(nn.Linear(5, 3), "weight")
    refused(after_dense([layers.Dense(3, name="second")], [pruned]), "second (Dense)", "weight_orig")


# ---------------------------------------------------------------------------------------------------------------------


def answer(framework: str, question: str) -> float | None:
    """Run the check of this name, and return what it measured."""
    global random
    random = np.random.default_rng(0)  # a check that runs alone finds the same
    return globals()[f"check_{question}"]()
