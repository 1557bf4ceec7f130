"""How long Keras takes for the features of a pre-trained network, and for an epoch with its last blocks trained.

    python features.py mobilenet_v2|resnet50 [SIDE] [IMAGES]
    python features.py unfrozen [SIDE] [IMAGES]

Weights and images are random. The counterparts are `cargo run --release -p nn-zoo --example features` and
`fer finetune ft2 --unfreeze-from block_14_expand`.
"""

import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np

network = sys.argv[1]
side, images = (int(argument) for argument in (sys.argv[2:] + ["48", "4096"][len(sys.argv) - 2 :]))
options = {"include_top": False, "weights": None, "pooling": "avg", "input_shape": (side, side, 3)}
build = keras.applications.ResNet50 if network == "resnet50" else keras.applications.MobileNetV2
base = build(**options)
random = np.random.default_rng(0)
x = random.normal(0, 0.5, (images, side, side, 3)).astype("float32")

if network == "unfrozen":
    first = [layer.name for layer in base.layers].index("block_14_expand")
    for place, layer in enumerate(base.layers):
        layer.trainable = place >= first and not isinstance(layer, keras.layers.BatchNormalization)
    dense = keras.layers.Dense
    model = keras.Sequential([base, *(dense(units, activation="relu") for units in (512, 1024, 512))])
    model.add(keras.layers.Dropout(0.4))
    model.add(dense(7, activation="softmax"))
    model.compile(keras.optimizers.Adam(1e-4), "sparse_categorical_crossentropy", metrics=["accuracy"])
    labels = random.integers(0, 7, images)
    model.fit(x[:512], labels[:512], batch_size=256, verbose=0)
    run = lambda: model.fit(x, labels, batch_size=256, verbose=0)
else:
    base.predict(x[:256], batch_size=256, verbose=0)
    run = lambda: base.predict(x, batch_size=256, verbose=0)

for _ in range(3):
    start = time.time()
    run()
    print(f"{network} {side} {images}: {time.time() - start:.3f} s", flush=True)
