//! What is read from files that Keras wrote is what Keras says is in them.

mod keras_fixtures;

use keras_fixtures::{Expected, Model, described, file, parameters, sha256, steps};
use nn_core::keras::archive::Archive;
use nn_core::keras::config::{LayerKind, ModelConfig};
use nn_core::keras::weights::{self, LayerWeights};
use nn_core::layers::{ActivationFn, Padding};

fn check_config(config: &ModelConfig, expected: &Model) {
    let name = &expected.name;
    assert_eq!(config.name, *name);
    assert_eq!(config.output, expected.output, "{name}");
    assert_eq!(config.input_shape(), Some(expected.input_shape.as_slice()), "{name}");
    let inputs = config.layers.iter().filter(|layer| layer.class == "InputLayer").count();
    assert_eq!(inputs, 1, "{name}");
    let classes: Vec<_> = config.layers.iter().map(|layer| (&layer.name, &layer.class)).collect();
    let listed: Vec<_> = expected.layers.iter().map(|layer| (&layer.name, &layer.class)).collect();
    assert_eq!(classes[1..], listed, "{name}");
    let chain = config.chain(&file(name)).unwrap();
    assert_eq!(steps(&chain), expected.steps, "{name}");
    assert_eq!(config.count_params(None, &file(name)).unwrap(), expected.parameters, "{name}");
}

fn check_arrays(layers: &[LayerWeights], expected: &Model) {
    let with_arrays: Vec<_> = expected.layers.iter().filter(|layer| !layer.arrays.is_empty()).collect();
    let names: Vec<_> = layers.iter().map(|layer| &layer.layer).collect();
    let listed: Vec<_> = with_arrays.iter().map(|layer| &layer.name).collect();
    assert_eq!(names, listed, "{}", expected.name);
    for (layer, expected) in layers.iter().zip(with_arrays) {
        let arrays: Vec<_> = layer.weights.iter().map(described).collect();
        assert_eq!(arrays, expected.arrays, "{}", layer.layer);
    }
    assert_eq!(parameters(layers), expected.parameters, "{}", expected.name);
}

#[test]
fn archives() {
    let models = Expected::read().models;
    assert_eq!(models.len(), 10);
    for (name, expected) in &models {
        let saved = weights::load_model(&file(&format!("{name}.keras"))).unwrap();
        check_config(&saved.config.unwrap(), expected);
        check_arrays(&saved.weights, expected);
    }
}

#[test]
fn classic_files() {
    let models = Expected::read().models;
    let path = file("residual_projection.h5");
    let saved = weights::load_model(&path).unwrap();
    let config = saved.config.unwrap();
    check_config(&config, &models["residual_projection"]);
    check_arrays(&config.name_weights(saved.weights, &path).unwrap(), &models["residual_projection"]);

    let path = file("sequential_cnn_classic.h5");
    let config = Archive::read(&file("sequential_cnn.keras")).unwrap().config().unwrap();
    let layers = weights::load(&path).unwrap();
    assert_eq!(layers.len(), 6, "layers without arrays are listed too");
    check_arrays(&config.name_weights(layers, &path).unwrap(), &models["sequential_cnn"]);
    assert_eq!(weights::load_model(&path).unwrap().config, None);
}

#[test]
fn keras_3_weight_files() {
    let models = Expected::read().models;
    for name in ["residual_projection", "numbering"] {
        let path = file(&format!("{name}.weights.h5"));
        let config = Archive::read(&file(&format!("{name}.keras"))).unwrap().config().unwrap();
        let layers = weights::load(&path).unwrap();
        check_arrays(&config.name_weights(layers, &path).unwrap(), &models[name]);
    }
}

#[test]
fn metadata() {
    let metadata = Archive::read(&file("numbering.keras")).unwrap().metadata().unwrap();
    assert_eq!(metadata.keras_version, "3.15.1");
}

/// Types of elements, strings of fixed and variable length, compression, file versions: the arrays are the same.
#[test]
fn forms_of_hdf5() {
    let expected = Expected::read().form;
    let forms: [(&str, [&str; 2]); 12] = [
        ("flat", ["layer_W_1:0", "layer_running_std_1:0"]),
        ("nested", ["layer/deeper/kernel:0", "layer/deeper/bias:0"]),
        ("model_weights", ["kernel:0", "bias:0"]),
        ("f16", ["kernel:0", "bias:0"]),
        ("f64", ["kernel:0", "bias:0"]),
        ("big_endian", ["kernel:0", "bias:0"]),
        ("compressed", ["kernel:0", "bias:0"]),
        ("latest", ["kernel:0", "bias:0"]),
        ("superblock_1", ["kernel:0", "bias:0"]),
        ("superblock_2", ["kernel:0", "bias:0"]),
        ("user_block", ["kernel:0", "bias:0"]),
        ("split_names", ["kernel:0", "bias:0"]),
    ];
    for (form, names) in forms {
        let layers = weights::load(&file(&format!("form_{form}.h5"))).unwrap_or_else(|e| panic!("{e}"));
        let [empty, layer] = layers.as_slice() else { panic!("{form}: {} layers", layers.len()) };
        assert_eq!((empty.layer.as_str(), empty.weights.len()), ("empty", 0), "{form}");
        assert_eq!(layer.layer, "layer", "{form}");
        let [kernel, bias] = layer.weights.as_slice() else { panic!("{form}") };
        assert_eq!([kernel.0.as_str(), bias.0.as_str()], names, "{form}");
        assert_eq!(kernel.1.shape(), [2, 3, 4], "{form}");
        assert_eq!(sha256(&kernel.1), expected["kernel"], "{form}");
        assert_eq!(sha256(&bias.1), expected["bias"], "{form}");
    }
}

