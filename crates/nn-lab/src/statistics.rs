//! What is said of samples.

use libm::erfc;

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

/// An interval that holds the median of the distribution from which the values come, with a probability of 99 %, whatever
/// the distribution: from one of the sorted values to another (Conover, *Practical Nonparametric Statistics*, 3.2). Of
/// fewer than eight values it is from the least to the largest, with a probability of `1 - 2^(1 - n)`.
///
/// # Panics
/// If there are no values.
pub fn median_interval(values: &[f64]) -> (f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let cut = cut(sorted.len());
    (sorted[cut], sorted[sorted.len() - 1 - cut])
}

/// How many of `n` sorted values may be left out on each side of [`median_interval`].
fn cut(n: usize) -> usize {
    /// The probability of a median beyond one side.
    const OUTSIDE: f64 = 0.005;
    /// Beyond it the smallest terms are no numbers any more, and the normal approximation is exact enough.
    const EXACT: usize = 1000;
    if n > EXACT {
        return ((n as f64 - 2.575_829_303_549 * (n as f64).sqrt()) / 2.0) as usize - 1;
    }
    // Each value is below the median with a probability of a half: `term` is the probability that `cut` of them are.
    let (mut cut, mut term) = (0, 0.5f64.powi(n as i32));
    let mut outside = term;
    loop {
        term *= (n - cut) as f64 / (cut + 1) as f64;
        outside += term;
        if outside > OUTSIDE {
            return cut;
        }
        cut += 1;
    }
}

/// Two-sided Mann-Whitney U test (Mann & Whitney, 1947): the probability that two samples of one distribution
/// differ in rank at least as much as these.
///
/// By the normal approximation with corrections for ties and continuity, which is good from about five values
/// on each side. 1 if a side has no values or all are equal.
pub fn mann_whitney(a: &[f64], b: &[f64]) -> f64 {
    let (n, m) = (a.len() as f64, b.len() as f64);
    let mut all: Vec<(f64, bool)> =
        a.iter().map(|&v| (v, true)).chain(b.iter().map(|&v| (v, false))).collect();
    all.sort_unstable_by(|x, y| x.0.total_cmp(&y.0));
    let (mut rank_sum, mut ties, mut before) = (0.0, 0.0, 0.0);
    for equal in all.chunk_by(|x, y| x.0 == y.0) {
        let count = equal.len() as f64;
        // Equal values share the mean of their ranks, which are counted from 1.
        let rank = before + (count + 1.0) / 2.0;
        rank_sum += rank * equal.iter().filter(|(_, is_a)| *is_a).count() as f64;
        ties += count.powi(3) - count;
        before += count;
    }
    let u = rank_sum - n * (n + 1.0) / 2.0;
    let total = n + m;
    let variance = n * m / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    if variance.is_nan() || variance <= 0.0 {
        return 1.0;
    }
    let z = ((u - n * m / 2.0).abs() - 0.5) / variance.sqrt();
    erfc(z / std::f64::consts::SQRT_2).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn middle_and_spread() {
        let values = [9.0, 2.0, 4.0, 30.0, 4.0, 5.0, 7.0];
        assert_eq!((median(&values), mad(&values)), (5.0, 2.0));
        assert_eq!(median(&values[..4]), 6.5);
        // scipy.stats.variation(values, ddof=1)
        assert!((cv(&values) - 1.1080641431349734).abs() < 1e-15);
        assert_eq!(cv(&[3.0]), 0.0);
    }

    /// The largest `c` with `scipy.stats.binom.cdf(c, n, 0.5) <= 0.005`, or 0.
    #[test]
    fn intervals_of_the_median() {
        let cuts = [1, 2, 7, 8, 10, 11, 12, 20, 50, 100, 300, 1000].map(cut);
        assert_eq!(cuts, [0, 0, 0, 0, 0, 0, 1, 3, 15, 36, 127, 458]);
        // The approximation goes on where the exact count ends, and leaves out no more.
        assert!((457..=459).contains(&cut(1001)), "{}", cut(1001));
        let values: Vec<f64> = (0..12).rev().map(f64::from).collect();
        assert_eq!(median_interval(&values), (1.0, 10.0));
        assert_eq!(median_interval(&[3.0]), (3.0, 3.0));
    }

    /// p from scipy 1.17.1: `mannwhitneyu(a, b, method="asymptotic")`.
    #[test]
    fn mann_whitney_agrees_with_scipy() {
        let count = |range: std::ops::Range<u32>, shift: f64| range.map(|i| f64::from(i) + shift).collect();
        let cases: [(Vec<f64>, Vec<f64>, f64); 6] = [
            (count(1..6, 0.0), count(6..11, 0.0), 0.012185780355344813),
            (vec![19.0, 22.0, 16.0, 29.0, 24.0], vec![20.0, 11.0, 17.0, 12.0], 0.11134688653314041),
            (
                vec![1.0, 2.0, 2.0, 3.0, 5.0, 5.0],
                vec![2.0, 4.0, 5.0, 5.0, 6.0, 7.0, 8.0],
                0.06859494051527937,
            ),
            (
                vec![10.1, 10.3, 10.2, 10.4, 10.0, 10.2, 10.3],
                vec![10.2, 10.1, 10.3, 10.2, 10.4, 10.0],
                0.88367297425567,
            ),
            (vec![1.0; 4], vec![1.0; 5], 1.0),
            (count(0..40, 0.0), count(0..35, 15.5), 2.2090169808698526e-05),
        ];
        for (a, b, p) in cases {
            assert!((mann_whitney(&a, &b) - p).abs() < 1e-12 * p.max(1e-3), "{a:?} {b:?}");
            assert_eq!(mann_whitney(&b, &a), mann_whitney(&a, &b));
        }
        assert_eq!(mann_whitney(&[], &[1.0]), 1.0);
    }
}
