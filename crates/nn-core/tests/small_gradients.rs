//! A gradient that is wrong in one channel is seen, however much larger those of the other channels are.

use nn_core::gradcheck::{Options, Report, TensorReport, check_layer_at};
use nn_core::layer::{Cache, Gradients, Layer, LayerInfo, Param};
use nn_core::{Context, Shape, Tensor, tensor};

/// `y = s·x` for two channels; the gradient of `s` in the second one is multiplied by `factor`.
#[derive(Debug)]
struct Scale {
    info: LayerInfo,
    s: [Param<f64>; 1],
    factor: f64,
}

impl Scale {
    fn new(factor: f64) -> Self {
        let shape = Shape::new([2, 2]);
        let info = LayerInfo {
            name: "scale".into(),
            class_name: "Scale",
            input_shape: shape.clone(),
            output_shape: shape,
            macs: 4,
        };
        Self { info, s: [Param::new("s", tensor(&[2], vec![0.5, -1.5]))], factor }
    }

    fn scaled(&self, x: &Tensor<f64>) -> Tensor<f64> {
        tensor(x.shape(), x.iter().enumerate().map(|(i, x)| self.s[0].value[i % 2] * x).collect())
    }
}

impl Layer<f64> for Scale {
    fn info(&self) -> &LayerInfo {
        &self.info
    }

    fn params(&self) -> Vec<&Param<f64>> {
        self.s.iter().collect()
    }

    fn params_mut(&mut self) -> Vec<&mut Param<f64>> {
        self.s.iter_mut().collect()
    }

    fn infer(&self, x: &Tensor<f64>, _: &mut Context<f64>) -> Tensor<f64> {
        self.scaled(x)
    }

    fn forward(&self, x: &Tensor<f64>, _: &mut Context<f64>) -> (Tensor<f64>, Cache<f64>) {
        (self.scaled(x), Cache::new().with("x", x.clone()))
    }

    fn backward(
        &self,
        dy: Tensor<f64>,
        cache: &Cache<f64>,
        gradients: &mut Gradients<f64>,
        _: &mut Context<f64>,
    ) -> Option<Tensor<f64>> {
        if let Some(ds) = gradients.param(0) {
            for (i, (dy, x)) in dy.iter().zip(cache.tensor("x")).enumerate() {
                ds[i % 2] += if i % 2 == 1 { self.factor } else { 1.0 } * dy * x;
            }
        }
        Some(self.scaled(&dy))
    }
}

/// Checks the layer where the first channel is `larger` times larger than the second.
fn check(factor: f64, larger: f64) -> Report {
    check_layer_at(&mut Scale::new(factor), &Options::default(), |attempt| {
        let value = |i: u64| ((i * 7 + 3 + attempt) % 11) as f64 / 11.0 - 0.4;
        tensor(&[3, 2, 2], (0..12).map(|i| if i % 2 == 0 { larger * value(i) } else { value(i) }).collect())
    })
}

fn of_s(report: &Report) -> &TensorReport {
    report.tensors.iter().find(|tensor| tensor.name == "s").unwrap()
}

#[test]
fn a_wrong_gradient_does_not_hide_behind_larger_ones() {
    for larger in [1.0, 1e4, 1e8, 1e10] {
        for factor in [5.0, 0.5, 0.0, -1.0] {
            let report = check(factor, larger);
            let s = of_s(&report);
            assert!(!report.passed() && s.error > 0.1, "factor {factor}, {larger} times larger:\n{report}");
            assert_eq!(s.worst[0].index, [1], "{report}");
        }
        let report = check(1.0, larger);
        assert!(of_s(&report).error < 1e-7, "{larger} times larger:\n{report}");
    }
}
