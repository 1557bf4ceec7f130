//! The machine as far as measuring needs to know it.

use std::fs;
use std::path::Path;

/// Bytes of the data caches that one core sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caches {
    /// First level, of one core.
    pub l1: usize,
    /// Second level, of one core.
    pub l2: usize,
    /// Last level, usually shared.
    pub l3: usize,
}

impl Default for Caches {
    /// A common desktop processor, for systems that do not tell.
    fn default() -> Self {
        Self { l1: 32 << 10, l2: 1 << 20, l3: 32 << 20 }
    }
}

impl Caches {
    /// The caches of the first core as Linux lists them; elsewhere the default.
    pub fn detect() -> Self {
        Self::read(Path::new("/sys/devices/system/cpu/cpu0/cache"))
    }

    /// Reads a folder of the form of Linux's `/sys/devices/system/cpu/cpu0/cache`.
    pub fn read(folder: &Path) -> Self {
        let mut caches = Self::default();
        for index in 0..16 {
            let read = |name: &str| fs::read_to_string(folder.join(format!("index{index}/{name}")));
            let (Ok(level), Ok(kind), Ok(size)) = (read("level"), read("type"), read("size")) else { break };
            let slot = match (level.trim(), kind.trim()) {
                ("1", "Data") => &mut caches.l1,
                ("2", _) => &mut caches.l2,
                ("3", _) => &mut caches.l3,
                _ => continue,
            };
            *slot = parse_size(size.trim()).unwrap_or(*slot);
        }
        caches
    }
}

/// `48K`, `32M` or a plain number of bytes.
fn parse_size(text: &str) -> Option<usize> {
    let (digits, unit) = match text.as_bytes().last()? {
        b'K' => (&text[..text.len() - 1], 1 << 10),
        b'M' => (&text[..text.len() - 1], 1 << 20),
        _ => (text, 1),
    };
    digits.parse::<usize>().ok()?.checked_mul(unit)
}

/// The largest resident memory of this process so far, in MiB; `None` where the system does not tell.
pub fn peak_rss_mb() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caches_are_read_as_linux_lists_them() {
        let folder = tempfile::tempdir().unwrap();
        let list = [
            ("1", "Data", "48K\n"),
            ("1", "Instruction", "99K\n"),
            ("2", "Unified", "2048K"),
            ("3", "Unified", "24M"),
        ];
        for (index, (level, kind, size)) in list.into_iter().enumerate() {
            let cache = folder.path().join(format!("index{index}"));
            fs::create_dir(&cache).unwrap();
            fs::write(cache.join("level"), level).unwrap();
            fs::write(cache.join("type"), kind).unwrap();
            fs::write(cache.join("size"), size).unwrap();
        }
        assert_eq!(Caches::read(folder.path()), Caches { l1: 48 << 10, l2: 2 << 20, l3: 24 << 20 });
        assert_eq!(Caches::read(&folder.path().join("none")), Caches::default());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn resident_memory_grows_with_what_is_touched() {
        let before = peak_rss_mb().unwrap();
        let touched = vec![1u8; 96 << 20];
        assert_eq!(std::hint::black_box(&touched)[4096], 1);
        assert!(peak_rss_mb().unwrap() >= before.max(96.0));
    }
}
