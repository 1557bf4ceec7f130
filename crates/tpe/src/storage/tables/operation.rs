//! The unit of change.

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::storage::{AttrKind, NewTrial, StudyId};
use crate::trial::{Direction, Param, State, TrialId};

/// One change of the tables, the same nine as in Optuna's journals (user and system attributes are one here).
///
/// Identities of new studies and trials are not part of it: they follow from the order of the operations.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::storage) enum Operation {
    CreateStudy {
        name: String,
        directions: Vec<Direction>,
    },
    DeleteStudy(StudyId),
    SetStudyAttr {
        study: StudyId,
        kind: AttrKind,
        key: String,
        value: Json,
    },
    CreateTrial {
        study: StudyId,
        new: NewTrial,
        started: Option<Timestamp>,
        finished: Option<Timestamp>,
        /// The trial that this one repeats; Optuna does not know it and passes over it.
        repeats: Option<TrialId>,
    },
    SetParam {
        trial: TrialId,
        name: String,
        param: Param,
    },
    SetState {
        trial: TrialId,
        state: State,
        /// `None` leaves what is there.
        values: Option<Vec<f64>>,
        /// The beginning of a running trial, the end of a finished one.
        at: Option<Timestamp>,
    },
    Report {
        trial: TrialId,
        step: i64,
        value: f64,
    },
    SetTrialAttr {
        trial: TrialId,
        kind: AttrKind,
        key: String,
        value: Json,
    },
}
