//! A dense layer by hand: `y = relu(x·W + b)`, its three gradients, and the engine's layer on the same numbers.
//!
//! Backpropagation through a layer answers one question three times. If the loss changes by `dy` when the
//! output changes, by how much does it change with the weights (`dW`), the bias (`db`) and the input (`dx`)?
//! The shapes nearly give the answers away: each gradient has the shape of what it belongs to.

use std::error::Error;

use ndarray::{ArrayD, Axis, array};
use nn_core::layer::Gradients;
use nn_core::layers::{ActivationFn, Dense, LayerConfig};
use nn_core::{Context, Shape};

/// Computes everything by hand, then with the engine, and compares.
pub fn main() -> Result<(), Box<dyn Error>> {
    // Two samples of three features each, and a layer of two units.
    let x = array![[1.0, 2.0, -1.0], [0.5, -1.0, 3.0]];
    let w = array![[0.2, -0.4], [0.7, 0.1], [-0.3, 0.5]];
    let b = array![0.1, -0.2];

    // Forward: each unit weighs the features, adds its bias, and passes on what is positive.
    let z = x.dot(&w) + &b; //                               [2, 3]·[3, 2] + [2] -> [2, 2]
    let y = z.mapv(|z| f64::max(z, 0.0));

    // Backward, from the end to the beginning. `dy` would come from the layer behind this one.
    let dy = array![[1.0, -1.0], [0.5, 2.0]];
    let slope = z.mapv(|z| if z > 0.0 { 1.0 } else { 0.0 });
    let dz = &dy * &slope; //                                a unit that is off passes nothing back
    let dw = x.t().dot(&dz); //                              [3, 2]·[2, 2] -> [3, 2]
    let db = dz.sum_axis(Axis(0)); //                        [2, 2]        -> [2]
    let dx = dz.dot(&w.t()); //                              [2, 2]·[2, 3] -> [2, 3]

    // The same with the engine: build the layer, give it our weights, run it forward and backward.
    let config = LayerConfig::from(Dense::new(2).activation(ActivationFn::Relu));
    let mut layer = config.build::<f64>(&Shape::new([3]), 0)?;
    for (param, value) in layer.params_mut().into_iter().zip([w.into_dyn(), b.into_dyn()]) {
        param.value = value.into_shared();
    }
    let mut ctx = Context::new(0);
    let (engine_y, cache) = layer.forward(&x.into_dyn().into_shared(), &mut ctx);
    // Gradients are added to what is there, so they begin as zeros of the parameters' shapes.
    let mut params: Vec<_> = layer.params().iter().map(|p| Some(ArrayD::zeros(p.value.raw_dim()))).collect();
    let mut gradients = Gradients { input: true, params: &mut params };
    let engine_dx = layer.backward(dy.into_dyn().into_shared(), &cache, &mut gradients, &mut ctx);

    println!("z = x·W + b, before the activation\n{z:>6.2}\n");
    compare("y = relu(z)", &y.into_dyn(), Some(engine_y.into_owned()));
    compare("dW = x^T·dz", &dw.into_dyn(), params[0].take());
    compare("db = sum of dz over the samples", &db.into_dyn(), params[1].take());
    compare("dx = dz·W^T", &dx.into_dyn(), engine_dx.map(|dx| dx.into_owned()));
    println!("By hand and by the engine: the same numbers.");
    Ok(())
}

/// Prints an array and checks that the engine computed the same.
fn compare(title: &str, by_hand: &ArrayD<f64>, engine: Option<ArrayD<f64>>) {
    println!("{title}\n{by_hand:>6.2}\n");
    let engine = engine.expect("every gradient was asked for");
    assert_eq!(by_hand.shape(), engine.shape(), "{title}");
    assert!(by_hand.iter().zip(&engine).all(|(a, b)| (a - b).abs() < 1e-12), "{title}: engine has {engine}");
}
