//! Why a space makes no sense.

/// A declaration that makes no sense; each names its parameter.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SpaceError {
    /// No parameter at all.
    #[error("a space needs at least one parameter")]
    Empty,
    /// Two parameters with one name.
    #[error("parameter {name:?} is declared twice")]
    Duplicate {
        /// The parameter.
        name: String,
    },
    /// Bounds out of order or not finite.
    #[error(
        "parameter {name:?} goes from {low} to {high}: bounds must be finite and the first below the second"
    )]
    Bounds {
        /// The parameter.
        name: String,
        /// The lower bound.
        low: f64,
        /// The upper one.
        high: f64,
    },
    /// Bounds that are one number to arithmetic.
    #[error(
        "parameter {name:?} goes from {low} to {high}, which are the same real number: beyond 2^53 bounds must lie \
         further apart"
    )]
    Indistinct {
        /// The parameter.
        name: String,
        /// The lower bound.
        low: i64,
        /// The upper one.
        high: i64,
    },
    /// A logarithmic scale that reaches 0.
    #[error("parameter {name:?} has a logarithmic scale, so its lower bound {low} must be above 0")]
    LogOfNonPositive {
        /// The parameter.
        name: String,
        /// The lower bound.
        low: f64,
    },
    /// A step that is not positive, or is wider than the range.
    #[error("parameter {name:?} has step {step}: it must be above 0 and at most the range, {range}")]
    Step {
        /// The parameter.
        name: String,
        /// The step.
        step: f64,
        /// Upper bound minus lower bound.
        range: f64,
    },
    /// A logarithmic scale together with a step.
    #[error("parameter {name:?} has both a logarithmic scale and a step: choose one")]
    LogAndStep {
        /// The parameter.
        name: String,
    },
    /// A deviation that is not positive.
    #[error(
        "parameter {name:?} has mean {mu} and deviation {sigma}: both must be finite, the second above 0"
    )]
    Deviation {
        /// The parameter.
        name: String,
        /// The mean.
        mu: f64,
        /// The deviation.
        sigma: f64,
    },
    /// No choices.
    #[error("parameter {name:?} has no choices")]
    NoChoices {
        /// The parameter.
        name: String,
    },
    /// A choice twice.
    #[error("parameter {name:?} has the choice {choice} twice")]
    DuplicateChoice {
        /// The parameter.
        name: String,
        /// The choice.
        choice: String,
    },
    /// A refinement that this kind of parameter does not have.
    #[error("parameter {name:?} cannot have {refinement:?}, or not this one")]
    Misused {
        /// The parameter.
        name: String,
        /// The refinement.
        refinement: &'static str,
    },
    /// A condition on a parameter that is not declared before this one.
    #[error("parameter {name:?} depends on {parent:?}, which is not declared before it{}", did_you_mean(.nearest))]
    UnknownParent {
        /// The parameter.
        name: String,
        /// The unknown one.
        parent: String,
        /// A known one with a similar name.
        nearest: Option<String>,
    },
    /// A condition on a parameter that has no choices.
    #[error("parameter {name:?} depends on {parent:?}, which is no choice")]
    ParentWithoutChoices {
        /// The parameter.
        name: String,
        /// The other.
        parent: String,
    },
    /// A condition on a choice that the parent does not have.
    #[error("parameter {name:?} exists when {parent:?} is {choice}, which is not among {options}")]
    UnknownChoice {
        /// The parameter.
        name: String,
        /// The parent.
        parent: String,
        /// The choice.
        choice: String,
        /// What the parent can be.
        options: String,
    },
    /// A condition without choices.
    #[error("parameter {name:?} exists for no choice of {parent:?}")]
    Never {
        /// The parameter.
        name: String,
        /// The parent.
        parent: String,
    },
    /// A value for a parameter that is not in the space.
    #[error("there is no parameter {name:?}{}", did_you_mean(.nearest))]
    UnknownParameter {
        /// The unknown parameter.
        name: String,
        /// A known one with a similar name.
        nearest: Option<String>,
    },
    /// A value that a parameter cannot have.
    #[error("parameter {name:?} cannot be {value}; it is {expected}")]
    Value {
        /// The parameter.
        name: String,
        /// The value.
        value: String,
        /// What it can be.
        expected: String,
    },
    /// A second condition: a parameter has one parent.
    #[error("parameter {name:?} depends on {first:?} and on {second:?}: it can have one parent")]
    TwoConditions {
        /// The parameter.
        name: String,
        /// The first parent.
        first: String,
        /// The second one.
        second: String,
    },
    /// Parameters each of which exists only for certain choices of the next, and the last of the first.
    #[error("parameters depend on each other: {}", .names.join(" -> "))]
    Cycle {
        /// The parameters, the first one again at the end.
        names: Vec<String>,
    },
    /// A text that is not even TOML or JSON.
    #[error("{format}: {why}")]
    Text {
        /// The format.
        format: &'static str,
        /// What is wrong, and where.
        why: String,
    },
    /// Something else than a table of keys in the place of a parameter.
    #[error("parameter {name:?} is {found}, it must be a table such as {{ low = 0.0, high = 1.0 }}")]
    NoTable {
        /// The parameter.
        name: String,
        /// What it is.
        found: String,
    },
    /// A key that this kind of parameter does not have.
    #[error("parameter {name:?} has the key {key:?}, which {kind} does not have{}", did_you_mean(.nearest))]
    UnknownKey {
        /// The parameter.
        name: String,
        /// The key.
        key: String,
        /// The kind of parameter, with an article.
        kind: &'static str,
        /// A similar key that it can have.
        nearest: Option<String>,
    },
    /// A key twice.
    #[error("parameter {name:?} has the key {key:?} twice")]
    DuplicateKey {
        /// The parameter.
        name: String,
        /// The key.
        key: String,
    },
    /// A key that is missing.
    #[error("parameter {name:?} has no {key:?}, which {kind} needs")]
    MissingKey {
        /// The parameter.
        name: String,
        /// The key.
        key: &'static str,
        /// The kind of parameter, with an article.
        kind: &'static str,
    },
    /// A parameter of which nothing tells the kind.
    #[error("parameter {name:?} has neither \"choices\", \"low\" and \"high\", \"mu\" and \"sigma\" nor \"type\"{}", did_you_mean(.nearest))]
    NoKind {
        /// The parameter.
        name: String,
        /// A key that is similar to one that it has.
        nearest: Option<String>,
    },
    /// A type that does not exist.
    #[error("parameter {name:?} has the type {found:?}, which is none of {known}{}", did_you_mean(.nearest))]
    UnknownType {
        /// The parameter.
        name: String,
        /// The type.
        found: String,
        /// All types.
        known: String,
        /// A similar one.
        nearest: Option<String>,
    },
    /// A key with something of the wrong type.
    #[error("parameter {name:?} has {found} as {key:?}, which must be {expected}")]
    WrongType {
        /// The parameter.
        name: String,
        /// The key.
        key: String,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!("; did you mean {name:?}?")).unwrap_or_default()
}
