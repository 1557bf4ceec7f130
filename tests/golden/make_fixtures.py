#!/usr/bin/env python3
"""Makes the parity fixtures of this folder with the real Keras (TensorFlow backend, CPU).

    python -m venv venv && venv/bin/pip install tensorflow-cpu==2.21.0 keras==3.15.1 numpy==2.4.6 safetensors==0.8.0
    venv/bin/python make_fixtures.py            # writes beside this file, in about ten seconds

Committed output made with Python 3.11, Keras 3.15.1, TensorFlow 2.21.0, NumPy 2.4.6, safetensors 0.8.0.
Keras computes in float64 throughout (dtype policy and `floatx` float64), so the numbers serve as the truth for f64
and f32 alike; trajectories also hold a float32 run. Every input (x, dy, parameters, batches) is exactly representable
in f32. Random numbers are seeded by the name of the case: adding a case changes no other one.
README.md describes files and keys.
"""

import json
import os
import sys
import zlib
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.dont_write_bytecode = True

import keras
import numpy as np
import safetensors
import tensorflow as tf
from safetensors.numpy import save_file

from cases import cnn_network, fnn_network, layer_cases
from keras_objects import keras_layer, keras_optimizer, keras_regularizer

HERE = Path(__file__).resolve().parent
MADE_WITH = (
    f"Keras {keras.__version__}, TensorFlow {tf.__version__}, NumPy {np.__version__}, "
    f"safetensors {safetensors.__version__}, Python {sys.version_info[0]}.{sys.version_info[1]}"
)
# Where the derivative jumps; samples whose pre-activation comes closer than KINK_GAP are drawn again.
KINKS = {"relu": [0.0], "leaky_relu": [0.0], "elu": [0.0], "relu6": [0.0, 6.0]}
KINK_GAP = 1e-2


# ---- writing -------------------------------------------------------------------------------------------------------