fn kind(model: &str, layer: &str) -> LayerKind {
    let mut archive = Archive::read(&file(&format!("{model}.keras"))).unwrap();
    let config = archive.config().unwrap();
    config.layer(layer).unwrap_or_else(|| panic!("no layer {layer:?}")).kind.clone()
}

/// Every argument of every class, with values that are not the defaults.
#[test]
fn arguments() {
    use LayerKind::*;
    let (relu, linear) = (ActivationFn::Relu, ActivationFn::Linear);
    let cases = [
        (
            "sequential_cnn",
            "max_pooling2d",
            MaxPooling2D { pool_size: [2, 2], strides: [2, 2], padding: Padding::Valid },
        ),
        (
            "sequential_cnn",
            "conv2d",
            Conv2D {
                filters: 4,
                kernel_size: [3, 3],
                strides: [1, 1],
                padding: Padding::Same,
                dilation_rate: [1, 1],
                groups: 1,
                activation: relu,
                use_bias: true,
            },
        ),
        (
            "sequential_cnn",
            "second",
            Conv2D {
                filters: 6,
                kernel_size: [3, 2],
                strides: [1, 2],
                padding: Padding::Valid,
                dilation_rate: [1, 1],
                groups: 1,
                activation: linear,
                use_bias: false,
            },
        ),
        (
            "padding_dropout",
            "dilated",
            Conv2D {
                filters: 2,
                kernel_size: [3, 3],
                strides: [1, 1],
                padding: Padding::Valid,
                dilation_rate: [2, 2],
                groups: 1,
                activation: linear,
                use_bias: true,
            },
        ),
        ("sequential_cnn", "dense", Dense { units: 5, activation: ActivationFn::ELU, use_bias: true }),
        (
            "batch_norm",
            "all",
            BatchNormalization { momentum: 0.9, epsilon: 1.001e-5, center: true, scale: true },
        ),
        (
            "batch_norm",
            "no_gamma",
            BatchNormalization { momentum: 0.99, epsilon: 1e-3, center: true, scale: false },
        ),
        (
            "batch_norm",
            "no_beta",
            BatchNormalization { momentum: 0.99, epsilon: 1e-3, center: false, scale: true },
        ),
        ("depthwise", "zero_padding2d", ZeroPadding2D { padding: [[0, 1], [0, 1]] }),
        (
            "depthwise",
            "depthwise_conv2d_1",
            DepthwiseConv2D {
                kernel_size: [3, 1],
                strides: [1, 1],
                padding: Padding::Same,
                dilation_rate: [1, 1],
                depth_multiplier: 2,
                activation: ActivationFn::Relu6,
                use_bias: true,
            },
        ),
        ("depthwise", "re_lu", Activation { activation: ActivationFn::Relu6 }),
        ("depthwise", "global_average_pooling2d", GlobalAveragePooling2D { keepdims: true }),
        ("residual_identity", "sum", Add),
        (
            "separable",
            "separable_conv2d",
            SeparableConv2D {
                filters: 5,
                kernel_size: [3, 3],
                strides: [1, 1],
                padding: Padding::Same,
                dilation_rate: [1, 1],
                depth_multiplier: 2,
                activation: ActivationFn::Tanh,
                use_bias: true,
            },
        ),
        ("padding_dropout", "scale", Rescaling { scale: 1.0 / 127.5, offset: -1.0 }),
        ("padding_dropout", "axes", ZeroPadding2D { padding: [[1, 1], [2, 2]] }),
        ("padding_dropout", "all", ZeroPadding2D { padding: [[3, 3], [3, 3]] }),
        ("padding_dropout", "drop", Dropout { rate: 0.25 }),
        (
            "padding_dropout",
            "mean",
            AveragePooling2D { pool_size: [3, 3], strides: [2, 2], padding: Padding::Same },
        ),
        ("padding_dropout", "flat", Flatten),
        ("activations", "activation", Activation { activation: ActivationFn::Sigmoid }),
        ("activations", "re_lu", Activation { activation: relu }),
        ("activations", "re_lu_1", Activation { activation: ActivationFn::LeakyRelu { slope: 0.125 } }),
        ("activations", "leaky_re_lu", Activation { activation: ActivationFn::LeakyRelu { slope: 0.25 } }),
        ("activations", "elu", Activation { activation: ActivationFn::Elu { alpha: 0.5 } }),
        ("activations", "softmax", Activation { activation: ActivationFn::Softmax }),
    ];
    for (model, layer, expected) in cases {
        assert_eq!(kind(model, layer), expected, "{model}: {layer}");
    }
}

#[test]
fn safetensors_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    for name in ["residual_projection.keras", "sequential_cnn_classic.h5", "form_nested.h5"] {
        let layers = weights::load(&file(name)).unwrap();
        weights::save_safetensors(&layers, &first).unwrap();
        weights::save_safetensors(&layers, &second).unwrap();
        assert_eq!(weights::load_safetensors(&first).unwrap(), layers, "{name}");
        assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap(), "{name}: equal bytes");
    }
}
