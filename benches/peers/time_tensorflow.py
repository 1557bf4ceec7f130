"""A training step and a prediction in TensorFlow; see README.md."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
from tensorflow.keras import Input, Sequential, layers, regularizers

import harness


def layer(class_name, config):
    """The configurations are Keras's own, but for the way a penalty is written."""
    config = {key: value for key, value in config.items() if key != "name"}
    for key in ("kernel_regularizer", "bias_regularizer"):
        if config.get(key):
            config[key] = regularizers.L1L2(**config[key])
    return getattr(layers, class_name)(**config)


def main():
    args = harness.arguments()
    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(args.threads)
    name, input_shape, configs = harness.read(args.config)
    model = Sequential([Input(input_shape)] + [layer(*config) for config in configs])
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    rng = np.random.default_rng(0)
    x = tf.constant(rng.random([args.batch] + input_shape, dtype=np.float32) - 0.5)
    classes = model.output_shape[-1]
    y = tf.constant(np.eye(classes, dtype=np.float32)[rng.integers(0, classes, args.batch)])
    infer = tf.function(lambda x: model(x, training=False))
    harness.report("tensorflow", tf.__version__, name, model.count_params(), args,
                   lambda: model.train_on_batch(x, y), lambda: infer(x).numpy())


if __name__ == "__main__":
    main()
