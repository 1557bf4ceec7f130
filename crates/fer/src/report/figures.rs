//! What shows data sets and predictions.

use image::GrayImage;
use nn_core::rng::{Purpose, Stream};

use super::number::{Cell, Unit};
use super::{Bars, Gallery, Picture, Table};
use crate::data::{Dataset, EMOTIONS, Faces, PIXELS, SIDE, Split};
use crate::record::Prediction;

/// A face as a picture.
///
/// # Panics
/// If there are not 2,304 grey levels.
pub fn picture(face: &[u8], caption: impl Into<String>) -> Picture {
    assert_eq!(face.len(), PIXELS, "grey levels of a face");
    let side = SIDE as u32;
    let image = GrayImage::from_raw(side, side, face.to_vec()).expect("as many as pixels");
    Picture { image, caption: caption.into() }
}

/// `per_class` random faces of each emotion, labelled; all that there are of an emotion that has fewer. The choice
/// depends on `seed` only.
pub fn samples(caption: impl Into<String>, faces: &Faces, per_class: usize, seed: u64) -> Gallery {
    let mut pictures = Vec::new();
    for (label, name) in EMOTIONS.into_iter().enumerate() {
        let mut random = Stream::new(seed, Purpose::Preview, label as u64, 0);
        for i in random.choose(&faces.of_class(label as u8), per_class) {
            pictures.push(picture(faces.image(i), name));
        }
    }
    Gallery { caption: caption.into(), per_row: None, pictures }
}

/// The number of images of each emotion in each split, as a table and as bars.
pub fn class_counts(data: &Dataset) -> (Table, Bars) {
    let counts = Split::ALL.map(|split| data.split(split).counts());
    let mut table = Table::new("Images of each class", ["class", "train", "val", "test", "all"]);
    let mut row = |name: &str, counts: [usize; 3]| {
        let all = counts.iter().sum();
        let cells = counts.into_iter().chain([all]).map(|count: usize| Cell::Count(count as u64));
        table.push(std::iter::once(Cell::text(name)).chain(cells));
    };
    for (label, name) in EMOTIONS.into_iter().enumerate() {
        row(name, counts.map(|counts| counts[label]));
    }
    row("all", Split::ALL.map(|split| data.split(split).len()));
    let series = Split::ALL.into_iter().zip(counts);
    let bars = Bars {
        caption: "Class counts".into(),
        measure: "images".into(),
        unit: Unit::Count,
        names: EMOTIONS.map(String::from).into(),
        series: series
            .map(|(split, counts)| (split.name().into(), counts.map(|n| Some(n as f64)).into()))
            .collect(),
    };
    (table, bars)
}

/// The faces whose wrong predictions were the most confident, at most `count`, the worst first; their captions say
/// `truth → prediction` and the probability given to it.
///
/// Predictions for faces that there are not, or of another class, are left out: they belong to other data.
pub fn worst_errors(
    caption: impl Into<String>,
    faces: &Faces,
    predictions: &[Prediction],
    count: usize,
) -> Gallery {
    let wrong = |p: &&Prediction| {
        p.label != p.predicted && p.index < faces.len() && usize::from(faces.label(p.index)) == p.label
    };
    let mut wrong: Vec<_> =
        predictions.iter().filter(wrong).filter(|p| p.predicted < EMOTIONS.len()).collect();
    wrong.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.index.cmp(&b.index)));
    let describe = |p: &Prediction| {
        format!("{} \u{2192} {} {}", EMOTIONS[p.label], EMOTIONS[p.predicted], Cell::percent(p.probability))
    };
    let pictures =
        wrong.into_iter().take(count).map(|p| picture(faces.image(p.index), describe(p))).collect();
    Gallery { caption: caption.into(), per_row: None, pictures }
}
