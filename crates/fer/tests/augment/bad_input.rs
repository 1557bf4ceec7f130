//! What is refused, and in which words.

use std::fs;

use fer::augment::{Fitted, Flow, ImageDataGenerator, ImageShape, Rectangle, TransformParameters, ZoomRange};

use nn_core::train::Dataset;

use super::{Images, from_toml};

const SHAPE: ImageShape = ImageShape::new(3, 4, 1);

#[test]
fn arguments_out_of_range_are_named() {
    for (config, message) in [
        ("rotation_range = -inf", "rotation_range = -inf: expected a finite number"),
        ("rotation_range = nan", "rotation_range = NaN"),
        ("shear_range = inf", "shear_range = inf"),
        ("shear_range = -90", "less than 90 degrees"),
        ("validation_split = 1", "validation_split = 1: expected at least 0 and below 1"),
        ("validation_split = -0.1", "validation_split"),
        ("data_format = \"channels_first\"", "channels_last: height, width, channels"),
        ("channel_shift_range = nan", "channel_shift_range"),
        ("zca_epsilon = -1e-6", "zca_epsilon"),
        ("width_shift_range = inf", "width_shift_range = inf"),
        ("height_shift_range = nan", "height_shift_range = NaN"),
        ("height_shift_range = []", "height_shift_range = []: expected at least one number"),
        ("height_shift_range = [1, inf]", "height_shift_range"),
        ("zoom_range = 1", "zoom_range = 1: expected more than -1 and less than 1"),
        ("zoom_range = -1", "zoom_range"),
        ("zoom_range = nan", "zoom_range"),
        ("zoom_range = []", "zoom_range = []: expected two finite numbers above 0"),
        ("zoom_range = [0.9]", "zoom_range = [0.9]"),
        ("zoom_range = [0.8, 1.0, 1.2]", "zoom_range = [0.8, 1.0, 1.2]"),
        ("zoom_range = [0, 1]", "above 0"),
        ("zoom_range = [0.5, nan]", "zoom_range"),
        ("brightness_range = [-0.5, 1]", "brightness_range = [-0.5, 1.0]"),
        ("contrast_range = [nan, 1]", "contrast_range"),
        ("cval = nan", "cval"),
        ("rescale = 0", "rescale = 0"),
        ("rescale = nan", "rescale"),
        ("offset = inf", "offset"),
        ("crop_padding = 10001", "crop_padding"),
        ("mixup_alpha = -1", "mixup_alpha"),
        ("cutmix_alpha = nan", "cutmix_alpha"),
        ("[random_erasing]\nprobability = 1.1", "probability = 1.1: expected 0 to 1"),
        ("[random_erasing]\narea = [0, 0.5]", "area"),
        ("[random_erasing]\narea = [0.5, 1.5]", "area"),
        ("[random_erasing]\naspect = [2, 1]", "aspect"),
        ("[random_erasing]\nfill = nan", "fill"),
    ] {
        let generator = from_toml(config);
        let error = generator.check().expect_err(config).to_string();
        assert!(error.contains(message), "{config}: {error}");
        let images = Images::random(SHAPE, 5);
        assert!(generator.fit(&images).is_err(), "{config}: fit");
        let plain = ImageDataGenerator::default().standardizer(SHAPE, Fitted::default()).unwrap();
        assert!(generator.standardizer(SHAPE, Fitted::default()).is_err(), "{config}: standardizer");
        assert!(generator.flow(&images, &plain, 0).is_err(), "{config}: training");
    }
}

#[test]
fn texts_that_do_not_fit_are_refused() {
    for (config, message) in [
        ("rotation = 5", "unknown field `rotation`"),
        ("crop_padding = -1", "-1"),
        ("brightness_range = [1]", "array of length 2"),
        ("zoom_range = \"wide\"", "expected a number or a list of two numbers"),
        ("width_shift_range = true", "expected a number or a list of numbers"),
        ("fill_mode = \"mirror\"", "unknown variant `mirror`"),
        ("data_format = \"channels_middle\"", "unknown variant `channels_middle`"),
        ("preprocessing_function = \"lambda\"", "unknown variant `lambda`"),
        ("[random_erasing]\nsize = 3", "unknown field `size`"),
    ] {
        let error = toml::from_str::<ImageDataGenerator>(config).expect_err(config).to_string();
        assert!(error.contains(message), "{config}: {error}");
    }
}

