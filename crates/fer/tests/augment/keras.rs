//! Against `tests/golden/augment`, made by Keras itself (`tests/golden/make_augmentation.py`).

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use fer::augment::{FACE, FillMode, Fitted, ImageDataGenerator, ImageShape, Subset, TransformParameters};
use fer::data::{Faces, csv};
use fer::transform::Scaling;
use ndarray::Array2;
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Images, fer_2013, halved};

#[derive(Deserialize)]
struct Fixture<T> {
    cases: Vec<T>,
}

type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

fn read<T: DeserializeOwned>(stem: &str) -> (Vec<T>, Tensors) {
    let path = |ending: &str| -> PathBuf {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/augment");
        [folder, &format!("{stem}.{ending}")].iter().collect()
    };
    let fixture: Fixture<T> = serde_json::from_slice(&fs::read(path("json")).unwrap()).unwrap();
    let bytes = fs::read(path("safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let decode = |dtype, bytes: &[u8]| -> Vec<f32> {
        match dtype {
            Dtype::F32 => bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect(),
            _ => bytes.iter().map(|&level| level.into()).collect(),
        }
    };
    let all = tensors
        .iter()
        .map(|(name, view)| (name.to_string(), (view.shape().to_vec(), decode(view.dtype(), view.data()))));
    (fixture.cases, all.collect())
}

fn image_shape(shape: &[usize]) -> ImageShape {
    let [height, width, channels] = shape.last_chunk().copied().unwrap();
    ImageShape::new(height, width, channels)
}

/// Largest difference, and the largest number expected.
fn compare(actual: &[f32], expected: &[f32]) -> (f32, f32) {
    assert_eq!(actual.len(), expected.len());
    let largest = |values: &mut dyn Iterator<Item = f32>| {
        // Unlike `max`, this keeps a NaN.
        values.fold(0.0, |most: f32, v| if v.abs() <= most { most } else { v.abs() })
    };
    let difference = largest(&mut actual.iter().zip(expected).map(|(a, e)| a - e));
    (difference, largest(&mut expected.iter().copied()))
}

#[derive(Deserialize)]
struct Transform {
    name: String,
    image: String,
    fill_mode: FillMode,
    cval: f64,
    parameters: TransformParameters,
}

impl Transform {
    /// Applies the parameters and compares every `apart`-th value with what Keras computed.
    ///
    /// Keras interpolates in f64 and rounds to f32, as we do in the same order: all but the last bit is equal.
    fn check(&self, image: &[f32], shape: ImageShape, expected: &[f32], apart: usize) {
        let generator =
            ImageDataGenerator { fill_mode: self.fill_mode, cval: self.cval, ..Default::default() };
        let mut out = vec![f32::NAN; image.len()];
        generator.apply_transform(image, shape, &self.parameters, &mut out).unwrap();
        let some: Vec<f32> = out.into_iter().step_by(apart).collect();
        let (difference, _) = compare(&some, expected);
        // A grey level is 1, or 1/255 of a face from black to white.
        let level = if self.image == "centred" { 1.0 / 255.0 } else { 1.0 };
        let Self { name, image, fill_mode, parameters, .. } = self;
        let case = format!("{name} ({image}, {fill_mode:?}, {parameters:?})");
        assert!(difference <= 1e-4 * level, "{case}: off by {difference}");
    }
}

#[test]
fn transformations_are_those_of_keras() {
    let (cases, tensors) = read::<Transform>("transforms");
    assert_eq!(cases.len(), 61);
    for case in cases {
        let (shape, image) = &tensors[&format!("image/{}", case.image)];
        case.check(image, image_shape(shape), &tensors[&format!("y/{}", case.name)].1, 1);
    }
}

fn training_faces(test: &str) -> Option<Faces> {
    fer_2013::path_for(test).map(|path| csv::load(&path, &csv::Options::default()).unwrap().train)
}

/// Case `i` of training face `i`. The fixture has some values that lie far apart, no faces.
#[test]
fn faces_are_transformed_as_keras_does() {
    let Some(faces) = training_faces("faces_are_transformed_as_keras_does") else { return };
    let (cases, tensors) = read::<Transform>("face_transforms");
    assert_eq!(cases.len(), 61);
    for (i, case) in cases.iter().enumerate() {
        let scaled = |&level: &u8| match case.image.as_str() {
            "centred" => Scaling::Centred.apply(level.into(), 0),
            _ => level.into(),
        };
        let face: Vec<f32> = faces.image(i).iter().map(scaled).collect();
        case.check(&face, FACE, &tensors[&format!("y/{}", case.name)].1, 13);
    }
}

#[derive(Deserialize)]
struct Standardize {
    name: String,
    /// Which images, where there are several kinds.
    #[serde(default)]
    images: String,
    config: ImageDataGenerator,
}

impl Standardize {
    /// Fits, standardises the first four images and compares: of the whitening matrix every `rows_apart`-th row, of the
    /// images every `apart`-th value.
    ///
    /// The truth was computed in f64. Ours are f32 values, of whitening sums of products, as many as values in an
    /// image: 1e-4 relative to the largest.
    fn check(&self, images: &Images, tensors: &Tensors, rows_apart: usize, apart: usize) {
        let name = &self.name;
        let check = |what: &str, actual: Option<Vec<f32>>| {
            let expected = tensors.get(&format!("{name}/{what}")).map(|(_, values)| values);
            assert_eq!(actual.is_some(), expected.is_some(), "case {name}: {what}");
            let (difference, largest) = compare(&actual.unwrap_or_default(), expected.map_or(&[], |e| e));
            assert!(difference <= 1e-4 * largest, "case {name}: {what} off by {difference} of {largest}");
        };
        let fitted = self.config.fit(images).unwrap();
        let Fitted { mean, std, whitening } = &fitted;
        check("mean", mean.clone());
        check("std", std.clone());
        let rows =
            |matrix: &Array2<f32>| matrix.outer_iter().step_by(rows_apart).flatten().copied().collect();
        check("zca_whitening", whitening.as_ref().map(rows));
        let mut shown = images.values[..4].concat();
        self.config.standardizer(images.shape, fitted).unwrap().standardize(&mut shown);
        let some = shown.chunks_exact(images.shape.elements()).flat_map(|image| image.iter().step_by(apart));
        check("y", Some(some.copied().collect()));
    }
}

#[test]
fn standardising_is_that_of_keras() {
    let (cases, tensors) = read::<Standardize>("standardize");
    assert_eq!(cases.len(), 9);
    for case in cases {
        let (shape, values) = &tensors[&format!("images/{}", case.images)];
        let shape = image_shape(shape);
        let images = Images::new(shape, values.chunks_exact(shape.elements()).map(<[f32]>::to_vec).collect());
        case.check(&images, &tensors, 1, 1);
    }
}

/// A tenth of the training faces, at half their size so that there are five images for each of the 576 pixels.
#[test]
fn faces_are_standardised_as_keras_does() {
    let Some(faces) = training_faces("faces_are_standardised_as_keras_does") else { return };
    let (cases, tensors) = read::<Standardize>("face_standardize");
    assert_eq!(cases.len(), 4);
    let tenth = (0..faces.len()).step_by(10).map(|i| halved(&faces, i)).collect();
    let images = Images::new(ImageShape::new(24, 24, 1), tenth);
    for case in cases {
        case.check(&images, &tensors, 37, 5);
    }
}

/// What Keras does with arguments: `tests/golden/make_augmentation_arguments.py`.
fn arguments() -> serde_json::Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/augment/arguments.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn numbers(value: &serde_json::Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

/// The smallest and the largest of as many draws; they lie as near to the ends of their range as Keras's.
#[test]
fn ranges_reach_as_far_as_those_of_keras() {
    let fixture = arguments();
    let side = fixture["side"].as_u64().unwrap() as usize;
    let draws = fixture["draws"].as_u64().unwrap() as usize;
    let cases = fixture["ranges"].as_array().unwrap();
    assert_eq!(cases.len(), 15);
    for case in cases {
        let generator: ImageDataGenerator = serde_json::from_value(case["config"].clone()).unwrap();
        generator.check().unwrap();
        let drawn: Vec<serde_json::Value> = (0..draws)
            .map(|i| generator.get_random_transform(ImageShape::new(side, side, 1), 1, 0, i))
            .map(|parameters| serde_json::to_value(parameters).unwrap())
            .collect();
        for (key, bounds) in case["bounds"].as_object().unwrap() {
            let expected = numbers(bounds);
            let values = drawn.iter().map(|parameters| parameters[key].as_f64().unwrap());
            let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            });
            let near = 0.01 * (expected[1] - expected[0]);
            let config = &case["config"];
            assert!((low - expected[0]).abs() <= near, "{config}: {key} from {low}, Keras {}", expected[0]);
            assert!((high - expected[1]).abs() <= near, "{config}: {key} to {high}, Keras {}", expected[1]);
        }
    }
}

