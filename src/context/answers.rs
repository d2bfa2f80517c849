//! The answers, as far as they are there, and what the page says of them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::novelty::Claim;
use crate::lock::{into_inner, lock};
use crate::redact::Redactor;

/// The most sentences.
const MOST: usize = 8;

/// What was found out beside the logs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Context {
    /// The most telling first, each with its source.
    pub sentences: Vec<String>,
    /// New or known, by the place of the part and of the kind in it.
    pub kinds: BTreeMap<(usize, usize), String>,
}

impl Context {
    /// The same without what may not leave the account: names of alarms, resources and people can hold
    /// anything.
    #[must_use]
    pub fn redacted(mut self, redactor: &Redactor) -> Self {
        self.sentences
            .iter_mut()
            .chain(self.kinds.values_mut())
            .for_each(|it| redactor.replace(it));
        self
    }
}

/// Answers, as far as they are there.
#[derive(Default)]
pub struct Answers {
    // The standard library's lock: nothing awaits while it is held.
    said: Mutex<Said>,
}

#[derive(Default)]
pub(super) struct Said {
    pub(super) novelty: BTreeMap<(usize, usize), Claim>,
    pub(super) changes: Option<String>,
    pub(super) calls: Vec<String>,
    /// Each with its source.
    pub(super) deployments: Vec<(String, &'static str)>,
    pub(super) common: Option<String>,
    pub(super) history: Option<String>,
    pub(super) burning: Option<String>,
    pub(super) metrics: Vec<String>,
    /// Lines were found: then metrics are not needed.
    pub(super) has_lines: bool,
}

impl Answers {
    pub(super) fn add(&self, add: impl FnOnce(&mut Said)) {
        add(&mut lock(&self.said));
    }

    /// What is known now.
    #[must_use]
    pub fn into_context(self) -> Context {
        let said = into_inner(self.said);
        let sourced = |sentence: String, source: &str| format!("{sentence} ({source})");
        let mut claims: Vec<&Claim> = said.novelty.values().collect();
        claims.sort_by_key(|claim| !claim.is_new);
        let novelty = claims.into_iter().map(|claim| sourced(claim.sentence.clone(), "log search"));
        let mut sentences: Vec<String> = novelty.collect();
        let metrics = if said.has_lines { Vec::new() } else { said.metrics };
        sentences.extend(metrics.into_iter().map(|it| sourced(it, "CloudWatch metrics")));
        sentences.extend(said.changes.map(|it| sourced(it, "Lambda")));
        let deployments = said.deployments.into_iter();
        sentences.extend(deployments.map(|(it, source)| sourced(it, source)));
        sentences.extend(said.calls.into_iter().map(|it| sourced(it, "CloudTrail")));
        sentences.extend(said.common.map(|it| sourced(it, "lines of the same time")));
        sentences.extend(said.history.map(|it| sourced(it, "alarm history")));
        sentences.extend(said.burning.map(|it| sourced(it, "alarms of this Region")));
        sentences.truncate(MOST);
        let short = said.novelty.into_iter().map(|(place, claim)| (place, claim.short));
        Context { sentences, kinds: short.collect() }
    }
}
