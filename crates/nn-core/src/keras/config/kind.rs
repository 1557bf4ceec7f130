use serde_json::Value;

use super::arguments::Arguments;
use super::written::{Readable, readable};
use crate::keras::KerasError;
use crate::layers::{ActivationFn, Padding};
use crate::quoted::shortened;

/// What a layer does. Sizes are `[height, width]`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs)] // The arguments are Keras's own, by name and meaning.
pub enum LayerKind {
    /// The model's input: the shape of a sample, `None` for an axis of any length.
    InputLayer { shape: Vec<Option<usize>> },
    /// `y = act(x·W + b)`
    Dense { units: usize, activation: ActivationFn, use_bias: bool },
    /// Convolution.
    Conv2D {
        filters: usize,
        kernel_size: [usize; 2],
        strides: [usize; 2],
        padding: Padding,
        dilation_rate: [usize; 2],
        groups: usize,
        activation: ActivationFn,
        use_bias: bool,
    },
    /// Convolution of each channel by itself.
    DepthwiseConv2D {
        kernel_size: [usize; 2],
        strides: [usize; 2],
        padding: Padding,
        dilation_rate: [usize; 2],
        depth_multiplier: usize,
        activation: ActivationFn,
        use_bias: bool,
    },
    /// A depthwise convolution without bias, then one with a 1×1 kernel.
    SeparableConv2D {
        filters: usize,
        kernel_size: [usize; 2],
        strides: [usize; 2],
        padding: Padding,
        dilation_rate: [usize; 2],
        depth_multiplier: usize,
        activation: ActivationFn,
        use_bias: bool,
    },
    /// The largest element of each window.
    MaxPooling2D { pool_size: [usize; 2], strides: [usize; 2], padding: Padding },
    /// The mean of each window.
    AveragePooling2D { pool_size: [usize; 2], strides: [usize; 2], padding: Padding },
    /// The mean of each channel.
    GlobalAveragePooling2D { keepdims: bool },
    /// Normalisation of the last axis.
    BatchNormalization { momentum: f64, epsilon: f64, center: bool, scale: bool },
    /// An activation on its own: `Activation`, `ReLU`, `LeakyReLU`, `ELU`, `Softmax`.
    Activation { activation: ActivationFn },
    /// Zeroes a share of the elements in training.
    Dropout { rate: f64 },
    /// All axes of a sample into one.
    Flatten,
    /// Zeros around an image: `[[top, bottom], [left, right]]`.
    ZeroPadding2D { padding: [[usize; 2]; 2] },
    /// The sum of two inputs.
    Add,
    /// `y = scale·x + offset`
    Rescaling { scale: f64, offset: f64 },
}

/// For messages about a class that is not supported.
const CLASSES: &str = "Activation, Add, AveragePooling2D, BatchNormalization, Conv2D, Dense, DepthwiseConv2D, Dropout, ELU, \
     Flatten, GlobalAveragePooling2D, InputLayer, LeakyReLU, MaxPooling2D, ReLU, Rescaling, SeparableConv2D, Softmax, \
     ZeroPadding2D";

