//! Smaller datasets with the same proportions of the classes.

use nn_core::rng::{Purpose, Stream};

use super::{Dataset, EMOTIONS, Split, audit};

/// The positions of the faces that a limit of `n` training faces leaves of three splits with these labels: `n` of
/// the first, as many of the others in proportion (at least one), or all.
///
/// They are chosen at random within each class: class `c` with `n_c` of a split's `len` faces gets `n n_c / len` of
/// them, rounded by the largest remainder. Each split keeps its order.
pub(super) fn positions(labels: [&[u8]; 3], n: usize, seed: u64) -> [Vec<usize>; 3] {
    let total = labels[0].len().max(1);
    let n = n.min(total);
    Split::ALL.map(|split| {
        let labels = labels[split as usize];
        chosen(labels, (n * labels.len() / total).max(1), seed, split)
    })
}

/// `n` positions of one split, or all if it has no more.
fn chosen(labels: &[u8], n: usize, seed: u64, split: Split) -> Vec<usize> {
    if n >= labels.len() {
        return (0..labels.len()).collect();
    }
    let mut of_class = [const { Vec::new() }; EMOTIONS.len()];
    for (i, &label) in labels.iter().enumerate() {
        of_class[usize::from(label)].push(i);
    }
    let counts = of_class.each_ref().map(Vec::len);
    let mut chosen = Vec::with_capacity(n);
    for (label, quota) in quotas(counts, n).into_iter().enumerate() {
        let mut random = Stream::new(seed, Purpose::Subset, split as u64, label as u64);
        chosen.extend(random.choose(&of_class[label], quota));
    }
    chosen.sort_unstable();
    chosen
}

/// Shares `n` among the classes in proportion to `counts`: each gets its quota rounded down, and the rest
/// goes to the largest remainders, of equal ones to the first. `n` must not exceed the sum of `counts`.
fn quotas(counts: [usize; EMOTIONS.len()], n: usize) -> [usize; EMOTIONS.len()] {
    let total: usize = counts.iter().sum();
    let mut quotas = counts.map(|count| count * n / total);
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|&class| std::cmp::Reverse(counts[class] * n % total));
    let rest = n - quotas.iter().sum::<usize>();
    for class in order.into_iter().take(rest) {
        quotas[class] += 1;
    }
    quotas
}

impl Dataset {
    /// `n` training faces, and val and test reduced in the same proportion (at least one face each): of each class
    /// its share, chosen at random. Emotions that a split loses by it are added to the warnings.
    pub fn limit(&self, n: usize, seed: u64) -> Dataset {
        let [train, val, test] = positions(Split::ALL.map(|split| self.split(split).labels()), n, seed);
        limited(Dataset {
            train: self.train.select(&train),
            val: self.val.select(&val),
            test: self.test.select(&test),
            source: self.source.clone(),
            warnings: self.warnings.clone(),
        })
    }
}

/// A smaller dataset, with a warning of each emotion that a split lacks.
pub(super) fn limited(mut dataset: Dataset) -> Dataset {
    for warning in audit::absent_classes(&dataset) {
        if !dataset.warnings.contains(&warning) {
            dataset.warnings.push(warning);
        }
    }
    dataset
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Faces, PIXELS};

    fn limit(faces: &Faces, n: usize, seed: u64) -> Faces {
        faces.select(&chosen(faces.labels(), n, seed, Split::Train))
    }

    /// Faces that tell their original position in their first three pixels.
    fn faces(counts: [usize; 7]) -> Faces {
        let mut faces = Faces::new();
        let mut left = counts;
        while left.iter().any(|&n| n > 0) {
            for (label, left) in left.iter_mut().enumerate().filter(|(_, left)| **left > 0) {
                let mut image = vec![0; PIXELS];
                image[..3].copy_from_slice(&(faces.len() as u32).to_be_bytes()[1..]);
                faces.push(&image, label as u8);
                *left -= 1;
            }
        }
        faces
    }

    #[test]
    fn largest_remainders_get_the_rest() {
        // Quotas of 10 in proportion: 3.33, 3.33, 3.33 -> the first gets the one that is left.
        assert_eq!(quotas([5, 5, 5, 0, 0, 0, 0], 10), [4, 3, 3, 0, 0, 0, 0]);
        // 0.7, 9.3: the larger remainder wins although its class is the smaller.
        assert_eq!(quotas([7, 93, 0, 0, 0, 0, 0], 10), [1, 9, 0, 0, 0, 0, 0]);
        let fer = [3995, 436, 4097, 7215, 4830, 3171, 4965];
        assert_eq!(quotas(fer, 28_709), fer);
        assert_eq!(quotas(fer, 2_000), [278, 30, 285, 503, 337, 221, 346]);
    }

    #[test]
    fn a_subset_keeps_order_and_depends_on_the_seed() {
        let all = faces([40, 10, 30, 60, 0, 20, 40]);
        let some = limit(&all, 50, 1);
        assert_eq!(some.counts(), [10, 3, 7, 15, 0, 5, 10]);
        let places: Vec<&[u8]> = some.iter().map(|(image, _)| &image[..3]).collect();
        assert!(places.is_sorted() && places.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(some, limit(&all, 50, 1));
        assert_ne!(some, limit(&all, 50, 2));
    }

    #[test]
    fn a_limit_beyond_the_end_takes_everything() {
        let all = faces([3, 2, 1, 1, 1, 1, 1]);
        assert_eq!(limit(&all, 10, 0), all);
        assert_eq!(limit(&all, 11, 0), all);
        assert_eq!(limit(&Faces::new(), 1, 0), Faces::new());
    }

    #[test]
    fn a_dataset_shrinks_in_proportion() {
        let all = crate::data::synthetic::dataset(
            crate::data::synthetic::Sizes { train: 140, val: 70, test: 14 },
            0,
        );
        let some = all.limit(70, 0);
        assert_eq!([some.train.len(), some.val.len(), some.test.len()], [70, 35, 7]);
        assert!(some.warnings.is_empty());
        let tiny = all.limit(1, 0);
        assert_eq!([tiny.train.len(), tiny.val.len(), tiny.test.len()], [1, 1, 1]);
        assert_eq!(tiny.warnings.len(), 18, "six emotions are absent from each split");
    }
}
