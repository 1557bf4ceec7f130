//! What is drawn: every range reaches its bounds and never exceeds them.

use fer::augment::{ImageDataGenerator, ImageShape, Rectangle, TransformParameters};

use super::from_toml;

const SHAPE: ImageShape = ImageShape::new(20, 40, 1);
const DRAWS: usize = 4000;

fn draws(config: &str) -> Vec<TransformParameters> {
    let generator = from_toml(config);
    generator.check().unwrap();
    (0..DRAWS).map(|i| generator.get_random_transform(SHAPE, 5, (i % 3) as u64, i)).collect()
}

/// Of 4,000 uniform draws one falls within 1 % of either bound but for a chance of `2·0.99^4000 < 1e-17`.
#[test]
fn ranges_reach_their_bounds_and_never_exceed_them() {
    type Value = fn(&TransformParameters) -> f64;
    let cases: [(&str, Value, f64, f64); 15] = [
        ("rotation_range = 30", |p| p.theta, -30.0, 30.0),
        ("width_shift_range = 0.25", |p| p.tx, -10.0, 10.0),
        ("height_shift_range = 0.25", |p| p.ty, -5.0, 5.0),
        ("width_shift_range = 3.0", |p| p.tx, -3.0, 3.0),
        ("width_shift_range = 1.0", |p| p.tx, -1.0, 1.0),
        ("height_shift_range = 4", |p| p.ty, -3.0, 3.0),
        ("width_shift_range = [2, 7]", |p| p.tx, -7.0, 7.0),
        ("height_shift_range = [0.1, 0.5]", |p| p.ty, -10.0, 10.0),
        ("shear_range = 8.5", |p| p.shear, -8.5, 8.5),
        ("zoom_range = 0.3", |p| p.zx, 0.7, 1.3),
        ("zoom_range = [0.5, 3]", |p| p.zy, 0.5, 3.0),
        ("channel_shift_range = 12", |p| p.channel_shift_intensity.unwrap(), -12.0, 12.0),
        ("brightness_range = [0.4, 1.1]", |p| p.brightness.unwrap(), 0.4, 1.1),
        ("contrast_range = [0.9, 1.7]", |p| p.contrast.unwrap(), 0.9, 1.7),
        ("crop_padding = 4", |p| p.crop[0] as f64, -4.0, 4.0),
    ];
    for (config, value, low, high) in cases {
        let values: Vec<f64> = draws(config).iter().map(value).collect();
        let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let near = 0.01 * (high - low);
        assert!((low..=low + near).contains(&smallest), "{config}: smallest {smallest}, expected {low}");
        assert!((high - near..=high).contains(&largest), "{config}: largest {largest}, expected {high}");
    }
}

#[test]
fn a_range_changes_its_own_parameter_and_no_other() {
    let all = "rotation_range = 20\nshear_range = 3\nzoom_range = 0.2\ncrop_padding = 2\nhorizontal_flip = true\n\
               width_shift_range = 0.1\nheight_shift_range = [1, 2]\nbrightness_range = [0.5, 1.5]\n";
    let with = draws(&format!("{all}channel_shift_range = 5\nvertical_flip = true\n[random_erasing]\n"));
    for (mut with, without) in with.into_iter().zip(draws(all)) {
        with =
            TransformParameters { channel_shift_intensity: None, flip_vertical: false, erase: None, ..with };
        assert_eq!(with, without);
    }
    assert!(draws("").iter().all(|p| *p == TransformParameters::default()));
}

#[test]
fn whole_shifts_take_every_value_either_way() {
    let count = |config: &str, shift: f64| draws(config).iter().filter(|p| p.tx == shift).count() as f64;
    let total = DRAWS as f64;
    // Six standard deviations of a share p of 4,000 draws are at most 0.048.
    for (shift, share) in [(-2.0, 1. / 6.), (-1.0, 1. / 6.), (0.0, 1. / 3.), (1.0, 1. / 6.), (2.0, 1. / 6.)] {
        let got = count("width_shift_range = 3", shift) / total;
        assert!((got - share).abs() < 0.05, "shift {shift}: share {got}, expected {share}");
    }
    for shift in [-8.0, -4.0, 4.0, 8.0] {
        let got = count("width_shift_range = [0.1, -0.2]", shift) / total;
        assert!((got - 0.25).abs() < 0.05, "shift {shift}: share {got}");
    }
}

#[test]
fn half_of_the_images_are_flipped_and_directions_are_independent() {
    let drawn = draws("horizontal_flip = true\nvertical_flip = true");
    for (horizontal, vertical) in [(false, false), (false, true), (true, false), (true, true)] {
        let both = |p: &&TransformParameters| p.flip_horizontal == horizontal && p.flip_vertical == vertical;
        let share = drawn.iter().filter(both).count() as f64 / DRAWS as f64;
        assert!((share - 0.25).abs() < 0.05, "{horizontal}, {vertical}: {share}");
    }
}

