#!/usr/bin/env python3
"""Makes the files of this folder: models as Keras saves them, HDF5 files in all the forms that weights come in, and bad files.

    python -m venv venv && venv/bin/pip install tensorflow-cpu==2.21.0 keras==3.15.1 h5py==3.14.0
    venv/bin/python make_files.py

Weights are random, seeded by the name of the model. expected.json tells what is in the files: for each model the
layers in order with class, arrays (argument, shape, SHA-256 of the little-endian f32 bytes) and the order of
steps; for each bad file the words that an error has to contain.
"""

import hashlib
import json
import os
import sys
import zlib
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.dont_write_bytecode = True

import h5py
import keras
import numpy as np
from keras import layers as L
from keras.src.legacy.saving import legacy_h5_format

HERE = Path(__file__).resolve().parent
BAD = HERE / "bad"
F32 = np.float32

# ---- models --------------------------------------------------------------------------------------------------------


def functional(name, shape, body):
    x = keras.Input(shape, name="image")
    return keras.Model(x, body(x), name=name)


def sequential_cnn():
    return keras.Sequential(
        [
            L.Input((8, 8, 1)),
            L.Conv2D(4, 3, padding="same", activation="relu"),
            L.MaxPooling2D(2),
            L.Conv2D(6, (3, 2), strides=(1, 2), name="second", use_bias=False),
            L.Flatten(),
            L.Dense(5, activation="elu"),
            L.Dense(3, activation="softmax"),
        ],
        name="sequential_cnn",
    )


def batch_norm():
    def body(x):
        x = L.Conv2D(4, 3, use_bias=False, kernel_regularizer=keras.regularizers.L2(1e-4))(x)
        x = L.BatchNormalization(momentum=0.9, epsilon=1.001e-5, axis=3, name="all")(x)
        x = L.BatchNormalization(scale=False, name="no_gamma")(x)
        x = L.BatchNormalization(center=False, name="no_beta")(x)
        return L.BatchNormalization(center=False, scale=False, name="neither")(x)

    return functional("batch_norm", (6, 6, 2), body)


def depthwise():
    def body(x):
        x = L.ZeroPadding2D(((0, 1), (0, 1)))(x)
        x = L.DepthwiseConv2D(3, strides=2, use_bias=False)(x)
        x = L.BatchNormalization(momentum=0.999)(x)
        x = L.ReLU(6.0)(x)
        x = L.DepthwiseConv2D((3, 1), padding="same", depth_multiplier=2, activation="relu6")(x)
        return L.GlobalAveragePooling2D(keepdims=True)(x)

    return functional("depthwise", (8, 8, 3), body)


def residual_identity():
    def body(x):
        x = L.Conv2D(4, 1, name="expand")(x)
        y = L.Conv2D(4, 3, padding="same", activation="relu", name="first")(x)
        y = L.Conv2D(4, 3, padding="same", name="second")(y)
        x = L.Add(name="sum")([x, y])
        x = L.ReLU(name="after")(x)
        y = L.DepthwiseConv2D(3, padding="same", name="other")(x)
        return L.Add(name="last_sum")([y, x])

    return functional("residual_identity", (5, 5, 2), body)


def residual_projection():
    def body(x):
        x = L.Conv2D(4, 3, padding="same", name="stem")(x)
        short = L.Conv2D(6, 1, strides=2, name="short_conv")(x)
        short = L.BatchNormalization(name="short_bn")(short)
        y = L.Conv2D(3, 1, strides=2, name="a_conv")(x)
        y = L.BatchNormalization(name="a_bn")(y)
        y = L.Activation("relu", name="a_relu")(y)
        y = L.Conv2D(6, 3, padding="same", name="b_conv")(y)
        x = L.Add(name="sum")([short, y])
        x = L.Activation("relu", name="out_relu")(x)
        x = L.GlobalAveragePooling2D(name="pool")(x)
        return L.Dense(7, activation="softmax", name="scores")(x)

    return functional("residual_projection", (8, 8, 3), body)


def residual_nested():
    def body(x):
        x = L.Conv2D(2, 1, name="stem")(x)
        y = L.Conv2D(2, 1, name="outer")(x)
        z = L.Conv2D(2, 1, name="inner")(y)
        y = L.Add(name="inner_sum")([y, z])
        y = L.Dropout(0.1, name="drop")(y)
        return L.Add(name="outer_sum")([y, x])

    return functional("residual_nested", (3, 3, 1), body)


