"""What the real Keras computes with the archives in this folder.

    python make_outputs.py      (Keras 3 with TensorFlow, safetensors; after make_files.py)

Writes outputs.safetensors: for each archive `NAME/x`, three random samples, and `NAME/y`, the prediction.
"""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
from safetensors.numpy import save_file

HERE = Path(__file__).parent

tensors = {}
for number, path in enumerate(sorted(HERE.glob("*.keras"))):
    model = keras.models.load_model(path)
    shape = [n or 8 for n in model.input_shape[1:]]
    random = np.random.default_rng(number)
    x = random.uniform(-1, 1, [3, *shape]).astype("float32")
    for name, array in (("x", x), ("y", model(x, training=False))):
        tensors[f"{path.stem}/{name}"] = np.ascontiguousarray(array)
save_file(tensors, HERE / "outputs.safetensors")
