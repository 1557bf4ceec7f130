//! ResNet50 and MobileNetV2 against `keras.applications`: names, shapes and parameters of all layers, and the output with
//! weights that both sides compute from one formula.
//!
//! The fixtures `tests/golden/applications.*` were computed by Keras in `f64`; `tests/golden/README.md` tells how.

mod golden_files;

use std::io::Write;
use std::path::PathBuf;

use golden_files::{Report, Tensors, json};
use nn_core::model::{Network, Sequential};
use nn_core::{Context, Real, Tensor, tensor};
use nn_zoo::{Base, Pooling, Pretrained, mobilenet_v2, resnet50};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    networks: Vec<Application>,
}

#[derive(Deserialize)]
struct Application {
    name: String,
    input_shape: [usize; 3],
    keras_name: String,
    params: usize,
    trainable: usize,
    layers: Vec<(String, String, Vec<usize>)>,
}

fn described(name: &str, input: [usize; 3]) -> Sequential {
    let network = match name {
        "resnet50" => resnet50(input, Pooling::None),
        "mobilenet_v2_035" => mobilenet_v2(0.35, input, Pooling::None),
        other => panic!("unknown network {other:?}"),
    };
    network.unwrap()
}

/// Keras sorts the layers of a graph in another way, and its `Add` is our `Residual`.
#[test]
fn layers_have_the_names_and_shapes_of_keras() {
    let Fixture { networks } = json("applications.json");
    let mut report = Report::new("layers of applications");
    for Application { name, input_shape, keras_name, params, trainable, mut layers } in networks {
        let network: Network<f32> = described(&name, input_shape).build(0).unwrap();
        let own = network.layers_and_parts().into_iter().map(|layer| {
            let info = layer.info();
            let class = if info.class_name == "Residual" { "Add" } else { info.class_name };
            (info.name.clone(), class.to_owned(), info.output_shape.to_vec())
        });
        let mut own: Vec<_> = own.collect();
        own.sort();
        layers.sort();
        report.equal(format!("{name}: name"), network.name(), &keras_name);
        report.equal(format!("{name}: layers"), own, layers);
        report.equal(format!("{name}: parameters"), network.count_params(), params);
        let learned = network.params().filter(|(_, p)| p.trainable).map(|(_, p)| p.value.len()).sum();
        report.equal(format!("{name}: trainable parameters"), trainable, learned);
    }
    report.finish(4 * 4);
}

/// Rounding in `f32` through 50 layers and more, against `f64`.
#[test]
fn outputs_in_f32() {
    check::<f32>(2e-5);
}

/// The fixture holds Keras's output rounded to `f32`.
#[test]
fn outputs_in_f64() {
    check::<f64>(6e-8);
}

fn check<R: Real>(tolerance: f64) {
    let Fixture { networks } = json("applications.json");
    let tensors = Tensors::open("applications.safetensors");
    let mut report = Report::new(format!("outputs of applications in {}", R::NAME));
    for Application { name, input_shape, .. } in networks {
        let x = tensor(&[&[1], &input_shape[..]].concat(), formula("input", input_shape.iter().product()));
        let case = format!("{name}/{}", input_shape[0]);
        let mut network: Network<R> = described(&name, input_shape).build(0).unwrap();
        let weights: Vec<Tensor<R>> =
            network.params().map(|(name, param)| weight(&name, param.value.shape())).collect();
        network.set_weights(&weights);
        let y = network.infer(&x, &mut Context::new(0));
        let expected = tensors.get::<f64>(&format!("{case}/y"));
        report.equal(format!("{case}: shape"), y.shape(), expected.shape());
        report.close(format!("{case}: output"), &y, &expected, tolerance);
    }
    report.finish(4 * 2);
}

/// Files in every layout, as Keras writes them of the networks above: each number arrives where it belongs.
///
/// `make_networks.py FOLDER` makes them; `FER_WEIGHTS` names that folder.
#[test]
fn weight_files_of_whole_networks() {
    let resnet = |epsilon| Base::ResNet50 { epsilon };
    for (file, base) in [
        ("formula_mobilenet_v2_035.h5", Base::MobileNetV2 { alpha: 0.35 }),
        ("formula_mobilenet_v2_035.weights.h5", Base::MobileNetV2 { alpha: 0.35 }),
        ("formula_resnet50.h5", resnet(1.001e-5)),
        ("formula_resnet50.weights.h5", resnet(1.001e-5)),
        ("formula_resnet50_branches.h5", resnet(1e-3)),
    ] {
        let path = std::env::var_os("FER_WEIGHTS").map(|folder| PathBuf::from(folder).join(file));
        let Some(path) = path.filter(|path| path.exists()) else {
            // Past the test runner's capture, so that it shows for a passing test as well.
            let _ = writeln!(std::io::stderr(), "skipped: {file} (needs the file in the folder FER_WEIGHTS)");
            continue;
        };
        let pretrained = Pretrained::read(&path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(pretrained.base, base, "{file}");
        let network = pretrained.network([48, 48, 3], Pooling::None).unwrap_or_else(|e| panic!("{e}"));
        for (name, param) in network.params() {
            assert!(param.value == weight::<f32>(&name, param.value.shape()), "{file}: {name}");
        }
    }
}

/// Numbers in `[-1, 1)` that follow from a name alone, as in `tests/golden/make_networks.py`.
fn formula<R: Real>(name: &str, count: usize) -> Vec<R> {
    let start = crc32(name.as_bytes());
    let hash = |place: u32| {
        let mut v = place.wrapping_mul(2_654_435_761).wrapping_add(start);
        v ^= v >> 16;
        v = v.wrapping_mul(0x85eb_ca6b);
        v ^= v >> 13;
        v = v.wrapping_mul(0xc2b2_ae35);
        v ^ (v >> 16)
    };
    (0..count as u32).map(|place| R::of(f64::from(hash(place)) / 2f64.powi(31) - 1.0)).collect()
}

/// The weight of that name, rounded to `f32` on both sides.
fn weight<R: Real>(name: &str, shape: &[usize]) -> Tensor<R> {
    let fan_in = |axes: usize| shape[..axes].iter().product::<usize>() as f64;
    let (offset, scale) = match name.split_once('/').unwrap().1 {
        "kernel" => (0.0, (6.0 / fan_in(shape.len() - 1)).sqrt()),
        "depthwise_kernel" => (0.0, (6.0 / fan_in(2)).sqrt()),
        "gamma" | "moving_variance" => (1.0, 0.25),
        _ => (0.0, 0.25),
    };
    let values: Vec<f64> = formula(name, shape.iter().product());
    let rounded = |u: f64| R::of(f64::from((offset + scale * u) as f32));
    tensor(shape, values.into_iter().map(rounded).collect())
}

/// CRC-32 as in zip files, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0u32, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}
