//! `pagetrail digest`: the kinds of line in any log text, with counts.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::CommandError;
use crate::lines::digest::{Digest, Kinds, LineKind, Slot};
use crate::text::cut;

/// Bytes of a line that are read; the rest is left out.
const LINE: usize = 64 * 1024;
/// Characters of a name or example in the table.
const WIDTH: usize = 160;

/// Group the lines of a log into kinds: lines that differ only in ids, numbers and times.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The log; - or no file reads standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,

    /// Print only the number of each line's kind, one per line, in the order of the lines.
    #[arg(long, conflicts_with = "json")]
    assign: bool,

    /// Print the kinds as JSON.
    #[arg(long)]
    json: bool,
}

/// Reads the log and prints its kinds.
///
/// # Errors
/// If the log cannot be read, or the output cannot be written.
pub fn run(args: &Args) -> Result<(), CommandError> {
    let (kinds, slots) = if args.file == Path::new("-") {
        read(&mut io::stdin().lock(), args.assign)?
    } else {
        let log = File::open(&args.file)
            .and_then(|file| read(&mut BufReader::new(file), args.assign))
            .map_err(|error| format!("{}: {error}", args.file.display()));
        log.map_err(CommandError::wrong)?
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let written = if args.assign {
        slots.iter().try_for_each(|slot| writeln!(out, "{}", kinds.of(*slot) + 1))
    } else if args.json {
        writeln!(out, "{:#}", json(kinds.as_slice()))
    } else {
        out.write_all(table(kinds.as_slice()).as_bytes())
    };
    match written.and_then(|()| out.flush()) {
        // The reader closed its end: `pagetrail digest log | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// The kinds of the lines, and where each line was counted if that is wanted.
fn read(log: &mut dyn BufRead, keep: bool) -> io::Result<(Kinds, Vec<Slot>)> {
    let mut digest = Digest::new();
    let mut slots = Vec::new();
    let mut line = Vec::new();
    while read_line(log, &mut line)? {
        let slot = digest.add(&String::from_utf8_lossy(&line));
        if keep {
            slots.push(slot);
        }
    }
    Ok((digest.kinds(), slots))
}

/// Reads one line without its end, at most `LINE` bytes of it. False at the end.
fn read_line(log: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let part = log.fill_buf()?;
        if part.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = part.iter().position(|byte| *byte == b'\n');
        let text = &part[..end.unwrap_or(part.len())];
        line.extend_from_slice(&text[..text.len().min(LINE - line.len())]);
        let used = end.map_or(part.len(), |end| end + 1);
        log.consume(used);
        if end.is_some() {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Ok(true);
        }
    }
}

fn table(kinds: &[LineKind]) -> String {
    let lines: usize = kinds.iter().map(|kind| kind.count).sum();
    let mut table = String::new();
    let (of_lines, of_kinds) = (plural(lines, "line"), plural(kinds.len(), "kind"));
    let _ = writeln!(table, "{of_lines}, {of_kinds}");
    if kinds.is_empty() {
        return table;
    }
    let _ = writeln!(table, "\n{:>4}  {:>7}  {:<7}  WHAT", "KIND", "COUNT", "LEVEL");
    for (index, kind) in kinds.iter().enumerate() {
        let level = kind.severity.as_str();
        let what = if kind.template.is_empty() { "(empty)" } else { &kind.template };
        let what = cut(what, WIDTH);
        let _ = writeln!(table, "{:>4}  {:>7}  {level:<7}  {what}", index + 1, kind.count);
        if kind.count > 0 && kind.name != kind.template {
            let _ = writeln!(table, "{:24}e.g. {}", "", cut(&kind.name, WIDTH));
        }
    }
    table
}

fn plural(count: usize, of: &str) -> String {
    if count == 1 { format!("1 {of}") } else { format!("{count} {of}s") }
}

fn json(kinds: &[LineKind]) -> serde_json::Value {
    kinds
        .iter()
        .enumerate()
        .map(|(index, kind)| {
            serde_json::json!({
                "kind": index + 1,
                "count": kind.count,
                "level": kind.severity.as_str(),
                "fingerprint": kind.fingerprint,
                "name": kind.name,
                "template": kind.template,
                "first_line": kind.first + 1,
                "last_line": kind.last + 1,
                "example": kind.example,
            })
        })
        .collect()
}
