//! What enriching is told.

use std::time::Duration;

use crate::compose::Paging;
use crate::evidence::Limits;

/// How alarms are enriched, in whatever place.
#[derive(Debug, Clone)]
pub struct Settings {
    pub evidence_deadline: Duration,
    pub limits: Limits,
    pub paging: Paging,
    /// Further log groups in which a trace is searched; `*` at the end for a beginning.
    pub trace_log_groups: Vec<String>,
}