impl LayerKind {
    /// Takes the arguments of a layer of that class; gives the axis along which it works, too, -1 for the last one.
    pub(super) fn read(class: &str, a: &mut Arguments) -> Result<(Self, i64), KerasError> {
        a.only("data_format", "channels_last")?;
        let axis = if matches!(class, "BatchNormalization" | "Softmax") { a.axis()? } else { -1 };
        let kind = match class {
            "InputLayer" => {
                a.only("sparse", false)?;
                a.only("ragged", false)?;
                a.only("optional", false)?;
                a.ignore(&["type_spec"]);
                Self::input(a)?.ok_or_else(|| a.error("the argument batch_shape is missing"))?
            }
            "Dense" => {
                a.absent("quantization_config")?;
                a.absent("lora_rank")?;
                Self::Dense { units: a.count("units")?, activation: activation(a)?, use_bias: use_bias(a)? }
            }
            "Conv2D" => Self::convolution(a)?,
            "DepthwiseConv2D" => Self::depthwise(a)?,
            "SeparableConv2D" => Self::separable(a)?,
            "MaxPooling2D" => {
                let (pool_size, strides, padding) = pooling(a)?;
                Self::MaxPooling2D { pool_size, strides, padding }
            }
            "AveragePooling2D" => {
                let (pool_size, strides, padding) = pooling(a)?;
                Self::AveragePooling2D { pool_size, strides, padding }
            }
            "GlobalAveragePooling2D" => {
                Self::GlobalAveragePooling2D { keepdims: a.optional("keepdims")?.unwrap_or(false) }
            }
            "BatchNormalization" => Self::batch_normalization(a)?,
            "Activation" => Self::Activation { activation: activation(a)? },
            "ReLU" => Self::Activation { activation: relu(a)? },
            "LeakyReLU" => {
                // Keras 2 says alpha.
                let slope = a.number("alpha", 0.3)?;
                Self::Activation {
                    activation: ActivationFn::LeakyRelu { slope: a.number("negative_slope", slope)? },
                }
            }
            "ELU" => Self::Activation { activation: ActivationFn::Elu { alpha: a.number("alpha", 1.0)? } },
            "Softmax" => Self::Activation { activation: ActivationFn::Softmax },
            "Dropout" => {
                a.absent("noise_shape")?;
                a.ignore(&["seed"]);
                let rate = a.required("rate")?;
                if !(0.0..1.0).contains(&rate) {
                    return Err(a.refused("rate", rate, "0 <= rate < 1"));
                }
                Self::Dropout { rate }
            }
            "Flatten" => Self::Flatten,
            "ZeroPadding2D" => Self::ZeroPadding2D { padding: a.required::<Sides>("padding")?.0 },
            "Add" => Self::Add,
            "Rescaling" => Self::Rescaling { scale: a.required("scale")?, offset: a.number("offset", 0.0)? },
            other => {
                let other = shortened(other, 80);
                return Err(a.error(format!("the class {other} is not supported, expected one of {CLASSES}")));
            }
        };
        Ok((kind, axis))
    }

    /// The input that `batch_shape` (Keras 3) or `batch_input_shape` (Keras 2) describes, if one is there.
    pub(super) fn input(a: &mut Arguments) -> Result<Option<Self>, KerasError> {
        type Shape = Vec<Option<usize>>;
        let written = a.optional::<Shape>("batch_shape")?;
        let older = a.optional::<Shape>("batch_input_shape")?;
        let Some(shape) = written.or(older) else { return Ok(None) };
        if shape.len() < 2 || shape.len() > 4 || shape[1..].contains(&Some(0)) {
            return Err(a.refused("batch_shape", shape, "the batch and 1 to 3 positive sizes"));
        }
        Ok(Some(Self::InputLayer { shape: shape[1..].to_vec() }))
    }

    fn convolution(a: &mut Arguments) -> Result<Self, KerasError> {
        let filters = a.count("filters")?;
        let groups = a.optional("groups")?.unwrap_or(1);
        if groups == 0 || filters % groups != 0 {
            return Err(a.refused("groups", groups, "a divisor of filters"));
        }
        let Window { kernel_size, strides, padding, dilation_rate } = window(a)?;
        let (activation, use_bias) = (activation(a)?, use_bias(a)?);
        Ok(Self::Conv2D {
            filters,
            kernel_size,
            strides,
            padding,
            dilation_rate,
            groups,
            activation,
            use_bias,
        })
    }

    fn depthwise(a: &mut Arguments) -> Result<Self, KerasError> {
        let depth_multiplier = multiplier(a)?;
        // Keras 2 writes these of its base class, without meaning here.
        a.ignore(&["filters", "groups"]);
        let Window { kernel_size, strides, padding, dilation_rate } = window(a)?;
        let (activation, use_bias) = (activation(a)?, use_bias(a)?);
        Ok(Self::DepthwiseConv2D {
            kernel_size,
            strides,
            padding,
            dilation_rate,
            depth_multiplier,
            activation,
            use_bias,
        })
    }

    fn separable(a: &mut Arguments) -> Result<Self, KerasError> {
        let (filters, depth_multiplier) = (a.count("filters")?, multiplier(a)?);
        a.only("groups", 1)?;
        let Window { kernel_size, strides, padding, dilation_rate } = window(a)?;
        let (activation, use_bias) = (activation(a)?, use_bias(a)?);
        Ok(Self::SeparableConv2D {
            filters,
            kernel_size,
            strides,
            padding,
            dilation_rate,
            depth_multiplier,
            activation,
            use_bias,
        })
    }

