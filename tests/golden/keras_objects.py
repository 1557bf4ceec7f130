"""Keras objects from `{"class_name", "config"}` descriptions, exact in float64.

TensorFlow rounds some constants to f32 even where everything else is float64: a Python float on its way through
`tf.cast` (momentum, beta_1, beta_2, the factors of L1L2), and the slope of its leaky ReLU, an f32 attribute. The first
kind is handed over as `np.float64`, which keeps its width; leaky ReLU goes through Keras's general ReLU instead.
"""

import keras
import numpy as np


def exact(value, dtype):
    return np.float64(value) if dtype == "float64" and isinstance(value, float) else value


def leaky_relu(x):
    """Keras's `leaky_relu` (slope 0.2); with a `max_value`, ReLU is computed from x and the slope as a float64."""
    return keras.activations.relu(x, negative_slope=0.2, max_value=1e30)


def keras_regularizer(regularizer, dtype="float64"):
    made = keras.regularizers.L1L2(**regularizer)
    made.l1, made.l2 = exact(made.l1, dtype), exact(made.l2, dtype)
    return made


def keras_layer(layer, dtype="float64", **override):
    config = {**layer["config"], **override}
    if config.get("kernel_regularizer"):
        config["kernel_regularizer"] = keras_regularizer(config["kernel_regularizer"], dtype)
    if config.get("activation") == "leaky_relu" and dtype == "float64":
        config["activation"] = leaky_relu
    return getattr(keras.layers, layer["class_name"])(dtype=dtype, **config)


def keras_optimizer(optimizer, dtype="float64"):
    config = {name: exact(value, dtype) for name, value in optimizer["config"].items()}
    return getattr(keras.optimizers, optimizer["class_name"])(**config)
