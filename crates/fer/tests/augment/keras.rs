//! Against `tests/golden/augment`, made by Keras itself (`tests/golden/make_augmentation.py`).

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use fer::augment::{FillMode, Fitted, ImageDataGenerator, ImageShape, TransformParameters};
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Images;

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

/// Keras interpolates in f64 and rounds to f32, as we do in the same order: all but the last bit is equal.
#[test]
fn transformations_are_those_of_keras() {
    let (cases, tensors) = read::<Transform>("transforms");
    assert_eq!(cases.len(), 61);
    for case in cases {
        let (shape, image) = &tensors[&format!("image/{}", case.image)];
        let (_, expected) = &tensors[&format!("y/{}", case.name)];
        let generator =
            ImageDataGenerator { fill_mode: case.fill_mode, cval: case.cval, ..Default::default() };
        let mut out = vec![f32::NAN; image.len()];
        generator.apply_transform(image, image_shape(shape), &case.parameters, &mut out).unwrap();
        let (difference, _) = compare(&out, expected);
        let Transform { name, image, fill_mode, parameters, .. } = case;
        assert!(difference <= 1e-4, "{name} ({image}, {fill_mode:?}, {parameters:?}): off by {difference}");
    }
}

#[derive(Deserialize)]
struct Standardize {
    name: String,
    images: String,
    config: ImageDataGenerator,
}

/// The truth was computed in f64. Ours are f32 values, of whitening sums of 100 products: 1e-4 relative to the largest.
#[test]
fn standardising_is_that_of_keras() {
    let (cases, tensors) = read::<Standardize>("standardize");
    assert_eq!(cases.len(), 9);
    for Standardize { name, images, config } in cases {
        let check = |what: &str, actual: Option<&[f32]>| {
            let expected = tensors.get(&format!("{name}/{what}")).map(|(_, values)| values);
            assert_eq!(actual.is_some(), expected.is_some(), "case {name}: {what}");
            let (difference, largest) = compare(actual.unwrap_or_default(), expected.map_or(&[], |e| e));
            assert!(difference <= 1e-4 * largest, "case {name}: {what} off by {difference} of {largest}");
        };
        let (shape, values) = &tensors[&format!("images/{images}")];
        let shape = image_shape(shape);
        let images = Images::new(shape, values.chunks_exact(shape.elements()).map(<[f32]>::to_vec).collect());
        let fitted = config.fit(&images).unwrap();
        let Fitted { mean, std, whitening } = &fitted;
        check("mean", mean.as_deref());
        check("std", std.as_deref());
        check("zca_whitening", whitening.as_ref().and_then(|matrix| matrix.as_slice()));
        let mut shown = images.values[..4].concat();
        config.standardizer(shape, fitted).unwrap().standardize(&mut shown);
        check("y", Some(&shown));
    }
}
