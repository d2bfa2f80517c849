//! Workers, a PagerDuty and a queue in virtual time, around delivery's own rules: what an
//! answer means, how long to wait, whose turn it is, which key, what follows in a group.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Duration;

use fastrand::Rng;
use futures_util::future::join_all;
use pagetrail::delivery::delay;
use pagetrail::delivery::order::{groups, in_order, next_key};
use pagetrail::pagerduty::routing_key::RoutingKey;
use pagetrail::pagerduty::{Action, Endpoint, Severity};
use pagetrail::pagerduty::{Answer, Outcome, outcome};
use pagetrail::routing::pace::{Bucket, Pace, Turn};
use pagetrail::routing::pools::Pools;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::queue::{Faulty, Fifo, Item, Told};

/// As the worker has them.
const PATIENCE: Duration = Duration::from_secs(2);
const CALLS: Duration = Duration::from_secs(13);
const SET_ASIDE: Duration = Duration::from_mins(5);
/// As the template has them.
const FUNCTION: Duration = Duration::from_mins(1);
const VISIBILITY: Duration = Duration::from_mins(6);

const MINUTE: Duration = Duration::from_mins(1);

/// What is to happen.
#[derive(Debug, Clone)]
pub struct Plan {
    /// When each message arrives, in order.
    pub arrivals: Vec<(Duration, Told)>,
    pub workers: u32,
    pub per_minute: u32,
    pub keys: usize,
    /// PagerDuty takes none of the first key's events until then.
    pub key_refused_until: Duration,
    /// How many of the attempts, and of the batches, go wrong until all is mended.
    pub faults: f64,
    pub crashes: f64,
    pub mended: Duration,
    /// PagerDuty answers 429 beyond the limit.
    pub limited: bool,
    pub seed: u64,
}

#[derive(Debug, Clone, Copy)]
pub struct Accepted {
    pub at: Duration,
    pub key: usize,
    pub seq: usize,
    pub told: Told,
}

/// What happened.
#[derive(Debug, Default)]
pub struct Story {
    pub accepted: Vec<Accepted>,
    /// The key and the time of every attempt.
    pub attempts: Vec<(usize, Duration)>,
    pub rejected: Vec<usize>,
    /// When a worker started anew.
    pub restarts: Vec<Duration>,
    pub too_many: usize,
    pub left: usize,
    pub ended: Duration,
}

struct World<'a> {
    plan: &'a Plan,
    start: Instant,
    keys: Vec<RoutingKey>,
    pools: Pools,
    queue: RefCell<Fifo>,
    arrived: Cell<usize>,
    random: RefCell<Rng>,
    story: RefCell<Story>,
}

/// What a worker knows, and loses in a crash.
#[derive(Default)]
struct Memory(RefCell<HashMap<RoutingKey, (Bucket, Option<Instant>)>>);

enum Why {
    Later(Option<Duration>),
    ComeBack(Duration),
}

/// A storm: this many alarms within ten seconds, every tenth critical, through one key.
pub fn storm(alarms: usize, per_minute: u32, workers: u32) -> Plan {
    let alarm = |group| {
        let severity = if group % 10 == 0 { Severity::Critical } else { Severity::Error };
        let told = Told { group, action: Action::Trigger, severity, faulty: Faulty::Not };
        (Duration::from_millis(group as u64 * 10_000 / alarms as u64), told)
    };
    Plan {
        arrivals: (0..alarms).map(alarm).collect(),
        workers,
        per_minute,
        keys: 1,
        key_refused_until: Duration::ZERO,
        faults: 0.0,
        crashes: 0.0,
        mended: Duration::ZERO,
        limited: true,
        seed: 1,
    }
}

/// Plays until the queue is empty, or for a day of virtual time.
pub fn play(plan: &Plan) -> Story {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let names: Vec<String> = (0..plan.keys).map(|number| format!("{number:032x}")).collect();
        let world = World {
            plan,
            start: Instant::now(),
            keys: names.iter().map(|name| name.parse().unwrap()).collect(),
            pools: Pools::parse(&json!({"default": names}).to_string()).unwrap(),
            queue: RefCell::default(),
            arrived: Cell::new(0),
            random: RefCell::new(Rng::with_seed(plan.seed)),
            story: RefCell::default(),
        };
        let all = async {
            let workers = join_all((0..plan.workers).map(|_| world.worker()));
            tokio::join!(world.arrivals(), workers);
        };
        let _ = timeout(Duration::from_hours(24), all).await;
        let mut story = world.story.take();
        story.left = world.queue.borrow().left();
        story.ended = world.now();
        story
    })
}

