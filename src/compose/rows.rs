//! Lines as rows of a list: PagerDuty suppresses line breaks inside a text, so each line of a stack
//! trace is a row.

use std::num::NonZeroUsize;

use crate::evidence::{Step, Trail};
use crate::lines::Line;
use crate::lines::digest::Severity;
use crate::lines::record::Record;
use crate::text::{ERROR_MARK, cut};
use crate::zone::Zone;

/// A space that no browser and no app suppresses, for a stack trace below its line.
const INDENT: char = '\u{2003}';
const DEEPEST: usize = 3;
/// The most rows of one line: more of a stack trace is rarely read.
const MOST_OF_LINE: usize = 30;
/// The most lines of one record that was logged as several events.
const MOST_OF_RECORD: usize = 30;
/// How many lines nearest to the error are always among those that are shown.
const NEAREST_BEFORE: usize = 4;
const NEAREST_BEHIND: usize = 2;

/// How lines are shown.
#[derive(Clone, Copy)]
pub(super) struct Shown {
    pub(super) zone: Zone,
    /// The most characters of a row.
    pub(super) width: usize,
}

impl Shown {
    /// The rows of a line: its time and message, then its stack trace, indented. `own_group` is the
    /// log group that need not be named.
    pub(super) fn line(self, line: &Line, own_group: &str, mark: &str) -> Vec<String> {
        let group = if own_group.is_empty() || line.log_group == own_group {
            String::new()
        } else {
            format!("{} · ", line.log_group)
        };
        let text = Record::read(&line.text).display().replace('\t', "  ");
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let first = lines.next().unwrap_or_default().trim();
        let head = format!("{}  {mark}{group}{first}", self.zone.millisecond(line.at));
        let below: Vec<&str> = lines.collect();
        let mut rows = vec![cut(&head, self.width)];
        rows.extend(shortened(&below).into_iter().map(|row| cut(&row, self.width)));
        rows
    }

    /// The rows of a trail: its error with at most `most` lines in all, two thirds of them before
    /// the error. What is left out is said in its place.
    pub(super) fn trail(self, trail: &Trail, most: usize) -> Vec<String> {
        let chosen = chosen(trail, most);
        let mut rows = Vec::new();
        let mut gap = 0;
        let left_out = |gap: &mut usize, rows: &mut Vec<String>| {
            if let Some(count) = NonZeroUsize::new(std::mem::take(gap)) {
                let lines = if count.get() == 1 { "line" } else { "lines" };
                rows.push(format!("… {count} {lines} left out"));
            }
        };
        for (at, (step, chosen)) in trail.steps.iter().zip(chosen).enumerate() {
            match step {
                Step::LeftOut(count) => gap += count.get(),
                Step::Line(_) if !chosen => gap += 1,
                Step::Line(line) => {
                    left_out(&mut gap, &mut rows);
                    let mark = if trail.failing == Some(at) { ERROR_MARK } else { "" };
                    rows.extend(self.line(line, &trail.log_group, mark));
                }
            }
        }
        left_out(&mut gap, &mut rows);
        rows
    }
}

/// Which steps are shown: the error, and of the rest the first and the last line, those nearest to
/// the error, warnings and errors, and then what is near.
fn chosen(trail: &Trail, most: usize) -> Vec<bool> {
    let (steps, error) = (&trail.steps, &trail.error);
    let rest = most.saturating_sub(1);
    let before = if error.is_empty() { most } else { rest * 2 / 3 };
    let behind = rest.saturating_sub(before);
    let mut chosen = vec![false; steps.len()];
    let shown = error.len().min(MOST_OF_RECORD);
    let head = shown - shown / 3;
    chosen[error.start..error.start + head].fill(true);
    chosen[error.end - shown / 3..error.end].fill(true);

    let is_line = |at: &usize| matches!(steps[*at], Step::Line(_));
    let severe = |at: usize| match &steps[at] {
        Step::Line(line) => {
            Record::read(&line.text).severity().is_some_and(|it| it >= Severity::Warning)
        }
        Step::LeftOut(_) => false,
    };
    let mut choose =
        |mut places: Vec<usize>, outermost: Option<usize>, nearest: usize, room: usize| {
            if places.len() > room {
                // `places` are in the order of their distance from the error.
                let distances = places.iter().enumerate();
                let mut ranked: Vec<(u8, usize)> = distances
                    .map(|(distance, &at)| match distance {
                        _ if Some(at) == outermost => (0, at),
                        distance if distance < nearest => (1, at),
                        _ if severe(at) => (2, at),
                        _ => (3, at),
                    })
                    .collect();
                ranked.sort_by_key(|(rank, _)| *rank);
                places = ranked.into_iter().take(room).map(|(_, at)| at).collect();
            }
            for at in places {
                chosen[at] = true;
            }
        };
    let all: Vec<usize> = (0..error.start).rev().filter(is_line).collect();
    let first = all.last().copied();
    choose(all, first, NEAREST_BEFORE, before);
    let all: Vec<usize> = (error.end..steps.len()).filter(is_line).collect();
    let last = all.last().copied();
    choose(all, last, NEAREST_BEHIND, behind);
    chosen
}

