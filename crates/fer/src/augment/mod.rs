//! Images varied at random for training, and standardised for training and evaluation.
//!
//! ```text
//! image ── random part ─────────────────────────────── deterministic part ─────────────── mixing ── x, target
//!          rotation, shift, shear, zoom, crop          rescale                            mixup
//!          channel shift, flips                        samplewise, featurewise            cutmix
//!          brightness, contrast, erasing               ZCA whitening
//! training ■                                           ■                                  ■
//! evaluation                                           ■
//! ```
//!
//! One object declares it all: [`ImageDataGenerator`], with the names and meanings of Keras's class of that name. Its
//! random part ([`get_random_transform`](ImageDataGenerator::get_random_transform),
//! [`apply_transform`](ImageDataGenerator::apply_transform)) is a pure function of a seed, an epoch and the image's
//! number. Its deterministic part is a [`Standardizer`], which holds the statistics of the training images
//! ([`Fitted`]). A [`Flow`] puts both to work as a data set.
//!
//! ```
//! use fer::augment::{Flow, ImageDataGenerator};
//! use fer::data::synthetic::{self, Sizes};
//! use nn_core::train::Dataset;
//!
//! let faces = synthetic::dataset(Sizes { train: 70, val: 14, test: 14 }, 1);
//! let generator: ImageDataGenerator = toml::from_str(
//!     "featurewise_center = true
//!      featurewise_std_normalization = true
//!      rotation_range = 10
//!      width_shift_range = 0.1
//!      zoom_range = [0.9, 1.1]
//!      horizontal_flip = true",
//! )?;
//! let fitted = generator.fit(&faces.train)?;
//! let folder = tempfile::tempdir()?;
//! fitted.save(&folder.path().join("statistics.safetensors"))?;
//!
//! let standardizer = generator.standardizer(fer::augment::FACE, fitted)?;
//! let train = generator.flow(&faces.train, &standardizer, 42)?;
//! let val = Flow::evaluation(&faces.val, &standardizer)?;
//!
//! let mut x = vec![0.0; 2 * 48 * 48];
//! let targets = train.batch(0, &[3, 5], &mut x);
//! assert_eq!((targets.len(), val.len()), (2, 14));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod affine;
mod config;
mod error;
mod flow;
mod images;
mod mix;
mod parameters;
mod pixels;
pub mod preview;
mod standardize;
mod statistics;
mod transform;
mod zca;

pub use config::{
    DataFormat, FillMode, ImageDataGenerator, Preprocessing, RandomErasing, ShiftRange, Subset, ZoomRange,
};
pub use error::AugmentError;
pub use flow::Flow;
pub use images::{FACE, ImageShape, LabelledImages};
pub use mix::Mix;
pub use parameters::{Rectangle, TransformParameters};
pub(crate) use standardize::IMAGENET_MEANS;
pub use standardize::Standardizer;
pub use statistics::Fitted;
