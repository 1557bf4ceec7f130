//! Numbers from outside that a computation will use in its own precision.

use std::fmt::Display;

use nn_kernels::Real;

/// Whether `allowed` accepts a number, also after it was rounded to `R`, where it may neither vanish nor overflow.
pub(crate) fn usable<R: Real>(value: f64, allowed: impl Fn(f64) -> bool) -> bool {
    let rounded = R::of(value);
    let kept = rounded.is_finite() && (value == 0.0 || rounded.is_normal());
    kept && allowed(value) && allowed(rounded.as_f64())
}

/// What is expected of a number that is not [usable].
pub(crate) fn expectation<R: Real>(value: f64, expected: &str) -> String {
    if value.is_finite() && !usable::<R>(value, |_| true) {
        let (least, most) = (R::min_positive_value().as_f64(), R::max_value().as_f64());
        format!("{expected} (in {}, whose numbers go from {least:.1e} to {most:.1e} in size)", R::NAME)
    } else {
        expected.into()
    }
}

/// A value for a message: a number with many digits as a power of ten, other long text cut.
pub(crate) fn shown(value: impl Display) -> String {
    /// Whole numbers of 64 bits are shorter.
    const DIGITS: usize = 24;
    const LONGEST: usize = 60;
    let text = value.to_string();
    match text.parse::<f64>() {
        Ok(number) if text.len() > DIGITS && number.is_finite() => format!("{number:e}"),
        _ if text.len() <= LONGEST => text,
        _ => text.chars().take(LONGEST - 2).chain("..".chars()).collect(),
    }
}

/// A number of bytes in Keras's units: `B`, `KB`, `MB`, `GB` in steps of 1024.
pub(crate) fn bytes(bytes: u64) -> String {
    let units = ["KB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut unit = "";
    for next in units {
        if value < 1024.0 {
            break;
        }
        (value, unit) = (value / 1024.0, next);
    }
    format!("{value:.2} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_single_precision_loses_is_not_usable() {
        for value in [1e-46, -1e-40, 1e39, f64::NAN, f64::INFINITY] {
            assert!(!usable::<f32>(value, |_| true), "{value}");
        }
        assert!(
            usable::<f64>(1e-46, |_| true) && usable::<f32>(0.0, |_| true) && usable::<f32>(-1e-37, |_| true)
        );
        // 1 in single precision, and so not below 1.
        assert!(!usable::<f32>(1.0 - 1e-12, |value| value < 1.0));
        let expected = expectation::<f32>(1e-46, "a number");
        assert_eq!(expected, "a number (in f32, whose numbers go from 1.2e-38 to 3.4e38 in size)");
        assert_eq!(expectation::<f32>(-1.0, "a number"), "a number");
    }

    #[test]
    fn long_values_are_shortened() {
        assert_eq!(shown(1e300), "1e300");
        assert_eq!(shown(-1e-46), "-1e-46");
        assert_eq!(shown(u64::MAX), "18446744073709551615");
        assert_eq!(shown("x".repeat(1000)).len(), 60);
        assert_eq!(shown(0.1), "0.1");
    }
}
