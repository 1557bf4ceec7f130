//! What reaches a network.

use fer::augment::{FACE, Fitted, Flow, ImageDataGenerator, ImageShape};
use fer::data::Faces;
use fer::data::synthetic::{self, Sizes};
use fer::transform::Scaling;
use nn_core::Shape;
use nn_core::train::{Dataset, Targets};

use super::{Images, from_toml};

const EVERYTHING: &str = "zca_whitening = true\nsamplewise_center = true\nrotation_range = 20\nshear_range = 5\n\
    zoom_range = 0.2\nwidth_shift_range = 0.1\nheight_shift_range = 2\nhorizontal_flip = true\nvertical_flip = true\n\
    channel_shift_range = 20\nbrightness_range = [0.7, 1.3]\ncontrast_range = [0.7, 1.3]\ncrop_padding = 2\n\
    mixup_alpha = 0.4\ncutmix_alpha = 1\n[random_erasing]\n";

fn faces() -> Faces {
    synthetic::dataset(Sizes { train: 70, val: 7, test: 7 }, 3).train
}

fn in_pool<T: Send>(threads: usize, body: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(body)
}

/// Images and target rows in the order of `indices`, asked for in batches.
fn in_batches(flow: &Flow, epoch: u64, indices: &[usize], batch: usize) -> (Vec<f32>, Vec<f32>) {
    let len = flow.sample_shape().elements();
    let (mut images, mut rows) = (Vec::new(), Vec::new());
    for indices in indices.chunks(batch) {
        let mut x = vec![f32::NAN; indices.len() * len];
        match flow.batch(epoch, indices, &mut x) {
            Targets::Values { width: 7, rows: some } => rows.extend(some),
            other => panic!("{other:?}"),
        }
        images.extend(x);
    }
    (images, rows)
}

#[test]
fn an_image_depends_on_seed_epoch_and_number_alone() {
    let images = Images::random(ImageShape::new(11, 12, 1), 150);
    let generator = from_toml(EVERYTHING);
    let fit = |threads| in_pool(threads, || generator.fit(&images).unwrap());
    let fitted = fit(1);
    assert!(fitted == fit(4), "statistics depend on the number of threads");
    let standardizer = generator.standardizer(images.shape, fitted).unwrap();
    let flow = generator.flow(&images, &standardizer, 7).unwrap();
    let order: Vec<usize> = (0..150).map(|i| i * 7 % 150).collect();
    let expected = in_pool(1, || in_batches(&flow, 2, &order, 150));
    for (threads, batch) in [(1, 1), (1, 64), (2, 150), (3, 17), (4, 64)] {
        let got = in_pool(threads, || in_batches(&flow, 2, &order, batch));
        assert!(got == expected, "{threads} threads, batches of {batch}");
    }
    assert!(in_batches(&flow, 3, &order, 150) != expected, "another epoch");
    let other = generator.flow(&images, &standardizer, 8).unwrap();
    assert!(in_batches(&other, 2, &order, 150) != expected, "another seed");
}

