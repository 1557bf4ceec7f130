use std::fmt;

/// What a gradient check found.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What was checked.
    pub subject: String,
    /// Largest error that passes.
    pub tolerance: f64,
    /// One entry for the input and one for each parameter.
    pub tensors: Vec<TensorReport>,
    /// Violations of the layer contract, in words.
    pub violations: Vec<String>,
}

/// What a gradient check found for one tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorReport {
    /// `input`, or the parameter's name.
    pub name: String,
    /// The tensor's shape.
    pub shape: Vec<usize>,
    /// Elements or directions that were compared.
    pub checked: usize,
    /// Points that were thrown away because they sat on a kink.
    pub kinks: usize,
    /// Elements for which no point without a kink was found.
    pub unresolved: usize,
    /// `‖analytic - numeric‖ / max(‖analytic‖, ‖numeric‖, 0.01)` over the compared elements. The floor is
    /// there because differences cannot tell a tiny gradient from rounding. If an element is more than a tenth off, and that
    /// is more than its differences may be wrong by, its own relative error: a norm hides it behind larger elements. NaN
    /// where one of the two is not finite, and where nothing was compared.
    pub error: f64,
    /// The compared elements that differ most, worst first.
    pub worst: Vec<Entry>,
}

/// One compared element.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its place in the tensor; empty for a direction.
    pub index: Vec<usize>,
    /// What the backward pass gives.
    pub analytic: f64,
    /// What the differences give.
    pub numeric: f64,
    /// By how much the differences may be wrong, from rounding and from the function's curvature.
    pub uncertainty: f64,
}

impl Entry {
    fn difference(&self) -> f64 {
        (self.analytic - self.numeric).abs()
    }

    /// The relative error of this element alone, if it is one that the differences can be sure of; otherwise 0.
    fn sure_error(&self) -> f64 {
        /// Smaller errors are left to the norm.
        const TENTH: f64 = 0.1;
        /// Smaller gradients are nobody's concern.
        const TINY: f64 = 1e-9;
        let excess = self.difference() - self.uncertainty - TINY;
        let error = excess / self.analytic.abs().max(self.numeric.abs());
        // The quotient of infinities may be a NaN with a sign, which would come last among the worst.
        if error.is_nan() {
            return f64::NAN;
        }
        if error > TENTH { error } else { 0.0 }
    }
}

/// How many entries a report names.
const WORST: usize = 3;

impl TensorReport {
    pub(super) fn new(
        name: &str,
        shape: &[usize],
        mut entries: Vec<Entry>,
        kinks: usize,
        unresolved: usize,
    ) -> Self {
        let norm = |f: fn(&Entry) -> f64| entries.iter().map(|entry| f(entry).powi(2)).sum::<f64>().sqrt();
        let scale = norm(|e| e.analytic).max(norm(|e| e.numeric)).max(0.01);
        let checked = entries.len();
        // An infinity in the norms would make the quotient 0 or infinite, depending on where it is.
        let finite = entries.iter().all(|entry| entry.analytic.is_finite() && entry.numeric.is_finite());
        let sure = entries.iter().map(Entry::sure_error).fold(0.0, f64::max);
        let error =
            if finite && checked > 0 { (norm(Entry::difference) / scale).max(sure) } else { f64::NAN };
        // Those with NaN first, which is the greatest in this order.
        let order = |entry: &Entry| (entry.sure_error(), entry.difference());
        entries.sort_by(|a, b| {
            let ((sure, difference), (other_sure, other)) = (order(b), order(a));
            sure.total_cmp(&other_sure).then(difference.total_cmp(&other))
        });
        entries.truncate(WORST);
        Self { name: name.into(), shape: shape.into(), checked, kinks, unresolved, error, worst: entries }
    }
}

impl Report {
    /// Whether every tensor was compared, agrees within the tolerance, and the contract was kept.
    pub fn passed(&self) -> bool {
        self.violations.is_empty() && self.tensors.iter().all(|tensor| self.accepts(tensor))
    }

    /// The largest error of all tensors; NaN if one of them is.
    pub fn worst_error(&self) -> f64 {
        let worse = |a: f64, b: f64| if a.is_nan() || a >= b { a } else { b };
        self.tensors.iter().map(|tensor| tensor.error).fold(0.0, worse)
    }

    fn accepts(&self, tensor: &TensorReport) -> bool {
        // A NaN error compares false.
        tensor.error <= self.tolerance && tensor.unresolved == 0 && tensor.checked > 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let verdict = if self.passed() { "passed" } else { "FAILED" };
        writeln!(f, "gradient check of {}: {verdict} (tolerance {:.0e})", self.subject, self.tolerance)?;
        for tensor in &self.tensors {
            let TensorReport { name, shape, checked, kinks, unresolved, error, worst } = tensor;
            let verdict = if self.accepts(tensor) { "ok" } else { "FAILED" };
            write!(f, "  {name:<24} {shape:?}: {verdict}, relative error {error:.1e}, {checked} compared")?;
            if *kinks > 0 {
                write!(f, ", {kinks} kinks drawn again")?;
            }
            if *unresolved > 0 {
                write!(f, ", {unresolved} left on kinks")?;
            }
            writeln!(f)?;
            if !self.accepts(tensor) {
                for Entry { index, analytic, numeric, .. } in worst {
                    writeln!(f, "      at {index:?}: backward {analytic:+.9e}, differences {numeric:+.9e}")?;
                }
            }
        }
        for violation in &self.violations {
            writeln!(f, "  {violation}")?;
        }
        Ok(())
    }
}
