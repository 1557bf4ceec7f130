//! Facial emotion recognition on FER-2013.
//!
//! | module | what it holds |
//! |---|---|
//! | [`data`] | reads the FER-2013 CSV files, or draws a synthetic stand-in, and reports what is unusual |
//! | [`transform`], [`samples`] | how a face becomes the input of a network, and the faces as a network sees them |
//! | [`settings`] | what a training run is asked to be, from flags, environment and files |
//! | [`training`] | a run from settings and data to a run folder |
//! | [`features`] | what the frozen layers of a network compute, kept on disk |
//! | [`run`], [`environment`] | the run folder, and on what the run was made |
//! | [`resume`] | continuing a run in another process |
//!
//! The binary `fer` adds the command line.

pub mod data;
pub mod environment;
pub mod features;
pub mod resume;
pub mod run;
pub mod samples;
pub mod settings;
pub mod training;
pub mod transform;
