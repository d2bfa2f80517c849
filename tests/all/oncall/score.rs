//! How well a page tells an incident: its title, its kinds and its trail against the truth.

use std::fmt;

use pagetrail::evidence::{Evidence, Step, Trail};
use pagetrail::pagerduty::Event;

use super::incident::Incident;

/// The cause begins within this many characters of the title.
const LEAD: usize = 48;
/// What a phone shows.
const PHONE: usize = 80;

/// One incident's result.
#[allow(clippy::struct_excessive_bools, reason = "one for each thing that is measured")]
#[derive(Default, Clone)]
pub struct Score {
    pub title: bool,
    pub in_80: bool,
    pub kinds: bool,
    /// Recall and precision of the trail, and whether it follows an id.
    pub trail: Option<(f64, f64, bool)>,
    pub leaked: bool,
    pub lost: bool,
    pub misses: Vec<String>,
}

pub fn score(incident: &Incident, evidence: &Evidence, event: &Event) -> Score {
    let mut score = Score::default();
    let summary = event.payload.as_ref().map(|payload| payload.summary.clone()).unwrap_or_default();
    score.lost = summary.is_empty();
    let counted = summary.find("× in ").and_then(|at| summary[..at].rfind(" · "));
    let said = &summary[..counted.unwrap_or(0)];
    let mut faults: Vec<String> = Vec::new();
    if counted.is_none() {
        faults.push("no evidence in the title".to_owned());
    }
    faults.extend(
        incident.title.iter().filter(|it| !said.contains(*it)).map(|it| format!("lacks {it}")),
    );
    faults
        .extend(incident.not.iter().filter(|it| said.contains(*it)).map(|it| format!("has {it}")));
    let at = incident.title.iter().filter_map(|it| said.find(it.as_str())).min().unwrap_or(0);
    if said[..at].chars().count() > LEAD {
        faults.push(format!("the cause begins at character {}", said[..at].chars().count()));
    }
    faults.extend(noise(said).map(|what| format!("has {what}")));
    score.title = faults.is_empty();
    let phone: String = summary.chars().take(PHONE).collect();
    score.in_80 = incident.title.first().is_none_or(|it| phone.contains(it.as_str()));
    if score.title && !score.in_80 {
        faults.push("not within 80 characters".to_owned());
    }
    score.misses.append(&mut faults);

    let found: Vec<(&str, usize)> = evidence
        .parts
        .iter()
        .flat_map(|part| &part.kinds)
        .map(|kind| (kind.name.as_str(), kind.count))
        .collect();
    let expected: Vec<(String, usize)> = if incident.kinds.is_empty() {
        vec![(incident.title[0].clone(), incident.repeat)]
    } else {
        incident.kinds.clone()
    };
    let right = |(words, count): &(String, usize)| {
        found.iter().any(|(name, seen)| name.contains(words.as_str()) && seen == count)
    };
    score.kinds = expected.iter().all(right) && found.len() == expected.len();
    if !score.kinds {
        score.misses.push(format!("kinds {found:?}"));
    }

    let logged = incident.logged();
    let own: Vec<String> =
        logged.iter().filter(|it| it.own).map(|it| it.line.text.clone()).collect();
    let trail = evidence.parts.iter().flat_map(|part| &part.kinds).find_map(|it| it.trail.as_ref());
    if own.len() > 1 {
        let shown = trail.map(shown).unwrap_or_default();
        let times: Vec<_> = logged.iter().filter(|it| it.own).map(|it| it.line.at).collect();
        let hits = shown.iter().filter(|(at, _)| times.contains(at)).count();
        #[allow(clippy::cast_precision_loss)]
        let (recall, precision) =
            (hits as f64 / own.len() as f64, hits as f64 / shown.len().max(1) as f64);
        let by_id = trail.is_some_and(|trail| trail.correlation.is_some());
        score.trail = Some((recall.min(1.0), precision, by_id));
        if recall < 1.0 || precision < 0.9 {
            let how = if by_id { "by id" } else { "beside" };
            let texts: Vec<String> =
                shown.iter().map(|(_, text)| text.chars().take(60).collect()).collect();
            score.misses.push(format!(
                "trail {how}: recall {recall:.2}, precision {precision:.2}: {texts:?}"
            ));
        }
    }
    let whole = serde_json::to_string(event).unwrap();
    for words in incident.keep.iter().filter(|words| !whole.contains(words.as_str())) {
        score.lost = true;
        score.misses.push(format!("the page lacks {words}"));
    }
    score.leaked = incident.secrets.iter().any(|secret| whole.contains(secret.as_str()));
    if score.leaked {
        score.misses.push("a secret leaks".to_owned());
    }
    score
}

