"""What the real Keras computes with the archives in this folder.

    python make_outputs.py      (Keras 3 with TensorFlow, safetensors; after make_files.py)

Writes outputs.safetensors: for each archive `NAME/x`, three random samples, `NAME/y`, the prediction, and `NAME/dx`, the
gradient of element 1 of the flat output, summed over the samples, with respect to x; and for some inner layers their output,
`NAME/layer/LAYER`.
"""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import tensorflow as tf
from safetensors.numpy import save_file

HERE = Path(__file__).parent

tensors = {}
for number, path in enumerate(sorted(HERE.glob("*.keras"))):
    model = keras.models.load_model(path)
    shape = [n or 8 for n in model.input_shape[1:]]
    random = np.random.default_rng(number)
    x = random.uniform(-1, 1, [3, *shape]).astype("float32")
    with tf.GradientTape() as tape:
        variable = tf.Variable(x)
        y = model(variable, training=False)
        output = tf.reduce_sum(tf.reshape(y, [3, -1])[:, min(1, int(np.prod(y.shape[1:])) - 1)])
    arrays = {"x": x, "y": y, "dx": tape.gradient(output, variable)}
    inner = [layer for layer in model.layers if type(layer).__name__ in ("Conv2D", "BatchNormalization", "Add")]
    for layer in inner[1::3]:
        arrays[f"layer/{layer.name}"] = keras.Model(model.inputs, layer.output)(x, training=False)
    for name, array in arrays.items():
        tensors[f"{path.stem}/{name}"] = np.ascontiguousarray(array)
save_file(tensors, HERE / "outputs.safetensors")
