//! On what a run was made.

use nn_core::kernels::Isa;
use serde::Serialize;

use crate::data::Dataset;
use crate::discreet::discreet;

/// What a result may depend on besides its settings.
#[derive(Debug, Clone, Serialize)]
pub struct Environment {
    /// The program's version.
    pub version: &'static str,
    /// The commit it was built from.
    pub commit: &'static str,
    /// The command line, [discreet](crate::discreet::discreet()).
    pub command: Vec<String>,
    /// Operating system and processor architecture.
    pub platform: String,
    /// The processor's name, where the system tells it.
    pub cpu: Option<String>,
    /// Vector instruction sets that the processor has.
    pub isa: Vec<&'static str>,
    /// The one of them that computes, or `portable`.
    pub instruction_set: &'static str,
    /// Threads that compute.
    pub threads: usize,
    /// Where the data came from.
    pub data: String,
    /// Images in the training, validation and test split.
    pub images: [usize; 3],
    /// SHA-256 of the data.
    pub data_sha256: String,
    /// What was unusual about the data.
    pub data_warnings: Vec<String>,
}

impl Environment {
    /// Describes this process, working on `data`.
    pub fn of(data: &Dataset) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            commit: env!("FER_COMMIT"),
            command: std::env::args_os().map(|arg| discreet(&arg.to_string_lossy())).collect(),
            platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            cpu: cpu_name(),
            isa: vector_instructions(),
            instruction_set: Isa::current().name(),
            threads: rayon::current_num_threads(),
            data: data.source.to_string(),
            images: [data.train.len(), data.val.len(), data.test.len()],
            data_sha256: data.fingerprint(),
            data_warnings: data.warnings.iter().map(ToString::to_string).collect(),
        }
    }
}

fn cpu_name() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(target_arch = "x86_64")]
fn vector_instructions() -> Vec<&'static str> {
    let mut sets = Vec::new();
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        sets.push("avx2+fma");
    }
    if std::arch::is_x86_feature_detected!("avx512f") {
        sets.push("avx512f");
    }
    sets
}

#[cfg(not(target_arch = "x86_64"))]
fn vector_instructions() -> Vec<&'static str> {
    if cfg!(target_arch = "aarch64") { vec!["neon"] } else { Vec::new() }
}
