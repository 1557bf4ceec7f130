//! The mass of the normal distribution beyond a bound, from a table: a suggestion asks for it for every kernel.

use std::sync::LazyLock;

use crate::normal;

/// Beyond this many deviations there is less than `10⁻⁹`, which no suggestion depends on.
const NEGLIGIBLE: usize = 6;

/// Entries for each deviation. Between two of them Hermite's cubic is wrong by at most `h⁴/384` times the fourth derivative,
/// which is below 1.4: `3·10⁻¹⁰`.
const DENSITY: usize = 64;

/// `Φ(-z)` and its derivative times the distance of two entries.
static TABLE: LazyLock<Vec<(f64, f64)>> = LazyLock::new(|| {
    let entry = |place: usize| {
        let z = place as f64 / DENSITY as f64;
        (normal::cdf(-z), -libm::exp(normal::log_density(z)) / DENSITY as f64)
    };
    (0..=NEGLIGIBLE * DENSITY).map(entry).collect()
});

/// The function `Φ(-z)` for `z >= 0`, give or take `10⁻⁹`.
pub(super) fn tail() -> impl Fn(f64) -> f64 {
    let table = TABLE.as_slice();
    move |z| {
        let place = z * DENSITY as f64;
        let index = place as usize;
        let entries = table.get(index..).and_then(|from| from.first_chunk());
        let Some(&[(from, slope), (to, end_slope)]) = entries else { return 0.0 };
        let t = place - index as f64;
        let rise = to - from;
        from + t * (slope + t * (3.0 * rise - 2.0 * slope - end_slope + t * (slope + end_slope - 2.0 * rise)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_as_exact_as_it_says() {
        let tail = tail();
        for i in 0..=80_000 {
            let z = i as f64 * 1e-4;
            let error = (tail(z) - normal::cdf(-z)).abs();
            assert!(error < 1e-9, "{error:e} at {z}");
        }
        assert_eq!(tail(f64::INFINITY), 0.0);
    }
}
