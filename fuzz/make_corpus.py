#!/usr/bin/env python3
"""Makes the inputs that fuzzing begins with: what tests/golden/keras_files does not have, as small as it can be.

    python -m venv venv && venv/bin/pip install h5py==3.14.0
    venv/bin/python make_corpus.py

- corpus/keras_hdf5: valid files in every layout, of a few hundred bytes to a few thousand.
- corpus/keras_archive: one archive of a small model, whole and in the ways in which archives are wrong.
- corpus/keras_config: the configurations in the golden archives, those of Keras 2, and wrong ones.
"""

import io
import json
import zipfile
from pathlib import Path

import h5py
import numpy as np

HERE = Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
GOLDEN = HERE.parent / "tests" / "golden" / "keras_files"
F32 = np.float32

# ---- configurations ------------------------------------------------------------------------------------------------


def dense(units=2, **config):
    return {"class_name": "Dense", "config": {"name": "dense", "units": units, "activation": "relu", **config}}


def sequential(*layers):
    return {"class_name": "Sequential", "config": {"name": "s", "layers": list(layers)}}


def layer(class_name, name, inputs=(), **config):
    """As Keras 2 writes it."""
    nodes = [[[source, 0, 0, {}] for source in inputs]] if inputs else []
    return {"class_name": class_name, "name": name, "config": {"name": name, **config}, "inbound_nodes": nodes}


def functional(output, *layers):
    first = layer("InputLayer", "x", batch_input_shape=[None, 4, 4, 2])
    config = {"name": "m", "layers": [first, *layers], "input_layers": [["x", 0, 0]], "output_layers": [[output, 0, 0]]}
    return {"class_name": "Functional", "config": config, "keras_version": "2.11.0", "backend": "tensorflow"}


def configurations():
    whole = {"batch_input_shape": [None, 3]}
    conv = {"filters": 4, "kernel_size": [3, 3], "strides": [2, 2], "padding": "same", "use_bias": False}
    depthwise = {"kernel_size": 3, "depth_multiplier": 2, "activation": "relu6"}
    relu = {"max_value": 6.0, "negative_slope": 0.0, "threshold": 0.0}
    block = [
        layer("Conv2D", "a", ["x"], filters=2, kernel_size=1),
        layer("ReLU", "b", ["a"], **relu),
        layer("Add", "sum", ["b", "x"]),
    ]
    nested = [layer("ReLU", f"r{i}", [f"r{i - 1}" if i else "x"]) for i in range(20)]
    nested += [layer("Add", f"a{i}", [f"a{i + 1}" if i < 19 else "r19", f"r{i}"]) for i in range(19, -1, -1)]
    return {
        "keras_2_sequential": sequential(dense(**whole), dense(name="more")),
        "keras_1_list": {"class_name": "Sequential", "config": [dense(**whole)]},
        "open_shape": sequential(dense()),
        "convolutions": sequential(
            layer("ZeroPadding2D", "pad", padding=[[0, 1], [0, 1]], batch_input_shape=[None, 8, 8, 3]),
            layer("Conv2D", "conv", **conv),
            layer("DepthwiseConv2D", "depthwise", **depthwise),
            layer("SeparableConv2D", "separable", filters=3, kernel_size=[1, 2]),
            layer("BatchNormalization", "norm", axis=[3], momentum=0.9, epsilon=0.001, center=True, scale=False),
            layer("MaxPooling2D", "pool", pool_size=[2, 2]),
            layer("GlobalAveragePooling2D", "mean", keepdims=False),
            layer("Dropout", "drop", rate=0.5),
            layer("Dense", "scores", units=3, activation="softmax"),
        ),
        "keras_2_block": functional("sum", *block),
        "nested_blocks": functional("a0", *nested),
        "cycle": functional("b", layer("ReLU", "a", ["b"]), layer("ReLU", "b", ["a"])),
        "names_twice": functional("a", layer("ReLU", "a", ["x"]), layer("ReLU", "a", ["x"])),
        "shared_layer": functional("a", {**layer("ReLU", "a"), "inbound_nodes": [[["x", 0, 0]], [["a", 0, 0]]]}),
        "huge_dense": sequential(dense(2**62, batch_input_shape=[None, 2**40])),
        "huge_padding": sequential(
            layer("ZeroPadding2D", "pad", padding=2**63, batch_input_shape=[None, 4, 4, 1]),
        ),
        "huge_window": sequential(
            layer("Conv2D", "c", filters=1, kernel_size=2**63, dilation_rate=2**63, batch_input_shape=[None, 4, 4, 1]),
        ),
        "huge_groups": sequential(
            layer("Conv2D", "c", filters=2**62, groups=2**61, kernel_size=1, batch_input_shape=[None, 4, 4, 4]),
        ),
        "huge_multiplier": sequential(
            layer("DepthwiseConv2D", "d", kernel_size=1, depth_multiplier=2**63, batch_input_shape=[None, 4, 4, 4]),
        ),
        "no_layers": sequential(),
        "arguments_null": sequential(dense(None, use_bias=None, activation=None, **whole)),
    }


# ---- weights -------------------------------------------------------------------------------------------------------

