//! What the study published: the figures that runs are compared with, from the CSV files of `data/published/`.

use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize};

use crate::data::{Dataset, EMOTIONS, Split};

/// Images of the training, validation and test split of FER-2013, which the study used.
pub const IMAGES: [usize; 3] = [28_709, 3_589, 3_589];

/// Images of each class in these splits.
pub const CLASSES: [[usize; EMOTIONS.len()]; 3] = [
    [3_995, 436, 4_097, 7_215, 4_830, 3_171, 4_965],
    [467, 56, 496, 895, 653, 415, 607],
    [491, 55, 528, 879, 594, 416, 626],
];

/// The [fingerprint](Dataset::fingerprint) of the edition in three files. Kaggle's has the same images in another order.
pub const FINGERPRINT: &str = "2b48fc480cb882cc4f38e2319edd3a81656d0ac19d18028cffa447e8f7b0cf14";

/// Whether the images are those of FER-2013, as far as their classes tell: published numbers are shown for no other data.
pub fn is_fer2013(data: &Dataset) -> bool {
    Split::ALL.map(|split| data.split(split).counts()) == CLASSES
}

/// What the study reached with one network. Accuracies are shares, in `[0, 1]`; what it did not say is `None`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Published {
    /// The network's name: as in [`nn_zoo::MODELS`] and [`nn_zoo::TRANSFERS`], and `aug1` for `cnn1` with augmentation.
    pub model: String,
    /// Epochs trained.
    pub epochs: usize,
    /// Number of parameters.
    pub params: Option<u64>,
    /// Number of parameters that training changes.
    pub trainable: Option<u64>,
    /// Accuracy on the training images.
    #[serde(rename = "train_percent", deserialize_with = "share")]
    pub train: Option<f64>,
    /// Accuracy on the validation images.
    #[serde(rename = "val_percent", deserialize_with = "share")]
    pub val: Option<f64>,
    /// Accuracy on the test images.
    #[serde(rename = "test_percent", deserialize_with = "share")]
    pub test: Option<f64>,
    /// Wall time of the training.
    pub seconds: Option<f64>,
}

fn share<'de, D: Deserializer<'de>>(field: D) -> Result<Option<f64>, D::Error> {
    Ok(Option::<f64>::deserialize(field)?.map(|percent| percent / 100.0))
}

/// One line of the study's training logs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PublishedEpoch {
    /// The network's name.
    pub model: String,
    /// The epoch, from 1.
    pub epoch: usize,
    /// Steps of the epoch.
    pub steps: usize,
    /// Milliseconds of a step.
    pub ms_per_step: f64,
    /// Mean training loss of the epoch, penalties included.
    pub loss: f64,
    /// Mean training accuracy of the epoch.
    pub accuracy: f64,
}

/// One trial of the study's search for hyper-parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishedTrial {
    /// The trial, from 1.
    pub trial: usize,
    /// Activation of the convolutions and of the dense layer.
    pub activation_fn: String,
    /// Rows and columns of the convolutions' kernels.
    pub conv_kernel_size: usize,
    /// Share that the dropouts drop.
    pub dropout_prob: f64,
    /// The optimiser.
    pub optimizer: String,
    /// Accuracy on the validation images after the last epoch.
    pub val_accuracy: f64,
}

static RESULTS: LazyLock<Vec<Published>> =
    LazyLock::new(|| parse(include_str!("../../../data/published/results.csv")));
static CURVES: LazyLock<Vec<PublishedEpoch>> =
    LazyLock::new(|| parse(include_str!("../../../data/published/curves.csv")));
static TRIALS: LazyLock<Vec<PublishedTrial>> =
    LazyLock::new(|| parse(include_str!("../../../data/published/search.csv")));

fn parse<T: serde::de::DeserializeOwned>(csv: &str) -> Vec<T> {
    csv::Reader::from_reader(csv.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("the embedded file is whole")
}

/// All results, in the study's order.
pub fn results() -> &'static [Published] {
    &RESULTS
}

/// The result of the network of that name.
pub fn result(model: &str) -> Option<&'static Published> {
    RESULTS.iter().find(|published| published.model == model)
}

/// The epochs of the network of that name, in order; none if the study logged none.
pub fn curve(model: &str) -> Vec<&'static PublishedEpoch> {
    CURVES.iter().filter(|epoch| epoch.model == model).collect()
}

/// The trials of the study's search, in order.
pub fn trials() -> &'static [PublishedTrial] {
    &TRIALS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classes_of_each_split_are_all_of_its_images() {
        assert_eq!(CLASSES.map(|classes| classes.iter().sum::<usize>()), IMAGES);
    }

    #[test]
    fn every_file_is_whole() {
        assert_eq!((results().len(), CURVES.len(), trials().len()), (13, 205, 15));
        for published in results() {
            let epochs = curve(&published.model);
            let expected = if published.model == "search" { 0 } else { published.epochs };
            assert_eq!(epochs.len(), expected, "{}", published.model);
            assert!((1..).zip(&epochs).all(|(number, epoch)| epoch.epoch == number), "{}", published.model);
            assert!(epochs.iter().all(|epoch| (0.0..=1.0).contains(&epoch.accuracy) && epoch.loss > 0.0));
            let shares = [published.train, published.val, published.test];
            assert!(shares.iter().flatten().all(|share| (0.1..1.0).contains(share)), "{published:?}");
        }
        let best = trials().iter().max_by(|a, b| a.val_accuracy.total_cmp(&b.val_accuracy)).unwrap();
        assert_eq!((best.trial, best.val_accuracy), (5, 0.59264));
    }

    #[test]
    fn networks_have_the_published_numbers_of_parameters_and_epochs() {
        for (name, epochs) in nn_zoo::MODELS {
            let published = result(name).unwrap();
            assert_eq!(published.epochs, epochs, "{name}");
            if let Some(params) = published.params {
                let network = nn_zoo::by_name(name).unwrap().build::<f32>(0).unwrap();
                assert_eq!(network.count_params() as u64, params, "{name}");
            }
        }
        for transfer in nn_zoo::TRANSFERS {
            assert_eq!(result(transfer.name).unwrap().epochs, transfer.epochs, "{}", transfer.name);
        }
    }

    #[test]
    fn percentages_become_shares_and_gaps_stay_gaps() {
        let cnn1 = result("cnn1").unwrap();
        assert!((cnn1.test.unwrap() - 0.5812).abs() < 1e-12);
        assert_eq!((result("cnn2").unwrap().test, result("ft1").unwrap().seconds), (None, None));
        assert_eq!(result("cnn9"), None);
    }
}
