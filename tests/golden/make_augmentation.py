#!/usr/bin/env python3
"""Makes the fixtures of image augmentation with the real Keras, in a few seconds.

    venv/bin/python make_augmentation.py                          # augment/transforms.*, augment/standardize.*
    venv/bin/python make_augmentation.py Q1_Train_Data.csv.gz     # augment/face_transforms.*, augment/face_standardize.*

The environment is that of make_fixtures.py, with scipy==1.17.1 and pillow==13.0.0. Keras transforms in float32, as it
does for its users, and standardises in float64, which serves as the truth. Without an argument all images are
synthetic. Of the faces of FER-2013 no image is written: of each result only some values that lie far apart.
"""

import gzip
import json
import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.dont_write_bytecode = True

import keras
import numpy as np
import PIL
import scipy
from keras.src.legacy.preprocessing.image import ImageDataGenerator
from safetensors.numpy import save_file

HERE = Path(__file__).resolve().parent / "augment"
MADE_WITH = f"Keras {keras.__version__}, NumPy {np.__version__}, SciPy {scipy.__version__}, Pillow {PIL.__version__}"
FILL_MODES = ["nearest", "constant", "reflect", "wrap"]
RNG = np.random.default_rng(2013)


def write(stem, cases, tensors):
    lines = ",\n".join("  " + json.dumps(case) for case in cases)
    (HERE / f"{stem}.json").write_text(f'{{\n "made_with": {json.dumps(MADE_WITH)},\n "cases": [\n{lines}\n ]\n}}\n')
    save_file({name: np.ascontiguousarray(t) for name, t in tensors.items()}, HERE / f"{stem}.safetensors")


