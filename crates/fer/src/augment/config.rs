use serde::{Deserialize, Serialize};

use super::AugmentError;
use super::error::require;

/// How images are varied in training, and how they are standardised in training and evaluation.
///
/// Names, units and defaults are those of Keras's `ImageDataGenerator`; the arguments below `rescale` are not in
/// Keras. The default changes nothing. Shifts, zooms, rotations and crops reach beyond the image, where `fill_mode`
/// says what is seen.
///
/// As in Keras, `zca_whitening` sets `featurewise_center` and clears `featurewise_std_normalization`, and either
/// `std_normalization` sets the `center` of its kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImageDataGenerator {
    /// Subtract each channel's mean over the training images.
    pub featurewise_center: bool,
    /// Subtract each image's own mean.
    pub samplewise_center: bool,
    /// Divide by each channel's standard deviation over the training images, plus 1e-6.
    pub featurewise_std_normalization: bool,
    /// Divide by each image's own standard deviation, plus 1e-6.
    pub samplewise_std_normalization: bool,
    /// Multiply by the matrix that makes the pixels of the training images uncorrelated, each of variance 1.
    pub zca_whitening: bool,
    /// Added to the singular values before dividing by them.
    pub zca_epsilon: f64,
    /// Rotation by up to so many degrees either way.
    pub rotation_range: f64,
    /// Shift to the left or the right.
    pub width_shift_range: ShiftRange,
    /// Shift up or down.
    pub height_shift_range: ShiftRange,
    /// Range of the factor by which brightness is multiplied; for grey levels 0 to 255, which become whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brightness_range: Option<[f64; 2]>,
    /// Shear by up to so many degrees either way.
    pub shear_range: f64,
    /// Range of the zoom, of height and width separately; above 1 the image becomes smaller.
    pub zoom_range: ZoomRange,
    /// Up to so much is added to all pixels, which then are cut to the image's own smallest and largest value.
    pub channel_shift_range: f64,
    /// What is seen outside the image.
    pub fill_mode: FillMode,
    /// The value outside the image, where `fill_mode` is constant.
    pub cval: f64,
    /// Mirror half of the images left to right.
    pub horizontal_flip: bool,
    /// Mirror half of the images top to bottom.
    pub vertical_flip: bool,
    /// Factor of all values, before they are standardised; 1 if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rescale: Option<f64>,
    /// What is done first to each image when it is standardised; for values from 0 to 255.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preprocessing_function: Option<Preprocessing>,
    /// The share of the images, the first ones, that [`subset`](Self::subset) sets apart for validation.
    pub validation_split: f64,
    /// The order of an image's axes: `"channels_last"`, the only one here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_format: Option<DataFormat>,
    /// Added to all values after `rescale`.
    pub offset: f64,
    /// The image is extended by so many pixels on every side and a piece of its own size is cut out anywhere.
    pub crop_padding: usize,
    /// Range of the factor by which each pixel's distance from the image's mean is multiplied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contrast_range: Option<[f64; 2]>,
    /// Mixup (Zhang et al., 2018) with weights from Beta(alpha, alpha); 0: none.
    pub mixup_alpha: f64,
    /// CutMix (Yun et al., 2019) with areas from Beta(alpha, alpha); 0: none. With mixup as well, each image gets
    /// the one or the other with equal chance.
    pub cutmix_alpha: f64,
    /// A rectangle is painted over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub random_erasing: Option<RandomErasing>,
}

impl Default for ImageDataGenerator {
    fn default() -> Self {
        Self {
            featurewise_center: false,
            samplewise_center: false,
            featurewise_std_normalization: false,
            samplewise_std_normalization: false,
            zca_whitening: false,
            zca_epsilon: 1e-6,
            rotation_range: 0.0,
            width_shift_range: ShiftRange::Within(0.0),
            height_shift_range: ShiftRange::Within(0.0),
            brightness_range: None,
            shear_range: 0.0,
            zoom_range: ZoomRange::Amount(0.0),
            channel_shift_range: 0.0,
            fill_mode: FillMode::Nearest,
            cval: 0.0,
            horizontal_flip: false,
            vertical_flip: false,
            rescale: None,
            preprocessing_function: None,
            validation_split: 0.0,
            data_format: None,
            offset: 0.0,
            crop_padding: 0,
            contrast_range: None,
            mixup_alpha: 0.0,
            cutmix_alpha: 0.0,
            random_erasing: None,
        }
    }
}

