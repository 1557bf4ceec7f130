//! A training step and a prediction in burn, on its ndarray backend; see ../README.md.

#[path = "../../harness.rs"]
mod harness;

use burn::backend::{Autodiff, NdArray};
use burn::module::{AutodiffModule, Module};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::pool::MaxPool2dConfig;
use burn::nn::{DropoutConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::optim::{AdamConfig, GradientsParams, Optimizer};
use burn::tensor::backend::Backend;
use burn::tensor::{Distribution, Int, Tensor, TensorData, activation};
use harness::{Arguments, Layer, input_shape, padding, slide};

/// The parameters; the rest of the network is in its configuration.
#[derive(Module, Debug)]
struct Net<B: Backend> {
    convs: Vec<Conv2d<B>>,
    linears: Vec<Linear<B>>,
}

/// What flows through it.
#[derive(Clone)]
enum Value<B: Backend> {
    Images(Tensor<B, 4>),
    Rows(Tensor<B, 2>),
}

impl<B: Backend> Value<B> {
    fn images(self) -> Tensor<B, 4> {
        match self {
            Self::Images(images) => images,
            Self::Rows(_) => panic!("images expected"),
        }
    }

    fn rows(self) -> Tensor<B, 2> {
        match self {
            Self::Rows(rows) => rows,
            Self::Images(_) => panic!("rows expected"),
        }
    }
}

fn build<B: Backend>(layers: &[Layer], mut shape: Vec<usize>, device: &B::Device) -> Net<B> {
    let mut net = Net { convs: Vec::new(), linears: Vec::new() };
    for layer in layers {
        match layer {
            Layer::Conv2D { filters, kernel_size, strides, padding: p, .. } => {
                let ([k, _], [s, _]) = (*kernel_size, *strides);
                let p = padding(k, p);
                let config = Conv2dConfig::new([shape[0], *filters], *kernel_size)
                    .with_stride(*strides)
                    .with_padding(PaddingConfig2d::Explicit(p, p));
                net.convs.push(config.init(device));
                shape = vec![*filters, slide(shape[1], k, s, p), slide(shape[2], k, s, p)];
            }
            Layer::Dense { units, .. } => {
                net.linears.push(LinearConfig::new(shape[0], *units).init(device));
                shape = vec![*units];
            }
            Layer::MaxPooling2D { pool_size: [k, _] } => shape = vec![shape[0], shape[1] / k, shape[2] / k],
            Layer::Flatten {} => shape = vec![shape.iter().product()],
            Layer::Dropout { .. } => {}
        }
    }
    net
}

/// A softmax at the end is part of the loss.
fn activate<B: Backend, const D: usize>(name: &str, x: Tensor<B, D>) -> Tensor<B, D> {
    match name {
        "relu" => activation::relu(x),
        "elu" => {
            let negative = x.clone().clamp_max(0.0).exp() - 1.0;
            activation::relu(x) + negative
        }
        "linear" | "softmax" => x,
        other => panic!("no {other} here"),
    }
}

impl<B: Backend> Net<B> {
    /// Dropout drops on a backend that differentiates, and nowhere else.
    fn forward(&self, layers: &[Layer], x: Value<B>) -> Tensor<B, 2> {
        let (mut convs, mut linears) = (self.convs.iter(), self.linears.iter());
        let y = layers.iter().fold(x, |x, layer| match layer {
            Layer::Conv2D { activation, .. } => {
                let y = convs.next().expect("a convolution").forward(x.images());
                Value::Images(activate(activation, y))
            }
            Layer::Dense { activation, .. } => {
                let y = linears.next().expect("a dense layer").forward(x.rows());
                Value::Rows(activate(activation, y))
            }
            Layer::MaxPooling2D { pool_size } => {
                let pool = MaxPool2dConfig::new(*pool_size).with_strides(*pool_size).init();
                Value::Images(pool.forward(x.images()))
            }
            Layer::Dropout { rate } => {
                let dropout = DropoutConfig::new(*rate).init();
                match x {
                    Value::Images(x) => Value::Images(dropout.forward(x)),
                    Value::Rows(x) => Value::Rows(dropout.forward(x)),
                }
            }
            Layer::Flatten {} => Value::Rows(x.images().flatten(1, 3)),
        });
        y.rows()
    }
}

/// Random numbers from -0.5 to 0.5.
fn random<B: Backend>(batch: usize, shape: &[usize], device: &B::Device) -> Value<B> {
    let between = Distribution::Uniform(-0.5, 0.5);
    match *shape {
        [c, h, w] => Value::Images(Tensor::random([batch, c, h, w], between, device)),
        [len] => Value::Rows(Tensor::random([batch, len], between, device)),
        _ => panic!("images or rows"),
    }
}

type Cpu = NdArray<f32>;
type Training = Autodiff<Cpu>;

fn main() {
    let args = Arguments::read();
    let device = Default::default();
    let layers = &args.network.layers;
    let shape = input_shape(&args.network);
    let net = build::<Training>(layers, shape.clone(), &device);
    let params = net.num_params();
    let frozen = net.valid();
    let classes: Vec<i64> = (0..args.batch as i64).map(|i| i % 7).collect();
    let y = Tensor::<Training, 1, Int>::from_data(TensorData::from(&classes[..]), &device);
    let loss = CrossEntropyLossConfig::new().init::<Training>(&device);
    let mut optimizer = AdamConfig::new().with_epsilon(1e-7).init();
    let x = random::<Training>(args.batch, &shape, &device);
    let mut net = Some(net);
    let step = || {
        let current = net.take().expect("the network of the step before");
        let value = loss.forward(current.forward(layers, x.clone()), y.clone());
        let gradients = GradientsParams::from_grads(value.backward(), &current);
        net = Some(optimizer.step(1e-3, current, gradients));
        value.into_scalar();
    };
    let x = random::<Cpu>(args.batch, &shape, &device);
    let infer = || {
        activation::softmax(frozen.forward(layers, x.clone()), 1).into_data();
    };
    args.report("burn", "0.20", params, step, infer);
}