/// The rows below a line: of a long stack trace its ends and what stands at its causes.
fn shortened(lines: &[&str]) -> Vec<String> {
    let indented = |line: &str| {
        let depth = (line.len() - line.trim_start().len()).div_ceil(2).min(DEEPEST);
        format!("{}{}", INDENT.to_string().repeat(depth + 1), line.trim())
    };
    if lines.len() <= MOST_OF_LINE {
        return lines.iter().map(|line| indented(line)).collect();
    }
    let heads: Vec<usize> =
        (0..lines.len()).filter(|&at| !lines[at].starts_with(char::is_whitespace)).collect();
    let last = lines.len() - 1;
    let anchors: &[usize] = if heads.len() <= MOST_OF_LINE / 3 { &heads } else { &[] };
    let distance = |at: usize| {
        let near = anchors.iter().map(|anchor| anchor.abs_diff(at)).min();
        near.unwrap_or(usize::MAX).min(at).min(last - at)
    };
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|&at| distance(at));
    let mut kept = vec![false; lines.len()];
    order.into_iter().take(MOST_OF_LINE).for_each(|at| kept[at] = true);
    let mut rows = Vec::new();
    let mut gap = 0;
    for (line, kept) in lines.iter().zip(kept) {
        if kept {
            if gap > 0 {
                rows.push(format!("{INDENT}{INDENT}… {gap} lines left out"));
                gap = 0;
            }
            rows.push(indented(line));
        } else {
            gap += 1;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use chrono::DateTime;

    use super::*;

    const SHOWN: Shown = Shown { zone: Zone::UTC, width: 200 };

    fn line(second: i64, text: &str) -> Line {
        Line {
            at: DateTime::from_timestamp(second, 0).unwrap(),
            log_group: "g".into(),
            stream: "s".into(),
            text: text.into(),
        }
    }

    fn trail(texts: &[String], error: Range<usize>) -> Trail {
        let lines: Vec<Line> = (0..).zip(texts).map(|(at, text)| line(at, text)).collect();
        Trail {
            correlation: None,
            log_group: "g".into(),
            stream: "s".into(),
            failing: (error.start < lines.len()).then_some(error.start),
            steps: lines.into_iter().map(Step::Line).collect(),
            error,
        }
    }

    fn texts(rows: &[String]) -> String {
        let text = |row: &String| match row.split_once("  ") {
            Some((_, text)) => text.to_owned(),
            None => row.replace(" lines left out", "").replace("… ", "…"),
        };
        rows.iter().map(text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ten_lines_before_the_error_and_five_behind() {
        let all: Vec<String> = (0..60).map(|at| format!("l{at}")).collect();
        assert_eq!(
            texts(&SHOWN.trail(&trail(&all, 40..41), 16)),
            "l0 …30 l31 l32 l33 l34 l35 l36 l37 l38 l39 ▶ l40 l41 l42 l43 l44 …14 l59"
        );
        assert_eq!(texts(&SHOWN.trail(&trail(&all[..3], 1..2), 16)), "l0 ▶ l1 l2");
        // Of a trail without an error, the last lines.
        assert_eq!(texts(&SHOWN.trail(&trail(&all[..6], 6..6), 3)), "l0 …3 l4 l5");
    }

    #[test]
    fn a_warning_far_from_the_error_is_shown_rather_than_what_is_nearer() {
        let mut all: Vec<String> = (0..60).map(|at| format!("l{at}")).collect();
        all[5] = "WARN retry".into();
        let rows = SHOWN.trail(&trail(&all, 40..41), 16);
        assert!(texts(&rows).starts_with("l0 …4 WARN retry …26 l32"), "{rows:#?}");
        let rows = SHOWN.trail(&trail(&all, 40..41), 7);
        assert_eq!(texts(&rows), "l0 …36 l37 l38 l39 ▶ l40 l41 …17 l59");
    }

    #[test]
    fn a_record_of_several_events_takes_no_room_from_the_lines_beside_it() {
        let all: Vec<String> = (0..60).map(|at| format!("l{at}")).collect();
        let rows = texts(&SHOWN.trail(&trail(&all, 20..30), 4));
        assert_eq!(rows, "l0 …18 l19 ▶ l20 l21 l22 l23 l24 l25 l26 l27 l28 l29 …29 l59");
        let rows = texts(&SHOWN.trail(&trail(&all, 10..55), 4));
        assert!(rows.contains("▶ l10") && rows.contains("l29 …15 l45"), "{rows}");
    }

    #[test]
    fn each_line_of_a_stack_trace_is_a_row() {
        let text = "ERROR order failed\nOrderError: no stock\n    at take (/app/stock.js:3:1)\n\n    at run (/app/main.js:9:2)";
        let rows = SHOWN.line(&line(1, text), "g", "");
        assert_eq!(
            rows,
            [
                "00:00:01.000  ERROR order failed",
                "\u{2003}OrderError: no stock",
                "\u{2003}\u{2003}\u{2003}at take (/app/stock.js:3:1)",
                "\u{2003}\u{2003}\u{2003}at run (/app/main.js:9:2)",
            ]
        );
    }

    #[test]
    fn a_long_stack_trace_keeps_its_causes() {
        let frames = |name: &str, count: usize| {
            (0..count).fold(String::new(), |all, at| format!("{all}\n\tat {name}{at}(A.java)"))
        };
        let text = format!(
            "ERROR failed\njava.lang.IllegalStateException: outer{}\nCaused by: java.io.IOException: inner{}",
            frames("x", 50),
            frames("y", 50),
        );
        let rows = SHOWN.line(&line(1, &text), "g", "");
        let all = rows.join("\n");
        assert!(all.contains("Caused by: java.io.IOException: inner"), "{all}");
        assert!(
            all.contains("at x0(") && all.contains("at y0(") && all.contains("at y49("),
            "{all}"
        );
        assert!(all.contains("lines left out") && rows.len() < 40, "{all}");
    }
}