/// The functions `preprocess_input` of `keras.applications`, by how they work or by a network that they belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preprocessing {
    /// `v / 127.5 - 1`.
    #[serde(
        alias = "mobilenet",
        alias = "mobilenet_v2",
        alias = "inception_v3",
        alias = "inception_resnet_v2",
        alias = "nasnet",
        alias = "resnet_v2",
        alias = "xception"
    )]
    Tf,
    /// Channels in the order blue, green, red, minus the means of ImageNet; for three channels.
    #[serde(alias = "resnet", alias = "resnet50", alias = "vgg16", alias = "vgg19")]
    Caffe,
    /// `v / 255`, minus the means of ImageNet, divided by their standard deviations; for three channels.
    #[serde(alias = "densenet")]
    Torch,
}

/// The order of an image's axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataFormat {
    /// Height, width, channels.
    ChannelsLast,
    /// Channels, height, width; no image here is laid out like that.
    ChannelsFirst,
}

/// A part of the images, as `validation_split` divides them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subset {
    /// All but the first ones.
    Training,
    /// The first ones.
    Validation,
}

/// How far an image is shifted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number or a list of numbers")]
pub enum ShiftRange {
    /// A whole number n, written without a point: 0 to n - 1 pixels either way, each equally likely.
    Below(u32),
    /// Anything within this number either way: a share of the size if below 1, else pixels. So a number below 0 is
    /// always a share, as in Keras.
    Within(f64),
    /// One of these either way: shares of the size if all are below 1, else pixels.
    OneOf(Vec<f64>),
}

/// How much an image is zoomed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number or a list of two numbers")]
pub enum ZoomRange {
    /// Between 1 minus and 1 plus this number.
    Amount(f64),
    /// Between these two numbers.
    Between(Vec<f64>),
}

impl ZoomRange {
    /// The smallest and the largest factor.
    pub(super) fn bounds(&self) -> [f64; 2] {
        match self {
            Self::Amount(amount) => [1.0 - amount, 1.0 + amount],
            Self::Between(bounds) => [bounds[0], bounds[1]],
        }
    }
}

/// What is seen outside an image `a b c d`, as SciPy defines it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FillMode {
    /// `a a a | a b c d | d d d`
    Nearest,
    /// `k k k | a b c d | k k k` with `k` = `cval`.
    Constant,
    /// `c b a | a b c d | d c b`
    Reflect,
    /// `a b c | a b c d | b c d`: the last pixel coincides with the first, so the period is the size minus 1.
    Wrap,
}

/// Random erasing (Zhong et al., 2020): with some probability a rectangle is painted over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomErasing {
    /// Share of the images that are changed.
    pub probability: f64,
    /// Range of the rectangle's share of the image.
    pub area: [f64; 2],
    /// Range of height divided by width.
    pub aspect: [f64; 2],
    /// The paint; the mean of the image if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fill: Option<f64>,
}

impl Default for RandomErasing {
    fn default() -> Self {
        Self { probability: 0.5, area: [0.02, 0.4], aspect: [0.3, 1.0 / 0.3], fill: None }
    }
}

