"""What the fixtures cover: the layer cases of `layers.*` and the networks of `trajectory_*`."""

ACTIVATIONS = ["linear", "relu", "relu6", "leaky_relu", "elu", "sigmoid", "tanh", "softmax"]


def layer_cases():
    """(name, input shape, class name, config without the name), only fields that differ from Keras's default."""
    same = {"padding": "same"}

    for activation in ACTIVATIONS:
        fields = {} if activation == "linear" else {"activation": activation}
        yield f"dense_{activation}", (3, 5), "Dense", {"units": 4, **fields}
    yield "dense_no_bias", (3, 5), "Dense", {"units": 4, "use_bias": False}
    yield "dense_one_unit", (3, 4), "Dense", {"units": 1}
    yield "dense_17_to_33", (2, 17), "Dense", {"units": 33}

    def conv(name, shape, filters, kernel, **fields):
        return f"conv2d_{name}", shape, "Conv2D", {"filters": filters, "kernel_size": kernel, **fields}

    k3 = [3, 3]
    yield conv("valid", (2, 5, 6, 3), 4, k3)
    yield conv("same", (2, 5, 6, 3), 4, k3, **same)
    yield conv("no_bias", (2, 4, 5, 2), 3, k3, use_bias=False)
    yield conv("valid_many_tiles", (2, 9, 11, 2), 3, k3)
    yield conv("same_many_tiles", (2, 9, 10, 2), 3, k3, **same)
    yield conv("valid_stride2_even", (2, 6, 8, 2), 3, k3, strides=[2, 2])
    yield conv("valid_stride2_odd", (2, 7, 5, 2), 3, k3, strides=[2, 2])
    yield conv("same_stride2_even", (2, 6, 8, 2), 3, k3, strides=[2, 2], **same)
    yield conv("same_stride2_odd", (2, 7, 5, 2), 3, k3, strides=[2, 2], **same)
    yield conv("same_stride2_even_odd", (2, 6, 5, 2), 3, k3, strides=[2, 2], **same)
    yield conv("same_stride3", (2, 7, 8, 2), 3, k3, strides=[3, 3], **same)
    yield conv("valid_stride_2_1", (2, 6, 5, 2), 3, k3, strides=[2, 1])
    yield conv("same_stride_2_1", (2, 6, 5, 2), 3, k3, strides=[2, 1], **same)
    yield conv("valid_dilation2", (2, 7, 6, 2), 3, k3, dilation_rate=[2, 2])
    yield conv("same_dilation2", (2, 6, 5, 2), 3, k3, dilation_rate=[2, 2], **same)
    yield conv("valid_dilation_2_1", (2, 6, 5, 2), 3, k3, dilation_rate=[2, 1])
    yield conv("1x1", (2, 4, 5, 3), 4, [1, 1])
    yield conv("1x1_stride2_odd", (2, 5, 5, 3), 4, [1, 1], strides=[2, 2])
    yield conv("1x1_stride2_even", (2, 4, 6, 3), 4, [1, 1], strides=[2, 2])
    yield conv("1x1_same_stride2", (2, 4, 5, 3), 4, [1, 1], strides=[2, 2], **same)
    yield conv("5x5_valid", (2, 7, 6, 2), 3, [5, 5])
    yield conv("5x5_same", (2, 6, 6, 2), 3, [5, 5], **same)
    yield conv("5x5_same_small_map", (2, 3, 2, 2), 3, [5, 5], **same)
    yield conv("5x5_same_stride2", (2, 6, 7, 2), 3, [5, 5], strides=[2, 2], **same)
    yield conv("3x2_valid", (2, 5, 5, 2), 3, [3, 2])
    yield conv("3x2_same", (2, 5, 5, 2), 3, [3, 2], **same)
    yield conv("2x2_same", (2, 4, 5, 2), 3, [2, 2], **same)
    yield conv("4x4_same_stride2", (2, 6, 5, 2), 3, [4, 4], strides=[2, 2], **same)
    yield conv("groups2_valid", (2, 5, 5, 4), 6, k3, groups=2)
    yield conv("groups2_same_stride2", (2, 5, 6, 4), 6, k3, groups=2, strides=[2, 2], **same)
    yield conv("groups2_1x1", (2, 3, 4, 4), 6, [1, 1], groups=2)
    yield conv("groups_of_one_channel", (2, 5, 5, 3), 6, k3, groups=3, **same)
    yield conv("1x1_map_same", (2, 1, 1, 3), 4, k3, **same)
    yield conv("1_row_same", (2, 1, 6, 2), 3, k3, **same)
    yield conv("whole_map", (2, 4, 3, 2), 3, [4, 3])
    yield conv("in_1", (2, 6, 5, 1), 4, k3)
    yield conv("in_7_out_5", (2, 4, 5, 7), 5, k3, **same)
    yield conv("in_17_out_9", (2, 4, 4, 17), 9, k3)
    yield conv("in_3_out_17", (2, 4, 5, 3), 17, k3)
    yield conv("batch_1", (1, 5, 5, 2), 3, k3, **same)
    for activation in ACTIVATIONS[1:]:
        yield conv(f"{activation}", (2, 5, 4, 2), 3, k3, activation=activation)
    yield conv("elu_same_stride2", (2, 5, 6, 2), 3, k3, strides=[2, 2], activation="elu", **same)

    for kind, title in [("max", "MaxPooling2D"), ("average", "AveragePooling2D")]:

        def pool(name, shape, window, **fields):
            return f"{kind}_pool_{name}", shape, title, {"pool_size": window, **fields}

        yield pool("2x2_even", (2, 6, 4, 3), [2, 2])
        yield pool("2x2_odd", (2, 7, 5, 3), [2, 2])
        yield pool("2x2_same_odd", (2, 5, 3, 2), [2, 2], **same)
        yield pool("3x3_stride2_valid", (2, 7, 6, 2), k3, strides=[2, 2])
        yield pool("3x3_stride2_same_even", (2, 6, 4, 2), k3, strides=[2, 2], **same)
        yield pool("3x3_stride2_same_odd", (2, 7, 5, 2), k3, strides=[2, 2], **same)
        yield pool("3x3_stride1_valid", (2, 5, 6, 2), k3, strides=[1, 1])
        yield pool("3x3_stride1_same", (2, 4, 5, 2), k3, strides=[1, 1], **same)
        yield pool("2x3_valid", (2, 5, 7, 2), [2, 3])
        yield pool("3x2_same", (2, 5, 5, 2), [3, 2], **same)
        yield pool("2x2_stride3", (2, 7, 6, 2), [2, 2], strides=[3, 3])
        yield pool("2x2_stride_1_2", (2, 4, 5, 2), [2, 2], strides=[1, 2])
        yield pool("17_channels", (2, 4, 4, 17), [2, 2])
    yield "max_pool_ties", (2, 5, 6, 3), "MaxPooling2D", {"pool_size": [3, 3], "strides": [2, 2], **same}

    yield "global_average_pool", (2, 4, 3, 5), "GlobalAveragePooling2D", {}
    yield "flatten", (2, 3, 4, 2), "Flatten", {}
    for activation in ACTIVATIONS:
        yield f"activation_{activation}_2d", (3, 7), "Activation", {"activation": activation}
        yield f"activation_{activation}_4d", (2, 3, 2, 5), "Activation", {"activation": activation}


def layer(class_name, name, **fields):
    return {"class_name": class_name, "config": {"name": name, **fields}}


def cnn_network():
    def conv(name, filters):
        return layer("Conv2D", name, filters=filters, kernel_size=[3, 3], activation="relu")

    layers = [
        conv("conv1", 4), conv("conv2", 4), layer("MaxPooling2D", "pool1", pool_size=[2, 2]),
        conv("conv3", 6), layer("MaxPooling2D", "pool2", pool_size=[2, 2]), layer("Flatten", "flatten"),
        layer("Dense", "dense1", units=16, activation="relu"), layer("Dense", "output", units=7, activation="softmax"),
    ]
    return {"name": "tiny_cnn1", "input_shape": [12, 12, 1], "layers": layers}


def fnn_network():
    hidden = [("first_hidden_layer", 20, 1e-4), ("second_hidden_layer", 10, 1e-2), ("third_hidden_layer", 8, 1e-4)]
    layers = [
        layer("Dense", name, units=units, activation="elu", kernel_regularizer={"l1": 0.0, "l2": l2})
        for name, units, l2 in hidden
    ]
    layers.append(layer("Dense", "output_layer", units=7, activation="softmax"))
    return {"name": "tiny_fnn5", "input_shape": [24], "layers": layers}
