//! Facial emotion recognition on FER-2013.
//!
//! | module | what it holds |
//! |---|---|
//! | [`data`] | reads the FER-2013 CSV files, or draws a synthetic stand-in, and reports what is unusual |
//! | [`transform`], [`samples`] | how a face becomes the input of a network, and the faces as a network sees them |
//! | [`pipeline`] | from faces to batches, with augmentation and standardisation |
//! | [`augment`] | varies images at random for training, and standardises them |
//! | [`settings`] | what a training run is asked to be, from flags, environment and files |
//! | [`training`] | a run from settings and data to a run folder |
//! | [`features`] | what the frozen layers of a network compute, kept on disk |
//! | [`search`] | the search over hyper-parameters |
//! | [`study`] | the whole study: its plan, what it costs, its report |
//! | [`run`], [`environment`] | the run folder, and on what the run was made |
//! | [`layout`], [`lock`] | what such folders may hold, and how only one process writes them |
//! | [`record`] | a run folder read back |
//! | [`published`] | what the study published |
//! | [`report`] | a report as data, and its form as HTML and Markdown |
//! | [`printable`] | text from outside, made fit to be shown |
//! | [`resume`] | continuing a run in another process |
//!
//! The binary `fer` adds the command line.

pub mod augment;
pub mod data;
pub mod discreet;
pub mod environment;
pub mod features;
pub mod layout;
pub mod lock;
pub mod pipeline;
pub mod printable;
pub mod published;
pub mod record;
pub mod report;
pub mod resume;
pub mod run;
pub mod samples;
pub mod search;
pub mod settings;
pub mod study;
pub mod terminal;
pub mod training;
pub mod transform;
