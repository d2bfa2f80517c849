//! The settings for enriching.

use std::time::Duration;

use crate::compose::Paging;
use crate::evidence::Limits;

/// How alarms are enriched, in Lambda, on a server and in previews.
#[derive(Debug, Clone)]
pub struct Settings {
    pub evidence_deadline: Duration,
    pub limits: Limits,
    pub paging: Paging,
    /// Further log groups in which a trace is searched; a name that ends in `*` is a prefix.
    pub trace_log_groups: Vec<String>,
    /// Whether metrics are read where there are no log lines: about $0.01 for 1 000 of them.
    pub metrics: bool,
    /// Whether CloudTrail is asked for what changed.
    pub changes: bool,
}
