//! What the pooling layers with a window share: their arguments and their geometry.

use nn_kernels::pool::PoolGeometry;

use super::{Padding, Pair, image_shape};
use crate::error::LayerError;
use crate::layer::LayerInfo;
use crate::shape::Shape;

/// Geometry of a pooling layer on the input shape in `info`, whose output shape is set. Without `strides` the
/// windows lie side by side.
pub(super) fn pool_geometry(
    info: &mut LayerInfo,
    pool_size: Pair,
    strides: Option<Pair>,
    padding: Padding,
) -> Result<PoolGeometry, LayerError> {
    let (h, w, channels) = image_shape(&info.input_shape)?;
    let strides = strides.unwrap_or(pool_size);
    let geometry = PoolGeometry::new((h, w), channels, pool_size.into(), strides.into(), padding.into())?;
    info.output_shape = Shape::new([geometry.out_h, geometry.out_w, channels]);
    Ok(geometry)
}

/// Defines the configuration of a pooling layer, and the layer type that it builds.
macro_rules! pooling_config {
    ($(#[$doc:meta])* $config:ident builds $layer:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $config {
            #[serde(default)]
            pub(super) name: Option<String>,
            pool_size: Pair,
            #[serde(default)]
            strides: Option<Pair>,
            #[serde(default)]
            padding: Padding,
        }

        impl $config {
            /// Windows of `pool_size` (one number, or height and width) side by side.
            pub fn new(pool_size: impl Into<Pair>) -> Self {
                Self { name: None, pool_size: pool_size.into(), strides: None, padding: Padding::Valid }
            }

            /// Steps of the window; its size if not set.
            pub fn strides(mut self, strides: impl Into<Pair>) -> Self {
                self.strides = Some(strides.into());
                self
            }

            /// Padding, which takes no part in the result; valid if not set.
            pub fn padding(mut self, padding: Padding) -> Self {
                self.padding = padding;
                self
            }

            pub(super) fn build<R: Real>(
                &self,
                mut info: LayerInfo,
                _seed: u64,
            ) -> Result<Box<dyn Layer<R>>, LayerError> {
                let geometry = pool_geometry(&mut info, self.pool_size, self.strides, self.padding)?;
                Ok(Box::new($layer { info, geometry }))
            }
        }

        #[derive(Debug)]
        struct $layer {
            info: LayerInfo,
            geometry: PoolGeometry,
        }
    };
}

pub(super) use pooling_config;
