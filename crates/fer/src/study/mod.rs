//! The whole study: what it consists of, what it costs, and what its report says.
//!
//! A study is a folder with a folder for each run, and one for each search:
//!
//! ```text
//! study.toml                 what the study was asked to be
//! fnn/fnn1 .. cnn/cnn3       runs, as `fer train` leaves them; -seed2 and so on for further seeds
//! search/joint, /hyperopt    searches, as `fer search` leaves them
//! finetune/ft1-as-it-ran ..  runs of `fer finetune`
//! augment/variant1 ..        runs of `fer augment train`
//! measures.csv               what the best weights, and the faces that were not standardised, give on the test images
//! report.html, .md, -data/   the report
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | `plan` | the settings of a study, and the runs that follow from them |
//! | `estimate` | time and memory of a run, from steps that are timed |
//! | `measure` | accuracies that a run does not write itself |
//! | `searched` | a search's folder read back |
//! | `mistakes` | what the original got wrong, as it was and done right |
//! | `report` | the report of a study's folder |

mod estimate;
mod measure;
mod mistakes;
mod plan;
mod report;
mod searched;

pub use estimate::{Estimate, Estimator};
pub use measure::{Measure, Measures};
pub use plan::{Part, Plan, PlannedRun, PlannedSearch, Scale, StudySettings};
pub use report::report;
pub use searched::{Searched, Share, TrialLine};