KERNEL, BIAS = np.ones((3, 2), F32), np.zeros(2, F32)


def hdf5(fill, **options):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", **options) as file:
        fill(file)
    return buffer.getvalue()


def keras3(file):
    variables = file.create_group("layers/dense/vars")
    variables.attrs["name"] = "dense"
    variables["0"], variables["1"] = KERNEL, BIAS
    file.create_group("vars")


def classic(file):
    file.attrs["layer_names"] = np.array([b"dense"])
    dense = file.create_group("dense")
    dense.attrs["weight_names"] = np.array([b"kernel:0", b"bias:0"])
    dense["kernel:0"], dense["bias:0"] = KERNEL, BIAS


def whole_model(file):
    file.attrs["model_config"] = json.dumps(configurations()["keras_2_sequential"])
    classic(file.create_group("model_weights"))


def packed(file):
    file.attrs["layer_names"] = np.array(["dense"], dtype=h5py.string_dtype())
    dense = file.create_group("dense")
    dense.attrs["weight_names"] = np.array([b"kernel:0"])
    options = {"chunks": (2, 2), "compression": "gzip", "shuffle": True, "fletcher32": True}
    dense.create_dataset("kernel:0", data=KERNEL.astype(">f2"), **options)


def weights():
    layouts = [keras3, classic, whole_model, packed]
    return {
        f"{layout.__name__}_{version}": hdf5(layout, libver=version)
        for layout in layouts
        for version in ("earliest", "latest")
    }


# ---- archives ------------------------------------------------------------------------------------------------------


def archive(changes=None, compression=zipfile.ZIP_STORED):
    """A good archive with some members replaced, added, or, where the content is None, left out."""
    members = {
        "metadata.json": b'{"keras_version": "3.15.1", "date_saved": "2026-01-01@00:00:00"}',
        "config.json": json.dumps(configurations()["keras_2_sequential"]["config"]["layers"][:1]).encode(),
        "model.weights.h5": hdf5(keras3, libver="latest"),
    }
    members["config.json"] = b'{"class_name": "Sequential", "config": ' + members["config.json"] + b"}"
    members.update(changes or {})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, content in members.items():
            if content is not None:
                # A date makes equal archives unequal.
                info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
                info.compress_type = compression
                if name == "link":
                    info.external_attr = 0o120777 << 16
                file.writestr(info, content)
    return buffer.getvalue()


def archives():
    good = archive()
    twice = archive({"zonfig.json": b"{}"}).replace(b"zonfig.json", b"config.json")
    encrypted = bytearray(good)
    for signature, flags in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        encrypted[encrypted.index(signature) + flags] |= 1
    method = bytearray(good)
    method[method.index(b"PK\1\2") + 10] = 99
    return {
        "good": good,
        "deflated": archive(compression=zipfile.ZIP_DEFLATED),
        "assets": archive({"assets/words.txt": b"x", "empty/": b""}),
        "no_config": archive({"config.json": None}),
        "no_metadata": archive({"metadata.json": None}),
        "no_weights": archive({"model.weights.h5": None}),
        "config_cut": archive({"config.json": b"{"}),
        "config_not_utf8": archive({"config.json": b"\xff"}),
        "config_list": archive({"config.json": b"[]"}),
        "config_deep": archive({"config.json": b'{"class_name": "Sequential", "config": ' + b"[" * 500}),
        "metadata_list": archive({"metadata.json": b"[1]"}),
        "metadata_empty": archive({"metadata.json": b"{}"}),
        "weights_classic": archive({"model.weights.h5": hdf5(classic)}),
        "weights_zip": archive({"model.weights.h5": good}),
        "weights_empty": archive({"model.weights.h5": b""}),
        "name_up": archive({"../../evil": b"x"}),
        "name_absolute": archive({"/etc/passwd": b"x"}),
        "name_backslash": archive({"..\\evil": b"x"}),
        "name_drive": archive({"C:\\evil": b"x"}),
        "link": archive({"link": b"/etc/passwd"}),
        "name_twice": twice,
        "prefix": b"PK\3\4" + bytes(60) + good,
        "suffix": good + b"more",
        "encrypted": bytes(encrypted),
        "method_unknown": bytes(method),
        "bomb": archive({"config.json": b" " * (40 << 20)}, zipfile.ZIP_DEFLATED),
    }


# ---- all -----------------------------------------------------------------------------------------------------------


def main():
    configs = {name: json.dumps(config).encode() for name, config in configurations().items()}
    for path in GOLDEN.glob("*.keras"):
        with zipfile.ZipFile(path) as file:
            configs[path.stem] = file.read("config.json")
    configs["deep"] = b"[" * 1000
    configs["cut"] = configs["convolutions"][:-40]
    kinds = {"keras_config": (configs, ".json"), "keras_hdf5": (weights(), ".h5"), "keras_archive": (archives(), ".keras")}
    for target, (inputs, ending) in kinds.items():
        (CORPUS / target).mkdir(parents=True, exist_ok=True)
        for name, content in inputs.items():
            (CORPUS / target / f"{name}{ending}").write_bytes(content)


main()