impl ImageDataGenerator {
    /// Checks all arguments.
    ///
    /// # Errors
    /// The first one that is not finite or out of range.
    pub fn check(&self) -> Result<(), AugmentError> {
        let at_least_0 = "a finite number, at least 0";
        for (name, value) in [
            ("zca_epsilon", self.zca_epsilon),
            ("mixup_alpha", self.mixup_alpha),
            ("cutmix_alpha", self.cutmix_alpha),
        ] {
            require(value.is_finite() && value >= 0.0, name, value, at_least_0)?;
        }
        // A range that reaches from -x to x is the same for -x.
        for (name, value) in [
            ("rotation_range", self.rotation_range),
            ("shear_range", self.shear_range),
            ("channel_shift_range", self.channel_shift_range),
            ("cval", self.cval),
            ("offset", self.offset),
            ("rescale", self.rescale.unwrap_or(1.0)),
        ] {
            require(value.is_finite(), name, value, "a finite number")?;
        }
        require(self.rescale != Some(0.0), "rescale", 0, "a number other than 0")?;
        let split = self.validation_split;
        require((0.0..1.0).contains(&split), "validation_split", split, "at least 0 and below 1")?;
        let last = self.data_format != Some(DataFormat::ChannelsFirst);
        require(last, "data_format", "channels_first", "channels_last: height, width, channels")?;
        require(self.shear_range.abs() < 90.0, "shear_range", self.shear_range, "less than 90 degrees")?;
        check_shift("width_shift_range", &self.width_shift_range)?;
        check_shift("height_shift_range", &self.height_shift_range)?;
        match &self.zoom_range {
            ZoomRange::Amount(amount) => {
                require(amount.abs() < 1.0, "zoom_range", amount, "more than -1 and less than 1")?;
            }
            ZoomRange::Between(bounds) => {
                let expected = "two finite numbers above 0";
                let fits = bounds.len() == 2 && bounds.iter().all(|&bound| bound.is_finite() && bound > 0.0);
                require(fits, "zoom_range", format!("{bounds:?}"), expected)?;
            }
        }
        let expected = "two finite numbers of at least 0";
        for (name, range) in
            [("brightness_range", self.brightness_range), ("contrast_range", self.contrast_range)]
        {
            let range = range.unwrap_or_default();
            let fits = range.iter().all(|&bound| bound.is_finite() && bound >= 0.0);
            require(fits, name, format!("{range:?}"), expected)?;
        }
        require(self.crop_padding <= MOST_PADDING, "crop_padding", self.crop_padding, "at most 10000")?;
        self.random_erasing.as_ref().map_or(Ok(()), RandomErasing::check)
    }

    /// The numbers of the images of a subset, of `count` in all: validation has the first ones, as many as
    /// `validation_split` says, rounded down.
    pub fn subset(&self, count: usize, subset: Subset) -> std::ops::Range<usize> {
        let validation = ((count as f64 * self.validation_split) as usize).min(count);
        match subset {
            Subset::Training => validation..count,
            Subset::Validation => 0..validation,
        }
    }

    /// Whether standardising takes statistics of the training images.
    pub fn needs_fit(&self) -> bool {
        self.centers_features() || self.zca_whitening
    }

    pub(super) fn centers_features(&self) -> bool {
        self.featurewise_center || self.featurewise_std_normalization || self.zca_whitening
    }

    pub(super) fn normalizes_features(&self) -> bool {
        self.featurewise_std_normalization && !self.zca_whitening
    }
}

const MOST_PADDING: usize = 10_000;

impl RandomErasing {
    fn check(&self) -> Result<(), AugmentError> {
        let Self { probability, area, aspect, fill } = self;
        require((0.0..=1.0).contains(probability), "probability", probability, "0 to 1")?;
        let fits = is_range(*area) && area[0] > 0.0 && area[1] <= 1.0;
        require(fits, "area", format!("{area:?}"), "two shares above 0 and at most 1, the smaller first")?;
        let fits = is_range(*aspect) && aspect[0] > 0.0;
        require(fits, "aspect", format!("{aspect:?}"), "two finite numbers above 0, the smaller first")?;
        let fill = fill.unwrap_or_default();
        require(fill.is_finite(), "fill", fill, "a finite number")
    }
}

fn check_shift(name: &'static str, range: &ShiftRange) -> Result<(), AugmentError> {
    match range {
        ShiftRange::Below(_) => Ok(()),
        ShiftRange::Within(most) => require(most.is_finite(), name, most, "a finite number"),
        ShiftRange::OneOf(list) => {
            let fits = !list.is_empty() && list.iter().all(|shift| shift.is_finite());
            require(fits, name, format!("{list:?}"), "at least one number, all finite")
        }
    }
}

fn is_range([low, high]: [f64; 2]) -> bool {
    low.is_finite() && high.is_finite() && low <= high
}