    fn batch_normalization(a: &mut Arguments) -> Result<Self, KerasError> {
        a.only("renorm", false)?;
        a.absent("virtual_batch_size")?;
        a.absent("adjustment")?;
        a.ignore(&["synchronized", "fused", "renorm_clipping", "renorm_momentum"]);
        let (momentum, epsilon) = (a.number("momentum", 0.99)?, a.number("epsilon", 1e-3)?);
        if !(0.0..=1.0).contains(&momentum) {
            return Err(a.refused("momentum", momentum, "0 to 1"));
        }
        if epsilon < 0.0 {
            return Err(a.refused("epsilon", epsilon, "0 or more"));
        }
        let (center, scale) = (a.optional("center")?.unwrap_or(true), a.optional("scale")?.unwrap_or(true));
        Ok(Self::BatchNormalization { momentum, epsilon, center, scale })
    }
}

struct Window {
    kernel_size: [usize; 2],
    strides: [usize; 2],
    padding: Padding,
    dilation_rate: [usize; 2],
}

fn window(a: &mut Arguments) -> Result<Window, KerasError> {
    let kernel_size = a.size("kernel_size")?.ok_or_else(|| a.error("the argument kernel_size is missing"))?;
    let strides = a.size("strides")?.unwrap_or([1, 1]);
    let dilation_rate = a.size("dilation_rate")?.unwrap_or([1, 1]);
    if strides != [1, 1] && dilation_rate != [1, 1] {
        let expected = format!("[1, 1] where strides are {strides:?}: Keras has no dilation with strides");
        return Err(a.refused("dilation_rate", dilation_rate.as_slice(), &expected));
    }
    Ok(Window { kernel_size, strides, padding: padding(a)?, dilation_rate })
}

fn pooling(a: &mut Arguments) -> Result<([usize; 2], [usize; 2], Padding), KerasError> {
    let pool_size = a.size("pool_size")?.unwrap_or([2, 2]);
    let strides = a.size("strides")?.unwrap_or(pool_size);
    Ok((pool_size, strides, padding(a)?))
}

fn padding(a: &mut Arguments) -> Result<Padding, KerasError> {
    match a.optional::<String>("padding")?.as_deref() {
        None | Some("valid") => Ok(Padding::Valid),
        Some("same") => Ok(Padding::Same),
        Some(other) => Err(a.refused("padding", other, "\"valid\" or \"same\"")),
    }
}

fn activation(a: &mut Arguments) -> Result<ActivationFn, KerasError> {
    match a.function("activation")? {
        None => Ok(ActivationFn::Linear),
        Some(name) => shortened(&name, 80).parse().map_err(|e| a.error(format!("activation: {e}"))),
    }
}

fn use_bias(a: &mut Arguments) -> Result<bool, KerasError> {
    Ok(a.optional("use_bias")?.unwrap_or(true))
}

fn multiplier(a: &mut Arguments) -> Result<usize, KerasError> {
    match a.optional("depth_multiplier")?.unwrap_or(1) {
        0 => Err(a.refused("depth_multiplier", 0, "at least 1")),
        multiplier => Ok(multiplier),
    }
}

/// The forms of `ReLU` that are activations of the engine.
fn relu(a: &mut Arguments) -> Result<ActivationFn, KerasError> {
    a.only("threshold", 0.0)?;
    let slope = a.number("negative_slope", 0.0)?;
    match a.optional::<f64>("max_value")? {
        None if slope == 0.0 => Ok(ActivationFn::Relu),
        None => Ok(ActivationFn::LeakyRelu { slope }),
        Some(6.0) if slope == 0.0 => Ok(ActivationFn::Relu6),
        Some(max) if slope == 0.0 => Err(a.refused("max_value", max, "none or 6")),
        Some(max) => Err(a.refused("max_value", max, "none where negative_slope is not 0")),
    }
}

/// Zeros around an image: one number for all sides, one for each axis, or one for each side.
struct Sides([[usize; 2]; 2]);

readable!(Sides, "one whole number, two, or two for each axis", |value| {
    if let Some(all) = usize::read(value.clone()) {
        return Some(Self([[all; 2]; 2]));
    }
    if let Some([height, width]) = <[usize; 2]>::read(value.clone()) {
        return Some(Self([[height; 2], [width; 2]]));
    }
    let Value::Array(axes) = value else { return None };
    let axes: Vec<[usize; 2]> = axes.into_iter().map(<[usize; 2]>::read).collect::<Option<_>>()?;
    axes.try_into().ok().map(Self)
});
