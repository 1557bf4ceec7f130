#!/usr/bin/env python3
"""Makes the fixtures of batch normalisation, of a residual network and of two networks of `keras.applications`.

Beside `make_fixtures.py`, in the same environment; about a minute. README.md describes files and keys.

    python make_networks.py FOLDER      # nothing but weight files of whole networks, 310 MB, into that folder
"""

import itertools
import re
import sys
import zlib
from pathlib import Path

from make_fixtures import in_f32, normal, param_name, rng_for, write_json, write_tensors  # first: it sets the environment

import keras
import numpy as np
import tensorflow as tf

from cases import residual_network
from keras_objects import keras_layer, keras_optimizer

# ---- batch normalisation -------------------------------------------------------------------------------------------


def normalization_cases():
    yield "4d", (3, 5, 4, 6), {}
    yield "2d", (8, 5), {}
    yield "17_channels", (2, 3, 3, 17), {"momentum": 0.9, "epsilon": 1.001e-5}
    yield "no_scale", (3, 2, 4, 3), {"scale": False}
    yield "no_center", (3, 2, 4, 3), {"center": False, "momentum": 0.999}
    yield "neither", (3, 2, 4, 3), {"center": False, "scale": False}


def make_normalization():
    cases, tensors, steps = [], {}, 5
    for name, shape, fields in normalization_cases():
        rng = rng_for("batch_normalization_" + name)
        layer = keras_layer({"class_name": "BatchNormalization", "config": {"name": name, **fields}})
        layer.build(shape)
        batches = normal(rng, (steps, *shape), 1.5) + in_f32(3.0 * rng.standard_normal(shape[-1]))
        dy = normal(rng, shape)
        for variable in layer.variables:
            spread = normal(rng, variable.shape, 0.5)
            positive = variable.name in ("gamma", "moving_variance")
            variable.assign(in_f32(0.5 + np.abs(spread)) if positive else spread)
            tensors[f"{name}/param/{variable.name}"] = variable.numpy()
        tensors |= {f"{name}/x": batches, f"{name}/dy": dy}

        def differentiate(mode, training):
            x = tf.constant(batches[0])
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x, training=training)
            learned = layer.trainable_variables
            dx, *gradients = tape.gradient(y, [x, *learned], output_gradients=tf.constant(dy))
            tensors.update({f"{name}/{mode}/y": y.numpy(), f"{name}/{mode}/dx": np.array(dx)})
            for variable, gradient in zip(learned, gradients):
                tensors[f"{name}/{mode}/grad/{variable.name}"] = np.array(gradient)

        differentiate("inference", training=False)
        layer.trainable = False
        before = [variable.numpy() for variable in layer.variables]
        differentiate("frozen", training=True)
        assert all((old == variable.numpy()).all() for old, variable in zip(before, layer.variables)), name
        layer.trainable = True
        differentiate("training", training=True)
        for batch in batches[1:]:
            layer(tf.constant(batch), training=True)
        for variable in (layer.moving_mean, layer.moving_variance):
            tensors[f"{name}/after/{variable.name}"] = variable.numpy()
        params = [variable.name for variable in [*layer.trainable_variables, *layer.non_trainable_variables]]
        cases.append({"name": name, "config": fields, "input_shape": list(shape), "steps": steps, "params": params})
    write_json("normalization", {"cases": cases})
    write_tensors("normalization", tensors)


# ---- a residual network --------------------------------------------------------------------------------------------


def chain(layers, x, made):
    """The output of a chain of layers, in which a residual block is the sum of two chains."""
    for layer in layers:
        config = layer["config"]
        if layer["class_name"] == "Residual":
            branches = [chain(config[branch], x, made) for branch in ("main", "shortcut")]
            x = keras.layers.Add(name=config["name"], dtype="float64")(branches)
        else:
            made.append((layer, keras_layer(layer)))
            x = made[-1][1](x)
    return x


def keras_network(network):
    """The model, and its variables with the names and in the order that ours have."""
    made = []
    x = keras.Input(network["input_shape"], dtype="float64")
    model = keras.Model(x, chain(network["layers"], x, made))
    named = {f"{layer.name}/{param_name(config, v)}": v for config, layer in made for v in layer.weights}
    return model, named


def make_residual():
    network, steps, batch = residual_network(), 10, 6
    rng = rng_for("residual")
    x = normal(rng, (steps, batch, *network["input_shape"]))
    labels = rng.integers(0, 7, (steps, batch))
    one_hot = np.eye(7)[labels]
    optimizer = {"class_name": "SGD", "config": {"learning_rate": 0.05, "momentum": 0.9, "nesterov": False}}
    model, named = keras_network(network)
    initial = {}
    for name, variable in named.items():
        width = np.sqrt(np.prod(variable.shape[:-1])) if len(variable.shape) > 1 else 4.0
        off = 1.0 if name.endswith(("gamma", "moving_variance")) else 0.0
        initial[name] = in_f32(off + normal(rng, variable.shape, 1.0 / width))
    tensors = {"x": x.astype(np.float32)}
    tensors |= {f"initial/{name}": value.astype(np.float32) for name, value in initial.items()}

    def restart(first_trained):
        model, named = keras_network(network)
        frozen = True
        for layer in model.layers:
            frozen = frozen and layer.name != first_trained
            layer.trainable = not frozen or first_trained is None
        for name, variable in named.items():
            variable.assign(initial[name])
        return model, named

    model, named = restart(None)
    tensors["inference/y"] = model(x[0], training=False).numpy()
    given = tf.constant(x[0])
    with tf.GradientTape() as tape:
        tape.watch(given)
        loss = keras.losses.CategoricalCrossentropy(dtype="float64")(one_hot[0], model(given, training=True))
    learned = {name: v for name, v in named.items() if v.trainable}
    dx, *gradients = tape.gradient(loss, [given, *learned.values()])
    tensors["training/dx"] = np.array(dx)
    tensors |= {f"training/grad/{name}": np.array(gradient) for name, gradient in zip(learned, gradients)}
    runs = []
    for name, first_trained in [("all", None), ("from_b_out", "b_out")]:
        model, named = restart(first_trained)
        model.compile(keras_optimizer(optimizer), "categorical_crossentropy", jit_compile=False)
        losses = []
        for step in range(steps):
            model.reset_metrics()
            losses.append(float(model.train_on_batch(x[step], one_hot[step])))
        tensors |= {f"{name}/{path}": variable.numpy() for path, variable in named.items()}
        trainable = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
        runs.append({"name": name, "freeze_until": first_trained, "losses": losses, "trainable": trainable})
    write_json("residual", {
        "network": network, "optimizer": optimizer, "labels": labels.tolist(), "loss": float(loss), "runs": runs,
        "params": list(named),
    })
    write_tensors("residual", tensors)


