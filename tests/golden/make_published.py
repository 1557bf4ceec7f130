"""What MobileNetV2 with published weights computes of faces, for `tests/keras_published_networks.rs`.

    python make_published.py Q1_Test_Data.csv.gz FOLDER_WITH_WEIGHT_FILES

Writes published.safetensors. Neither images nor weights are in it, only the features of the first 16 test images.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
from safetensors.numpy import save_file

HERE = Path(__file__).parent
FACES, SIDE = 16, 48


def faces(csv):
    """The first images, [n, 48, 48, 1], grey levels."""
    import gzip

    opened = gzip.open(csv, "rt") if csv.endswith(".gz") else open(csv)
    with opened as lines:
        header = [name.strip() for name in next(lines).split(",")]
        column = header.index("pixels")
        rows = [next(lines).split(",")[column].strip().strip('"').split() for _ in range(FACES)]
    return np.array(rows, dtype="float32").reshape(FACES, SIDE, SIDE, 1)


csv, folder = sys.argv[1:]
levels = faces(csv)
tensors = {}
for alpha, side in ((0.35, 48), (1.0, 48)):
    x = np.repeat(levels / 127.5 - 1.0, 3, axis=-1).astype("float32")
    weights = Path(folder) / f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{alpha}_224_no_top.h5"
    model = keras.applications.MobileNetV2(
        alpha=alpha, include_top=False, weights=None, pooling="avg", input_shape=(side, side, 3)
    )
    model.load_weights(weights)
    y = model(x, training=False).numpy()
    print(alpha, side, "mean", y.mean(), "norm", np.linalg.norm(y))
    tensors[f"{alpha}/{side}/features"] = np.ascontiguousarray(y)
save_file(tensors, HERE / "published.safetensors")