def separable():
    def body(x):
        x = L.SeparableConv2D(5, 3, depth_multiplier=2, padding="same", activation="tanh")(x)
        return L.SeparableConv2D(4, (1, 3), use_bias=False, name="plain")(x)

    return functional("separable", (6, 6, 2), body)


def padding_dropout():
    return keras.Sequential(
        [
            L.Input((6, 7, 3)),
            L.Rescaling(1 / 127.5, offset=-1, name="scale"),
            L.ZeroPadding2D((1, 2), name="axes"),
            L.ZeroPadding2D(3, name="all"),
            L.Conv2D(2, 3, dilation_rate=2, name="dilated"),
            L.Dropout(0.25, seed=7, name="drop"),
            L.AveragePooling2D(3, strides=2, padding="same", name="mean"),
            L.Flatten(name="flat"),
            L.Dense(2, name="scores"),
        ],
        name="padding_dropout",
    )


def activations():
    return keras.Sequential(
        [
            L.Input((4,)),
            L.Dense(4, use_bias=False),
            L.Activation("sigmoid"),
            L.ReLU(),
            L.ReLU(negative_slope=0.125),
            L.LeakyReLU(negative_slope=0.25),
            L.ELU(alpha=0.5),
            L.Activation("linear"),
            L.Softmax(),
        ],
        name="activations",
    )


def numbering():
    """Twelve layers of one class: in the file `conv2d_10` comes before `conv2d_2`, and names say nothing about the order."""
    names = [f"z{12 - i}" for i in range(12)]
    return keras.Sequential([L.Input((2, 2, 1)), *(L.Conv2D(1, 1, name=name) for name in names)], name="numbering")


MODELS = [
    sequential_cnn, batch_norm, depthwise, residual_identity, residual_projection, residual_nested, separable,
    padding_dropout, activations, numbering,
]  # fmt: skip


def with_random_weights(model):
    rng = np.random.default_rng(zlib.crc32(model.name.encode()))
    for layer in model.layers:
        layer.set_weights([rng.uniform(0.1, 1, w.shape).astype(F32) for w in layer.get_weights()])
    return model


# ---- what is expected ----------------------------------------------------------------------------------------------


def sha256(array):
    return hashlib.sha256(np.ascontiguousarray(array, "<f4").tobytes()).hexdigest()


def described_layer(layer):
    arrays = [
        {"name": variable.name, "shape": list(value.shape), "sha256": sha256(value)}
        for variable, value in zip(layer.weights, layer.get_weights())
    ]
    return {"name": layer.name, "class": type(layer).__name__, "arrays": arrays}


# By hand: a name is a layer, a list [sum, main, shortcut] a block. Others are plain chains.
STEPS = {
    "residual_identity": ["expand", ["sum", ["first", "second"], []], "after", ["last_sum", ["other"], []]],
    "residual_projection": [
        "stem",
        ["sum", ["a_conv", "a_bn", "a_relu", "b_conv"], ["short_conv", "short_bn"]],
        "out_relu", "pool", "scores",
    ],
    "residual_nested": ["stem", ["outer_sum", ["outer", ["inner_sum", ["inner"], []], "drop"], []]],
}  # fmt: skip


def described(model):
    layers = [layer for layer in model.layers if not isinstance(layer, L.InputLayer)]
    return {
        "name": model.name,
        "input_shape": list(model.input_shape[1:]),
        "output": layers[-1].name,
        "parameters": model.count_params(),
        "layers": [described_layer(layer) for layer in layers],
        "steps": STEPS.get(model.name, [layer.name for layer in layers]),
    }


# ---- forms of HDF5 -------------------------------------------------------------------------------------------------

KERNEL = np.arange(24, dtype=F32).reshape(2, 3, 4) / 8 - 1
BIAS = np.array([0.5, -2, 65504, 0], F32)


def fixed(*names):
    return np.array([name.encode() for name in names])


def classic(path, kernel=KERNEL, names=("kernel:0", "bias:0"), root=None, dataset=None, libver=None, **file):
    """A layer `layer` with a kernel and a bias, and a layer `empty`."""
    dataset = dataset or {}
    with h5py.File(path, "w", libver=libver, **file) as h5:
        top = h5.create_group(root) if root else h5
        top.attrs["layer_names"] = fixed("empty", "layer")
        top.create_group("empty").attrs["weight_names"] = np.zeros(0)
        layer = top.create_group("layer")
        layer.attrs["weight_names"] = fixed(*names)
        layer.create_dataset(names[0], data=kernel, **dataset)
        layer.create_dataset(names[1], data=BIAS.astype(kernel.dtype), **dataset)