#[test]
fn a_batch_holds_what_random_transform_gives() {
    let images = Images::random(ImageShape::new(9, 8, 3), 40);
    let config = "rotation_range = 20\nzoom_range = 0.2\nchannel_shift_range = 9\nsamplewise_center = true";
    let generator = from_toml(config);
    let standardizer = generator.standardizer(images.shape, Fitted::default()).unwrap();
    let flow = generator.flow(&images, &standardizer, 3).unwrap();
    let mut seen = Vec::new();
    for epoch in [0, 1, 1 << 40] {
        let indices = [39, 7, 7, 0, 22, 18, 1, 2, 3, 4, 5];
        let mut x = vec![0.0; indices.len() * 216];
        flow.batch(epoch, &indices, &mut x);
        for (got, &i) in x.chunks_exact(216).zip(&indices) {
            let mut expected = vec![0.0; 216];
            let done =
                generator.random_transform(&images.values[i], images.shape, (3, epoch, i), &mut expected);
            standardizer.standardize(&mut expected);
            assert_eq!(got, expected, "epoch {epoch}, image {i}");
            seen.push(done.theta.to_bits());
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 30, "ten images in three epochs, each turned by an angle of its own");
}

#[test]
fn evaluation_standardises_and_does_nothing_else() {
    let faces = faces();
    let generator = from_toml(&EVERYTHING.replace("zca_whitening", "featurewise_std_normalization"));
    let fitted = generator.fit(&faces).unwrap();
    let (mean, std) = (fitted.mean.clone().unwrap()[0], fitted.std.clone().unwrap()[0]);
    let standardizer = generator.standardizer(FACE, fitted).unwrap();
    let flow = Flow::evaluation(&faces, &standardizer).unwrap().with_sample_shape(&Shape::new([2304]));
    assert_eq!((flow.len(), flow.sample_shape()), (70, Shape::new([2304])));
    let mut x = vec![0.0; 2 * 2304];
    assert_eq!(
        flow.batch(9, &[4, 66], &mut x),
        Targets::Classes(vec![faces.label(4).into(), faces.label(66).into()])
    );
    for (sample, i) in x.chunks_exact(2304).zip([4, 66]) {
        let levels: Vec<f32> = faces.image(i).iter().map(|&level| level.into()).collect();
        let own_mean = levels.iter().sum::<f32>() / 2304.0;
        for (value, level) in sample.iter().zip(levels) {
            let expected = (level - own_mean - mean) / std;
            assert!((value - expected).abs() < 1e-4, "{value}, expected {expected}");
        }
    }
}

#[test]
fn rescale_and_offset_give_the_scale_of_the_study() {
    let faces = faces();
    let generator = ImageDataGenerator { rescale: Some(1.0 / 255.0), offset: -0.5, ..Default::default() };
    let standardizer = generator.standardizer(FACE, Fitted::default()).unwrap();
    let flow = generator.flow(&faces, &standardizer, 0).unwrap();
    let mut x = vec![0.0; 2304];
    flow.batch(0, &[1], &mut x);
    for (value, &level) in x.iter().zip(faces.image(1)) {
        assert!((value - Scaling::Centred.apply(level.into(), 0)).abs() < 1e-6);
    }
}

#[test]
fn training_without_mixing_gives_class_numbers() {
    let faces = faces();
    let generator = from_toml("horizontal_flip = true");
    let standardizer = generator.standardizer(FACE, Fitted::default()).unwrap();
    let flow = generator.flow(&faces, &standardizer, 1).unwrap();
    assert_eq!(flow.sample_shape(), Shape::new([48, 48, 1]));
    assert_eq!(flow.clone().with_sample_shape(&Shape::new([7])).sample_shape(), Shape::new([48, 48, 1]));
    let mut x = vec![0.0; 70 * 2304];
    let targets = flow.batch(0, &(0..70).collect::<Vec<_>>(), &mut x);
    assert_eq!(targets, Targets::Classes(faces.labels().iter().map(|&l| l.into()).collect()));
    flow.check_targets(&Shape::new([7])).unwrap();
    assert!(flow.check_targets(&Shape::new([6])).is_err());
    let mut flipped = 0;
    for (image, (plain, _)) in x.chunks_exact(2304).zip(faces.iter()) {
        let same = image.iter().zip(plain).all(|(&v, &p)| v == f32::from(p));
        let rows = image.chunks_exact(48).zip(plain.chunks_exact(48));
        let mirrored = rows.clone().all(|(a, b)| a.iter().rev().zip(b).all(|(&v, &p)| v == f32::from(p)));
        assert!(same || mirrored);
        flipped += usize::from(!same);
    }
    // Binomial with 70 draws: 35 +- 6·4.2.
    assert!((10..=60).contains(&flipped), "{flipped} of 70 flipped");
}