#[test]
fn preprocessing_functions_are_those_of_keras() {
    let fixture = arguments();
    let cases = fixture["functions"].as_array().unwrap();
    assert_eq!(cases.len(), 12);
    for case in cases {
        let config = serde_json::json!({
            "preprocessing_function": case["function"], "rescale": 0.5, "samplewise_center": true,
        });
        let generator: ImageDataGenerator = serde_json::from_value(config).unwrap();
        let standardizer = generator.standardizer(ImageShape::new(2, 3, 3), Fitted::default()).unwrap();
        let mut image: Vec<f32> = numbers(&case["image"]).iter().map(|&value| value as f32).collect();
        let expected: Vec<f32> = numbers(&case["y"]).iter().map(|&value| value as f32).collect();
        standardizer.standardize(&mut image);
        let (difference, largest) = compare(&image, &expected);
        assert!(difference <= 1e-5 * largest, "{}: off by {difference}", case["function"]);
    }
}

#[test]
fn splits_and_refusals_are_those_of_keras() {
    let fixture = arguments();
    for case in fixture["splits"].as_array().unwrap() {
        let generator =
            ImageDataGenerator { validation_split: case["share"].as_f64().unwrap(), ..Default::default() };
        let count = case["count"].as_u64().unwrap() as usize;
        for (name, subset) in [("training", Subset::Training), ("validation", Subset::Validation)] {
            let expected: Vec<usize> = numbers(&case[name]).iter().map(|&number| number as usize).collect();
            assert_eq!(generator.subset(count, subset).collect::<Vec<_>>(), expected, "{case}: {name}");
        }
    }
    for config in fixture["refused"].as_array().unwrap() {
        let read = serde_json::from_value::<ImageDataGenerator>(config.clone());
        assert!(read.is_err() || read.is_ok_and(|generator| generator.check().is_err()), "{config}");
    }
}
