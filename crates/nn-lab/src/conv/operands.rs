use nn_kernels::conv::Direction;

use crate::problem::Problem;
use crate::random;

/// The two operands and the result of a direction, for a whole batch.
#[derive(Debug, Clone)]
pub struct Operands {
    /// `x`, or `dy` for the gradient of the input.
    pub first: Vec<f32>,
    /// `w`, or `dy` for the gradient of the weight.
    pub second: Vec<f32>,
    /// `y`, `dx` or `dw`.
    pub out: Vec<f32>,
}

impl Operands {
    /// Random operands; equal seeds give equal ones.
    pub fn random(problem: &Problem, direction: Direction, seed: u64) -> Self {
        let [x, w, y] = problem.lengths();
        let (first, second, out) = match direction {
            Direction::Output => (x, w, y),
            Direction::GradInput => (y, w, x),
            Direction::GradWeight => (x, y, w),
        };
        let numbers = |role: u64, len| random::numbers(3 * seed + role, len);
        Self { first: numbers(0, first), second: numbers(1, second), out: numbers(2, out) }
    }
}