def superblock_1(path):
    """Version 1 is version 0 with four more bytes at 24; h5py leaves room behind the superblock and writes 0."""
    classic(path, alignment_threshold=1, alignment_interval=512)
    contents = bytearray(path.read_bytes())
    assert contents[8] == 0 and not any(contents[96:512])
    contents[8] = 1
    contents[28:100] = contents[24:96]
    contents[24:28] = (32).to_bytes(2, "little") + bytes(2)  # the rank of B-trees of chunks
    path.write_bytes(contents)


def forms():
    classic(HERE / "form_flat.h5", names=("layer_W_1:0", "layer_running_std_1:0"))
    classic(HERE / "form_nested.h5", names=("layer/deeper/kernel:0", "layer/deeper/bias:0"))
    classic(HERE / "form_model_weights.h5", root="model_weights")
    classic(HERE / "form_f16.h5", kernel=KERNEL.astype(np.float16))
    classic(HERE / "form_f64.h5", kernel=KERNEL.astype(np.float64))
    classic(HERE / "form_big_endian.h5", kernel=KERNEL.astype(">f4"))
    packed = {"chunks": True, "compression": "gzip", "shuffle": True, "fletcher32": True}
    classic(HERE / "form_compressed.h5", dataset=packed)
    classic(HERE / "form_latest.h5", dataset=packed, libver="latest")
    classic(HERE / "form_user_block.h5", userblock_size=512)
    # The file begins with a superblock of version 2; "latest" gives 3, everything else but the next one 0.
    classic(HERE / "form_superblock_2.h5", libver=("v108", "v108"))
    superblock_1(HERE / "form_superblock_1.h5")
    with h5py.File(HERE / "form_split_names.h5", "w") as h5:
        h5.attrs["layer_names0"] = fixed("empty")
        h5.attrs["layer_names1"] = np.array(["layer"], dtype=h5py.string_dtype())
        h5.create_group("empty").attrs["weight_names"] = np.zeros(0)
        layer = h5.create_group("layer")
        layer.attrs["weight_names0"] = fixed("kernel:0")
        layer.attrs["weight_names1"] = fixed("bias:0")
        layer["kernel:0"], layer["bias:0"] = KERNEL, BIAS


# ---- bad files -----------------------------------------------------------------------------------------------------

EXPECTED_ERRORS = {}


def bad(name, words, **options):
    """A weight file whose layer `layer` has one array `w`, for the caller to spoil."""
    EXPECTED_ERRORS[f"bad/{name}.h5"] = words
    h5 = h5py.File(BAD / f"{name}.h5", "w", **options)
    h5.attrs["layer_names"] = fixed("layer")
    layer = h5.create_group("layer")
    layer.attrs["weight_names"] = fixed("w")
    return h5, layer


def bad_arrays():
    values = {
        "int32": (np.arange(4, dtype=np.int32), ["/layer/w", "expected floats"]),
        "text": (np.array([b"abc"]), ["/layer/w", "expected floats"]),
        "compound": (np.zeros(2, [("a", "<f4"), ("b", "<i4")]), ["/layer/w", "expected floats"]),
        "zero_size": (np.zeros((0, 4), F32), ["/layer/w", "no elements"]),
        "nan": (np.array([1, np.nan], F32), ["/layer/w", "NaN"]),
        "overflow": (np.array([1e300]), ["/layer/w", "inf"]),
        "null": (h5py.Empty("f4"), ["/layer/w", "no elements"]),
    }
    for name, (value, words) in values.items():
        h5, layer = bad(name, words)
        with h5:
            layer["w"] = value
    h5, layer = bad("f16_other", ["/layer/w", "unusual layout"])
    with h5:
        # bfloat16: an exponent of 8 bits
        kind = h5py.h5t.IEEE_F32LE.copy()
        kind.set_fields(15, 7, 8, 0, 7)
        kind.set_size(2)
        kind.set_ebias(127)
        space = h5py.h5s.create_simple((4,))
        h5py.h5d.create(layer.id, b"w", kind, space)
    h5, layer = bad("huge_contiguous", ["/layer/w", "out of proportion"])
    with h5:
        layer.create_dataset("w", (1 << 38,), "f4")
    h5, layer = bad("huge_compressed", ["/layer/w", "out of proportion"])
    with h5:
        layer.create_dataset("w", (3 << 28,), "f4", chunks=(1 << 20,), compression="gzip", fillvalue=1)
    h5, layer = bad("overflowing_shape", ["/layer/w", "impossible"])
    with h5:
        layer.create_dataset("w", (1 << 40, 1 << 40), "f4", chunks=(1 << 10, 1 << 10))
    h5, layer = bad("many_axes", ["/layer/w", "9 axes"])
    with h5:
        layer["w"] = np.zeros((1,) * 9, F32)


