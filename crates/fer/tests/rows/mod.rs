//! Small data files for the tests.
#![allow(dead_code, reason = "each test file uses a part")]

/// 2,304 pixels that differ with `shift`.
pub fn pixels(shift: usize) -> String {
    let pixels: Vec<String> = (0..2304).map(|i| ((i + shift) % 256).to_string()).collect();
    pixels.join(" ")
}

/// A row of a file with the columns `emotion,pixels,Usage`.
pub fn row(emotion: usize, usage: &str) -> String {
    format!("{emotion},{},{usage}\n", pixels(emotion))
}

/// The smallest complete single file: lines 2 to 5 hold two training faces, one of val and one of test.
pub fn single_file() -> String {
    let rows = [row(0, "Training"), row(1, "Training"), row(2, "PublicTest"), row(3, "PrivateTest")];
    format!("emotion,pixels,Usage\n{}", rows.concat())
}
