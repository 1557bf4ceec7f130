//! What fine-tuning asks for besides the settings of every run.

use std::path::{Path, PathBuf};

use nn_core::error::UnknownLayer;
use nn_core::model::{Network, Sequential};
use nn_zoo::{Base, Pooling, Pretrained, Transfer};
use serde::{Deserialize, Serialize};

use super::{SettingsError, path_or_nothing, value};
use crate::data::SIDE;
use crate::transform::Scaling;

/// How the faces are prepared for a pre-trained network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Preprocess {
    /// As the study does, `x / 255 - 0.5`, whatever the network was trained on.
    #[default]
    Study,
    /// As the network was trained on ImageNet.
    Imagenet,
}

impl Preprocess {
    fn scaling(self, base: Base) -> Scaling {
        match (self, base) {
            (Self::Study, _) => Scaling::Centred,
            (Self::Imagenet, Base::MobileNetV2 { .. }) => Scaling::Symmetric,
            (Self::Imagenet, Base::ResNet50 { .. }) => Scaling::ImagenetMeans,
        }
    }
}

/// Settings of fine-tuning; what is not set is `None`. In a configuration file they are the table `[finetune]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FinetuneSettings {
    /// The weight file that Keras publishes (.h5), a folder that holds it, or "random" for a dry run
    /// [default: the folder where Keras keeps it, ~/.keras/models]
    #[arg(long, env = "FER_WEIGHTS", value_name = "FILE", value_parser = path_or_nothing())]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<PathBuf>,
    /// How the faces are prepared: as in the study, x/255 - 0.5, or as the network was trained [default: study]
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preprocess: Option<Preprocess>,
    /// Train this layer of the pre-trained network and those behind it [default: all are frozen]
    #[arg(long, value_name = "LAYER", conflicts_with = "unfreeze_last")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfreeze_from: Option<String>,
    /// Train the last N layers of the pre-trained network, counted as in its summary
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfreeze_last: Option<usize>,
    /// Train batch normalisation, too, where layers are unfrozen [default: it keeps its running statistics]
    #[arg(long, num_args = 0, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_batch_norm: Option<bool>,
    /// Rows and columns of the network's input; the faces are resized [default: 48]
    #[arg(long, value_name = "SIDE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<usize>,
    /// L2 penalty on the kernels of the dense layers [default: 0.01 for ft3, none for the others]
    #[arg(long, value_name = "FACTOR", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub l2: Option<f64>,
}

impl FinetuneSettings {
    /// The word that stands for initial weights in place of published ones.
    pub const RANDOM: &str = "random";

    /// These settings, with those of `other` where these are not set.
    pub fn or(self, other: Self) -> Self {
        Self {
            weights: self.weights.or(other.weights),
            preprocess: self.preprocess.or(other.preprocess),
            // The two exclude each other: one that is set hides both of the file.
            unfreeze_from: match self.unfreeze_last {
                Some(_) => None,
                None => self.unfreeze_from.clone().or(other.unfreeze_from),
            },
            unfreeze_last: match self.unfreeze_from {
                Some(_) => None,
                None => self.unfreeze_last.or(other.unfreeze_last),
            },
            train_batch_norm: self.train_batch_norm.or(other.train_batch_norm),
            input: self.input.or(other.input),
            l2: self.l2.or(other.l2),
        }
    }

    /// Why the weights for the study's `name` are not at hand; `None` if their file exists, or none is needed.
    pub fn missing_weights(&self, name: &str) -> Option<SettingsError> {
        let transfer = Transfer::by_name(name)?;
        weight_path(self.weights.as_deref(), transfer).err()
    }

    /// Checks the settings, reads the weights and finds the network of the study's `name`.
    ///
    /// # Errors
    /// If there is no such network, a value is out of range, or the weights are missing, damaged or of another network.
    pub fn resolve(&self, name: &str) -> Result<Finetune, SettingsError> {
        /// An input beyond that would not be one of a face of 48x48 any more.
        const LARGEST: usize = 1024;
        let mut transfer = Transfer::by_name(name)
            .ok_or_else(|| value("model", format!("{name:?}"), "one of ft1, ft2, ft3"))?;
        let side = self.input.unwrap_or(SIDE);
        if !(32..=LARGEST).contains(&side) {
            return Err(value("input", side, "32 to 1024"));
        }
        transfer.l2 = self.l2.unwrap_or(transfer.l2);
        if !(transfer.l2.is_finite() && transfer.l2 >= 0.0) {
            return Err(value("l2", transfer.l2, "a finite number of at least 0"));
        }
        if self.unfreeze_from.is_some() && self.unfreeze_last.is_some() {
            return Err(value("unfreeze-last", "set", "only one of unfreeze-from and unfreeze-last"));
        }
        let input = [side, side, 3];
        let pretrained = find_weights(self.weights.as_deref(), transfer)?;
        let weights = match &pretrained {
            Some(pretrained) => {
                transfer.base = pretrained.base;
                Some(pretrained.network(input, Pooling::Average)?)
            }
            None => None,
        };
        let base: Network<f32> = transfer.base.network(input, Pooling::Average)?.build(0)?;
        let names: Vec<String> =
            base.layers_and_parts().iter().map(|layer| layer.info().name.clone()).collect();
        let first_trained = match (&self.unfreeze_from, self.unfreeze_last) {
            (Some(layer), _) => names.iter().position(|name| name == layer).ok_or_else(|| {
                SettingsError::Layer(UnknownLayer::new(layer, transfer.base.name(), &names))
            })?,
            (_, Some(count)) => names.len().saturating_sub(count),
            _ => names.len(),
        };
        Ok(Finetune {
            network: transfer.network(input)?,
            epochs: transfer.epochs,
            scaling: self.preprocess.unwrap_or_default().scaling(transfer.base),
            weights,
            base_layers: names.len(),
            first_trained,
            trains_batch_norm: self.train_batch_norm.unwrap_or(false),
        })
    }
}