# ---- networks of keras.applications --------------------------------------------------------------------------------


def formula(name, shape):
    """Numbers in [-1, 1) that follow from a name alone: a hash of the name and of each element's place."""
    u32, place = np.uint32, np.arange(np.prod(shape), dtype=np.uint32)
    with np.errstate(over="ignore"):
        v = place * u32(2654435761) + u32(zlib.crc32(name.encode()))
        v ^= v >> u32(16)
        v *= u32(0x85EBCA6B)
        v ^= v >> u32(13)
        v *= u32(0xC2B2AE35)
        v ^= v >> u32(16)
    return (v / 2.0**31 - 1.0).reshape(shape)


def weight(name, shape):
    """A plausible weight: kernels keep the size of activations, factors and variances are about 1."""
    u, kind = formula(name, shape), name.split("/")[1]
    if kind == "kernel":
        return in_f32(u * np.sqrt(6.0 / np.prod(shape[:-1])))
    if kind == "depthwise_kernel":
        return in_f32(u * np.sqrt(6.0 / np.prod(shape[:2])))
    return in_f32({"gamma": 1.0, "moving_variance": 1.0}.get(kind, 0.0) + 0.25 * u)


APPLICATIONS = {
    "mobilenet_v2_035": lambda options: keras.applications.MobileNetV2(alpha=0.35, **options),
    "resnet50": lambda options: keras.applications.ResNet50(**options),
}


def with_formula_weights(stem, side):
    model = APPLICATIONS[stem]({"include_top": False, "weights": None, "input_shape": (side, side, 3)})
    for layer in model.layers:
        kind = {"class_name": type(layer).__name__}
        for variable in layer.weights:
            variable.assign(weight(f"{layer.name}/{param_name(kind, variable)}", variable.shape))
    return model


def make_applications():
    networks, tensors = [], {}
    for side, stem in itertools.product((48, 96), APPLICATIONS):
        model = with_formula_weights(stem, side)
        y = model(formula("input", (1, side, side, 3)), training=False).numpy()
        assert y.dtype == np.float64 and 0.1 < (y != 0).mean(), (stem, y.dtype, (y != 0).mean())
        print(stem, side, "mean", y.mean(), "std", y.std(), "zeros", (y == 0).mean(), "sixes", (y == 6).mean())
        tensors[f"{stem}/{side}/y"] = y.astype(np.float32)
        trainable = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
        layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
        networks.append({
            "name": stem, "input_shape": [side, side, 3], "keras_name": model.name, "params": model.count_params(), "trainable": trainable,
            "layers": [[layer.name, type(layer).__name__, list(layer.output.shape[1:])] for layer in layers],
        })
    write_json("applications", {"networks": networks})
    write_tensors("applications", tensors)


# ---- their weight files --------------------------------------------------------------------------------------------


def branch_name(name):
    """The name that a layer of ResNet50 had in Keras 1 and 2."""
    first = {"conv1_conv": "conv1", "conv1_bn": "bn_conv1"}
    found = re.fullmatch(r"conv(\d)_block(\d)_(\d)_(conv|bn)", name)
    if not found:
        return first.get(name, name)
    stage, block, part, kind = found.groups()
    kind, part = {"conv": "res", "bn": "bn"}[kind], ["1", "2a", "2b", "2c"][int(part)]
    return f"{kind}{stage}{'abcdef'[int(block) - 1]}_branch{part}"


def make_weight_files(folder):
    """As Keras writes them, in both layouts; of ResNet50 also with the older names."""
    import h5py
    from keras.src.legacy.saving import legacy_h5_format

    def classic(model, stem):
        with h5py.File(folder / f"{stem}.h5", "w") as h5:
            legacy_h5_format.save_weights_to_hdf5_group(h5, model)

    for stem in APPLICATIONS:
        model = with_formula_weights(stem, 48)
        model.save_weights(folder / f"formula_{stem}.weights.h5")
        classic(model, f"formula_{stem}")
        if stem == "resnet50":
            for layer in model.layers:
                layer.name = branch_name(layer.name)
            classic(model, f"formula_{stem}_branches")


if __name__ == "__main__":
    if sys.argv[1:]:
        make_weight_files(Path(sys.argv[1]))
        sys.exit()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    keras.backend.set_floatx("float64")
    keras.utils.set_random_seed(0)
    make_normalization()
    make_residual()
    make_applications()
