//! Attacks on the programs `fer` and `nn-lab`: what a hostile file, a full disk, a signal or a slip of the pen may do to
//! them, and what must come of it.
//!
//! There is a file for each area, with a function `rows` that lists its attacks. A row has a name, a script for `sh`
//! in which `fer` and `nn-lab` are the programs, and what must come of it:
//!
//! ```ignore
//! attack("a pipe as a network", "fer train pipe.json --epochs 1")
//!     .setup("mkfifo pipe.json")          // scripts and files that the attack needs; see `Attack`
//!     .ends(1, &["pipe.json", "a pipe"])  // the exit code, and what stdout and stderr must say
//!     .after("test ! -e runs"),           // a script that must succeed afterwards
//! ```
//!
//! A row runs in a folder of its own in which lies `tiny.json`, a network that trains in a moment. For every row it holds
//! besides: no panic, no abort, no control characters, no text of a parser's or of `Debug`'s making, no endless numbers
//! in its messages (`harness/messages.rs`), an end within a minute, at most 1 GiB of address space and 400 MiB of memory.
//! `.within` and `.memory` set other bounds, `.never` adds to what may not be said.
//!
//! To add a row, write it into the file of its area, and see it fail without your change:
//!
//! ```console
//! ATTACK="a pipe as a network" cargo test --workspace --test attacks
//! ```
//!
//! `ATTACK` is a part of the names of the rows to run. `ATTACKS_WITHOUT_LIMITS=1` leaves out the bounds on memory, which
//! a program under a sanitizer cannot keep.

#![cfg(target_os = "linux")]

mod arrays;
mod benchmarks;
mod environment;
mod harness;
mod images;
mod keras;
mod models;
mod outputs;
mod runs;
mod searches;
mod signals;
mod tables;

use harness::{Attack, must_hold};

#[test]
fn models_are_survived() {
    must_hold(models::rows());
}

#[test]
fn models_of_keras_are_survived() {
    must_hold(keras::rows());
}

#[test]
fn arrays_are_survived() {
    must_hold(arrays::rows());
}

#[test]
fn benchmarks_are_survived() {
    must_hold(benchmarks::rows());
}

#[test]
fn images_are_survived() {
    must_hold(images::rows());
}

#[test]
fn tables_are_survived() {
    must_hold(tables::rows());
}

#[test]
fn runs_are_survived() {
    must_hold(runs::rows());
}

#[test]
fn searches_are_survived() {
    must_hold(searches::rows());
}

#[test]
fn outputs_are_safe() {
    must_hold(outputs::rows());
}

#[test]
fn environments_are_survived() {
    must_hold(environment::rows());
}

#[test]
fn signals_are_survived() {
    must_hold(signals::rows());
}

#[test]
fn every_attack_has_a_name_of_its_own() {
    let mut names: Vec<&str> = all().iter().map(Attack::name).collect();
    let rows = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), rows, "a name is given twice");
    assert!(rows >= 150, "only {rows} attacks");
}

fn all() -> Vec<Attack> {
    let areas = [
        models::rows,
        keras::rows,
        arrays::rows,
        benchmarks::rows,
        images::rows,
        tables::rows,
        runs::rows,
        searches::rows,
        outputs::rows,
        environment::rows,
        signals::rows,
    ];
    areas.into_iter().flat_map(|rows| rows()).collect()
}
