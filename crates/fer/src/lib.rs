//! Facial emotion recognition on FER-2013.
//!
//! [`data`] reads the FER-2013 CSV files, or draws a small synthetic stand-in, and reports what is
//! unusual about them.

pub mod data;
pub mod environment;
pub mod run;
pub mod samples;
pub mod settings;
pub mod training;
