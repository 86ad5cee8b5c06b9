"""Error messages of docs/side_by_side.md: which of them need a GPU, and other ways to the same message."""

# The code runs with tensors that have a device and a shape but no values, so that "cuda" needs no GPU.
SIMULATED = {"expected-all-tensors-to-be-on-the-same-device"}

# What stands in for "cuda": a device without values where the message comes, one with values where the code must run.
DEVICES = {"cant-convert-cuda0-device-type-tensor-to-numpy": {"wrong": "meta", "right": "cpu"}}

RECURRENT = """
gru, state = nn.GRU(28, 8, batch_first=True), None
for rows in (slice(0, 8), slice(8, 16)):
    outputs, state = gru(x_train[rows].squeeze(1), state)
    outputs.sum().backward()
    {}
"""
AGAIN = "Trying to backward through the graph a second time"
NO_GRADIENT = "element 0 of tensors does not require grad"
ONE_VALUE = "Expected more than 1 value per channel when training"

# Code, and what it says in the words of the entry; None for code that runs.
VARIANTS = {
    "trying-to-backward-through-the-graph-a-second-time": [
        (RECURRENT.format("pass"), AGAIN),
        (RECURRENT.format("state = state.detach()"), None),
        ("logits = model(x_train[:8])\n(logits.sum() + logits.square().sum()).backward()", None),
    ],
    "element-0-of-tensors-does-not-require-grad": [
        ("model(x_train[:8]).detach().sum().backward()", NO_GRADIENT),
        ("torch.from_numpy(model(x_train[:8]).detach().numpy()).sum().backward()", NO_GRADIENT),
        ("model.requires_grad_(False)\nmodel(x_train[:8]).sum().backward()", NO_GRADIENT),
    ],
    "mat1-and-mat2-must-have-the-same-dtype": [
        (
            "model(torch.from_numpy(np.random.rand(4, 1, 28, 28)))",
            "Input type (double) and bias type (float) should be the same",
        ),
    ],
    "expected-more-than-1-value-per-channel-when-training": [
        ("nn.BatchNorm2d(3)(torch.zeros(1, 3, 1, 1))", ONE_VALUE),
        ("nn.BatchNorm2d(3)(torch.zeros(1, 3, 28, 28))", None),
        ("nn.BatchNorm1d(4).eval()(torch.zeros(1, 4))", None),
    ],
    "this-optimizer-was-created-with-a-learningrateschedule": [
        (
            "schedule = keras.optimizers.schedules.CosineDecay(0.001, decay_steps=1000)\n"
            "model.compile(keras.optimizers.Adam(schedule), loss_function)\n"
            "plateau = keras.callbacks.ReduceLROnPlateau('loss', patience=1, min_delta=9)\n"
            "model.fit(x_train[:64], y_train[:64], epochs=2, callbacks=[plateau], verbose=0)",
            "This optimizer was created with a `LearningRateSchedule` object",
        ),
    ],
    "unknown-variable": [  # the other way around, freezing, is no problem
        (
            "few = x_train[:8], y_train[:8]\nmodel.compile(optimizer, loss_function)\nmodel.train_on_batch(*few)\n"
            "model.layers[0].trainable = False\nmodel.compile(optimizer, loss_function)\nmodel.train_on_batch(*few)",
            None,
        ),
    ],
}