#[test]
fn erased_rectangles_have_the_area_and_aspect_asked_for() {
    let drawn = draws("[random_erasing]\nprobability = 0.7\narea = [0.1, 0.3]\naspect = [0.5, 2]");
    let erased: Vec<Rectangle> = drawn.iter().filter_map(|p| p.erase).collect();
    let share = erased.len() as f64 / DRAWS as f64;
    assert!((share - 0.7).abs() < 0.05, "share {share}");
    let (mut flat, mut corners) = (0, [false; 2]);
    for Rectangle { top, left, height, width } in erased.iter().copied() {
        assert!(top + height <= SHAPE.height && left + width <= SHAPE.width);
        // Each side is rounded to whole pixels, so compare with the sides half a pixel larger and smaller.
        let (h, w) = (height as f64, width as f64);
        assert!((h + 0.5) * (w + 0.5) >= 80.0 && (h - 0.5) * (w - 0.5) <= 240.0, "{height}x{width}");
        assert!((h + 0.5) / (w - 0.5) >= 0.5 && (h - 0.5) / (w + 0.5) <= 2.0, "{height}x{width}");
        flat += usize::from(height < width);
        corners[0] |= top == 0 && left == 0;
        corners[1] |= top + height == SHAPE.height && left + width == SHAPE.width;
    }
    let share = flat as f64 / erased.len() as f64;
    assert!((0.35..0.65).contains(&share), "flat ones: {share}");
    assert_eq!(corners, [true; 2]);
}

/// Applies parameters to the image `1 2 3 / 4 5 6`.
fn apply(config: &str, parameters: TransformParameters) -> Vec<f32> {
    let mut out = vec![0.0; 6];
    let image = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let shape = ImageShape::new(2, 3, 1);
    from_toml(config).apply_transform(&image, shape, &parameters, &mut out).unwrap();
    out
}

#[test]
fn each_parameter_by_hand() {
    let p = TransformParameters::default;
    let constant = "fill_mode = \"constant\"\ncval = 9";
    assert_eq!(apply("", p()), [1., 2., 3., 4., 5., 6.]);
    assert_eq!(apply(constant, TransformParameters { tx: 1.0, ..p() }), [2., 3., 9., 5., 6., 9.]);
    assert_eq!(apply(constant, TransformParameters { ty: -1.0, ..p() }), [9., 9., 9., 1., 2., 3.]);
    assert_eq!(apply(constant, TransformParameters { crop: [1, -1], ..p() }), [9., 4., 5., 9., 9., 9.]);
    assert_eq!(apply("", TransformParameters { flip_horizontal: true, ..p() }), [3., 2., 1., 6., 5., 4.]);
    assert_eq!(apply("", TransformParameters { flip_vertical: true, ..p() }), [4., 5., 6., 1., 2., 3.]);
    assert_eq!(
        apply("", TransformParameters { contrast: Some(2.0), ..p() }),
        [-1.5, 0.5, 2.5, 4.5, 6.5, 8.5]
    );
    assert_eq!(apply("", TransformParameters { brightness: Some(1.5), ..p() }), [1., 3., 4., 6., 7., 9.]);
    let shifted = TransformParameters { channel_shift_intensity: Some(2.0), ..p() };
    assert_eq!(apply("", shifted), [3., 4., 5., 6., 6., 6.]);
    let area = Rectangle { top: 0, left: 1, height: 2, width: 2 };
    let erase = TransformParameters { erase: Some(area), ..p() };
    assert_eq!(apply("", erase.clone()), [1., 3.5, 3.5, 4., 3.5, 3.5]);
    assert_eq!(apply("[random_erasing]\nfill = 0", erase), [1., 0., 0., 4., 0., 0.]);
}

/// A crop is a shift by whole pixels, taken before the other geometry.
#[test]
fn a_crop_of_a_rotated_image_is_cut_from_the_rotated_image() {
    let shape = ImageShape::new(12, 12, 1);
    let image: Vec<f32> = (0..144).map(|i| ((i * 37) % 101) as f32).collect();
    let generator = ImageDataGenerator::default();
    let apply = |crop| {
        let mut out = vec![0.0; 144];
        let parameters = TransformParameters { theta: 20.0, crop, ..Default::default() };
        generator.apply_transform(&image, shape, &parameters, &mut out).unwrap();
        out
    };
    let (whole, cropped) = (apply([0, 0]), apply([2, -3]));
    for row in 0..10 {
        for column in 3..12 {
            let (a, b) = (cropped[row * 12 + column], whole[(row + 2) * 12 + column - 3]);
            assert!((a - b).abs() < 1e-4, "row {row}, column {column}: {a}, expected {b}");
        }
    }
}

#[test]
fn a_positive_angle_turns_counter_clockwise() {
    let (shape, mut image) = (ImageShape::new(5, 5, 1), vec![0.0; 25]);
    image[2] = 1.0; // top centre
    let mut out = vec![0.0; 25];
    let parameters = TransformParameters { theta: 90.0, ..Default::default() };
    ImageDataGenerator::default().apply_transform(&image, shape, &parameters, &mut out).unwrap();
    let brightest = (0..25).max_by(|&a, &b| out[a].total_cmp(&out[b])).unwrap();
    assert_eq!(brightest, 10, "middle of the left side");
}
