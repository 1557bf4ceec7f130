/// A difference quotient, or the discovery that there is a kink.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Difference {
    /// The central difference, NaN where the function is not finite, and by how much it may be wrong.
    Smooth { derivative: f64, uncertainty: f64 },
    /// The function has no derivative here, or too close by.
    Kink,
}

/// The derivative of `f` at 0 by central differences of step `epsilon`. `f` also gives the size of what it adds up, which
/// says how much of its value is rounding.
///
/// `f` is evaluated at `0` and at plus and minus `epsilon`, its half and its quarter. The second differences
/// of a smooth function shrink with the step; what does not fit is a kink between the points. (Two steps would
/// not do: a kink at a third of the first step halves its second difference, too.)
pub(super) fn central(mut f: impl FnMut(f64) -> (f64, f64), epsilon: f64) -> Difference {
    let (middle, mut size) = f(0.0);
    let mut finite = middle.is_finite();
    let mut quotients = |h: f64| {
        let ((right, right_size), (left, left_size)) = (f(h), f(-h));
        finite &= right.is_finite() && left.is_finite();
        size = size.max(right_size).max(left_size);
        ((right - left) / (2.0 * h), (right - 2.0 * middle + left) / h)
    };
    let (derivative, bend) = quotients(epsilon);
    let (half_derivative, half_bend) = quotients(epsilon / 2.0);
    let (_, quarter_bend) = quotients(epsilon / 4.0);
    // Rounding of f leaves a few units in the last place in each second difference.
    let rounding = 32.0 * f64::EPSILON * size / epsilon;
    let allowed = 1e-8 * (1.0 + derivative.abs()) + rounding;
    if !finite {
        // Nothing that another point would excuse.
        return Difference::Smooth { derivative: f64::NAN, uncertainty: f64::NAN };
    }
    let shrinks = |from: f64, to: f64| (to - from / 2.0).abs() <= allowed;
    if shrinks(bend, half_bend) && shrinks(half_bend, quarter_bend) {
        // Half the step leaves a quarter of what curvature adds.
        let curvature = 2.0 * (derivative - half_derivative).abs();
        Difference::Smooth { derivative, uncertainty: curvature + rounding }
    } else {
        Difference::Kink
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smooth_function_gives_its_derivative() {
        // The third derivative, a sixth of which times the step's square is the error.
        for (epsilon, size) in [(1e-5, 3.0), (1e-3, 3.0), (1e-5, 1e9)] {
            let Difference::Smooth { derivative, uncertainty } =
                central(|h| ((1.0 + h).exp() * 3.0, size), epsilon)
            else {
                panic!("a kink")
            };
            let error = (derivative - 3.0 * 1f64.exp()).abs();
            assert!(error < 1e-9 + epsilon * epsilon * 2.0, "{error}");
            assert!(error <= uncertainty && uncertainty < 1e-8 + 1e-9 * size + 10.0 * epsilon * epsilon);
        }
    }

    #[test]
    fn a_kink_between_the_points_is_seen() {
        for place in [0.0, 0.1, 1.0 / 6.0, 1.0 / 3.0, 0.45, 0.7, 0.99, -0.3, -0.8] {
            let relu = |h: f64| ((h - place * 1e-5).max(0.0), 0.0);
            assert_eq!(central(relu, 1e-5), Difference::Kink, "kink at {place} of the step");
        }
        let flat = Difference::Smooth { derivative: 0.0, uncertainty: 0.0 };
        assert_eq!(central(|h| ((h - 2e-5).max(0.0), 0.0), 1e-5), flat);
    }

    #[test]
    fn a_value_that_is_not_finite_is_no_kink() {
        let from = |value: f64, place: f64| move |h: f64| (if h >= place { value } else { 1.0 }, 1.0);
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for place in [-1.0, 0.0, 1e-5] {
                let Difference::Smooth { derivative, .. } = central(from(value, place), 1e-5) else {
                    panic!("{value} is excused as a kink")
                };
                assert!(derivative.is_nan(), "{value} from {place} on gives {derivative}");
            }
        }
    }
}
