//! Sizes are counted before memory is taken: what would not fit is refused by name, and told of in a summary.

use nn_core::error::BuildError;
use nn_core::layers::{Conv2D, Dense, DepthwiseConv2D, Flatten, LayerConfig, Residual, ZeroPadding2D};
use nn_core::loss::Loss;
use nn_core::model::{Memory, Sequential};
use nn_core::optim::Adam;
use nn_core::tensor;
use nn_core::train::{ArrayDataset, FitOptions, Targets, Trainer};

const IMAGE: [usize; 3] = [48, 48, 1];

fn of(input: &[usize], layers: impl IntoIterator<Item = LayerConfig>) -> Sequential {
    layers.into_iter().fold(Sequential::new("large", input), Sequential::add)
}

#[test]
fn what_cannot_fit_is_refused_by_name() {
    let flat = || Flatten::new().into();
    let cases: [(Sequential, &[&str]); 8] = [
        (
            of(&IMAGE, [flat(), Dense::new(1_000_000_000).into()]),
            &["\"dense\" (Dense)", "parameters", "8.39 TB"],
        ),
        (of(&IMAGE, [Conv2D::new(1 << 53, 1).into()]), &["\"conv2d\" (Conv2D)", "the output", "address"]),
        (
            of(&IMAGE, [ZeroPadding2D::new(1_000_000).into()]),
            &["\"zero_padding2d\" (ZeroPadding2D)", "output", "14.55 TB"],
        ),
        (
            of(&IMAGE, [DepthwiseConv2D::new(3).depth_multiplier(1_000_000_000).into()]),
            &["\"depthwise_conv2d\" (DepthwiseConv2D)", "output"],
        ),
        (of(&[1_000_000_000, 1_000_000, 3], [Conv2D::new(8, 3).into()]), &["\"conv2d\" (Conv2D)", "output"]),
        (of(&[1 << 40, 1 << 15], [Dense::new(1 << 15).into()]), &["\"dense\" (Dense)", "output"]),
        (
            of(&[1 << 40, 1 << 15], [Dense::new(1 << 40).into()]),
            &["\"dense\" (Dense)", "the output", "address"],
        ),
        (
            of(
                &IMAGE,
                [Residual::new([Conv2D::new(1 << 40, 1).name("wide").into(), Conv2D::new(1, 1).into()])
                    .into()],
            ),
            &["\"wide\" (Conv2D)", "limit"],
        ),
    ];
    for (network, fragments) in cases {
        let message = network.build::<f32>(0).unwrap_err().to_string();
        for fragment in fragments {
            assert!(message.contains(fragment), "{fragment:?} is not in: {message}");
        }
    }
}

#[test]
fn a_summary_takes_no_memory_for_parameters() {
    let network = of(&IMAGE, [Flatten::new().into(), Dense::new(1_000_000_000).into()]);
    let summary = network.outline().unwrap().summary::<f32>();
    assert!(summary.contains("2,305,000,000,000"), "{summary}");
    let small = of(&IMAGE, [Conv2D::new(4, 3).into(), Flatten::new().into(), Dense::new(7).into()]);
    assert_eq!(small.outline().unwrap().summary::<f32>(), small.build::<f32>(0).unwrap().summary());
}

#[test]
fn the_limit_can_be_set() {
    // 4·5 + 5 parameters and 4 + 5 outputs of 4 bytes, the input's not counted.
    let network = of(&[4], [Dense::new(5).into()]);
    let bytes = 4 * (25 + 5);
    assert!(network.build_within::<f32>(0, Memory(bytes)).is_ok());
    let error = network.build_within::<f32>(0, Memory(bytes - 1)).unwrap_err();
    assert!(matches!(error, BuildError::Memory { .. }), "{error}");
    assert!(network.build_within::<f64>(0, Memory(bytes)).is_err());
}

#[test]
fn training_counts_gradients_accumulators_and_the_batch() {
    let config = of(&[4], [Dense::new(2).activation(nn_core::layers::ActivationFn::Softmax).into()]);
    // Parameters, gradients and Adam's two accumulators; the outputs of three samples.
    let bytes = 4 * (4 * 10 + 3 * 2);
    let data = ArrayDataset::new(tensor(&[9, 4], vec![0.5; 36]), Targets::Classes(vec![1; 9])).unwrap();
    let fit = |limit| {
        let mut network = config.build_within::<f32>(0, Memory(limit)).unwrap();
        let mut trainer =
            Trainer::new(&mut network, Loss::categorical_crossentropy(), Adam::new(0.01)).unwrap();
        trainer.fit(&data, None, &FitOptions { batch_size: 3, ..FitOptions::default() }, &mut [])
    };
    fit(bytes).unwrap();
    let message = fit(bytes - 1).unwrap_err().to_string();
    assert!(message.contains("batches of 3") && message.contains("\"dense\" (Dense)"), "{message}");
}

/// As many layers as fit into a megabyte of JSON, twice: the time grows as their number does.
#[test]
fn many_layers_take_linear_time() {
    let time = |count: usize| {
        let layers: Vec<_> = (0..count).map(|_| r#"{"class_name": "ReLU", "config": {}}"#).collect();
        let json = format!(r#"{{"name": "long", "input_shape": [3], "layers": [{}]}}"#, layers.join(","));
        let start = std::time::Instant::now();
        let network = Sequential::from_json(&json).unwrap().build::<f32>(0).unwrap();
        let summary = network.summary();
        assert!(summary.contains(&format!("re_lu_{} ", count - 1)));
        let mut again = network.until(&format!("re_lu_{}", count - 2)).unwrap();
        again.copy_weights(&network);
        start.elapsed()
    };
    let few = time(5_000);
    let many = time(40_000);
    assert!(
        many < 40 * few.max(std::time::Duration::from_millis(50)),
        "5,000 in {few:?}, 40,000 in {many:?}"
    );
}
