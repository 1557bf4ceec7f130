//! Small noisy pictures of bars in four directions, and a way to look at them: data for the last two examples.

use ndarray::{ArrayViewD, Axis};
use nn_core::rng::{Purpose, Stream};
use nn_core::{Tensor, tensor};

/// Height and width of a picture.
pub const SIZE: usize = 12;

/// Names of the classes.
pub const CLASSES: [&str; 4] = ["horizontal", "vertical", "rising", "falling"];

/// Draws `count` pictures, each with its class; the same seed gives the same pictures.
///
/// # Shapes
/// The pictures: `[count, 12, 12, 1]`; a bar is about 1, the ground about 0, with noise on both.
pub fn pictures(count: usize, seed: u64) -> (Tensor<f32>, Vec<usize>) {
    let mut random = Stream::new(seed, Purpose::Synthesise, 0, 0);
    let (mut pixels, mut classes) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let class = random.below(CLASSES.len());
        // The direction across the bar, as (down, right), and the bar's distance from the middle.
        let half = 0.5f64.sqrt();
        let (down, right) = [(1.0, 0.0), (0.0, 1.0), (half, half), (half, -half)][class];
        let offset = random.uniform(-5.5, 5.5);
        for (row, column) in ndarray::indices((SIZE, SIZE)) {
            let from_middle = |i: usize| i as f64 - (SIZE - 1) as f64 / 2.0;
            let distance = down * from_middle(row) + right * from_middle(column) - offset;
            let ink = if distance.abs() < 1.0 { 1.0 } else { 0.0 };
            pixels.push((ink + 0.45 * random.normal()) as f32);
        }
        classes.push(class);
    }
    (tensor(&[count, SIZE, SIZE, 1], pixels), classes)
}

/// Draws every channel of every picture side by side, each from its mean (blank) to its largest value (`@`).
///
/// # Shapes
/// `pictures`: `[n, height, width, channels]`
pub fn draw(pictures: ArrayViewD<f32>) -> String {
    const SHADES: &[u8] = b" .:+*#@";
    let mut lines = vec![String::new(); pictures.len_of(Axis(1))];
    for picture in pictures.outer_iter() {
        for map in picture.axis_iter(Axis(2)) {
            let mean = map.mean().unwrap_or(0.0);
            let range = map.fold(f32::MIN_POSITIVE, |range, value| range.max(value - mean));
            let shade = |value: &f32| {
                let level = ((value - mean) / range).max(0.0);
                char::from(SHADES[(level * (SHADES.len() - 1) as f32).round() as usize])
            };
            for (line, row) in lines.iter_mut().zip(map.outer_iter()) {
                // Each shade twice: a letter is about twice as high as wide.
                line.extend(row.iter().map(shade).flat_map(|shade| [shade; 2]));
                line.push_str("  |");
            }
        }
    }
    lines.join("\n") + "\n"
}
