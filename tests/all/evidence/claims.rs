//! What is claimed beside the logs is true: generated situations whose truth is known.

use std::collections::HashMap;

use pagetrail::context::ports::{
    ApiCall, Deployer, Deployment, Facts, FunctionFacts, Known, Memory, MetricRead, PagedKind,
    StateChange,
};
use pagetrail::context::{Answers, Asker, Context};
use tokio::sync::mpsc::unbounded_channel;

use super::stored::Stored;
use super::*;

const SITUATIONS: u64 = 500;
const GROUP: &str = "/aws/lambda/orders";
const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
/// The search begins half a minute before the datapoint, which begins at 0.
const START: i64 = -30 * SECOND;
/// Kinds of error: some are alike, some say nothing but values. `{}` is a value.
const KINDS: [&str; 10] = [
    "payment {} declined by the bank",
    "could not connect to 10.0.0.{}:5432: connection refused",
    "user {} not found",
    "account {} not found",
    "KeyError: 'field_{}'",
    "TypeError: Cannot read properties of undefined (reading 'p{}')",
    "stock for {} is negative",
    "deadlock detected while locking order {}",
    "certificate of shop-{}.example.com has expired",
    "quota exceeded for project {}",
];
const TENANTS: [&str; 5] = ["acme", "blue", "cyan", "dove", "elms"];

/// What is true of one situation.
struct Situation {
    logs: Stored,
    /// For each kind in it, whether it was logged in the 24 hours before.
    logged_before: HashMap<usize, bool>,
    /// Whether the failing requests were made to have a tenant in common.
    common: bool,
    /// When the function changed, and when the first failing line was written, in milliseconds.
    changed: i64,
    first: i64,
}

impl Situation {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut logs = Stored::filtered(GROUP, "ERROR");
        let common = random.bool();
        let version = ["$LATEST", "7"][random.usize(..2)];
        let mut write = |random: &mut fastrand::Rng,
                         at: i64,
                         level: &str,
                         text: &str,
                         tenant: &str| {
            let line = json!({"level": level, "message": text, "tenant": tenant,
                "zone": random.u8(..4), "request_id": format!("req-{:012x}", random.u64(..1 << 48))});
            logs.line(&format!("2026/11/14/[{version}]{}", random.u8(..3)), at, &line.to_string());
        };
        let mut kinds: Vec<usize> = (0..KINDS.len()).collect();
        random.shuffle(&mut kinds);
        kinds.truncate(random.usize(1..4));
        let mut logged_before = HashMap::new();
        let mut first = i64::MAX;
        for &kind in &kinds {
            let says = |random: &mut fastrand::Rng| {
                let names = ["alice", "bob", "carol"];
                let value = match kind {
                    2 | 3 => names[random.usize(..3)].to_owned(),
                    _ => random.u16(..255).to_string(),
                };
                KINDS[kind].replace("{}", &value)
            };
            for _ in 0..random.usize(1..12) {
                let at = random.i64(0..59 * SECOND);
                first = first.min(at);
                let tenant = if common { "acme" } else { TENANTS[random.usize(..5)] };
                let text = says(&mut random);
                write(&mut random, at, "ERROR", &text, tenant);
            }
            // Before: nothing, the day before, longer ago, or just outside of the 24 hours.
            let times = match random.u8(..4) {
                0 => 0..0,
                1 => START - 24 * HOUR..START,
                2 => START - 200 * HOUR..START - 24 * HOUR,
                _ => START - 24 * HOUR - 60 * SECOND..START - 24 * HOUR,
            };
            let mut before = false;
            for _ in 0..random.usize(1..4) {
                if !times.is_empty() {
                    let at = random.i64(times.clone());
                    before |= at >= START - 24 * HOUR;
                    let text = says(&mut random);
                    write(&mut random, at, "ERROR", &text, "acme");
                }
            }
            logged_before.insert(kind, before);
        }
        // Errors of other kinds on the day before, sometimes more than are read.
        let others = [0, 3, 30, 700][random.usize(..4)];
        for number in 0..others {
            let kind = random.usize(..KINDS.len());
            let text = if kinds.contains(&kind) || kind == 2 || kind == 3 {
                format!("cache {number} is cold")
            } else {
                KINDS[kind].replace("{}", &number.to_string())
            };
            let at = random.i64(START - 24 * HOUR..START);
            write(&mut random, at, "ERROR", &text, "blue");
        }
        for _ in 0..random.usize(..120) {
            let (at, tenant) = (random.i64(0..59 * SECOND), TENANTS[random.usize(..5)]);
            write(&mut random, at, "INFO", "order stored", tenant);
        }
        let changed = first - random.i64(-40 * SECOND..40 * HOUR);
        Self { logs, logged_before, common, changed, first }
    }
}

impl Facts for Situation {
    async fn history(
        &self,
        _alarm: &str,
        _since: DateTime<Utc>,
    ) -> Result<Known<StateChange>, LookupError> {
        Err(LookupError::AccessDenied)
    }

