//! Why a rule makes no sense.

/// A parameter of a pruner that makes no sense.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PrunerError {
    /// A number out of its range.
    #[error("{pruner}: {parameter} is {value}, it must be {expected}")]
    OutOfRange {
        /// The pruner.
        pruner: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// What it was given.
        value: f64,
        /// What it may be.
        expected: &'static str,
    },
    /// A bootstrap count beside a resource that is still to be estimated: the estimate needs trials that complete, and
    /// the bootstrap stops them.
    #[error("{pruner}: bootstrap_count is {bootstrap_count}, so {resource} must be given")]
    BootstrapWithoutResource {
        /// The pruner.
        pruner: &'static str,
        /// The bootstrap count.
        bootstrap_count: usize,
        /// The resource that is not given.
        resource: &'static str,
    },
    /// A threshold that nothing can cross.
    #[error("threshold: neither lower nor upper is given, one of them must be")]
    NoThreshold,
    /// Thresholds that leave nothing between them.
    #[error("threshold: lower is {lower} and upper is {upper}, the first must be at most the second")]
    ThresholdsCrossed {
        /// The lower one.
        lower: f64,
        /// The upper one.
        upper: f64,
    },
}

/// Accepts a parameter that is in its range.
pub(super) fn require(
    holds: bool,
    pruner: &'static str,
    parameter: &'static str,
    value: f64,
    expected: &'static str,
) -> Result<(), PrunerError> {
    if holds { Ok(()) } else { Err(PrunerError::OutOfRange { pruner, parameter, value, expected }) }
}
