use super::*;

#[test]
fn sums_in_logarithms_neither_overflow_nor_underflow() {
    assert_eq!(log_sum_exp(&[]), f64::NEG_INFINITY);
    assert_eq!(log_sum_exp(&[f64::NEG_INFINITY; 2]), f64::NEG_INFINITY);
    assert!((log_sum_exp(&[-1000.0, -1000.0]) - (-1000.0 + std::f64::consts::LN_2)).abs() < 1e-12);
    assert_eq!(log_sum_exp(&[1000.0, -1000.0]), 1000.0);
}

#[test]
fn a_component_is_picked_by_its_share() {
    let weights = [0.25, 0.0, 0.5, 0.25];
    let picks = [0.0, 0.2499, 0.25, 0.7499, 0.75, 0.9999, 1.0].map(|u| pick(&weights, u));
    assert_eq!(picks, [0, 0, 2, 2, 3, 3, 3]);
    assert_eq!(pick(&[0.5, 0.5, 0.0], 1.0), 1);
}
