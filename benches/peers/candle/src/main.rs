//! A training step and a prediction in candle, on its CPU backend; see ../README.md.

#[path = "../../harness.rs"]
mod harness;

use candle_core::{D, DType, Device, Module, Result, Tensor};
use candle_nn::{AdamW, Conv2d, Conv2dConfig, Dropout, Linear, Optimizer, ParamsAdamW, VarBuilder, VarMap};
use harness::{Arguments, Layer, input_shape, padding, slide};

enum Part {
    Conv(Conv2d),
    Linear(Linear),
    Pool(usize),
    Dropout(Dropout),
    Flatten,
    Relu,
    Elu,
}

fn build(layers: &[Layer], mut shape: Vec<usize>, vars: VarBuilder) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    for (i, layer) in layers.iter().enumerate() {
        let vars = vars.pp(i);
        match layer {
            Layer::Conv2D { filters, kernel_size: [k, _], strides: [s, _], padding: p, activation } => {
                let p = padding(*k, p);
                let config = Conv2dConfig { padding: p, stride: *s, ..Default::default() };
                parts.push(Part::Conv(candle_nn::conv2d(shape[0], *filters, *k, config, vars)?));
                parts.extend(activate(activation));
                shape = vec![*filters, slide(shape[1], *k, *s, p), slide(shape[2], *k, *s, p)];
            }
            Layer::Dense { units, activation } => {
                parts.push(Part::Linear(candle_nn::linear(shape[0], *units, vars)?));
                parts.extend(activate(activation));
                shape = vec![*units];
            }
            Layer::MaxPooling2D { pool_size: [k, _] } => {
                parts.push(Part::Pool(*k));
                shape = vec![shape[0], shape[1] / k, shape[2] / k];
            }
            Layer::Dropout { rate } => parts.push(Part::Dropout(Dropout::new(*rate as f32))),
            Layer::Flatten {} => {
                parts.push(Part::Flatten);
                shape = vec![shape.iter().product()];
            }
        }
    }
    Ok(parts)
}

/// A softmax at the end is part of the loss.
fn activate(name: &str) -> Option<Part> {
    match name {
        "relu" => Some(Part::Relu),
        "elu" => Some(Part::Elu),
        "linear" | "softmax" => None,
        other => panic!("no {other} here"),
    }
}

fn forward(parts: &[Part], x: &Tensor, train: bool) -> Result<Tensor> {
    parts.iter().try_fold(x.clone(), |x, part| match part {
        Part::Conv(conv) => conv.forward(&x),
        Part::Linear(linear) => linear.forward(&x),
        Part::Pool(size) => x.max_pool2d(*size),
        Part::Dropout(dropout) => dropout.forward(&x, train),
        Part::Flatten => x.flatten_from(1),
        Part::Relu => x.relu(),
        Part::Elu => x.elu(1.0),
    })
}

fn main() -> Result<()> {
    let args = Arguments::read();
    let device = Device::Cpu;
    let variables = VarMap::new();
    let vars = VarBuilder::from_varmap(&variables, DType::F32, &device);
    let shape = input_shape(&args.network);
    let parts = build(&args.network.layers, shape.clone(), vars)?;
    let x = Tensor::rand(-0.5f32, 0.5, [vec![args.batch], shape].concat(), &device)?;
    let classes: Vec<u32> = (0..args.batch as u32).map(|i| i % 7).collect();
    let y = Tensor::new(classes, &device)?;
    let adam = ParamsAdamW { lr: 1e-3, eps: 1e-7, weight_decay: 0.0, ..Default::default() };
    let mut optimizer = AdamW::new(variables.all_vars(), adam)?;
    let step = || {
        let logits = forward(&parts, &x, true).expect("forward");
        let loss = candle_nn::loss::cross_entropy(&logits, &y).expect("loss");
        optimizer.backward_step(&loss).expect("step");
        loss.to_scalar::<f32>().expect("a number");
    };
    let infer = || {
        let logits = forward(&parts, &x, false).expect("forward");
        candle_nn::ops::softmax(&logits, D::Minus1).expect("softmax");
    };
    let params = variables.all_vars().iter().map(|var| var.elem_count()).sum();
    args.report("candle", "0.11", params, step, infer);
    Ok(())
}
