//! Multiples of a step, counted in the decimal digits that their users wrote.

/// The last of `low`, `low + step`, ... that does not exceed `high`: 0.9 from 0 to 1 by 0.3, where binary arithmetic
/// arrives at 0.8999999999999999. Optuna counts so too.
///
/// Finite arguments, with `step > 0` and `low < high`. Numbers whose digits do not fit into 128 bits beside each other
/// are counted as they are.
pub(super) fn last_multiple(low: f64, high: f64, step: f64) -> f64 {
    exact(low, high, step).unwrap_or_else(|| {
        let last = low + ((high - low) / step * (1.0 + 1e-12)).floor() * step;
        if last.is_finite() { last.min(high) } else { high }
    })
}

fn exact(low: f64, high: f64, step: f64) -> Option<f64> {
    let numbers = [digits(low)?, digits(high)?, digits(step)?];
    // Zero has any exponent.
    let exponent = numbers.iter().filter(|(digits, _)| *digits != 0).map(|&(_, exponent)| exponent).min()?;
    let scaled = |(digits, own): (i128, i32)| {
        if digits == 0 {
            return Some(0);
        }
        digits.checked_mul(10i128.checked_pow(own.checked_sub(exponent)?.try_into().ok()?)?)
    };
    let (low, end, step) = (scaled(numbers[0])?, scaled(numbers[1])?, scaled(numbers[2])?);
    let rest = end.checked_sub(low)?.checked_rem(step)?;
    if rest == 0 { Some(high) } else { format!("{}e{exponent}", end - rest).parse().ok() }
}

/// `d` and `e` with `number = d·10ᵉ`, for the shortest `d` that tells the number from its neighbours.
fn digits(number: f64) -> Option<(i128, i32)> {
    let text = format!("{number:e}");
    let (mantissa, exponent) = text.split_once('e')?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent.parse::<i32>().ok()?.checked_sub(fraction.len().try_into().ok()?)?;
    Some((format!("{whole}{fraction}").parse().ok()?, exponent))
}
