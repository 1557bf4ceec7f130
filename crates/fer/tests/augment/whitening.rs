//! What whitening is for: values without correlation, each of variance 1.

use fer::augment::{Fitted, ImageDataGenerator, ImageShape, LabelledImages};
use fer::data::csv;

use super::{Images, fer_2013, from_toml, halved};

/// Second moments of the whitened images: `Y^T·Y / n`.
fn whitened_moments(images: &Images, fitted: Fitted) -> Vec<f64> {
    let (n, d) = (images.count(), images.shape.elements());
    let mut y = images.values.concat();
    from_toml("zca_whitening = true").standardizer(images.shape, fitted).unwrap().standardize(&mut y);
    let mut moments = vec![0.0; d * d];
    for y in y.chunks_exact(d) {
        for (row, &a) in moments.chunks_exact_mut(d).zip(y) {
            row.iter_mut().zip(y).for_each(|(sum, &b)| *sum += f64::from(a) * f64::from(b) / n as f64);
        }
    }
    moments
}

fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |most, value| if value.abs() <= most { most } else { value.abs() })
}

#[test]
fn whitened_images_have_the_identity_as_covariance() {
    // More images and more values than are added up at a time.
    let (images, d) = (Images::random(ImageShape::new(9, 16, 2), 700), 288);
    let fitted = from_toml("zca_whitening = true").fit(&images).unwrap();
    let moments = whitened_moments(&images, fitted);
    let off = moments.iter().enumerate().map(|(ij, m)| m - f64::from(u8::from(ij / d == ij % d)));
    // Sums of 288 products in f32.
    assert!(largest(off.clone()) < 1e-4, "{}", largest(off));
}

/// With fewer images than values the covariance is a projection on what the images span: `P² = P`, trace `n`.
#[test]
fn fewer_images_than_values_are_whitened_where_they_are() {
    let images = Images::random(ImageShape::new(6, 6, 1), 20);
    let fitted = from_toml("zca_whitening = true").fit(&images).unwrap();
    let p = whitened_moments(&images, fitted);
    let trace: f64 = (0..36).map(|i| p[i * 36 + i]).sum();
    assert!((trace - 20.0).abs() < 1e-3, "trace {trace}");
    let square = |ij: usize| (0..36).map(|k| p[ij / 36 * 36 + k] * p[k * 36 + ij % 36]).sum::<f64>();
    let off = largest((0..36 * 36).map(|ij| square(ij) - p[ij]));
    assert!(off < 1e-4, "{off}");
}

/// Three pixels that always agree span one direction, not three.
#[test]
fn values_that_always_agree_do_not_blow_up() {
    let mut images = Images::random(ImageShape::new(4, 4, 1), 100);
    for image in &mut images.values {
        image[1] = image[0];
        image[2] = image[0];
    }
    let fitted = from_toml("zca_whitening = true").fit(&images).unwrap();
    let p = whitened_moments(&images, fitted);
    let trace: f64 = (0..16).map(|i| p[i * 16 + i]).sum();
    assert!((trace - 14.0).abs() < 1e-3, "trace {trace}");
}

#[test]
fn statistics_of_augmented_images_differ_and_one_round_of_nothing_does_not() {
    let images = Images::random(ImageShape::new(6, 5, 1), 30);
    let plain = from_toml("featurewise_std_normalization = true");
    assert_eq!(plain.fit(&images).unwrap(), plain.fit_augmented(&images, 1, 0).unwrap());
    let turning = ImageDataGenerator { rotation_range: 45.0, ..plain };
    let (still, turned) = (turning.fit(&images).unwrap(), turning.fit_augmented(&images, 2, 0).unwrap());
    // Interpolation averages neighbours.
    assert!(turned.std.unwrap()[0] < 0.9 * still.std.unwrap()[0]);
}

#[test]
fn statistics_survive_a_file() {
    let images = Images::random(ImageShape::new(3, 4, 3), 60);
    let folder = tempfile::tempdir().unwrap();
    for config in ["zca_whitening = true", "featurewise_std_normalization = true", ""] {
        let fitted = from_toml(config).fit(&images).unwrap();
        let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
        fitted.save(&first).unwrap();
        let read = Fitted::load(&first).unwrap();
        assert_eq!(read, fitted);
        read.save(&second).unwrap();
        assert_eq!(std::fs::read(first).unwrap(), std::fs::read(second).unwrap());
    }
}

/// A tenth of the training faces, at half their size so that there are five images for each of the 576 pixels.
#[test]
fn faces_of_fer_2013_are_whitened() {
    let Some(path) = fer_2013::path_for("faces_of_fer_2013_are_whitened") else { return };
    let faces = csv::load(&path, &csv::Options::default()).unwrap().train;
    let images = Images::new(ImageShape::new(24, 24, 1), (0..2870).map(|i| halved(&faces, 10 * i)).collect());
    let fitted = from_toml("zca_whitening = true").fit(&images).unwrap();
    let moments = whitened_moments(&images, fitted);
    let off = moments.iter().enumerate().map(|(ij, m)| m - f64::from(u8::from(ij / 576 == ij % 576)));
    // The first singular value is some 10^3 times the last one, which is what f32 products lose.
    assert!(largest(off.clone()) < 1e-2, "{}", largest(off));
}
