"""Models in which names, axes, types and classes matter, and what the real Keras computes with them: the folder `cases/`.

    python -m venv venv && venv/bin/pip install keras==3.15.1 jax==0.10.2 h5py==3.16.0 safetensors==0.8.0
    venv/bin/python make_cases.py

- permuted.*: weights saved by a model, and the configuration of another one that has the same names in another order;
  session.*: the same of a model that was made later in its session, so that its layers are conv2d_2, conv2d_3, ..
- axis_*.keras: BatchNormalization and Softmax whose axis is the last one, written as Keras permits; bfloat16.keras.
- own_*.json: classes and functions that are not Keras's own but have the names of its own.
- zeros*.h5: an array of 24 MiB of zeros that shrinks to some kilobytes, in pieces of 1 MiB or as one piece.
- outputs.safetensors: for permuted, session and each archive `NAME/x`, random samples, and `NAME/y`, what Keras predicts;
  for permuted and session Keras predicts the same with each of the weight files.
"""

import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
import h5py
import keras
import numpy as np
from keras import layers as L
from keras.src.legacy.saving import legacy_h5_format
from safetensors.numpy import save_file

CASES = Path(__file__).resolve().parent / "cases"
rng = np.random.default_rng(6)
tensors = {}


def with_random_weights(model):
    for layer in model.layers:
        layer.set_weights([rng.uniform(0.1, 1, w.shape).astype(w.dtype) for w in layer.get_weights()])
    return model


def predicted(name, model):
    x = rng.uniform(-1, 1, [3, *model.input_shape[1:]]).astype("float32")
    tensors[f"{name}/x"], tensors[f"{name}/y"] = x, np.asarray(model.predict(x, verbose=0), "float32")


def chain(*names):
    """Layers of equal shape, so that nothing but Keras's rule tells which weights are whose."""
    first, second, last = names
    layers = [L.Conv2D(2, 1, name=first), L.Conv2D(2, 1, name=second), L.Flatten(), L.Dense(3, name=last)]
    return keras.Sequential([L.Input((4, 4, 2)), *layers], name="chain")


def weights_by_place():
    pairs = {
        "permuted": (("first", "second", "last"), ("second", "first", "last")),
        "session": (("conv2d_2", "conv2d_3", "dense_2"), ("conv2d", "conv2d_1", "dense")),
    }
    for name, (saved, loading) in pairs.items():
        model, other = with_random_weights(chain(*saved)), chain(*loading)
        files = [CASES / f"{name}.weights.h5", CASES / f"{name}_classic.h5", CASES / f"{name}.keras"]
        model.save_weights(files[0])
        with h5py.File(files[1], "w") as h5:
            legacy_h5_format.save_weights_to_hdf5_group(h5, model)
        model.save(files[2])
        (CASES / f"{name}.json").write_text(other.to_json())
        predicted(name, model)
        for file in files:
            other.load_weights(file)
            y = other.predict(tensors[f"{name}/x"], verbose=0)
            assert np.array_equal(y, tensors[f"{name}/y"]), file


def archives():
    models = {
        "axis_dense": [L.Input((5,)), L.Dense(4), L.BatchNormalization(axis=1), L.Softmax(axis=[1])],
        "axis_image": [L.Input((4, 4, 2)), L.Conv2D(3, 1), L.BatchNormalization(axis=3), L.Softmax(axis=3)],
        "axis_sequence": [L.Input((6, 2)), L.Dense(3), L.BatchNormalization(axis=2), L.Softmax(axis=[-1])],
        "bfloat16": [L.Input((5,)), L.Dense(4, dtype="mixed_bfloat16"), L.Dense(3)],
    }
    for name, layers in models.items():
        model = with_random_weights(keras.Sequential(layers, name=name))
        model.save(CASES / f"{name}.keras")
        predicted(name, model)
    # Variables in bfloat16 are written as bytes.
    model = keras.Sequential([L.Input((5,)), L.Dense(4, dtype="bfloat16"), L.Dense(3)], name="bytes")
    with_random_weights(model).save_weights(CASES / "bfloat16.weights.h5")
    values = np.asarray(model.layers[0].kernel, "float32")
    tensors["bfloat16/kernel"] = values


class Dense(L.Dense):
    """A class of the script that has the name of Keras's own."""


@keras.saving.register_keras_serializable("mylab")
class Conv2D(L.Conv2D):
    pass


@keras.saving.register_keras_serializable("mylab")
def relu(x):
    return -x


@keras.saving.register_keras_serializable("mylab")
class Zeros(keras.initializers.Zeros):
    pass


@keras.saving.register_keras_serializable("mylab")
class L2(keras.regularizers.L2):
    pass


@keras.saving.register_keras_serializable("mylab")
class NonNeg(keras.constraints.NonNeg):
    pass


@keras.saving.register_keras_serializable("mylab")
class Sequential(keras.Sequential):
    pass


def own_classes():
    image, row = L.Input((4, 4, 2)), L.Input((5,))
    models = {
        "layer_of_the_script": keras.Sequential([row, Dense(3, name="one")]),
        "layer": keras.Sequential([image, Conv2D(2, 1, name="one")]),
        "activation": keras.Sequential([row, L.Dense(3, activation=relu, name="one")]),
        "activation_layer": keras.Sequential([row, L.Activation(relu, name="one")]),
        "initializer": keras.Sequential([row, L.Dense(3, bias_initializer=Zeros(), name="one")]),
        "regularizer": keras.Sequential([row, L.Dense(3, kernel_regularizer=L2(), name="one")]),
        "constraint": keras.Sequential([row, L.Dense(3, kernel_constraint=NonNeg(), name="one")]),
        "model": Sequential([row, L.Dense(3, name="one")]),
    }
    for name, model in models.items():
        (CASES / f"own_{name}.json").write_text(model.to_json())


def zeros():
    for name, chunk in [("zeros", 1 << 18), ("zeros_one_piece", 6 << 20)]:
        with h5py.File(CASES / f"{name}.h5", "w") as h5:
            h5.attrs["layer_names"] = [b"layer"]
            layer = h5.create_group("layer")
            layer.attrs["weight_names"] = [b"w"]
            array = np.zeros(6 << 20, "<f4")
            layer.create_dataset("w", data=array, chunks=(chunk,), compression="gzip", compression_opts=9)


CASES.mkdir(exist_ok=True)
weights_by_place()
archives()
own_classes()
zeros()
save_file(tensors, CASES / "outputs.safetensors")