fn shown(trail: &Trail) -> Vec<(chrono::DateTime<chrono::Utc>, String)> {
    trail
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Line(line) => Some((line.at, line.text.clone())),
            Step::LeftOut(_) => None,
        })
        .collect()
}

/// What no title should have: JSON, times, ids, colour codes.
fn noise(said: &str) -> Option<&'static str> {
    let uuid = said
        .split(|next: char| !(next.is_ascii_hexdigit() || next == '-'))
        .any(|part| part.len() >= 36 && part.bytes().filter(|byte| *byte == b'-').count() >= 4);
    let time = said.as_bytes().windows(10).any(|part| {
        part[..4].iter().all(u8::is_ascii_digit)
            && part[4] == b'-'
            && part[7] == b'-'
            && part[8..].iter().all(u8::is_ascii_digit)
    });
    if uuid {
        Some("an id")
    } else if time {
        Some("a time")
    } else if said.contains("{\"") || said.contains("\":") {
        Some("JSON")
    } else if said.contains("Traceback (most") || said.contains("REPORT ") {
        Some("a head line")
    } else if said == "Error" {
        Some("nothing but Error")
    } else {
        None
    }
}

/// All results together.
#[derive(Default)]
pub struct Sums {
    all: Vec<Score>,
    pub leaks: usize,
    pub lost: usize,
}

impl Sums {
    pub fn add(&mut self, score: Score) -> Score {
        self.leaks += usize::from(score.leaked);
        self.lost += usize::from(score.lost);
        self.all.push(score.clone());
        score
    }

    pub fn title(&self) -> f64 {
        percent(self.all.iter().map(|score| score.title))
    }

    pub fn in_80(&self) -> f64 {
        percent(self.all.iter().map(|score| score.in_80))
    }

    pub fn kinds(&self) -> f64 {
        percent(self.all.iter().map(|score| score.kinds))
    }

    /// Mean recall and precision, in percent, of the trails that follow an id.
    pub fn by_id(&self) -> (f64, f64) {
        self.trails(true)
    }

    pub fn beside(&self) -> (f64, f64) {
        self.trails(false)
    }

    fn trails(&self, by_id: bool) -> (f64, f64) {
        let of = |(recall, precision, id): (f64, f64, bool)| {
            (id == by_id).then_some((recall, precision))
        };
        let trails: Vec<_> = self.all.iter().filter_map(|it| it.trail.and_then(of)).collect();
        let mean = |part: fn(&(f64, f64)) -> f64| {
            #[allow(clippy::cast_precision_loss)]
            let count = trails.len().max(1) as f64;
            100.0 * trails.iter().map(part).sum::<f64>() / count
        };
        (mean(|it| it.0), mean(|it| it.1))
    }
}

fn percent(right: impl Iterator<Item = bool>) -> f64 {
    let (right, all) =
        right.fold((0.0, 0.0), |(right, all), it| (right + f64::from(it), all + 1.0));
    100.0 * right / f64::max(all, 1.0)
}

impl fmt::Display for Sums {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (by_id, beside) = (self.by_id(), self.beside());
        let trails =
            |id| self.all.iter().filter(|it| it.trail.is_some_and(|it| it.2 == id)).count();
        writeln!(
            out,
            "| incidents | title | within 80 characters | kinds | trails by id: recall, precision | others: recall, precision | leaks | lost |"
        )?;
        writeln!(out, "|---|---|---|---|---|---|---|---|")?;
        write!(
            out,
            "| {} | {:.1} % | {:.1} % | {:.1} % | {} of {:.1} %, {:.1} % | {} of {:.1} %, {:.1} % | {} | {} |",
            self.all.len(),
            self.title(),
            self.in_80(),
            self.kinds(),
            trails(true),
            by_id.0,
            by_id.1,
            trails(false),
            beside.0,
            beside.1,
            self.leaks,
            self.lost
        )
    }
}
