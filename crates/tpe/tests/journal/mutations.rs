//! Whatever the bytes of a file, opening it answers, without a panic, and leaves them alone.

use std::fs;

use proptest::prelude::*;
use tpe::storage::{Journal, Known, Storage};

use super::place;

const GOLDEN: &[u8] = include_bytes!("../compat/journal.log");

/// Opens a journal of these bytes and looks at all of it.
fn read(bytes: &[u8]) {
    let (_folder, path) = place();
    fs::write(&path, bytes).unwrap();
    if let Ok(journal) = Journal::open(&path) {
        for study in journal.studies().unwrap() {
            for trial in journal.trials(study.id, &Known::default()).unwrap() {
                trial.params.values().for_each(|param| drop(param.value()));
            }
        }
    }
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

/// Pieces that the format gives a meaning.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "",
        "\n",
        "\"",
        "\\",
        "{",
        "}",
        "[",
        ",",
        "NaN",
        "-Infinity",
        "null",
        "-1",
        "1e999",
        "9223372036854775808",
        "\\u0000",
        "\"op_code\":4,",
        "\"study_id\":0,",
        "\u{fc}",
    ];
    prop_oneof![
        prop::sample::select(pieces.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..4),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read(&bytes);
        read(&[b"{\"op_code\":", bytes.as_slice()].concat());
    }

    #[test]
    fn a_journal_with_changes(changes in prop::collection::vec((0..GOLDEN.len(), 0..40usize, piece()), 1..4)) {
        let mut bytes = GOLDEN.to_vec();
        for (at, length, piece) in changes {
            let at = at.min(bytes.len());
            bytes.splice(at..(at + length).min(bytes.len()), piece);
        }
        read(&bytes);
    }

    #[test]
    fn a_journal_with_lines_moved(order in prop::collection::vec(0..60usize, 0..60)) {
        let lines: Vec<_> = GOLDEN.split_inclusive(|&byte| byte == b'\n').collect();
        read(&order.iter().map(|&line| lines[line % lines.len()]).collect::<Vec<_>>().concat());
    }
}
