use nn_kernels::conv::{ConvGeometry, Direction};
use nn_kernels::reference;

use super::Operands;
use crate::problem::Problem;
use crate::verify::{Bound, Expected, Verified, Wrong, choose};

/// Runs `kernel` on random operands of the whole batch and compares with the reference as many images as make
/// `affordable` multiply-adds, but at least one; the first and the last are among them. Of one image that costs more, as
/// many channels of the result as make `affordable`, but at least one of each group.
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
    let part = Part::of(g, direction, affordable / images.len() as u64);
    let Operands { first, mut second, mut out } = Operands::random(problem, direction, 0);
    let gather = |values: &[f32], len: usize| -> Vec<f32> {
        images.iter().flat_map(|&i| &values[i * len..][..len]).copied().collect()
    };
    let wide = |values: &[f32]| values.iter().map(|&v| v.into()).collect::<Vec<f64>>();
    let (x_len, y_len) = (g.input_len(), g.output_len());
    let result = |out: &[f32]| match direction {
        Direction::GradWeight => part.channels(out),
        Direction::Output => part.channels(&gather(out, y_len)),
        Direction::GradInput => part.channels(&gather(out, x_len)),
    };
    let (a, b, start) = match direction {
        Direction::Output => (gather(&first, x_len), part.channels(&second), vec![]),
        Direction::GradInput => (gather(&first, y_len), part.filters(&second), vec![]),
        Direction::GradWeight => {
            let chosen = |i: usize| images.binary_search(&i).is_ok();
            let others = second.chunks_exact_mut(y_len).enumerate().filter(|(i, _)| !chosen(*i));
            others.for_each(|(_, dy)| dy.fill(0.0));
            (gather(&first, x_len), part.channels(&gather(&second, y_len)), result(&out))
        }
    };
    let (a, b) = (wide(&a), wide(&b));
    let start = match direction {
        Direction::GradWeight => wide(&start),
        Direction::Output => vec![0.0; images.len() * part.geometry.output_len()],
        Direction::GradInput => vec![0.0; images.len() * part.geometry.input_len()],
    };
    if direction != Direction::GradWeight {
        out.fill(f32::NAN);
    }
    let absolute = |values: &[f64]| values.iter().map(|v| v.abs()).collect::<Vec<f64>>();
    let magnitudes = compute(&part.geometry, direction, &absolute(&a), &absolute(&b), absolute(&start));
    let depth = match direction {
        Direction::Output => g.patch_len(),
        Direction::GradInput => g.kh * g.kw * g.out_c / g.groups,
        Direction::GradWeight => images.len() * g.out_h * g.out_w,
    };
    let expected = Expected { values: compute(&part.geometry, direction, &a, &b, start), magnitudes, depth };
    kernel(&first, &second, &mut out);
    let worst = expected.compare(&result(&out), bound)?;
    Ok(Verified { checked: images.len(), of: problem.batch, worst })
}

/// The channels of a result that are compared, and the convolution that has these alone.
struct Part {
    geometry: ConvGeometry,
    /// The chosen channels of each group.
    chosen: Vec<usize>,
    /// All of them.
    of: usize,
}

impl Part {
    /// As many channels as make `affordable` multiply-adds of an image.
    fn of(g: &ConvGeometry, direction: Direction, affordable: u64) -> Self {
        let all = if direction == Direction::GradInput { g.in_c } else { g.out_c };
        let of = all / g.groups;
        let chosen = choose(of, (affordable / g.macs().div_ceil(of as u64)) as usize);
        let channels = g.groups * chosen.len();
        let geometry = match direction {
            Direction::GradInput => g.with_channels(channels, g.out_c),
            _ => g.with_channels(g.in_c, channels),
        };
        Self { geometry, chosen, of }
    }

    /// The chosen channels of an array whose last axis they are.
    fn channels(&self, values: &[f32]) -> Vec<f32> {
        let groups = values.chunks_exact(self.of);
        groups.flat_map(|group| self.chosen.iter().map(move |&i| group[i])).collect()
    }

    /// A weight `[kh, kw, in_c / groups, out_c]` with the chosen input channels.
    fn filters(&self, weight: &[f32]) -> Vec<f32> {
        let out_c = self.geometry.out_c;
        let taps = weight.chunks_exact(self.of * out_c);
        taps.flat_map(|tap| self.chosen.iter().flat_map(move |&i| &tap[i * out_c..][..out_c]))
            .copied()
            .collect()
    }
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

    /// One image costs more than is affordable: some channels of the result are compared, and mistakes in them are found.
    #[test]
    fn of_a_large_image_some_channels_are_compared() {
        for text in ["mb2_ic5ih9oc7kh3ph1", "mb2_g2ic6ih9iw5oc10kh3sh2", "mb1_g4ic4ih9oc4kh3"] {
            let problem: Problem = text.parse().unwrap();
            let affordable = problem.geometry.macs() / 2;
            for direction in Direction::ALL {
                let case = Case { problem: problem.clone(), direction, algorithm: Algorithm::Im2col };
                let part = Part::of(&problem.geometry, direction, affordable);
                assert!(
                    part.chosen.len() <= part.of.div_ceil(2)
                        && part.geometry.macs() <= problem.geometry.macs()
                );
                let verdict =
                    |mistake: Kernel| verify(&case.problem, direction, case.bound(), affordable, mistake);
                let verified = verdict(&|a, b, c| case.run(a, b, c)).unwrap();
                assert!(verified.worst > 0.0 && verified.checked == 1, "{case:?}");
                // The last channel is among the chosen.
                let wrong = verdict(&|a, b, c| {
                    case.run(a, b, c);
                    let last = c.len() - 1;
                    c[last] += 0.01;
                });
                assert!(wrong.is_err(), "{case:?}");
            }
        }
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
