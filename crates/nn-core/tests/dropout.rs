//! Dropout keeps the right share, scales what it keeps, and draws a mask of its own for each step and layer.

use nn_core::layer::{Gradients, Layer};
use nn_core::layers::{Dropout, LayerConfig};
use nn_core::{Context, Shape, Tensor, tensor};

const SIZE: usize = 1_000_000;

fn layer(name: &str, rate: f64) -> Box<dyn Layer<f32>> {
    LayerConfig::from(Dropout::new(rate).name(name)).build(&Shape::new([SIZE]), 0).unwrap()
}

fn ones() -> Tensor<f32> {
    tensor(&[1, SIZE], vec![1.0; SIZE])
}

/// The layer's output on ones: the mask.
fn mask(layer: &dyn Layer<f32>, seed: u64, epoch: u64, step: u64) -> Vec<f32> {
    let mut ctx = Context::new(seed);
    ctx.set_step(epoch, step);
    layer.forward(&ones(), &mut ctx).0.iter().copied().collect()
}

#[test]
fn a_share_of_one_minus_the_rate_is_kept_and_scaled() {
    for rate in [0.1, 0.25, 0.5, 0.9] {
        let mask = mask(layer("dropout", rate).as_ref(), 1, 0, 0);
        let scale = (1.0 / (1.0 - rate)) as f32;
        assert!(mask.iter().all(|&m| m == 0.0 || m == scale), "rate {rate}");
        let kept = mask.iter().filter(|&&m| m != 0.0).count() as f64 / SIZE as f64;
        let five_sigma = 5.0 * (rate * (1.0 - rate) / SIZE as f64).sqrt();
        assert!((kept - (1.0 - rate)).abs() < five_sigma, "rate {rate}: {kept} kept");
    }
}

#[test]
fn nothing_happens_in_evaluation() {
    assert_eq!(layer("dropout", 0.5).infer(&ones(), &mut Context::new(1)), ones());
}

#[test]
fn the_gradient_passes_where_the_input_passed() {
    let layer = layer("dropout", 0.4);
    let mut ctx = Context::new(3);
    let (y, cache) = layer.forward(&ones(), &mut ctx);
    let dx = layer.backward(ones(), &cache, &mut Gradients { input: true, params: &mut [] }, &mut ctx);
    assert_eq!(dx.unwrap(), y);
}

#[test]
fn seed_epoch_step_and_name_each_give_another_mask() {
    let (a, b) = (layer("a", 0.5), layer("b", 0.5));
    let base = mask(a.as_ref(), 1, 2, 3);
    assert_eq!(base, mask(a.as_ref(), 1, 2, 3));
    for other in [mask(a.as_ref(), 2, 2, 3), mask(a.as_ref(), 1, 3, 3), mask(a.as_ref(), 1, 2, 4)] {
        // Independent fair masks agree in half of the elements.
        let equal = base.iter().zip(&other).filter(|(a, b)| a == b).count();
        assert!((equal as f64 / SIZE as f64 - 0.5).abs() < 0.01, "{equal} of {SIZE} agree");
    }
    assert_ne!(base, mask(b.as_ref(), 1, 2, 3));
}