#[test]
fn a_configuration_survives_toml_and_json() {
    let full = "zca_whitening = true\nrotation_range = 90\nwidth_shift_range = 2\nheight_shift_range = [0.1, 3]\n\
                zoom_range = [0.5, 2]\nbrightness_range = [0.5, 1]\nfill_mode = \"wrap\"\nrescale = 0.1\n\
                contrast_range = [1, 2]\ncutmix_alpha = 1\n[random_erasing]\nfill = 3";
    let other = "width_shift_range = 2.0\nzoom_range = 0.5\nfill_mode = \"reflect\"";
    for config in [full, other, ""] {
        let generator = from_toml(config);
        assert_eq!(from_toml(&toml::to_string(&generator).unwrap()), generator);
        let json = serde_json::to_string(&generator).unwrap();
        assert_eq!(serde_json::from_str::<ImageDataGenerator>(&json).unwrap(), generator, "{json}");
    }
    assert_eq!(from_toml(""), ImageDataGenerator::default());
    assert_eq!(from_toml(other).zoom_range, ZoomRange::Amount(0.5));
}

#[test]
fn images_that_cannot_be_fitted_to() {
    let constant = |value: f32| Images::new(SHAPE, vec![vec![value; 12]; 3]);
    let mut damaged = Images::random(SHAPE, 4);
    damaged.values[2][5] = f32::NAN;
    let one_channel = Images::new(ImageShape::new(1, 2, 2), vec![vec![1.0, 0.5, 2.0, 0.5]; 2]);
    for (config, images, message) in [
        ("zca_whitening = true", Images::new(SHAPE, Vec::new()), "no images to fit to"),
        ("featurewise_center = true", Images::new(ImageShape::new(0, 4, 1), vec![Vec::new()]), "no images"),
        ("featurewise_std_normalization = true", constant(7.0), "all pixels of channel 0 are 7"),
        ("zca_whitening = true", constant(0.1), "all pixels of channel 0 are 0.1"),
        ("featurewise_std_normalization = true", one_channel, "all pixels of channel 1 are 0.5"),
        ("featurewise_center = true", damaged, "image 2 has a pixel that is NaN"),
    ] {
        let error = from_toml(config).fit(&images).expect_err(message).to_string();
        assert!(error.contains(message), "{config}: {error}");
    }
    let error = from_toml("featurewise_center = true").fit_augmented(&constant(1.0), 0, 1).unwrap_err();
    assert_eq!(error.to_string(), "no images to fit to");
    // A mean alone divides by nothing.
    assert_eq!(from_toml("featurewise_center = true").fit(&constant(7.0)).unwrap().mean, Some(vec![7.0]));
    // Without anything to fit, images are not even looked at.
    assert_eq!(from_toml("").fit(&Images::new(SHAPE, Vec::new())).unwrap(), Fitted::default());
}

/// Statistics know no classes: they are defined for any number of images, one included.
#[test]
fn fewer_images_than_classes_are_enough() {
    for count in [1, 3] {
        let images = Images::random(SHAPE, count);
        for config in ["featurewise_std_normalization = true", "zca_whitening = true"] {
            let generator = from_toml(config);
            let fitted = generator.fit(&images).unwrap();
            let mut values = images.values.concat();
            let sum: f32 = values.iter().sum();
            assert!((fitted.mean.as_ref().unwrap()[0] - sum / values.len() as f32).abs() < 1e-3, "{config}");
            generator.standardizer(SHAPE, fitted).unwrap().standardize(&mut values);
            assert!(
                values.iter().all(|value| value.is_finite() && value.abs() < 12.0),
                "{config}: {values:?}"
            );
        }
    }
}

/// An image has no deviation of its own to divide by: Keras's 1e-6 makes it 0.
#[test]
fn a_constant_image_is_standardised_to_zeros() {
    let config = "samplewise_std_normalization = true\ncontrast_range = [2, 2]\nchannel_shift_range = 9\n\
                  brightness_range = [0.5, 0.5]\nrotation_range = 30\n[random_erasing]\nprobability = 1";
    let (generator, images) = (from_toml(config), Images::new(SHAPE, vec![vec![7.0; 12]; 3]));
    let standardizer = generator.standardizer(SHAPE, generator.fit(&images).unwrap()).unwrap();
    let flow = generator.flow(&images, &standardizer, 0).unwrap();
    let mut x = vec![f32::NAN; 36];
    flow.batch(0, &[0, 1, 2], &mut x);
    assert!(x.iter().all(|&value| value == 0.0), "{x:?}");
}

#[test]
fn statistics_that_are_missing_or_of_other_images() {
    let images = Images::random(SHAPE, 40);
    for (config, message) in [
        ("zca_whitening = true", "zca_whitening needs the whitening matrix of the training images: fit"),
        ("featurewise_center = true", "featurewise_center needs the mean"),
        ("featurewise_std_normalization = true", "needs the mean"),
    ] {
        let generator = from_toml(config);
        let error = generator.standardizer(SHAPE, Fitted::default()).unwrap_err().to_string();
        assert!(error.contains(message), "{config}: {error}");
        let fitted = generator.fit(&images).unwrap();
        let error = generator.standardizer(ImageShape::new(3, 5, 2), fitted).unwrap_err().to_string();
        assert!(error.contains("does not fit images of 3x5x2"), "{config}: {error}");
    }
    let centre = from_toml("featurewise_center = true").fit(&images).unwrap();
    let error = from_toml("featurewise_std_normalization = true").standardizer(SHAPE, centre).unwrap_err();
    assert!(error.to_string().contains("needs the standard deviation"), "{error}");
    let plain = from_toml("").standardizer(ImageShape::new(4, 3, 1), Fitted::default()).unwrap();
    let error = Flow::evaluation(&images, &plain).err().unwrap().to_string();
    assert!(error.contains("does not fit images of 3x4x1"), "{error}");
}

