//! Wilcoxon's signed-rank test.

use crate::normal;

/// The probability that differences of random sign have a sum of positive ranks at least as great as these: small if the
/// differences tend to be above 0 (Wilcoxon 1945). Differences of 0 count half as positive and half as negative.
///
/// From the exact distribution for up to 50 differences without ties and zeros, and for up to 13 with them; otherwise
/// from the normal approximation with the correction for ties, as SciPy's `wilcoxon(zero_method="zsplit",
/// alternative="greater")` does it.
pub(super) fn p_value(differences: &[f64]) -> f64 {
    let n = differences.len();
    let mut sorted = differences.to_vec();
    sorted.sort_unstable_by(|a, b| a.abs().total_cmp(&b.abs()));
    // Twice the mean rank of each group of equal sizes: a whole number.
    let mut doubled = Vec::with_capacity(n);
    let mut ties = 0.0;
    for group in sorted.chunk_by(|a, b| a.abs() == b.abs()) {
        let (first, count) = (doubled.len() + 1, group.len());
        doubled.resize(doubled.len() + count, 2 * first + count - 1);
        ties += (count as f64).powi(3) - count as f64;
    }
    let has_ties = ties > 0.0 || differences.contains(&0.0);
    if n <= if has_ties { 13 } else { 50 } {
        let ranks = sorted.iter().zip(&doubled).filter(|(difference, _)| **difference != 0.0);
        let ranks: Vec<(bool, usize)> = ranks.map(|(&difference, &rank)| (difference > 0.0, rank)).collect();
        return exact(&ranks);
    }
    let weight = |difference: f64| match difference {
        d if d > 0.0 => 0.5,
        d if d < 0.0 => 0.0,
        _ => 0.25,
    };
    let positive: f64 = sorted.iter().zip(&doubled).map(|(&d, &rank)| weight(d) * rank as f64).sum();
    let n = n as f64;
    let mean = n * (n + 1.0) * 0.25;
    let deviation = libm::sqrt((n * (n + 1.0) * (2.0 * n + 1.0) - ties / 2.0) / 24.0);
    normal::cdf(-(positive - mean) / deviation)
}

/// The share of all assignments of signs to `ranks` whose positive ones sum to no less than those marked `true`.
fn exact(ranks: &[(bool, usize)]) -> f64 {
    let total: usize = ranks.iter().map(|(_, rank)| rank).sum();
    let observed: usize = ranks.iter().filter(|(positive, _)| *positive).map(|(_, rank)| rank).sum();
    // The distribution of the sum, one rank after the other; multiples of 2⁻ⁿ, so without rounding.
    let mut shares = vec![0.0; total + 1];
    shares[0] = 1.0;
    let mut reached = 0;
    for &(_, rank) in ranks {
        reached += rank;
        for sum in (0..=reached).rev() {
            let with = if sum >= rank { shares[sum - rank] } else { 0.0 };
            shares[sum] = 0.5 * (shares[sum] + with);
        }
    }
    shares[observed..].iter().sum()
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::p_value;

    #[test]
    fn probabilities_are_those_of_scipy() {
        let table: Json = serde_json::from_str(include_str!("../../tests/golden/pruners.json")).unwrap();
        let mut cases = 0;
        for row in table["signed_rank"].as_array().unwrap() {
            let numbers = |value: &Json| -> Vec<f64> {
                value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
            };
            let (differences, expected) = (numbers(&row[0]), row[1].as_f64().unwrap());
            let p = p_value(&differences);
            // Both compute the normal tail to a few units in the last place; exact values agree to the last bit.
            assert!((p - expected).abs() <= 1e-13 * expected, "{p} and {expected} for {differences:?}");
            cases += 1;
        }
        assert!(cases > 100, "{cases}");
    }
}
