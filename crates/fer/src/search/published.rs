//! The trials that the original study published: hyperopt with 15 evaluations of 10 epochs on FER-2013.

use serde::Serialize;

/// A trial of the original study.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Published {
    /// Its number, from 1.
    pub trial: u64,
    /// Activation of the convolutions and of the dense layer.
    pub activation_fn: &'static str,
    /// Rows and columns of every convolution's window.
    pub conv_kernel_size: usize,
    /// Dropout after each pooling.
    pub dropout_prob: f64,
    /// The optimiser.
    pub optimizer: &'static str,
    /// Share of validation images whose emotion was predicted after the last epoch.
    pub val_acc: f64,
}

/// The accuracy that the best of them reached on the test images.
pub const TEST_ACC: f64 = 0.5940;

const TABLE: &str = include_str!("../../../../data/published/search.csv");

/// The published trials, in their order.
pub fn trials() -> Vec<Published> {
    let trial = |line: &'static str| {
        let mut cells = line.split(',');
        let trial = cells.next()?.parse().ok()?;
        let activation_fn = cells.next()?;
        let conv_kernel_size = cells.next()?.parse().ok()?;
        let dropout_prob = cells.next()?.parse().ok()?;
        let optimizer = cells.next()?;
        let val_acc = cells.next()?.parse().ok()?;
        Some(Published { trial, activation_fn, conv_kernel_size, dropout_prob, optimizer, val_acc })
    };
    TABLE.lines().skip(1).map(|line| trial(line).expect("the table is complete")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_table_is_that_of_the_study() {
        let trials = trials();
        assert!(trials.iter().map(|trial| trial.trial).eq(1..=15));
        let best = trials.iter().max_by(|a, b| a.val_acc.total_cmp(&b.val_acc)).unwrap();
        let expected = Published {
            trial: 5,
            activation_fn: "relu",
            conv_kernel_size: 5,
            dropout_prob: 0.24481,
            optimizer: "adam",
            val_acc: 0.59264,
        };
        assert_eq!(*best, expected);
        // Sums of the study's columns.
        let sum = |value: fn(&Published) -> f64| trials.iter().map(value).sum::<f64>();
        assert!((sum(|trial| trial.dropout_prob) - 3.1039).abs() < 1e-9);
        assert!((sum(|trial| trial.val_acc) - 5.86845).abs() < 1e-9);
        assert_eq!(sum(|trial| trial.conv_kernel_size as f64), 39.0);
        assert_eq!(trials.iter().filter(|trial| trial.optimizer == "adam").count(), 9);
    }
}