def smooth_levels(height, width, channels):
    """Grey levels that vary smoothly, with noise on top."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    a, b, p = RNG.uniform(0.3, 0.9, 3)
    wave = 127 + 80 * np.sin(a * y + p) * np.cos(b * x + c) + RNG.normal(0, 20, y.shape)
    return np.clip(np.rint(wave), 0, 255).astype("float32")


# ---- transformations -----------------------------------------------------------------------------------------------

# Each combination is made with every fill mode.
GEOMETRY = [
    {"theta": 33.7},
    {"theta": -158.2, "tx": 2.3, "ty": -1.8},
    {"tx": 4.0, "ty": -3.0},
    {"tx": -3.45, "ty": 30.6},
    {"shear": 21.5},
    {"zx": 0.62, "zy": 1.37},
    {"zx": 2.9, "zy": 3.3},
    {"theta": 12.3, "shear": -14.1, "zx": 1.21, "zy": 0.83},
    {"theta": 71.3, "tx": -2.7, "ty": 1.4, "shear": 9.2, "zx": 1.13, "zy": 1.46, "flip_horizontal": True},
    {"theta": -5.5, "tx": 1.2, "flip_horizontal": True, "flip_vertical": True, "channel_shift_intensity": 31.5},
    {"theta": 8.25, "ty": 2.2, "brightness": 0.63},
]
IMAGES = {
    "grey": smooth_levels(13, 13, 1),
    "colour": smooth_levels(9, 9, 3),
    "even": smooth_levels(12, 12, 1),
    "wide": smooth_levels(7, 11, 2),
    "tall": smooth_levels(10, 5, 1),
    "line": smooth_levels(1, 8, 1),
    "centred": (smooth_levels(11, 11, 1) / 255 - 0.5).astype("float32"),
}
# Without geometry, or on images of particular shapes and values.
OTHERS = [
    ("grey", {"flip_horizontal": True}),
    ("colour", {"flip_vertical": True}),
    ("wide", {"flip_horizontal": True, "flip_vertical": True}),
    ("grey", {"channel_shift_intensity": -40.25}),
    ("colour", {"channel_shift_intensity": 55.5, "brightness": 1.4}),
    ("grey", {"brightness": 0.5}),
    ("colour", {"brightness": 1.73}),
    ("centred", {"brightness": 0.71}),
    ("centred", {"theta": 25.1, "brightness": 1.32}),
    ("centred", {"theta": -41.9, "tx": 1.1, "channel_shift_intensity": 0.21}),
    ("wide", {"theta": 27.9}),
    ("wide", {"theta": 27.9, "tx": 1.3, "ty": -2.1, "zx": 1.2, "zy": 0.9}),
    ("tall", {"theta": -64.4, "shear": 8.8}),
    ("tall", {"zx": 0.55, "zy": 0.71}),
    ("line", {"tx": 2.6}),
    ("line", {"zy": 1.3, "zx": 1.6, "ty": 0.4}),
    ("grey", {}),
]


def transforms():
    cases, tensors = [], {f"image/{name}": image for name, image in IMAGES.items()}

    def add(image, parameters, fill_mode, cval):
        name = f"{len(cases):02}"
        generator = ImageDataGenerator(fill_mode=fill_mode, cval=cval)
        tensors[f"y/{name}"] = generator.apply_transform(IMAGES[image], parameters).astype("float32")
        case = {"name": name, "image": image, "fill_mode": fill_mode, "cval": cval, "parameters": parameters}
        cases.append(case)

    for i, parameters in enumerate(GEOMETRY):
        for j, fill_mode in enumerate(FILL_MODES):
            add(["grey", "colour", "even"][(i + j) % 3], parameters, fill_mode, 17.5)
    for i, (image, parameters) in enumerate(OTHERS):
        add(image, parameters, FILL_MODES[i % 4], 0.25)
    write("transforms", cases, tensors)
    print(f"{len(cases)} transformations")


# The same on real faces: case i is made of training face i, in which every APART-th value is compared.
APART = 13


def face_transforms(faces):
    cases, tensors = [], {}
    geometry = [("grey", parameters, fill_mode, 17.5) for parameters in GEOMETRY for fill_mode in FILL_MODES]
    others = [(image, parameters, FILL_MODES[i % 4], 0.25) for i, (image, parameters) in enumerate(OTHERS)]
    for i, (image, parameters, fill_mode, cval) in enumerate(geometry + others):
        centred = image == "centred"
        face = (faces[i] / 255 - 0.5).astype("float32") if centred else faces[i]
        y = ImageDataGenerator(fill_mode=fill_mode, cval=cval).apply_transform(face, parameters)
        tensors[f"y/{i:02}"] = y.astype("float32").reshape(-1)[::APART]
        image = "centred" if centred else "levels"
        cases.append({"name": f"{i:02}", "image": image, "fill_mode": fill_mode, "cval": cval, "parameters": parameters})
    write("face_transforms", cases, tensors)
    print(f"{len(cases)} transformations of faces")


# ---- standardising -------------------------------------------------------------------------------------------------

STANDARDIZE = [
    ("many", {"rescale": 1 / 255}),
    ("many", {"samplewise_center": True}),
    ("many", {"samplewise_std_normalization": True, "rescale": 0.01}),
    ("many", {"featurewise_center": True}),
    ("many", {"featurewise_std_normalization": True}),
    ("colour", {"featurewise_std_normalization": True, "samplewise_center": True}),
    ("many", {"zca_whitening": True}),
    ("few", {"zca_whitening": True, "rescale": 1 / 255}),
    ("colour", {"zca_whitening": True, "featurewise_std_normalization": True, "zca_epsilon": 0.5}),
]
SETS = {
    "many": np.stack([smooth_levels(10, 10, 1) for _ in range(260)]).astype("uint8"),
    "few": np.stack([smooth_levels(10, 10, 1) for _ in range(40)]).astype("uint8"),
    "colour": np.stack([smooth_levels(5, 5, 3) for _ in range(150)]).astype("uint8"),
}
SHOWN = 4


def standardize():
    cases, tensors = [], {f"images/{name}": images for name, images in SETS.items()}
    for i, (images, config) in enumerate(STANDARDIZE):
        generator = ImageDataGenerator(**config, dtype="float64")
        x = SETS[images].astype("float64")
        generator.fit(x)
        tensors[f"{i}/y"] = np.stack([generator.standardize(image.copy()) for image in x[:SHOWN]]).astype("float32")
        for name, value in [("mean", generator.mean), ("std", generator.std)]:
            if value is not None:
                tensors[f"{i}/{name}"] = value.reshape(-1).astype("float32")
        if generator.zca_whitening_matrix is not None:
            tensors[f"{i}/zca_whitening"] = generator.zca_whitening_matrix.astype("float32")
        cases.append({"name": str(i), "images": images, "config": config})
    write("standardize", cases, tensors)
    print(f"{len(cases)} ways to standardise")


FACE_STANDARDIZE = [
    {"samplewise_center": True, "samplewise_std_normalization": True},
    {"featurewise_center": True, "rescale": 1 / 255},
    {"featurewise_std_normalization": True},
    {"zca_whitening": True},
]
# Every tenth training face, at half its size: five images for each pixel. Some rows of W, some values of the first four.
TENTH, ROWS_APART, VALUES_APART = 10, 37, 5


def face_standardize(faces):
    x = faces[::TENTH].astype("float64").reshape(-1, 24, 2, 24, 2, 1).mean(axis=(2, 4))
    cases, tensors = [], {}
    for i, config in enumerate(FACE_STANDARDIZE):
        generator = ImageDataGenerator(**config, dtype="float64")
        generator.fit(x)
        y = np.stack([generator.standardize(image.copy()) for image in x[:SHOWN]]).reshape(SHOWN, -1)
        tensors[f"{i}/y"] = y[:, ::VALUES_APART].astype("float32")
        for name, value in [("mean", generator.mean), ("std", generator.std)]:
            if value is not None:
                tensors[f"{i}/{name}"] = value.reshape(-1).astype("float32")
        if generator.zca_whitening_matrix is not None:
            tensors[f"{i}/zca_whitening"] = generator.zca_whitening_matrix[::ROWS_APART].astype("float32")
        cases.append({"name": str(i), "config": config})
    write("face_standardize", cases, tensors)
    print(f"{len(cases)} ways to standardise {len(x)} faces")


def read_faces(csv):
    with gzip.open(csv, "rt") as lines:
        column = [name.strip() for name in next(lines).split(",")].index("pixels")
        rows = [np.array(line.split(",")[column].strip().strip('"').split(), dtype="uint8") for line in lines]
    return np.stack(rows).reshape(-1, 48, 48, 1).astype("float32")


HERE.mkdir(exist_ok=True)
if sys.argv[1:]:
    training_faces = read_faces(sys.argv[1])
    face_transforms(training_faces)
    face_standardize(training_faces)
else:
    transforms()
    standardize()