def bad_links():
    h5, layer = bad("external_storage", ["/layer/w", "/etc/hostname", "refused"])
    with h5:
        layer.create_dataset("w", (1,), "f4", external=[("/etc/hostname", 0, 4)])
    h5, layer = bad("external_link", ["/layer/w", "elsewhere.h5", "refused"], libver="latest")
    with h5:
        layer["w"] = h5py.ExternalLink("elsewhere.h5", "/w")
    h5, layer = bad("soft_link_loop", ["/layer/w", "no such dataset"])
    with h5:
        layer["w"] = h5py.SoftLink("/layer/w")
    h5, layer = bad("virtual", ["/layer/w"], libver="latest")
    with h5:
        layout = h5py.VirtualLayout((4,), "f4")
        layout[:] = h5py.VirtualSource("elsewhere.h5", "w", (4,))
        layer.create_virtual_dataset("w", layout)
    EXPECTED_ERRORS["bad/cycle.h5"] = ["/layers/dense", "reached on two ways"]
    with h5py.File(BAD / "cycle.h5", "w") as h5:
        dense = h5.create_group("layers").create_group("dense")
        dense["again"] = dense


def bad_names():
    listed = {
        "path_up": ("../layer/w", ["not a path below"]),
        "path_absolute": ("/layer/w", ["not a path below"]),
        "path_empty": ("", ["not a path below"]),
        "missing_array": ("v", ["/layer/v", "no such dataset"]),
        "missing_group": ("deeper/v", ["/layer/deeper", "no such group"]),
        "through_an_array": ("w/v", ["/layer/w", "dataset, not a group"]),
        "group_as_array": ("group", ["/layer/group", "no such dataset"]),
    }
    for name, (weight, words) in listed.items():
        h5, layer = bad(name, words)
        with h5:
            layer["w"] = KERNEL
            layer.create_group("group")
            layer.attrs["weight_names"] = fixed(weight)
    attributes = {
        "names_numeric": ("layer_names", np.arange(3), ["/@layer_names", "expected text"]),
        "names_not_utf8": ("layer_names", np.array([b"lay\xff"]), ["/@layer_names", "UTF-8"]),
        "names_twice": ("layer_names", fixed("layer", "layer"), ["/@layer_names", "twice"]),
        "names_unknown": ("layer_names", fixed("other"), ["/other", "no such group"]),
        "names_up": ("layer_names", fixed("layer/../layer"), ["not a layer's name"]),
    }
    for name, (attribute, value, words) in attributes.items():
        h5, layer = bad(name, words)
        with h5:
            layer["w"] = KERNEL
            h5.attrs[attribute] = value
    h5, layer = bad("no_weight_names", ["/layer/@weight_names", "no such attribute"])
    with h5:
        del layer.attrs["weight_names"]
    EXPECTED_ERRORS["bad/unrelated.h5"] = ["no weights of Keras"]
    with h5py.File(BAD / "unrelated.h5", "w") as h5:
        h5["x"] = KERNEL
    EXPECTED_ERRORS["bad/gap.h5"] = ["/layers/dense/vars", "1 is missing"]
    with h5py.File(BAD / "gap.h5", "w") as h5:
        h5["layers/dense/vars/0"], h5["layers/dense/vars/2"] = KERNEL, BIAS
    EXPECTED_ERRORS["bad/deep.h5"] = ["nested more than 16 deep"]
    with h5py.File(BAD / "deep.h5", "w", libver="latest") as h5:
        h5["layers/" + "layer/" * 20 + "vars/0"] = BIAS


