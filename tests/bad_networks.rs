//! Bad configurations, hyper-parameters and data through the public interface: each is refused with a message
//! that names the place, the value and what was expected. Nothing panics.

use nn_core::error::TrainError;
use nn_core::loss::Loss;
use nn_core::model::{Network, Sequential};
use nn_core::optim::{Adam, OptimizerConfig, Sgd};
use nn_core::train::{ArrayDataset, Dataset, FitOptions, Targets, Trainer};
use nn_core::{Shape, tensor};

/// Builds a network of one input shape and layers given as JSON, and returns its error message.
#[track_caller]
fn refused(input: &str, layers: &str) -> String {
    let json = format!(r#"{{"name": "bad", "input_shape": {input}, "layers": [{layers}]}}"#);
    match Sequential::from_json(&json) {
        Err(error) => error.to_string(),
        Ok(config) => match config.build::<f32>(0) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("accepted: {json}"),
        },
    }
}

#[track_caller]
fn refused_with(input: &str, layers: &str, fragments: &[&str]) {
    let message = refused(input, layers);
    for fragment in fragments {
        assert!(message.contains(fragment), "{fragment:?} is not in: {message}");
    }
}

fn conv(arguments: &str) -> String {
    format!(r#"{{"class_name": "Conv2D", "config": {{"filters": 4, "kernel_size": 3, {arguments}}}}}"#)
}

#[test]
fn layers_with_impossible_arguments_are_refused_by_name() {
    let image = "[8, 8, 2]";
    let layer = |class: &str, config: &str| format!(r#"{{"class_name": "{class}", "config": {config}}}"#);
    let cases: Vec<(String, Vec<&str>)> = vec![
        (
            layer("Conv2D", r#"{"filters": 0, "kernel_size": 3}"#),
            vec!["\"conv2d\" (Conv2D)", "filters", "at least 1"],
        ),
        (layer("Conv2D", r#"{"filters": 2147483648, "kernel_size": 4096}"#), vec!["window", "4096"]),
        (layer("Conv2D", r#"{"filters": 9223372036854775807, "kernel_size": 3}"#), vec!["address"]),
        (layer("Conv2D", r#"{"filters": 4, "kernel_size": 0}"#), vec!["kernel height", "at least 1"]),
        (layer("Conv2D", r#"{"filters": 4, "kernel_size": [3, 9]}"#), vec!["(3, 9)", "(8, 8)"]),
        (conv(r#""strides": 0"#), vec!["stride", "at least 1"]),
        (conv(r#""dilation_rate": 0"#), vec!["dilation", "at least 1"]),
        (conv(r#""dilation_rate": 18446744073709551615"#), vec!["address"]),
        (conv(r#""groups": 3"#), vec!["3 groups", "input channels = 2"]),
        (conv(r#""groups": 0"#), vec!["groups", "at least 1"]),
        (conv(r#""kernel_regularizer": {"l2": -1.0}"#), vec!["l2 = -1", "at least 0"]),
        (conv(r#""activation": "rleu""#), vec!["\"rleu\"", "relu"]),
        (conv(r#""padding": "smae""#), vec!["smae", "valid", "same"]),
        (conv(r#""lerning_rate": 1"#), vec!["lerning_rate", "line 1"]),
        (conv(r#""groups": 1, "groups": 2"#), vec!["\"groups\" twice"]),
        (conv(r#""strides": "2""#), vec!["whole number"]),
        (conv(r#""strides": -1"#), vec!["whole number"]),
        (conv(r#""kernel_initializer": {"constant": 1e999}"#), vec!["a number that is out of range"]),
        (layer("Dense", r#"{"units": 0}"#), vec!["units = 0", "at least 1"]),
        (layer("Dense", r#"{"units": 4611686018427387904}"#), vec!["units", "memory"]),
        (layer("Dropout", r#"{"rate": 1.0}"#), vec!["rate = 1", "below 1"]),
        (layer("Dropout", r#"{"rate": -0.1}"#), vec!["rate = -0.1"]),
        (layer("Dropout", r#"{"rate": 1.1}"#), vec!["rate = 1.1"]),
        (layer("Dropout", r#"{"rate": "NaN"}"#), vec!["\"NaN\" instead of a number"]),
        (layer("MaxPooling2D", r#"{"pool_size": 0}"#), vec!["at least 1"]),
        (layer("MaxPooling2D", r#"{"pool_size": 9}"#), vec!["(9, 9)", "(8, 8)"]),
        (layer("AveragePooling2D", r#"{"pool_size": 2, "strides": 0}"#), vec!["stride"]),
        (layer("Activation", r#"{"activation": {"elu": {"alpha": -1.0}}}"#), vec!["alpha = -1"]),
        (layer("Activation", r#"{"activation": {"leaky_relu": {"slope": -0.1}}}"#), vec!["slope = -0.1"]),
        (
            layer("DepthwiseConv2D", r#"{"kernel_size": 3, "depth_multiplier": 0}"#),
            vec!["depth_multiplier = 0"],
        ),
        (
            layer("DepthwiseConv2D", r#"{"kernel_size": 3, "depth_multiplier": 18446744073709551615}"#),
            vec!["depth_multiplier = 18446744073709551615"],
        ),
        (layer("DepthwiseConv2D", r#"{"kernel_size": 9}"#), vec!["(9, 9)", "(8, 8)"]),
        (layer("BatchNormalization", r#"{"momentum": 1.1}"#), vec!["momentum = 1.1"]),
        (layer("BatchNormalization", r#"{"epsilon": 0.0}"#), vec!["epsilon = 0", "above 0"]),
        (layer("BatchNormalization", r#"{"axis": 1}"#), vec!["axis = 1", "last"]),
        (
            layer("BatchNormalization", r#"{"axis": -9223372036854775808}"#),
            vec!["axis = -9223372036854775808"],
        ),
        (layer("ReLU", r#"{"max_value": 5.0}"#), vec!["max_value = 5", "6"]),
        (layer("ReLU", r#"{"negative_slope": -1.0}"#), vec!["slope = -1"]),
        (layer("ReLU", r#"{"max_value": 6.0, "negative_slope": 0.1}"#), vec!["negative_slope = 0.1"]),
        (layer("ZeroPadding2D", r#"{"padding": 18446744073709551615}"#), vec!["padding", "addressed"]),
        (layer("ZeroPadding2D", r#"{"padding": [[0, 4611686018427387904], [0, 0]]}"#), vec!["addressed"]),
        (layer("ZeroPadding2D", r#"{"padding": [1, 2, 3]}"#), vec!["pair"]),
        (layer("Residual", r#"{"main": []}"#), vec!["main", "at least one layer"]),
        (
            layer("Residual", &format!(r#"{{"main": [{}]}}"#, conv(r#""strides": 1"#))),
            vec!["(None, 6, 6, 4)", "(None, 8, 8, 2)"],
        ),
        (
            layer(
                "Residual",
                r#"{"main": [{"class_name": "Dense", "config": {"units": 0, "name": "inner"}}]}"#,
            ),
            vec!["\"residual\" (Residual)", "\"inner\" (Dense)", "units = 0"],
        ),
        (layer("Conv3D", "{}"), vec!["Conv3D", "Conv2D"]),
    ];
    for (layer, fragments) in cases {
        refused_with(image, &layer, &fragments);
    }
}

#[test]
fn layers_that_do_not_fit_their_input_are_refused_with_its_shape() {
    let conv = r#"{"class_name": "Conv2D", "config": {"filters": 4, "kernel_size": 3}}"#;
    let pool = r#"{"class_name": "MaxPooling2D", "config": {"pool_size": 2}}"#;
    let flat = r#"{"class_name": "Flatten", "config": {}}"#;
    refused_with(
        "[8, 8, 1]",
        &format!("{flat}, {conv}"),
        &["layer 2", "(None, height, width, channels)", "(None, 64)"],
    );
    // The third pooling finds one pixel: it is named.
    let layers = format!("{conv}, {pool}, {pool}, {pool}");
    refused_with("[8, 8, 1]", &layers, &["layer 4 \"max_pooling2d_2\"", "(None, 1, 1, 4)"]);
}

#[test]
fn impossible_networks_are_refused() {
    let dense = r#"{"class_name": "Dense", "config": {"units": 2}}"#;
    refused_with("[]", dense, &["input of shape []"]);
    refused_with("[0, 3]", dense, &["[0, 3]"]);
    refused_with("[18446744073709551615, 2]", dense, &["impossible"]);
    refused_with("[4]", "", &["no layers"]);
    for (name, problem) in
        [("a/b", "slash"), ("", "empty"), ("a\\nb", "control"), (&"x".repeat(10_000), "longer")]
    {
        let layer = format!(r#"{{"class_name": "Dense", "config": {{"units": 2, "name": "{name}"}}}}"#);
        refused_with("[4]", &layer, &["layer 1", problem]);
    }
    let twin = r#"{"class_name": "Dense", "config": {"units": 2, "name": "twin"}}"#;
    refused_with("[4]", &format!("{twin}, {twin}"), &["layer 2", "\"twin\"", "taken"]);
    let block = format!(r#"{{"class_name": "Residual", "config": {{"main": [{twin}]}}}}"#);
    refused_with("[2]", &format!("{twin}, {block}"), &["layer 2", "\"twin\"", "taken"]);
}

#[test]
fn text_that_is_no_configuration_is_refused() {
    for text in ["", "{", "[]", "null", "{\"name\": 3}", &"[".repeat(10_000), "\u{feff}{}"] {
        assert!(Sequential::from_json(text).is_err(), "{text:.20}");
    }
}

fn small() -> Network<f32> {
    let json = r#"{"name": "small", "input_shape": [3], "layers": [
        {"class_name": "Dense", "config": {"units": 2, "activation": "softmax"}}]}"#;
    Sequential::from_json(json).unwrap().build(0).unwrap()
}

fn data(width: usize, classes: Vec<usize>) -> ArrayDataset<f32> {
    let x = tensor(&[classes.len(), width], vec![0.5; classes.len() * width]);
    ArrayDataset::new(x, Targets::Classes(classes)).unwrap()
}

#[test]
fn optimisers_with_impossible_arguments_are_refused() {
    let adam = |change: fn(&mut Adam)| {
        let mut adam = Adam::default();
        change(&mut adam);
        OptimizerConfig::from(adam)
    };
    let cases = [
        (adam(|a| a.learning_rate = 0.0), "learning_rate = 0"),
        (adam(|a| a.learning_rate = -1.0), "learning_rate = -1"),
        (adam(|a| a.learning_rate = f64::NAN), "learning_rate = NaN"),
        (adam(|a| a.learning_rate = f64::INFINITY), "learning_rate = inf"),
        (adam(|a| a.beta_1 = 1.0), "beta_1 = 1"),
        (adam(|a| a.beta_2 = 1.0), "beta_2 = 1"),
        (adam(|a| a.beta_2 = -0.1), "beta_2 = -0.1"),
        (adam(|a| a.epsilon = 0.0), "epsilon = 0"),
        (Sgd::new(0.1).momentum(1.0).into(), "momentum = 1"),
        (Sgd::new(0.1).momentum(-0.5).into(), "momentum = -0.5"),
    ];
    for (config, fragment) in cases {
        let mut network = small();
        let message =
            Trainer::new(&mut network, Loss::categorical_crossentropy(), config).unwrap_err().to_string();
        assert!(message.contains(fragment), "{fragment:?} is not in: {message}");
    }
}

#[track_caller]
fn fit_refused(data: &dyn Dataset<f32>, options: FitOptions, fragments: &[&str]) {
    let mut network = small();
    let before = network.weights();
    let mut trainer = Trainer::new(&mut network, Loss::categorical_crossentropy(), Adam::default()).unwrap();
    let message = trainer.fit(data, None, &options, &mut []).unwrap_err().to_string();
    for fragment in fragments {
        assert!(message.contains(fragment), "{fragment:?} is not in: {message}");
    }
    assert_eq!(network.weights(), before, "the network was changed");
}

#[test]
fn fit_refuses_impossible_options_and_data() {
    let good = || data(3, vec![0, 1]);
    let options = FitOptions::default;
    fit_refused(&good(), FitOptions { epochs: 0, ..options() }, &["epochs = 0"]);
    fit_refused(&good(), FitOptions { batch_size: 0, ..options() }, &["batch_size = 0"]);
    for (weights, fragment) in [
        (vec![1.0], "one for each of 2 classes"),
        (vec![1.0, f64::NAN], "NaN"),
        (vec![1.0, -2.0], "-2"),
        (vec![0.0, 0.0], "above 0"),
    ] {
        fit_refused(
            &good(),
            FitOptions { class_weight: Some(weights), ..options() },
            &["class_weight", fragment],
        );
    }
    fit_refused(&data(3, vec![]), options(), &["empty"]);
    fit_refused(&data(4, vec![0, 1]), options(), &["(None, 4)", "(None, 3)"]);
    fit_refused(
        &data(3, vec![0, 1, 2]),
        options(),
        &["sample 2 has class 2", "has 2 outputs, for classes 0 to 1"],
    );
    let rows = |width: usize, value: f32| {
        let x = tensor(&[1, 3], vec![0.0; 3]);
        ArrayDataset::new(x, Targets::Values { width, rows: vec![value; width] }).unwrap()
    };
    fit_refused(&rows(3, 0.0), options(), &["targets of 3 values", "2 outputs"]);
    fit_refused(&rows(2, f32::NAN), options(), &["sample 0", "NaN"]);
    assert!(ArrayDataset::<f32>::new(tensor(&[2, 3], vec![0.0; 6]), Targets::Classes(vec![0])).is_err());
}

/// Data that know their number of classes, though not every class has a sample.
struct Of(usize, ArrayDataset<f32>);

impl Dataset<f32> for Of {
    fn len(&self) -> usize {
        self.1.len()
    }

    fn sample_shape(&self) -> Shape {
        self.1.sample_shape()
    }

    fn classes(&self) -> Option<usize> {
        Some(self.0)
    }

    fn check_targets(&self, output: &Shape) -> Result<(), String> {
        self.1.check_targets(output)
    }

    fn batch(&self, epoch: u64, indices: &[usize], x: &mut [f32]) -> Targets<f32> {
        self.1.batch(epoch, indices, x)
    }
}

#[test]
fn a_network_has_an_output_for_each_class_and_no_more() {
    for classes in [1, 3, 7] {
        let words = format!("{classes} classes, but network \"small\" has 2 outputs");
        fit_refused(&Of(classes, data(3, vec![0])), FitOptions::default(), &["the training data: ", &words]);
    }
    let good = Of(2, data(3, vec![0]));
    let mut network = small();
    let mut trainer = Trainer::new(&mut network, Loss::categorical_crossentropy(), Adam::default()).unwrap();
    trainer.fit(&good, None, &FitOptions::default(), &mut []).unwrap();
}

#[test]
fn a_loss_that_does_not_fit_the_network_is_refused() {
    let mut network = small();
    let from_logits = Loss::SparseCategoricalCrossentropy { from_logits: true };
    let message = Trainer::new(&mut network, from_logits, Adam::default()).unwrap_err().to_string();
    assert!(message.contains("softmax"), "{message}");
    let smoothing = Loss::CategoricalCrossentropy { label_smoothing: 1.5, from_logits: false };
    let message = Trainer::new(&mut network, smoothing, Adam::default()).unwrap_err().to_string();
    assert!(message.contains("label_smoothing = 1.5"), "{message}");
}

#[test]
fn a_loss_that_is_not_finite_stops_training_and_names_step_and_place() {
    let mut network = small();
    let x = tensor(&[4, 3], vec![0.1, 0.2, 0.3, 1.0, 2.0, 3.0, 0.5, f32::NAN, 0.5, 0.0, 0.0, 0.0]);
    let data = ArrayDataset::new(x, Targets::Classes(vec![0, 1, 0, 1])).unwrap();
    let options = FitOptions { batch_size: 1, shuffle: false, ..FitOptions::default() };
    let mut trainer = Trainer::new(&mut network, Loss::categorical_crossentropy(), Adam::default()).unwrap();
    let error = trainer.fit(&data, None, &options, &mut []).unwrap_err();
    let TrainError::NonFinite { epoch: 1, step: 3, ref place, .. } = error else { panic!("{error}") };
    assert_eq!(place, "the input");
    assert!(network.params().all(|(_, param)| param.value.iter().all(|value| value.is_finite())));

    // A learning rate that blows the parameters up: the layer whose output overflows is named.
    let mut trainer = Trainer::new(&mut network, Loss::categorical_crossentropy(), Sgd::new(1e38)).unwrap();
    let x = tensor(&[2, 3], vec![1e3, -1e3, 1e3, -1e3, 1e3, -1e3]);
    let data = ArrayDataset::new(x, Targets::Classes(vec![0, 1])).unwrap();
    let options = FitOptions { epochs: 20, batch_size: 1, ..FitOptions::default() };
    let message = trainer.fit(&data, None, &options, &mut []).unwrap_err().to_string();
    assert!(message.contains("non-finite loss") && message.contains("dense"), "{message}");
}

#[test]
fn an_empty_batch_gives_empty_outputs_and_zero_gradients() {
    use nn_core::layer::Gradients;
    use nn_core::layers::{Conv2D, Dense, Dropout, Flatten, LayerConfig, MaxPooling2D};
    let shape = nn_core::Shape::new([6, 6, 2]);
    let configs: [LayerConfig; 5] = [
        Conv2D::new(3, 3).into(),
        MaxPooling2D::new(2).into(),
        Dense::new(4).into(),
        Flatten::new().into(),
        Dropout::new(0.5).into(),
    ];
    for config in configs {
        let layer = config.build::<f32>(&shape, 0).unwrap();
        let mut ctx = nn_core::Context::new(0);
        let (y, cache) = layer.forward(&tensor(&shape.batch(0), vec![]), &mut ctx);
        assert_eq!(y.len(), 0);
        let mut params: Vec<_> =
            layer.params().iter().map(|p| Some(ndarray::ArrayD::<f32>::zeros(p.value.raw_dim()))).collect();
        let mut wanted = Gradients { input: true, params: &mut params };
        let dx = layer.backward(y, &cache, &mut wanted, &mut ctx).unwrap();
        assert_eq!(dx.shape(), shape.batch(0));
        assert!(params.iter().flatten().all(|grad| grad.iter().all(|&g| g == 0.0)), "{config:?}");
    }
}
