//! What training with augmentation asks for besides the settings of every run.

use std::path::PathBuf;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::{SettingsError, read_toml};
use crate::augment::{ImageDataGenerator, ShiftRange, ZoomRange};

/// Ready-made augmentations: the study's five, and one that suits faces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
pub enum Variant {
    /// Standardised and whitened, rotated by up to 90 degrees, shifted by up to a fifth, mirrored both ways
    #[value(name = "1")]
    #[serde(rename = "1")]
    Everything,
    /// Centred, and divided by the standard deviation
    #[value(name = "2")]
    #[serde(rename = "2")]
    Standardised,
    /// Whitened
    #[value(name = "3")]
    #[serde(rename = "3")]
    Whitened,
    /// Rotated by up to 90 degrees
    #[value(name = "4")]
    #[serde(rename = "4")]
    Rotated,
    /// Shifted by up to a fifth of the image
    #[value(name = "5")]
    #[serde(rename = "5")]
    Shifted,
    /// What a face may look like: mirrored left to right, rotated by up to 10 degrees, shifted and zoomed by up to a tenth
    #[value(name = "face")]
    #[serde(rename = "face")]
    Face,
}

impl Variant {
    /// The study's five.
    pub const OF_STUDY: [Self; 5] =
        [Self::Everything, Self::Standardised, Self::Whitened, Self::Rotated, Self::Shifted];

    /// The arguments.
    pub fn generator(self) -> ImageDataGenerator {
        let none = ImageDataGenerator::default();
        match self {
            Self::Everything => ImageDataGenerator {
                zca_whitening: true,
                rotation_range: 90.0,
                horizontal_flip: true,
                vertical_flip: true,
                width_shift_range: ShiftRange::Within(0.2),
                height_shift_range: ShiftRange::Within(0.2),
                ..Self::Standardised.generator()
            },
            Self::Standardised => {
                ImageDataGenerator { featurewise_center: true, featurewise_std_normalization: true, ..none }
            }
            Self::Whitened => ImageDataGenerator { zca_whitening: true, ..none },
            Self::Rotated => ImageDataGenerator { rotation_range: 90.0, ..none },
            Self::Shifted => ImageDataGenerator {
                width_shift_range: ShiftRange::Within(0.2),
                height_shift_range: ShiftRange::Within(0.2),
                ..none
            },
            Self::Face => ImageDataGenerator {
                horizontal_flip: true,
                rotation_range: 10.0,
                width_shift_range: ShiftRange::Within(0.1),
                height_shift_range: ShiftRange::Within(0.1),
                zoom_range: ZoomRange::Amount(0.1),
                ..none
            },
        }
    }
}

/// Settings of augmentation; what is not set is `None`. In a configuration file they are the table `[augment]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AugmentSettings {
    /// A ready-made augmentation: the study's 1 to 5, or one that suits faces
    #[arg(long, value_enum, conflicts_with = "generator_file")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<Variant>,
    /// An augmentation of your own: a TOML file with arguments of Keras's ImageDataGenerator
    #[arg(long = "generator", value_name = "FILE")]
    #[serde(skip)]
    pub generator_file: Option<PathBuf>,
    /// Evaluate on faces that are not standardised, unlike those of training, as the study did
    #[arg(long, num_args = 0, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_test: Option<bool>,
    /// The arguments of the augmentation.
    #[arg(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator: Option<ImageDataGenerator>,
}

impl AugmentSettings {
    /// These settings, with those of `other` where these are not set.
    pub fn or(self, other: Self) -> Self {
        let chosen = self.variant.is_some() || self.generator_file.is_some() || self.generator.is_some();
        Self {
            raw_test: self.raw_test.or(other.raw_test),
            variant: if chosen { self.variant } else { other.variant },
            generator_file: if chosen { self.generator_file } else { other.generator_file },
            generator: if chosen { self.generator } else { other.generator },
        }
    }

    /// The augmentation that is asked for.
    ///
    /// # Errors
    /// If none is, a file cannot be read, or an argument is out of range.
    pub fn resolve(&self) -> Result<ImageDataGenerator, SettingsError> {
        let generator = match (&self.generator, &self.generator_file, self.variant) {
            (Some(generator), ..) => generator.clone(),
            (_, Some(path), _) => read_toml(path)?,
            (.., Some(variant)) => variant.generator(),
            _ => return Err(SettingsError::NoAugmentation),
        };
        generator.check()?;
        Ok(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::TrainSettings;
    use crate::transform::Scaling;

    /// The functions of `keras.applications` are for grey levels from 0 to 255.
    #[test]
    fn a_preprocessing_function_gets_the_levels_as_they_are() {
        for (arguments, scaling) in [
            ("preprocessing_function = 'mobilenet_v2'", Scaling::Levels),
            ("rotation_range = 3", Scaling::Centred),
        ] {
            let augment = AugmentSettings {
                generator: toml::from_str(arguments).unwrap(),
                ..AugmentSettings::default()
            };
            let settings = TrainSettings {
                model: Some("cnn1".into()),
                augment: Some(augment),
                ..TrainSettings::default()
            };
            assert_eq!(settings.resolve().unwrap().transform.scaling, scaling, "{arguments}");
        }
    }
}
