//! Is a hand-written derivative the derivative? Checking a layer, and catching a mistake that was planted.
//!
//! The checker wiggles one number at a time, `(L(w + ε) - L(w - ε)) / 2ε`, and compares with the backward pass:
//! first of a convolution of the engine, then of a layer written right here, once as it should be and once
//! with a slip of the pen. The last report names the tensor, the elements, and both values of each. By how
//! much they differ is often a hint at the cause.

use nn_core::gradcheck::{Options, check_layer};
use nn_core::layer::{Cache, Gradients, Layer, LayerInfo, Param};
use nn_core::layers::{ActivationFn, Conv2D, LayerConfig};
use nn_core::{Context, Shape, Tensor, tensor};

/// `y = x·s`: each feature is multiplied by a factor of its own.
#[derive(Debug)]
struct Scale {
    info: LayerInfo,
    factors: Param<f64>,
    wrong: bool,
}

fn scale(name: &str, wrong: bool) -> Scale {
    let (name, shape) = (name.to_owned(), Shape::new([3]));
    let info =
        LayerInfo { name, class_name: "Scale", input_shape: shape.clone(), output_shape: shape, macs: 3 };
    Scale { info, factors: Param::new("factors", tensor(&[3], vec![0.5, 2.0, -3.0])), wrong }
}

impl Layer<f64> for Scale {
    fn info(&self) -> &LayerInfo {
        &self.info
    }

    fn params(&self) -> Vec<&Param<f64>> {
        vec![&self.factors]
    }

    fn params_mut(&mut self) -> Vec<&mut Param<f64>> {
        vec![&mut self.factors]
    }

    fn infer(&self, x: &Tensor<f64>, _ctx: &mut Context<f64>) -> Tensor<f64> {
        (x * &self.factors.value).into_shared()
    }

    fn forward(&self, x: &Tensor<f64>, ctx: &mut Context<f64>) -> (Tensor<f64>, Cache<f64>) {
        let y = self.infer(x, ctx);
        (y.clone(), Cache::new().with("x", x.clone()).with("y", y))
    }

    fn backward(
        &self,
        dy: Tensor<f64>,
        cache: &Cache<f64>,
        gradients: &mut Gradients<f64>,
        _ctx: &mut Context<f64>,
    ) -> Option<Tensor<f64>> {
        if let Some(ds) = &mut gradients.params[0] {
            // ds += sum over the samples of dy·x. The slip: y stands where x should.
            let x = cache.tensor(if self.wrong { "y" } else { "x" });
            *ds += &(&dy * x).sum_axis(ndarray::Axis(0));
        }
        // dx = dy·s
        Some((&dy * &self.factors.value).into_shared())
    }
}

/// Checks three layers; the last one has to fail.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let conv = LayerConfig::from(Conv2D::new(2, 3).activation(ActivationFn::Relu));
    let mut conv = conv.build::<f64>(&Shape::new([5, 5, 1]), 1)?;
    let conv = check_layer(conv.as_mut(), 2, &Options::default());
    let right = check_layer(&mut scale("right", false), 4, &Options::default());
    let wrong = check_layer(&mut scale("wrong", true), 4, &Options::default());
    println!("{conv}\n{right}\n{wrong}");
    let ratios: Vec<_> = wrong.tensors[1].worst.iter().map(|entry| entry.analytic / entry.numeric).collect();
    println!("Backward / differences: {ratios:.3?}, the factors s: dy·y = dy·x·s was summed, not dy·x.");
    assert!(conv.passed() && right.passed() && !wrong.passed());
    Ok(())
}
