//! Mixup and cutmix.

use fer::augment::{Fitted, ImageShape, Mix, Rectangle};
use nn_core::Shape;
use nn_core::train::{Dataset, Targets};

use super::{Images, from_toml};

const SHAPE: ImageShape = ImageShape::new(10, 14, 1);
const COUNT: usize = 3000;

fn mixes(config: &str) -> Vec<Mix> {
    let generator = from_toml(config);
    (0..COUNT).map(|i| generator.get_random_mix(SHAPE, 50, (1, 0, i)).unwrap()).collect()
}

fn mean_and_variance(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let n = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / n;
    (mean, values.map(|v| (v - mean).powi(2)).sum::<f64>() / n)
}

#[test]
fn labels_and_pixels_are_weighted_alike() {
    // Image i is i everywhere, so that a pixel tells what it was made of.
    let images = Images::new(SHAPE, (0..50).map(|i| vec![i as f32; SHAPE.elements()]).collect());
    for config in ["mixup_alpha = 0.7", "cutmix_alpha = 1", "mixup_alpha = 1\ncutmix_alpha = 0.5"] {
        let generator = from_toml(config);
        let standardizer = generator.standardizer(SHAPE, Fitted::default()).unwrap();
        let flow = generator.flow(&images, &standardizer, 1).unwrap();
        flow.check_targets(&Shape::new([7])).unwrap();
        assert!(flow.check_targets(&Shape::new([8])).is_err(), "rows of 7 do not fit 8 outputs");
        let indices: Vec<usize> = (0..50).collect();
        let mut x = vec![0.0; 50 * SHAPE.elements()];
        let Targets::Values { width: 7, rows } = flow.batch(0, &indices, &mut x) else { panic!("{config}") };
        for (i, row) in rows.chunks_exact(7).enumerate() {
            let mix = generator.get_random_mix(SHAPE, 50, (1, 0, i)).unwrap();
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6 && row.iter().all(|&v| v >= 0.0));
            let mut expected = [0.0; 7];
            expected[i % 7] += mix.share;
            expected[mix.partner % 7] += 1.0 - mix.share;
            for (got, expected) in row.iter().zip(expected) {
                assert!((f64::from(*got) - expected).abs() < 1e-6, "{config}: {row:?}");
            }
            // The mean over the image is the labels' weighting of the two images' values.
            let image = &x[i * SHAPE.elements()..][..SHAPE.elements()];
            let mean = f64::from(image.iter().sum::<f32>()) / SHAPE.elements() as f64;
            let expected = mix.share * i as f64 + (1.0 - mix.share) * mix.partner as f64;
            assert!((mean - expected).abs() < 1e-3, "{config}, image {i}: {mean}, expected {expected}");
            if mix.region.is_some() {
                assert!(image.iter().all(|&v| v == i as f32 || v == mix.partner as f32), "{config}");
            }
        }
    }
}

/// Beta(a, a) has the mean 1/2 and the variance `1 / (4·(2a + 1))`; the tolerances are six standard errors.
#[test]
fn mixup_weights_follow_the_beta_distribution() {
    for (config, alpha) in [("mixup_alpha = 0.2", 0.2), ("mixup_alpha = 1", 1.0), ("mixup_alpha = 4", 4.0)] {
        let (mean, variance) = mean_and_variance(mixes(config).iter().map(|mix| mix.share));
        let expected = 1.0 / (4.0 * (2.0 * alpha + 1.0));
        assert!((mean - 0.5).abs() < 0.05, "{config}: mean {mean}");
        assert!(
            (variance / expected - 1.0).abs() < 0.15,
            "{config}: variance {variance}, expected {expected}"
        );
    }
    // Even where both gamma variates underflow.
    assert!(mixes("mixup_alpha = 1e-4").iter().all(|mix| mix.share.is_finite()));
    let partners = mixes("mixup_alpha = 1").into_iter().fold([0; 50], |mut counts, mix| {
        counts[mix.partner] += 1;
        counts
    });
    assert!(partners.iter().all(|&n| (15..120).contains(&n)), "{partners:?}");
}

#[test]
fn cutmix_cuts_rectangles_and_counts_their_pixels() {
    let mut both = 0;
    for mix in mixes("cutmix_alpha = 1") {
        let Rectangle { top, left, height, width } = mix.region.unwrap();
        assert!(top + height <= 10 && left + width <= 14);
        assert!((mix.share - (1.0 - (height * width) as f64 / 140.0)).abs() < 1e-12);
        both += usize::from(height > 2 && width > 3);
    }
    assert!(both > COUNT / 3, "only {both} of {COUNT} regions are of notable size");
    // With a large alpha half of the area is cut: sides of sqrt(1/2) times 10 and 14 pixels, whole ones.
    let sides = mixes("cutmix_alpha = 1e6").into_iter().filter_map(|mix| mix.region);
    let largest = sides.fold((0, 0), |(h, w), region| (region.height.max(h), region.width.max(w)));
    assert_eq!(largest, (7, 9));
    let cut = mixes("cutmix_alpha = 1\nmixup_alpha = 1").iter().filter(|mix| mix.region.is_some()).count();
    assert!((1300..1700).contains(&cut), "{cut} of {COUNT} are cut");
}