    async fn in_alarm(&self) -> Result<Known<Alarm>, LookupError> {
        Err(LookupError::AccessDenied)
    }

    async fn function(
        &self,
        _name: &str,
        _version: Option<&str>,
    ) -> Result<FunctionFacts, LookupError> {
        Ok(FunctionFacts { modified: line(0, "").at + TimeDelta::milliseconds(self.changed) })
    }

    async fn api_calls(
        &self,
        _resource: &str,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Known<ApiCall>, LookupError> {
        let at = line(0, "").at + TimeDelta::milliseconds(self.changed);
        let call = ApiCall { at, name: "UpdateFunctionCode20150331v2".into(), by: None };
        let items = if since <= at && at <= until { vec![call] } else { Vec::new() };
        Ok(Known { items, complete: true })
    }

    async fn deployments(
        &self,
        deployer: &Deployer,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Known<Deployment>, LookupError> {
        let at = line(0, "").at + TimeDelta::milliseconds(self.changed);
        let deployment =
            Deployment { at, what: "update of stack shop".into(), state: "FAILED".into() };
        let is_told = matches!(deployer, Deployer::StackOf { .. }) && since <= at && at <= until;
        Ok(Known { items: is_told.then_some(deployment).into_iter().collect(), complete: true })
    }

    async fn metric_data(&self, _reads: &[MetricRead]) -> Result<Vec<Vec<f64>>, LookupError> {
        Err(LookupError::AccessDenied)
    }
}

impl Memory for Situation {
    async fn pages(
        &self,
        _fingerprints: &[String],
        _since: DateTime<Utc>,
    ) -> Result<Vec<PagedKind>, LookupError> {
        Ok(Vec::new())
    }
}

async fn asked(situation: &Situation) -> (Evidence, Context) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let logs = &situation.logs;
    let mut alarm = alarm();
    let collector = Collector {
        logs,
        alarms: logs,
        limits: LIMITS,
        trace_log_groups: &[],
        zone: Zone::UTC,
        now: now(),
        deadline,
    };
    let asker = Asker {
        important: logs,
        background: logs,
        facts: situation,
        memory: situation,
        account: "",
        metrics: false,
        changes: true,
        zone: Zone::UTC,
        now: now(),
        deadline,
    };
    let (tell, progress) = unbounded_channel();
    let (as_notified, answers) = (alarm.clone(), Answers::default());
    let evidence = collector.collect_and_tell(&mut alarm, Some(tell));
    let (evidence, ()) = tokio::join!(evidence, asker.ask(&as_notified, progress, &answers));
    (evidence, answers.into_context())
}

/// The kind that a name is of: all its words but the value are in it.
fn kind_of(name: &str) -> Option<usize> {
    KINDS.iter().position(|kind| kind.split("{}").all(|part| name.contains(part)))
}

#[tokio::test(start_paused = true)]
async fn new_known_changed_and_in_common_are_said_only_where_they_are_true() {
    let (mut new, mut known, mut changed, mut called, mut common) = (0, 0, 0, 0, 0);
    let mut false_common = Vec::new();
    for seed in 0..SITUATIONS {
        let situation = Situation::new(seed);
        let (evidence, context) = asked(&situation).await;
        for ((part, kind), claim) in &context.kinds {
            let name = &evidence.parts[*part].kinds[*kind].name;
            let truth = kind_of(name).and_then(|kind| situation.logged_before.get(&kind));
            let truth = truth.unwrap_or_else(|| panic!("{seed}: {name}"));
            assert_eq!(claim.starts_with("known"), *truth, "{seed}: {name}: {claim}");
            if *truth { known += 1 } else { new += 1 }
        }
        for sentence in &context.sentences {
            if sentence.contains("function orders") {
                changed += 1;
                let before = situation.changed <= situation.first;
                assert_eq!(sentence.contains("before the first"), before, "{seed}: {sentence}");
                assert_eq!(sentence.contains("after the first"), !before, "{seed}: {sentence}");
                assert!(situation.first - situation.changed <= 24 * HOUR, "{seed}: {sentence}");
            }
            if sentence.contains("UpdateFunctionCode") || sentence.contains("stack shop") {
                called += 1;
                assert!(situation.changed <= situation.first, "{seed}: {sentence}");
                assert!(situation.first - situation.changed <= 24 * HOUR, "{seed}: {sentence}");
            }
            if sentence.contains(" failing requests") {
                common += 1;
                if !situation.common || !sentence.starts_with("tenant=acme") {
                    false_common.push(format!("{seed}: {sentence}"));
                }
            }
        }
    }
    println!(
        "said of {SITUATIONS}: new {new}, known {known}, changed {changed}, called {called}, common {common}"
    );
    // Silence would be true too.
    assert!(new > 100 && known > 100 && changed > 100 && called > 100 && common > 50);
    assert!(false_common.len() as u64 <= SITUATIONS / 100, "{false_common:#?}");
}
