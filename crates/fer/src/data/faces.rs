//! Labelled faces in memory.

use super::{EMOTIONS, PIXELS};

/// Labelled 48x48 grey images, kept as bytes: 2,305 bytes a face.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faces {
    /// `len x 2304`, image after image.
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Faces {
    /// No faces yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of faces.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The 2,304 pixels of face `i`, row by row, 0 black to 255 white.
    ///
    /// # Panics
    /// If `i >= len`.
    pub fn image(&self, i: usize) -> &[u8] {
        &self.pixels[i * PIXELS..][..PIXELS]
    }

    /// The label of face `i`: a position in [`EMOTIONS`].
    ///
    /// # Panics
    /// If `i >= len`.
    pub fn label(&self, i: usize) -> u8 {
        self.labels[i]
    }

    /// All labels.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// All pixels: `len x 48 x 48`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Each image with its label.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], u8)> {
        self.pixels.chunks_exact(PIXELS).zip(self.labels.iter().copied())
    }

    /// Appends a face.
    ///
    /// # Panics
    /// If `image` has not exactly 2,304 pixels or `label` is not below 7.
    pub fn push(&mut self, image: &[u8], label: u8) {
        assert_eq!(image.len(), PIXELS, "a face has {PIXELS} pixels");
        assert!(usize::from(label) < EMOTIONS.len(), "label {label} names no emotion");
        self.pixels.extend_from_slice(image);
        self.labels.push(label);
    }

    /// Number of faces of each emotion.
    pub fn counts(&self) -> [usize; EMOTIONS.len()] {
        let mut counts = [0; EMOTIONS.len()];
        for &label in &self.labels {
            counts[usize::from(label)] += 1;
        }
        counts
    }

    /// The positions of the faces of one emotion, in order.
    pub fn of_class(&self, label: u8) -> Vec<usize> {
        (0..self.len()).filter(|&i| self.labels[i] == label).collect()
    }

    /// The faces at `indices`, in that order.
    ///
    /// # Panics
    /// If an index is not below `len`.
    pub fn select(&self, indices: &[usize]) -> Faces {
        let mut faces = Faces::new();
        faces.pixels.reserve_exact(indices.len() * PIXELS);
        for &i in indices {
            faces.push(self.image(i), self.label(i));
        }
        faces
    }

    /// Gives back the memory that growing left unused.
    pub(super) fn shrink(&mut self) {
        self.pixels.shrink_to_fit();
        self.labels.shrink_to_fit();
    }
}
