//! `pagetrail digest`: what it prints for any log.

use std::io::Write as _;
use std::process::{Command, Stdio};

fn digest(arguments: &[&str], log: &[u8]) -> (String, bool) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pagetrail"))
        .arg("digest")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(log).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = if output.status.success() { output.stdout } else { output.stderr };
    (String::from_utf8(text).unwrap(), output.status.success())
}

const LOG: &[u8] = b"2026-02-02 12:05:31 INFO started in 3 s\r\n\
    2026-02-02 12:05:32 ERROR order 17 failed\r\n\
    \r\n\
    2026-02-02 12:05:33 ERROR order 18 failed\n\
    caf\xe9 \xff\n\
    2026-02-02 12:05:34 ERROR order 4711 failed";

#[test]
fn one_number_for_each_line() {
    let (numbers, done) = digest(&["--assign"], LOG);
    assert!(done);
    assert_eq!(numbers, "4\n1\n2\n1\n3\n1\n");
}

#[test]
fn the_table_names_each_kind_with_its_count() {
    let (table, done) = digest(&["-"], LOG);
    assert!(done);
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows[0], "6 lines, 4 kinds");
    assert!(rows[3].contains("3  error    order <*> failed"), "{table}");
    assert!(rows[4].trim().starts_with("e.g. order 17 failed"), "{table}");
    assert!(table.contains("(empty)"), "{table}");
}

#[test]
fn json_holds_the_same() {
    let (text, done) = digest(&["--json"], LOG);
    assert!(done);
    let kinds: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(kinds.as_array().unwrap().len(), 4);
    assert_eq!(kinds[0]["count"], 3);
    assert_eq!(kinds[0]["level"], "error");
    assert_eq!(kinds[0]["name"], "order 17 failed");
    assert_eq!(kinds[0]["template"], "order <*> failed");
    assert_eq!(kinds[0]["first_line"], 2);
    assert_eq!(kinds[0]["last_line"], 6);
}

#[test]
fn empty_long_and_missing_logs() {
    assert_eq!(digest(&["--assign"], b""), (String::new(), true));
    assert_eq!(digest(&[], b"").0, "0 lines, 0 kinds\n");
    let mut long = vec![b'x'; 3_000_000];
    long.extend_from_slice(b"\nshort\n");
    let (numbers, done) = digest(&["--assign"], &long);
    assert!(done);
    assert_eq!(numbers.lines().count(), 2);
    let (error, done) = digest(&["/nowhere/at-all.log"], b"");
    assert!(!done);
    assert!(error.starts_with("pagetrail: /nowhere/at-all.log: "), "{error}");
}