impl World<'_> {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn chance(&self, of: f64) -> bool {
        self.now() < self.plan.mended && self.random.borrow_mut().f64() < of
    }

    fn millis(&self, most: u64) -> Duration {
        Duration::from_millis(self.random.borrow_mut().u64(0..=most))
    }

    async fn arrivals(&self) {
        for (at, told) in &self.plan.arrivals {
            sleep(at.saturating_sub(self.now())).await;
            self.queue.borrow_mut().send(*told);
            self.arrived.set(self.arrived.get() + 1);
        }
    }

    async fn worker(&self) {
        let mut memory = Memory::default();
        loop {
            let batch = self.queue.borrow_mut().receive(self.now(), VISIBILITY);
            if batch.is_empty() {
                if self.arrived.get() == self.plan.arrivals.len() && self.queue.borrow().left() == 0
                {
                    return;
                }
                let next = self.queue.borrow().next_visible(self.now());
                let wait = next.map_or(MINUTE, |next| next.saturating_sub(self.now()));
                sleep(wait.clamp(Duration::from_millis(100), Duration::from_secs(5))).await;
                continue;
            }
            let crash =
                if self.chance(self.plan.crashes) { self.millis(8_000) } else { MINUTE * 2 };
            let done = timeout(crash, self.deliver(batch, &memory)).await;
            match done {
                // It may also end between its answer and the queue's delete.
                Ok(done) if !self.chance(self.plan.crashes / 2.0) => {
                    for item in done {
                        self.queue.borrow_mut().delete(&item, self.now());
                    }
                }
                _ => {
                    memory = Memory::default();
                    self.story.borrow_mut().restarts.push(self.now());
                }
            }
        }
    }

    /// Returns what may be deleted.
    async fn deliver(&self, batch: Vec<Item>, memory: &Memory) -> Vec<Item> {
        let deadline = self.now() + FUNCTION;
        let severity =
            |item: &Item| (item.told.action == Action::Trigger).then_some(item.told.severity);
        let groups = groups(batch, |item| Some(item.told.group.to_string()), severity);
        let ended = groups.iter().map(async |group| {
            let hand_over = async |item: &Item| self.event(item, memory, deadline).await;
            let Some((rest, why)) = in_order(group, hand_over).await else { return group.clone() };
            let wait = match why {
                Why::Later(after) => delay(rest[0].received, after, self.random.borrow_mut().f64()),
                Why::ComeBack(wait) => wait,
            };
            for item in rest {
                if !self.chance(self.plan.faults / 4.0) {
                    self.queue.borrow_mut().postpone(item, self.now(), wait);
                }
            }
            group[..group.len() - rest.len()].to_vec()
        });
        join_all(ended).await.concat()
    }

    async fn event(&self, item: &Item, memory: &Memory, deadline: Duration) -> Result<(), Why> {
        let mut tried: Vec<RoutingKey> = Vec::new();
        let mut delivered = false;
        let mut plainer = false;
        loop {
            let order = self.pools.order("default", &format!("alert-{}", item.told.group));
            let moved = order.iter().any(|key| memory.refused(key).is_some());
            let aside =
                |key: &RoutingKey| memory.refused(key).is_some_and(|at| at.elapsed() < SET_ASIDE);
            let usable = order.into_iter().filter(|key| !aside(key)).collect();
            let next = next_key(usable, &tried, delivered, moved, item.told.action);
            let Some(key) = next else { break };
            if self.now() + PATIENCE + CALLS > deadline {
                return Err(Why::Later(None));
            }
            let left = deadline.saturating_sub(self.now() + CALLS);
            let patience = if plainer { left } else { PATIENCE };
            match memory.turn(&key, self.now(), self.share(), patience) {
                Turn::In(wait) => sleep(wait).await,
                Turn::ComeBack(wait) => return Err(Why::ComeBack(wait)),
            }
            match outcome(Endpoint::V2, &self.attempt(item, &key, plainer).await) {
                Outcome::Delivered if plainer => return self.reject(item),
                Outcome::Delivered => delivered = true,
                Outcome::Later { after, .. } => return Err(Why::Later(after)),
                Outcome::RefusedEvent { .. } if plainer || item.told.action != Action::Trigger => {
                    return self.reject(item);
                }
                Outcome::RefusedEvent { .. } => {
                    plainer = true;
                    continue;
                }
                Outcome::RefusedKey { .. } => memory.refuse(&key, self.now(), self.share()),
            }
            tried.push(key);
        }
        if delivered { Ok(()) } else { Err(Why::Later(None)) }
    }

    fn share(&self) -> Pace {
        Pace::share(self.plan.per_minute, self.plan.workers)
    }

    fn reject(&self, item: &Item) -> Result<(), Why> {
        if self.chance(self.plan.faults / 4.0) {
            return Err(Why::Later(None));
        }
        self.story.borrow_mut().rejected.push(item.seq);
        Ok(())
    }

    /// A crash may cut this anywhere: PagerDuty then took the event, or did not.
    async fn attempt(&self, item: &Item, key: &RoutingKey, plainer: bool) -> Answer {
        let key = self.keys.iter().position(|it| it == key).unwrap();
        let before = {
            let mut story = self.story.borrow_mut();
            let now = self.now();
            story.attempts.push((key, now));
            let recent = story.attempts.iter().rev().take_while(|(_, at)| *at + MINUTE > now);
            recent.filter(|(of, _)| *of == key).count()
        };
        sleep(self.millis(150)).await;
        if self.plan.limited && before > usize::try_from(self.plan.per_minute).unwrap() {
            self.story.borrow_mut().too_many += 1;
            return Answer::Http { status: 429, retry_after: None, body: String::new() };
        }
        let answer = self.answer(item, key, plainer);
        let lost = self.chance(self.plan.faults / 4.0);
        if matches!(answer, Answer::Http { status: 202, .. }) {
            let accepted = Accepted { at: self.now(), key, seq: item.seq, told: item.told };
            self.story.borrow_mut().accepted.push(accepted);
        }
        sleep(self.millis(150)).await;
        if lost { Answer::Nothing { why: "incomplete answer" } } else { answer }
    }

    fn answer(&self, item: &Item, key: usize, plainer: bool) -> Answer {
        let said =
            |status, body: &str| Answer::Http { status, retry_after: None, body: body.to_owned() };
        if self.chance(self.plan.faults) {
            let mut random = self.random.borrow_mut();
            let asked = Duration::from_secs(random.u64(1..120));
            return match random.u8(0..6) {
                0 => Answer::Nothing { why: "no connection" },
                1 => Answer::Http { status: 429, retry_after: Some(asked), body: String::new() },
                2 => said(408, ""),
                3 => said(503, "<html>"),
                4 => said(302, ""),
                _ => said(200, "<html>Please log in</html>"),
            };
        }
        if key == 0 && self.now() < self.plan.key_refused_until {
            return said(400, r#"{"errors": ["Invalid routing key"]}"#);
        }
        match (item.told.faulty, plainer) {
            (Faulty::Not, _) | (Faulty::Full, true) => said(202, "{}"),
            _ => said(400, r#"{"errors": ["'payload' is invalid"]}"#),
        }
    }
}

impl Memory {
    fn refused(&self, key: &RoutingKey) -> Option<Instant> {
        self.0.borrow().get(key).and_then(|(_, refused)| *refused)
    }

    fn turn(&self, key: &RoutingKey, now: Duration, pace: Pace, patience: Duration) -> Turn {
        let mut keys = self.0.borrow_mut();
        let known = keys.entry(key.clone()).or_insert_with(|| (Bucket::new(pace, now), None));
        known.0.turn(now, patience)
    }

    fn refuse(&self, key: &RoutingKey, now: Duration, pace: Pace) {
        let mut keys = self.0.borrow_mut();
        let known = keys.entry(key.clone()).or_insert_with(|| (Bucket::new(pace, now), None));
        known.1 = Some(Instant::now());
    }
}