#[test]
fn parameters_that_cannot_be_applied() {
    let p = TransformParameters::default;
    let beyond = Rectangle { top: 2, left: 0, height: 2, width: 1 };
    let endless = Rectangle { top: 0, left: usize::MAX, height: 1, width: 2 };
    for (parameters, message) in [
        (TransformParameters { theta: f64::NAN, ..p() }, "theta = NaN"),
        (TransformParameters { tx: f64::INFINITY, ..p() }, "tx = inf"),
        (TransformParameters { brightness: Some(f64::NAN), ..p() }, "brightness = NaN"),
        (TransformParameters { erase: Some(beyond), ..p() }, "inside the image"),
        (TransformParameters { erase: Some(endless), ..p() }, "inside the image"),
    ] {
        let mut out = [0.0; 12];
        let generator = ImageDataGenerator::default();
        let error = generator.apply_transform(&[1.0; 12], SHAPE, &parameters, &mut out).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[test]
fn functions_for_three_channels_take_no_grey_images() {
    for function in ["caffe", "densenet"] {
        let generator = from_toml(&format!("preprocessing_function = {function:?}"));
        let error = generator.standardizer(SHAPE, Fitted::default()).unwrap_err().to_string();
        assert!(error.contains("preprocessing_function") && error.contains("three"), "{error}");
        assert!(generator.standardizer(ImageShape::new(3, 4, 3), Fitted::default()).is_ok());
    }
}

#[test]
fn images_without_pixels() {
    for shape in [ImageShape::new(0, 4, 1), ImageShape::new(4, 0, 1), ImageShape::new(4, 4, 0)] {
        let generator = from_toml("horizontal_flip = true");
        let error = generator.standardizer(shape, Fitted::default()).unwrap_err().to_string();
        assert!(error.contains("expected at least one pixel"), "{error}");
        assert!(generator.apply_transform(&[], shape, &TransformParameters::default(), &mut []).is_err());
    }
}

#[test]
fn absurd_but_finite_parameters_do_no_harm() {
    let p = TransformParameters::default;
    for parameters in [
        TransformParameters { tx: 1e300, ty: -1e18, ..p() },
        TransformParameters { zx: 0.0, zy: -1e9, theta: 1e6, ..p() },
        TransformParameters { crop: [i64::MAX, i64::MIN], shear: 90.0, ..p() },
    ] {
        for mode in ["nearest", "constant", "reflect", "wrap"] {
            let mut out = [f32::NAN; 12];
            let generator = from_toml(&format!("fill_mode = {mode:?}\ncval = 1"));
            generator.apply_transform(&[1.0; 12], SHAPE, &parameters, &mut out).unwrap();
            assert!(out.iter().all(|value| (value - 1.0).abs() < 1e-6), "{mode}, {parameters:?}: {out:?}");
        }
    }
}

#[test]
fn files_that_are_no_statistics() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("statistics.safetensors");
    assert!(Fitted::load(&path).unwrap_err().to_string().contains("statistics.safetensors"));
    assert!(Fitted::load(folder.path()).unwrap_err().to_string().contains("is a folder"));
    let f32s = |values: &[f32]| -> Vec<u8> { values.iter().flat_map(|value| value.to_le_bytes()).collect() };
    let tensor = |name: &str, dtype: &str, shape: &str, data: Vec<u8>| {
        let header = format!(
            r#"{{"{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{}]}}}}"#,
            data.len()
        );
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()
    };
    for (bytes, message) in [
        (b"mean = 3".to_vec(), ""),
        (tensor("average", "F32", "[1]", f32s(&[1.0])), "is no statistic"),
        (tensor("mean", "F64", "[1]", 1f64.to_le_bytes().to_vec()), "type F32"),
        (tensor("mean", "F32", "[1]", f32s(&[f32::NAN])), "not finite"),
        (tensor("std", "F32", "[1]", f32s(&[-1.0])), "tensor \"std\""),
        (tensor("zca_whitening", "F32", "[1,2]", f32s(&[1.0, 2.0])), "[1, 2]"),
    ] {
        fs::write(&path, bytes).unwrap();
        let error = Fitted::load(&path).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}
