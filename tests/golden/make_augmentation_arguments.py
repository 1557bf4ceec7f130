#!/usr/bin/env python3
"""Makes augment/arguments.json with the real Keras, in a few seconds: what ImageDataGenerator does with arguments that
look odd (ranges below 0, the larger bound first), with preprocessing functions and with a validation split.

    venv/bin/python make_augmentation_arguments.py

Needs keras==3.15.1 with any backend, numpy, scipy and pillow; all of it is computed in NumPy.
"""

import importlib
import json
from pathlib import Path

import keras
import numpy as np
from keras.src.legacy.preprocessing.image import ImageDataGenerator

HERE = Path(__file__).resolve().parent / "augment"
SIDE = 20
DRAWS = 4000

# Height and width shifts are equal: Keras draws the one from the range of the other.
RANGES = [
    {"rotation_range": 10},
    {"rotation_range": -10},
    {"shear_range": -12.5},
    {"channel_shift_range": -30},
    {"width_shift_range": -0.1, "height_shift_range": -0.1},
    {"width_shift_range": -0.75, "height_shift_range": -0.75},
    {"width_shift_range": -3.0, "height_shift_range": -3.0},
    {"width_shift_range": -3, "height_shift_range": -3},
    {"width_shift_range": 3.0, "height_shift_range": 3.0},
    {"width_shift_range": [-0.2, 0.1], "height_shift_range": [-0.2, 0.1]},
    {"zoom_range": [1.2, 0.8]},
    {"zoom_range": [0.8, 1.2]},
    {"zoom_range": 0.3},
    {"zoom_range": -0.3},
    {"brightness_range": [1.5, 0.5]},
]
KEYS = {"theta": "theta", "tx": "tx", "ty": "ty", "shear": "shear", "zx": "zx", "zy": "zy",
        "channel_shift_intensity": "channel_shift_intensity", "brightness": "brightness"}
FUNCTIONS = ["mobilenet", "mobilenet_v2", "inception_v3", "inception_resnet_v2", "nasnet", "resnet_v2", "xception",
             "resnet", "resnet50", "vgg16", "vgg19", "densenet"]
SPLITS = [(10, 0.2), (10, 0.25), (7, 0.5), (35, 0.3)]
REFUSED = [{"zoom_range": []}, {"zoom_range": [0.9]}, {"zoom_range": [0.8, 1.0, 1.2]}, {"validation_split": 1.0},
           {"validation_split": -0.1}, {"validation_split": 1.5}, {"data_format": "channels_middle"},
           {"brightness_range": [1]}]


def drawn(config):
    generator = ImageDataGenerator(**config)
    np.random.seed(5)
    draws = [generator.get_random_transform((SIDE, SIDE, 1)) for _ in range(DRAWS)]
    bounds = {}
    for key in KEYS:
        values = [draw[key] for draw in draws]
        if values[0] is not None:
            bounds[key] = [float(min(values)), float(max(values))]
    return {"config": config, "bounds": bounds}


def preprocessed(name):
    function = importlib.import_module(f"keras.applications.{name}").preprocess_input
    image = np.arange(0, 255, 14.25, dtype="float32")[:18].reshape(2, 3, 3)
    generator = ImageDataGenerator(preprocessing_function=function, rescale=0.5, samplewise_center=True)
    y = generator.standardize(image.copy())
    return {"function": name, "image": image.ravel().tolist(), "y": [float(v) for v in y.ravel()]}


def split(count, share):
    x, y = np.zeros((count, 4, 4, 1)), np.zeros(count)
    x[:, 0, 0, 0] = np.arange(count)
    generator = ImageDataGenerator(validation_split=share)
    numbers = {}
    for subset in ["training", "validation"]:
        flow = generator.flow(x, y, shuffle=False, subset=subset, batch_size=count)
        numbers[subset] = [int(v) for v in next(flow)[0][:, 0, 0, 0]]
    return {"count": count, "share": share, **numbers}


def refused(config):
    try:
        ImageDataGenerator(**config)
    except ValueError:
        return config
    raise SystemExit(f"Keras takes {config}")


fixture = {
    "made_with": f"Keras {keras.__version__}, NumPy {np.__version__}",
    "side": SIDE,
    "draws": DRAWS,
    "ranges": [drawn(config) for config in RANGES],
    "functions": [preprocessed(name) for name in FUNCTIONS],
    "splits": [split(*case) for case in SPLITS],
    "refused": [refused(config) for config in REFUSED],
}
lines = json.dumps(fixture).replace('"ranges"', '\n"ranges"').replace("}, {", "},\n {")
(HERE / "arguments.json").write_text(lines + "\n")
