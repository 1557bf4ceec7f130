//! Measuring one convolution: verify it, then time it.

mod operands;
mod run;
mod verify;

use std::fmt;
use std::str::FromStr;

use nn_kernels::Epilogue;
use nn_kernels::conv::{self, Algorithm, Direction};

use crate::problem::Problem;
use crate::verify::Bound;

pub use operands::Operands;
pub use run::{Caching, ConvReport, Entry, Options, Phases, Status, measure};
pub use verify::verify;

/// A direction by its name in benchdnn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dir(pub Direction);

impl fmt::Display for Dir {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self.0 {
            Direction::Output => "fwd",
            Direction::GradInput => "bwd_d",
            Direction::GradWeight => "bwd_w",
        })
    }
}

impl FromStr for Dir {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let dirs = Direction::ALL.map(Self);
        let found = dirs.into_iter().find(|dir| dir.to_string() == name);
        found.ok_or_else(|| format!("unknown direction {name:?}, expected fwd, bwd_d or bwd_w"))
    }
}

/// A problem in one direction by one algorithm.
#[derive(Debug, Clone)]
pub struct Case {
    /// The convolution.
    pub problem: Problem,
    /// Which of its three products.
    pub direction: Direction,
    /// How it is computed.
    pub algorithm: Algorithm,
}

impl Case {
    /// Computes `out` from the direction's two operands: `x` and `w`, `dy` and `w`, or `x` and `dy`.
    ///
    /// # Panics
    /// If the algorithm does not support it.
    pub fn run(&self, first: &[f32], second: &[f32], out: &mut [f32]) {
        let (g, algorithm) = (&self.problem.geometry, self.algorithm);
        match self.direction {
            Direction::Output => conv::output(g, algorithm, first, second, Epilogue::NONE, out),
            Direction::GradInput => conv::grad_input(g, algorithm, first, second, out),
            Direction::GradWeight => conv::grad_weight(g, algorithm, first, second, out),
        }
    }

    /// The algorithm that runs, `auto` being replaced by its choice; `None` if it does not support the problem.
    pub fn resolved(&self) -> Option<Algorithm> {
        let Self { problem, direction, algorithm } = self;
        algorithm
            .supports(&problem.geometry, *direction)
            .then(|| algorithm.resolve(&problem.geometry, *direction))
    }

    /// The bound that its result must keep.
    pub fn bound(&self) -> Bound {
        let transforms = self.resolved().is_some_and(|algorithm| algorithm.name().contains("winograd"));
        if transforms { Bound::Largest(WINOGRAD_FACTOR) } else { Bound::Element }
    }
}

/// How much the transforms of Winograd's algorithm may enlarge rounding errors. The largest tiles come to a third
/// of it with one input channel, where no sum averages the errors.
const WINOGRAD_FACTOR: u32 = 32;