/// Fine-tuning of which everything is decided.
#[derive(Debug)]
pub struct Finetune {
    /// The pre-trained network and the layers on top of it.
    pub network: Sequential,
    /// Passes over the data that the study makes.
    pub epochs: usize,
    /// How grey levels are scaled.
    pub scaling: Scaling,
    /// The pre-trained network with its weights; none for a dry run.
    weights: Option<Network<f32>>,
    /// Layers of the pre-trained network, parts of blocks included.
    base_layers: usize,
    /// The first of them that is trained.
    first_trained: usize,
    trains_batch_norm: bool,
}

impl Finetune {
    /// Gives the network its pre-trained weights, and freezes what is not to be trained.
    pub fn apply(&self, network: &mut Network<f32>) {
        if let Some(weights) = &self.weights {
            network.copy_weights(weights);
        }
        let kept: Vec<bool> = network
            .layers_and_parts()
            .iter()
            .map(|layer| layer.info().class_name == "BatchNormalization" && !self.trains_batch_norm)
            .collect();
        network.set_trainable_where(|place, _| {
            place >= self.base_layers || place >= self.first_trained && !kept[place]
        });
    }
}

/// The file with the weights for a network of the study; none if random ones were asked for.
fn weight_path(given: Option<&Path>, transfer: Transfer) -> Result<Option<PathBuf>, SettingsError> {
    let given = given.filter(|path| !path.as_os_str().is_empty());
    if given.is_some_and(|path| path.as_os_str() == FinetuneSettings::RANDOM) {
        return Ok(None);
    }
    let file = transfer.base.weight_file();
    let of_keras = || std::env::home_dir().map(|home| home.join(".keras/models"));
    let path = match given {
        Some(path) if path.is_dir() => path.join(&file),
        Some(path) => path.to_path_buf(),
        None => of_keras().unwrap_or_default().join(&file),
    };
    match path.exists() {
        true => Ok(Some(path)),
        false => {
            let (network, base) = (transfer.name, transfer.base.name());
            Err(SettingsError::NoWeights { network, base, file, path })
        }
    }
}

/// A pre-trained network as far as its weights tell one from another: ResNet50 has two epsilons, and either will do.
fn described(base: Base) -> String {
    match base {
        Base::MobileNetV2 { alpha } => format!("{} of width {alpha}", base.name()),
        Base::ResNet50 { .. } => base.name().into(),
    }
}

/// The weights for a network of the study; none if random ones were asked for.
fn find_weights(given: Option<&Path>, transfer: Transfer) -> Result<Option<Pretrained>, SettingsError> {
    let Some(path) = weight_path(given, transfer)? else { return Ok(None) };
    let pretrained = Pretrained::read(&path)?;
    check_base(pretrained.base, transfer, &path)?;
    Ok(Some(pretrained))
}

/// Whether the weights in the file `path` are those of the network on which `transfer` is built.
fn check_base(found: Base, transfer: Transfer, path: &Path) -> Result<(), SettingsError> {
    let [found, needed] = [found, transfer.base].map(described);
    if found == needed {
        return Ok(());
    }
    let expected = format!("weights of {needed}, on which {} is built", transfer.name);
    let value = format!("{} (of {found})", path.display());
    Err(SettingsError::Value { name: "weights", value, expected })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_of_the_network_with_its_width() {
        let check = |name, base| check_base(base, Transfer::by_name(name).unwrap(), Path::new("w.h5"));
        assert!(check("ft2", Base::MobileNetV2 { alpha: 1.0 }).is_ok());
        for epsilon in [1.001e-5, 1e-3] {
            assert!(check("ft1", Base::ResNet50 { epsilon }).is_ok());
        }
        let narrow = check("ft3", Base::MobileNetV2 { alpha: 0.35 }).unwrap_err().to_string();
        for part in ["w.h5 (of MobileNetV2 of width 0.35)", "MobileNetV2 of width 1, on which ft3 is built"] {
            assert!(narrow.contains(part), "{narrow}");
        }
        assert!(check("ft2", Base::ResNet50 { epsilon: 1e-3 }).is_err());
    }
}
