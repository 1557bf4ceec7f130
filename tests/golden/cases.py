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

    def depthwise(name, shape, kernel, **fields):
        return f"depthwise_{name}", shape, "DepthwiseConv2D", {"kernel_size": kernel, **fields}

    yield depthwise("valid", (2, 5, 6, 3), k3)
    yield depthwise("same", (2, 5, 6, 3), k3, **same)
    yield depthwise("same_stride2_even", (2, 6, 8, 3), k3, strides=[2, 2], **same)
    yield depthwise("same_stride2_odd", (2, 7, 5, 3), k3, strides=[2, 2], **same)
    yield depthwise("valid_stride2_even", (2, 6, 8, 3), k3, strides=[2, 2])
    yield depthwise("valid_stride2_odd", (2, 7, 5, 3), k3, strides=[2, 2])
    yield depthwise("5x5_same", (2, 6, 5, 2), [5, 5], **same)
    yield depthwise("17_channels", (2, 4, 5, 17), k3, **same)
    yield depthwise("1_channel", (2, 5, 4, 1), k3)
    yield depthwise("no_bias", (2, 4, 5, 3), k3, use_bias=False, **same)
    yield depthwise("relu6", (2, 5, 4, 3), k3, activation="relu6", **same)
    yield depthwise("multiplier2", (2, 5, 4, 3), k3, depth_multiplier=2, **same)
    yield depthwise("multiplier3_stride2", (2, 6, 5, 2), k3, depth_multiplier=3, strides=[2, 2], activation="tanh")

    for name, padding in [("1", [[1, 1], [1, 1]]), ("asymmetric", [[0, 1], [2, 0]]), ("0", [[0, 0], [0, 0]])]:
        yield f"zero_padding_{name}", (2, 3, 4, 3), "ZeroPadding2D", {"padding": padding}
    yield "relu", (2, 3, 4, 5), "ReLU", {}
    yield "relu_max_6", (2, 3, 4, 5), "ReLU", {"max_value": 6.0}
    yield "relu_slope", (3, 7), "ReLU", {"negative_slope": 0.25}

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


def residual_network():
    """A convolution and three residual blocks: with an identity, with a projection, and an inverted one."""

    def conv(name, filters, kernel, **fields):
        return layer("Conv2D", name, filters=filters, kernel_size=[kernel, kernel], padding="same", **fields)

    def norm(name, **fields):
        return layer("BatchNormalization", name, **fields)

    relu = {"activation": "relu"}
    plain = [
        conv("a_1_conv", 6, 3, use_bias=False), norm("a_1_bn", epsilon=1.001e-5), layer("Activation", "a_1_relu", **relu),
        conv("a_2_conv", 6, 3), norm("a_2_bn", momentum=0.9),
    ]
    halving = [
        conv("b_1_conv", 4, 1, strides=[2, 2]), norm("b_1_bn"), layer("Activation", "b_1_relu", **relu),
        conv("b_2_conv", 8, 3), norm("b_2_bn", scale=False),
    ]
    projection = [conv("b_0_conv", 8, 1, strides=[2, 2]), norm("b_0_bn", center=False)]
    inverted = [
        conv("c_expand", 16, 1, use_bias=False), norm("c_expand_bn", momentum=0.999), layer("ReLU", "c_relu", max_value=6.0),
        layer("ZeroPadding2D", "c_pad", padding=[[1, 1], [1, 1]]),
        layer("DepthwiseConv2D", "c_depthwise", kernel_size=[3, 3], use_bias=False), norm("c_depthwise_bn", momentum=0.999),
        conv("c_project", 8, 1, use_bias=False), norm("c_project_bn", momentum=0.999),
    ]
    layers = [
        layer("ZeroPadding2D", "pad", padding=[[0, 1], [1, 0]]),
        layer("Conv2D", "conv", filters=6, kernel_size=[3, 3], strides=[2, 2]), norm("bn"),
        layer("Residual", "a_add", main=plain, shortcut=[]), layer("Activation", "a_out", **relu),
        layer("Residual", "b_add", main=halving, shortcut=projection), layer("Activation", "b_out", **relu),
        layer("Residual", "c_add", main=inverted, shortcut=[]),
        layer("GlobalAveragePooling2D", "pool"), layer("Dense", "output", units=7, activation="softmax"),
    ]
    return {"name": "tiny_residual", "input_shape": [17, 14, 3], "layers": layers}
