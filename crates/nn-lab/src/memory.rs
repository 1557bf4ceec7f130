//! How much memory a measurement may take: checked before it is taken.

use std::fs;

use thiserror::Error;

/// More than may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("needs {} of memory; the limit is {}, three quarters of what is free", in_words(*.needed), in_words(*.limit))]
pub struct TooMuch {
    /// Bytes.
    pub needed: u64,
    /// Bytes.
    pub limit: u64,
}

/// Where the system does not tell: what a small machine has.
const UNKNOWN: u64 = 4 << 30;

/// Bytes that one measurement may take: three quarters of the least of what the machine has available, what its
/// container may use, and the address space of the process.
pub fn limit() -> u64 {
    let read = |path| fs::read_to_string(path).ok();
    let available = read("/proc/meminfo").and_then(|text| field(&text, "MemAvailable:")).map(|kib| kib << 10);
    let container = read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse().ok());
    let addresses = read("/proc/self/limits").and_then(|text| field(&text, "Max address space"));
    let least = [available, container, addresses].into_iter().flatten().min();
    least.unwrap_or(UNKNOWN) / 4 * 3
}

/// The number that follows `name` at the beginning of a line; `None` also for `unlimited`.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Whether `needed` bytes may be taken.
///
/// # Errors
/// If they are more than [`limit`].
pub fn check(needed: u64) -> Result<(), TooMuch> {
    let limit = limit();
    if needed > limit { Err(TooMuch { needed, limit }) } else { Ok(()) }
}

/// A number of bytes as `1.5 GiB`.
fn in_words(bytes: u64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let power = (bytes.max(1).ilog2() / 10) as usize;
    match power {
        0 => format!("{bytes} bytes"),
        _ => format!("{:.1} {}", bytes as f64 / 1024f64.powi(power as i32), units[power]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_in_words() {
        let words = [0, 1023, 1024, 3 << 29, u64::MAX].map(in_words);
        assert_eq!(words, ["0 bytes", "1023 bytes", "1.0 KiB", "1.5 GiB", "16.0 EiB"]);
    }

    #[test]
    fn fields_of_the_system_s_tables() {
        let text =
            "MemTotal:       16 kB\nMemAvailable:   12 kB\nMax address space         unlimited   bytes\n";
        assert_eq!(field(text, "MemAvailable:"), Some(12));
        assert_eq!(field(text, "Max address space"), None);
        assert_eq!(field(text, "Max core"), None);
    }

    #[test]
    fn more_than_any_machine_has_is_refused() {
        assert!(check(1 << 20).is_ok());
        let message = check(1 << 60).unwrap_err().to_string();
        assert!(message.starts_with("needs 1.0 EiB of memory; the limit is "), "{message}");
    }
}
