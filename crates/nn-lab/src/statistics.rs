//! What is said of samples.

/// The middle of the sorted values, or the mean of the two in the middle.
///
/// # Panics
/// If there are none.
pub fn median(values: &[f64]) -> f64 {
    assert!(!values.is_empty(), "the median of no values");
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

/// Median absolute deviation from the median: a spread that outliers do not move.
///
/// # Panics
/// If there are no values.
pub fn mad(values: &[f64]) -> f64 {
    let center = median(values);
    median(&values.iter().map(|value| (value - center).abs()).collect::<Vec<_>>())
}

/// Coefficient of variation: the sample's standard deviation (divisor `n - 1`) over its mean; 0 for one value.
pub fn cv(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    if values.len() < 2 {
        return 0.0;
    }
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (n - 1.0)).sqrt() / mean
}