def write_json(stem, document):
    """One line per key, one line per element for lists of objects or of rows: small and still easy to diff."""
    lines = []
    for key, value in {"made_with": MADE_WITH, **document}.items():
        if isinstance(value, list) and value and isinstance(value[0], (dict, list)):
            body = "[\n" + ",\n".join("  " + json.dumps(item) for item in value) + "\n ]"
        else:
            body = json.dumps(value)
        lines.append(f" {json.dumps(key)}: {body}")
    (HERE / f"{stem}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def write_tensors(stem, tensors):
    save_file(tensors, HERE / f"{stem}.safetensors", metadata={"made_with": MADE_WITH})


# ---- random numbers ------------------------------------------------------------------------------------------------


def rng_for(name, attempt=0):
    return np.random.default_rng([zlib.crc32(name.encode()), attempt])


def in_f32(array):
    """float64 numbers that are exactly representable in f32."""
    return np.asarray(array).astype(np.float32).astype(np.float64)


def normal(rng, shape, scale=1.0):
    return in_f32(scale * rng.standard_normal(shape))


def distinct(rng, shape, gap=0.03125):
    """Values that differ pairwise by at least `gap` and stay off zero, in random order (max pooling has no ties)."""
    count = int(np.prod(shape))
    return in_f32((rng.permutation(count) - count // 2 + 0.5) * gap).reshape(shape)


# ---- layers --------------------------------------------------------------------------------------------------------


def activation_of(layer):
    """The name of the activation; a ReLU layer is one itself."""
    if layer["class_name"] == "ReLU":
        return "relu6" if "max_value" in layer["config"] else "relu"
    return layer["config"].get("activation")


def param_name(layer, variable):
    """Keras calls the kernel of a depthwise convolution `kernel`, its weight files `depthwise_kernel`."""
    depthwise = layer["class_name"] == "DepthwiseConv2D" and variable.name == "kernel"
    return "depthwise_kernel" if depthwise else variable.name


def draw_inputs(name, shape, layer, attempt):
    """x and the parameters of a case. Wide inputs for relu6, so that both of its flat pieces are visited."""
    rng = rng_for(name, attempt)
    config = layer["config"]
    if name == "max_pool_ties":
        x = rng.integers(0, 3, shape).astype(np.float64)
    elif "Pooling" in layer["class_name"]:
        x = distinct(rng, shape)
    else:
        x = normal(rng, shape, 4.0 if activation_of(layer) == "relu6" else 1.5)
    linear = keras_layer(layer, **({"activation": "linear"} if "activation" in config else {}))
    linear.build(shape)
    parameters = []
    for variable in linear.trainable_variables:
        width = np.prod(variable.shape[:-1]) if len(variable.shape) > 1 else 4.0
        parameters.append(normal(rng, variable.shape, 1.0 / np.sqrt(width)))
        variable.assign(parameters[-1])
    z = x if layer["class_name"] == "ReLU" else np.array(linear(x))
    kinks = KINKS.get(activation_of(layer), [])
    clear = all(np.abs(z - kink).min() >= KINK_GAP for kink in kinks)
    return x, parameters, clear


def make_layers():
    cases, tensors = [], {}
    for name, shape, class_name, fields in layer_cases():
        layer = {"class_name": class_name, "config": {"name": name, **fields}}
        for attempt in range(10_000):
            x, parameters, clear = draw_inputs(name, shape, layer, attempt)
            if clear:
                break
        else:
            raise RuntimeError(f"{name}: no sample stays clear of the kinks")
        built = keras_layer(layer)
        built.build(shape)
        variables = built.trainable_variables
        for variable, value in zip(variables, parameters):
            variable.assign(value)
        x = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = built(x)
        assert y.dtype == tf.float64, name
        dy = normal(rng_for(name + "/dy"), y.shape)
        dx, *gradients = tape.gradient(y, [x, *variables], output_gradients=tf.constant(dy))
        tensors |= {f"{name}/x": x.numpy(), f"{name}/y": y.numpy(), f"{name}/dy": dy, f"{name}/dx": np.array(dx)}
        for variable, gradient in zip(variables, gradients):
            tensors[f"{name}/param/{param_name(layer, variable)}"] = variable.numpy()
            tensors[f"{name}/grad/{param_name(layer, variable)}"] = np.array(gradient)
        cases.append({
            "name": name, "dtype": "f64", "layer": layer, "input_shape": list(shape), "output_shape": list(y.shape),
            "params": [param_name(layer, variable) for variable in variables],
        })
    write_json("layers", {"cases": cases})
    write_tensors("layers", tensors)


# ---- losses, regularizers, metrics ---------------------------------------------------------------------------------


def make_losses():
    cases, tensors = [], {}
    classes = 7

    def case(name, loss, prediction, target, weights=None, class_weight=None, **options):
        """options are the constructor arguments of the Keras loss; the reduction is sum(w l) / N, N = batch size."""
        make = getattr(keras.losses, loss)
        p = tf.constant(prediction)
        with tf.GradientTape() as tape:
            tape.watch(p)
            value = make(dtype="float64", **options)(target, p, sample_weight=weights)
        per_sample = make(dtype="float64", reduction=None, **options)(target, p)
        entry = {"name": name, "loss": loss, "config": options, "value": float(value), "sample_weight": weights is not None}
        if class_weight is not None:
            entry["class_weight"] = class_weight
        cases.append(entry)
        tensors.update({
            f"{name}/prediction": prediction, f"{name}/target": target, f"{name}/grad": np.array(tape.gradient(value, p)),
            f"{name}/per_sample": np.array(per_sample),
        })
        if weights is not None:
            tensors[f"{name}/sample_weight"] = weights

    rng = rng_for("losses")
    logits = normal(rng, (5, classes), 2.0)
    labels = rng.integers(0, classes, 5).astype(np.int32)
    one_hot = np.eye(classes)[labels]
    soft = rng.multinomial(64, np.ones(classes) / classes, 5) / 64  # rows sum to exactly 1
    large = in_f32(rng.choice([-50.0, 50.0], (5, classes)) + rng.uniform(-1, 1, (5, classes)))
    weights = in_f32(rng.uniform(0.2, 3.0, 5))
    weights[2] = 0.0
    class_weight = [float(w) for w in in_f32(rng.uniform(0.25, 4.0, classes))]
    by_class = np.array(class_weight)[labels]
    cce, scce, mse = "CategoricalCrossentropy", "SparseCategoricalCrossentropy", "MeanSquaredError"
    on_logits = {"from_logits": True}

    case("cce", cce, logits, one_hot, **on_logits)
    case("cce_soft_targets", cce, logits, soft, **on_logits)
    case("cce_label_smoothing", cce, logits, one_hot, label_smoothing=0.1, **on_logits)
    case("cce_sample_weight", cce, logits, one_hot, weights, **on_logits)
    case("cce_class_weight", cce, logits, one_hot, by_class, class_weight, **on_logits)
    case("cce_label_smoothing_class_weight", cce, logits, one_hot, by_class, class_weight, label_smoothing=0.1, **on_logits)
    case("cce_logits_50", cce, large, one_hot, **on_logits)
    case("cce_logits_50_label_smoothing", cce, large, one_hot, label_smoothing=0.1, **on_logits)
    case("cce_logits_12800", cce, large * 256.0, one_hot, **on_logits)
    case("scce", scce, logits, labels, **on_logits)
    case("scce_sample_weight", scce, logits, labels, weights, **on_logits)
    case("scce_class_weight", scce, logits, labels, by_class, class_weight, **on_logits)
    case("scce_logits_50", scce, large, labels, **on_logits)
    prediction, truth = normal(rng, (5, 3)), normal(rng, (5, 3))
    case("mse", mse, prediction, truth)
    case("mse_sample_weight", mse, prediction, truth, weights)

    # The class-weight cases give Keras the weight of each sample's class; `fit` must mean the same by `class_weight`.
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(classes, use_bias=False)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    model.layers[0].kernel.assign(logits)
    through_fit = model.train_on_batch(np.eye(5), labels, class_weight=dict(enumerate(class_weight)))
    assert abs(float(through_fit) - next(c["value"] for c in cases if c["name"] == "scce_class_weight")) < 1e-12

    write_json("losses", {"reduction": "sum(sample_weight * per_sample) / batch_size", "cases": cases})
    write_tensors("losses", tensors)


def make_regularizers():
    kernel = normal(rng_for("regularizers"), (3, 4))
    kernel[1, 2] = 0.0
    cases = []
    for name, l1, l2 in [("l1", 0.01, 0.0), ("l2", 0.0, 0.02), ("l1l2", 0.001, 0.01), ("study_l2", 0.0, 1e-4)]:
        k = tf.constant(kernel)
        with tf.GradientTape() as tape:
            tape.watch(k)
            penalty = keras_regularizer({"l1": l1, "l2": l2})(k)
        gradient = tape.gradient(penalty, k).numpy().tolist()
        cases.append({"name": name, "regularizer": {"l1": l1, "l2": l2}, "penalty": float(penalty), "gradient": gradient})
    write_json("regularizers", {"shape": [3, 4], "kernel": kernel.tolist(), "cases": cases})


def make_metrics():
    rng = rng_for("metrics")
    tables = {"distinct": distinct(rng, (40, 7)), "ties": rng.integers(0, 3, (40, 7)).astype(np.float64)}
    cases = []
    for name, scores in tables.items():
        labels = rng.integers(0, 7, 40).astype(np.int32)
        predicted = np.argmax(scores, -1)
        accuracy = keras.metrics.SparseCategoricalAccuracy()
        accuracy.update_state(labels, scores)
        hits = {}
        for k in (1, 2, 3):
            metric = keras.metrics.SparseTopKCategoricalAccuracy(k=k, dtype="float32")
            metric.update_state(labels, scores.astype(np.float32))
            hits[str(k)] = round(float(metric.result()) * 40)
        confusion = tf.math.confusion_matrix(labels, predicted, 7).numpy().tolist()
        cases.append({
            "name": name, "scores": scores.tolist(), "labels": labels.tolist(), "predicted": predicted.tolist(),
            "accuracy": float(accuracy.result()), "top_k_accuracy": {k: hit / 40 for k, hit in hits.items()},
            "top_k_hits": hits, "confusion": confusion,
        })
    rules = {
        "predicted": "index of the largest score, the first one among equals; accuracy and confusion use it",
        "top_k": "a hit when fewer than k scores are strictly larger than the label's score: every class tied at the boundary counts",
        "confusion": "confusion[true][predicted]",
    }
    write_json("metrics", {"rules": rules, "cases": cases})


# ---- initializers --------------------------------------------------------------------------------------------------


def make_initializers():
    cases, draws = [], 64
    for class_name, scale, mode in [("Glorot", 1.0, "fan_avg"), ("He", 2.0, "fan_in"), ("Lecun", 1.0, "fan_in")]:
        for distribution in ["uniform", "normal"]:
            name = f"{class_name.lower()}_{distribution}"
            for shape in [(3, 3, 16, 32), (64, 48)]:
                fan_in, fan_out = int(np.prod(shape[:-1])), int(np.prod(shape[:-2]) * shape[-1])
                fan = fan_in if mode == "fan_in" else (fan_in + fan_out) / 2
                make = getattr(keras.initializers, class_name + distribution.capitalize())
                pooled = np.concatenate([np.array(make(seed=s)(shape, dtype="float64")).ravel() for s in range(draws)])
                quantiles = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
                case = {
                    "name": name, "shape": shape, "fan_in": fan_in, "fan_out": fan_out, "scale": scale, "mode": mode,
                    "variance": scale / fan,
                }
                if distribution == "uniform":
                    case["limit"] = float(np.sqrt(3 * scale / fan))
                    bound = case["limit"]
                else:  # the normal before truncation; cutting it at two standard deviations leaves `variance`
                    case["stddev_untruncated"] = float(np.sqrt(scale / fan) / 0.87962566103423978)
                    bound = case["truncated_at"] = 2 * case["stddev_untruncated"]
                case["sample"] = {
                    "count": pooled.size, "mean": float(pooled.mean()), "std": float(pooled.std()),
                    "min": float(pooled.min()), "max": float(pooled.max()),
                    "quantiles": {str(q): float(np.quantile(pooled, q)) for q in quantiles},
                }
                assert np.abs(pooled).max() <= bound and abs(pooled.std() / np.sqrt(scale / fan) - 1) < 0.01, name
                cases.append(case)
    write_json("initializers", {"draws_pooled": draws, "cases": cases})


# ---- optimizers and trajectories -----------------------------------------------------------------------------------


def make_optimizers():
    rng, steps = rng_for("optimizers"), 10
    initial, gradients = normal(rng, 6), normal(rng, (steps, 6))
    gradients[:, 1] *= 2.0**-20  # where epsilon matters
    gradients[3:, 4] = 0.0  # momentum goes on without a gradient
    gradients[:, 5] = 0.0
    adam = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
    optimizers = {
        "sgd": ("SGD", {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False}),
        "sgd_momentum": ("SGD", {"learning_rate": 0.01, "momentum": 0.9, "nesterov": False}),
        "sgd_nesterov": ("SGD", {"learning_rate": 0.01, "momentum": 0.9, "nesterov": True}),
        "adam": ("Adam", adam),
        "adam_other_betas": ("Adam", {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}),
    }
    cases, tensors = [], {"initial": initial, "gradients": gradients}
    for name, (class_name, config) in optimizers.items():
        optimizer = keras_optimizer({"class_name": class_name, "config": config})
        variable = keras.Variable(initial, dtype="float64")
        values = []
        for gradient in gradients:
            optimizer.apply([tf.constant(gradient)], [variable])
            values.append(variable.numpy())
        tensors[f"{name}/values"] = np.stack(values)
        cases.append({"name": name, "optimizer": {"class_name": class_name, "config": config}})
    write_json("optimizers", {"dtype": "f64", "steps": steps, "cases": cases})
    write_tensors("optimizers", tensors)


def make_trajectory(stem, network):
    rng, steps, batches, batch = rng_for(stem), 20, 4, 8
    x = rng.uniform(-0.5, 0.5, (batches, batch, *network["input_shape"])).astype(np.float32)
    labels = rng.integers(0, 7, (batches, batch))
    x += (0.15 * (labels - 3.0).reshape(batches, batch, *[1] * len(network["input_shape"]))).astype(np.float32)
    tensors, runs, initial = {"batches/x": x}, [], None
    adam = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
    sgd = {"learning_rate": 0.05, "momentum": 0.9, "nesterov": False}
    for class_name, config in [("Adam", adam), ("SGD", sgd)]:
        optimizer, outcome = {"class_name": class_name, "config": config}, {}
        for dtype, short in [("float64", "f64"), ("float32", "f32")]:
            keras.backend.set_floatx(dtype)
            layers = [keras_layer(layer, dtype) for layer in network["layers"]]
            model = keras.Sequential([keras.Input(network["input_shape"], dtype=dtype), *layers])
            if initial is None:  # zero biases would hide a misplaced one
                initial = [in_f32(np.array(w) if w.ndim > 1 else rng.normal(0, 0.05, w.shape)) for w in glorot(model)]
            model.set_weights(initial)
            paths = [f"{layer.name}/{variable.name}" for layer in layers for variable in layer.trainable_variables]
            model.compile(keras_optimizer(optimizer, dtype), "categorical_crossentropy", jit_compile=False)
            run, losses, penalties = f"{class_name.lower()}_{short}", [], []
            for step in range(steps):
                penalties.append(float(sum(model.losses)) if model.losses else 0.0)
                one_hot = np.eye(7, dtype=dtype)[labels[step % batches]]
                model.reset_metrics()  # else Keras reports the mean over all steps so far
                losses.append(float(model.train_on_batch(x[step % batches].astype(dtype), one_hot)))
                if step + 1 in (1, steps):
                    for path, value in zip(paths, model.get_weights()):
                        tensors[f"{run}/step{step + 1}/{path}"] = value
            outcome[short] = (np.array(losses), np.concatenate([w.ravel() for w in model.get_weights()]))
            runs.append({"name": run, "dtype": short, "optimizer": optimizer, "losses": losses, "penalties": penalties})
        spread = [float(np.abs(a - b).max()) for a, b in zip(outcome["f64"], outcome["f32"])]
        runs[-1]["max_abs_difference_from_f64"] = {"losses": spread[0], "final_weights": spread[1]}
    tensors |= {f"initial/{path}": value.astype(np.float32) for path, value in zip(paths, initial)}
    keras.backend.set_floatx("float64")
    write_json(stem, {
        "network": network, "loss": "categorical_crossentropy", "steps": steps, "batch_size": batch,
        "batch_of_step": f"step s (from 0) trains on batches/x[s % {batches}]", "params": paths, "labels": labels.tolist(),
        "runs": runs,
    })
    write_tensors(stem, tensors)


def glorot(model):
    """Keras's default initial weights of `model`, but from a fixed seed each."""
    for seed, variable in enumerate(model.trainable_variables):
        if len(variable.shape) > 1:
            yield np.array(keras.initializers.GlorotUniform(seed=seed)(variable.shape))
        else:
            yield np.zeros(variable.shape)


def main():
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    keras.backend.set_floatx("float64")
    keras.utils.set_random_seed(0)
    make_layers()
    make_losses()
    make_regularizers()
    make_metrics()
    make_initializers()
    make_optimizers()
    make_trajectory("trajectory_cnn", cnn_network())
    make_trajectory("trajectory_fnn", fnn_network())
    for path in sorted(HERE.iterdir()):
        if path.suffix in (".json", ".safetensors"):
            print(f"{path.stat().st_size:9,d}  {path.name}")


if __name__ == "__main__":
    main()
