use nn_kernels::conv::{ConvGeometry, Direction};
use nn_kernels::reference;

use super::Operands;
use crate::problem::Problem;
use crate::verify::{Bound, Expected, Verified, Wrong, choose};

/// Runs `kernel` on random operands of the whole batch and compares with the reference as many images as make
/// `affordable` multiply-adds, but at least one; the first and the last are among them.
///
/// Results that are to be overwritten hold NaN before, those that are to be added to hold numbers. The gradient
/// of the weight is a sum over images: `dy` of those that are not compared is zero.
///
/// # Errors
/// If a result is out of `bound`.
pub fn verify(
    problem: &Problem,
    direction: Direction,
    bound: Bound,
    affordable: u64,
    kernel: impl Fn(&[f32], &[f32], &mut [f32]),
) -> Result<Verified, Wrong> {
    let g = &problem.geometry;
    let images = choose(problem.batch, (affordable / g.macs()) as usize);
    let Operands { first, mut second, mut out } = Operands::random(problem, direction, 0);
    let gather = |values: &[f32], len: usize| -> Vec<f64> {
        images.iter().flat_map(|&i| &values[i * len..][..len]).map(|&v| v.into()).collect()
    };
    let all = |values: &[f32]| values.iter().map(|&v| v.into()).collect::<Vec<f64>>();
    let (x_len, y_len) = (g.input_len(), g.output_len());
    let (a, b, start) = match direction {
        Direction::Output => (gather(&first, x_len), all(&second), vec![0.0; images.len() * y_len]),
        Direction::GradInput => (gather(&first, y_len), all(&second), vec![0.0; images.len() * x_len]),
        Direction::GradWeight => {
            let chosen = |i: usize| images.binary_search(&i).is_ok();
            let others = second.chunks_exact_mut(y_len).enumerate().filter(|(i, _)| !chosen(*i));
            others.for_each(|(_, dy)| dy.fill(0.0));
            (gather(&first, x_len), gather(&second, y_len), all(&out))
        }
    };
    if direction != Direction::GradWeight {
        out.fill(f32::NAN);
    }
    let absolute = |values: &[f64]| values.iter().map(|v| v.abs()).collect::<Vec<f64>>();
    let magnitudes = compute(g, direction, &absolute(&a), &absolute(&b), absolute(&start));
    let depth = match direction {
        Direction::Output => g.patch_len(),
        Direction::GradInput => g.kh * g.kw * g.out_c / g.groups,
        Direction::GradWeight => images.len() * g.out_h * g.out_w,
    };
    let expected = Expected { values: compute(g, direction, &a, &b, start), magnitudes, depth };
    kernel(&first, &second, &mut out);
    let got: Vec<f32> = match direction {
        Direction::GradWeight => out,
        Direction::Output => images.iter().flat_map(|&i| &out[i * y_len..][..y_len]).copied().collect(),
        Direction::GradInput => images.iter().flat_map(|&i| &out[i * x_len..][..x_len]).copied().collect(),
    };
    let worst = expected.compare(&got, bound)?;
    Ok(Verified { checked: images.len(), of: problem.batch, worst })
}

/// The reference in `f64`, added to `out` if the direction adds.
fn compute(g: &ConvGeometry, direction: Direction, a: &[f64], b: &[f64], mut out: Vec<f64>) -> Vec<f64> {
    match direction {
        Direction::Output => reference::conv2d(g, a, b, &mut out),
        Direction::GradInput => reference::conv2d_grad_input(g, a, b, &mut out),
        Direction::GradWeight => reference::conv2d_grad_weight(g, a, b, &mut out),
    }
    out
}

#[cfg(test)]
mod tests {
    use nn_kernels::conv::Algorithm;

    use super::*;
    use crate::conv::Case;

    /// Three of the nine images of the third problem.
    const AFFORDABLE: u64 = 60_000;

    fn cases() -> impl Iterator<Item = Case> {
        let texts = ["mb3_ic3ih6iw7oc4kh3ph1", "mb2_g2ic4ih5oc6kh2sh2dh1", "mb9_ic3ih12oc4kh3ph1"];
        let problems = texts.map(|text| text.parse::<Problem>().unwrap());
        problems.into_iter().flat_map(|problem| {
            Direction::ALL.map(|direction| Case {
                problem: problem.clone(),
                direction,
                algorithm: Algorithm::Im2col,
            })
        })
    }

    #[test]
    fn right_kernels_pass() {
        for case in cases() {
            let verified =
                verify(&case.problem, case.direction, case.bound(), AFFORDABLE, |a, b, c| case.run(a, b, c));
            let Verified { checked, of, worst } = verified.unwrap();
            assert!(worst > 0.0 && worst <= 1.0, "{case:?}: {worst}");
            assert_eq!((checked, of), (case.problem.batch.min(3), case.problem.batch));
        }
    }

    type Kernel<'a> = &'a dyn Fn(&[f32], &[f32], &mut [f32]);

    /// Each kernel is right but for one plausible mistake.
    #[test]
    fn wrong_kernels_fail() {
        for case in cases() {
            let fails = |what: &str, mistake: Kernel| {
                let verdict = verify(&case.problem, case.direction, case.bound(), AFFORDABLE, mistake);
                assert!(verdict.is_err(), "{what} passes: {case:?}");
            };
            fails("nothing computed", &|_, _, _| ());
            fails("zeros", &|_, _, out| out.fill(0.0));
            fails("the last element forgotten", &|a, b, out| {
                let (last, before) = (out.len() - 1, out[out.len() - 1]);
                case.run(a, b, out);
                out[last] = before;
            });
            fails("one weight or pixel read one place off", &|a, b, out| {
                let mut b = b.to_vec();
                b.rotate_right(1);
                case.run(a, &b, out);
            });
            fails("half precision", &|a, b, out| {
                case.run(a, b, out);
                out.iter_mut().for_each(|v| *v = f32::from_bits((v.to_bits() + 0x1000) & !0x1fff));
            });
            if case.direction == Direction::GradWeight {
                fails("assigned instead of added", &|a, b, out| {
                    out.fill(0.0);
                    case.run(a, b, out);
                });
            } else {
                fails("added instead of assigned", &|a, b, out| {
                    let before = out.to_vec();
                    case.run(a, b, out);
                    out.iter_mut().zip(before).for_each(|(out, before)| *out += before);
                });
            }
        }
    }

    #[test]
    fn a_padding_off_by_one_fails() {
        let right: Problem = "mb2_ic3ih8oc4oh8kh3ph1".parse().unwrap();
        let wrong: Problem = "mb2_ic3ih8oc4oh8kh3ph2".parse().unwrap();
        for direction in Direction::ALL {
            let case = Case { problem: wrong.clone(), direction, algorithm: Algorithm::Im2col };
            assert!(
                verify(&right, direction, Bound::Largest(32), AFFORDABLE, |a, b, c| case.run(a, b, c))
                    .is_err()
            );
        }
    }
}