def bad_streams():
    """Errors in compressed data: a wrong checksum, a broken stream."""
    for name, options, words in [
        ("checksum", {"fletcher32": True}, ["/layer/w"]),
        ("stream", {"compression": "gzip"}, ["/layer/w"]),
    ]:
        h5, layer = bad(name, words)
        with h5:
            data = layer.create_dataset("w", data=KERNEL, chunks=KERNEL.shape, **options)
            offset = data.id.get_chunk_info(0).byte_offset
        contents = bytearray((BAD / f"{name}.h5").read_bytes())
        contents[offset + 4] ^= 0xFF
        (BAD / f"{name}.h5").write_bytes(contents)
    # Many names that are all the same long text in the file's heap: their references are made equal.
    shared = BAD / "shared_text.h5"
    EXPECTED_ERRORS["bad/shared_text.h5"] = ["@layer_names", "longer than the file"]
    with h5py.File(shared, "w") as h5:
        h5.attrs["layer_names"] = np.array(["x" * 2000] + ["y"] * 200, dtype=h5py.string_dtype())
    contents = bytearray(shared.read_bytes())
    first = (2000).to_bytes(4, "little")
    at = next(i for i in range(len(contents)) if contents[i : i + 4] == first and contents[i + 16 : i + 20] == b"\1\0\0\0")
    for i in range(1, 201):
        contents[at + 16 * i : at + 16 * (i + 1)] = contents[at : at + 16]
    shared.write_bytes(contents)


def patched(name, words, change, source="form_flat"):
    """A good file with other bytes in some place."""
    EXPECTED_ERRORS[f"bad/{name}.h5"] = words
    contents = bytearray((HERE / f"{source}.h5").read_bytes())
    change(contents)
    (BAD / f"{name}.h5").write_bytes(contents)


def u64(number):
    return number.to_bytes(8, "little")


def bad_structures():
    """Errors in what holds a file together. Offsets are those of superblock 0 and of the nodes of version 1."""

    def superblock(at, value):
        def change(contents):
            contents[at : at + len(value)] = value

        return change

    patched("superblock_unknown", ["superblock version 9"], superblock(8, b"\x09"))
    patched("root_address", ["/:", "unexpected end of data"], superblock(64, u64(1 << 62)))

    def own_child(contents):
        # A node of level 1 whose children are itself.
        node = contents.index(b"TREE\0\0")
        contents[node + 5] = 1
        contents[node + 32 : node + 40] = u64(node)

    patched("tree_cycle", ["revisits node"], own_child)

    def continued(contents):
        # The root's object header: its first message, of type 17, becomes a continuation at the header itself.
        header = int.from_bytes(contents[64:72], "little")
        message = header + 16
        contents[message : message + 2] = (16).to_bytes(2, "little")
        contents[message + 8 : message + 24] = u64(message) + u64(24)

    patched("continuation_loop", ["continuation cycle"], continued)

    def filtered(contents):
        # The pipeline of filters begins with shuffle, 2.
        pipeline = contents.index(b"shuffle\0")
        contents[pipeline - 8 : pipeline - 6] = (0x7FFF).to_bytes(2, "little")

    patched("filter_unknown", ["/layer/kernel:0", "filter id 32767"], filtered, "form_compressed")

    def many(contents):
        # Two names of 5 bytes become a million: dataspace of version 1 with 1 axis, its length and its largest one.
        attribute = contents.index(b"layer_names\0")
        length = contents.index(u64(2), attribute)
        contents[length : length + 8] = u64(10**6)

    patched("names_million", ["need 5000000 bytes"], many)


# ---- all -----------------------------------------------------------------------------------------------------------


def main():
    BAD.mkdir(exist_ok=True)
    models = {}
    for make in MODELS:
        keras.utils.clear_session()
        model = with_random_weights(make())
        model.save(HERE / f"{model.name}.keras")
        models[model.name] = described(model)
        if model.name in ("numbering", "residual_projection"):
            model.save_weights(HERE / f"{model.name}.weights.h5")
        if model.name == "residual_projection":
            model.save(HERE / f"{model.name}.h5")
        if model.name == "sequential_cnn":
            with h5py.File(HERE / f"{model.name}_classic.h5", "w") as h5:
                legacy_h5_format.save_weights_to_hdf5_group(h5, model)
    forms()
    bad_arrays()
    bad_links()
    bad_names()
    bad_streams()
    bad_structures()
    made_with = f"Keras {keras.__version__}, h5py {h5py.__version__}, HDF5 {h5py.version.hdf5_version}"
    form = {"kernel": sha256(KERNEL), "bias": sha256(BIAS)}
    document = {"made_with": made_with, "models": models, "form": form, "errors": EXPECTED_ERRORS}
    (HERE / "expected.json").write_text(json.dumps(document, indent=1) + "\n")


main()
