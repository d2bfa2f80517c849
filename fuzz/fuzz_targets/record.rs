//! Reads any bytes as a log line: its record, its part in a record of several lines, and its ids. It
//! must not panic; a headline is one line, and a long line is kept within its limit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pagetrail::lines::correlation::correlations;
use pagetrail::lines::record::{Piece, Record, message};
use pagetrail::lines::{LINE_LIMIT, Line, kept};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let record = Record::read(&text);
    assert!(!record.headline().contains('\n'));
    let _ = (record.display(), record.severity(), message(&text), Piece::of(&record));
    let line = Line {
        at: chrono::DateTime::UNIX_EPOCH,
        log_group: "g".into(),
        stream: "2026/02/02/[$LATEST]a".into(),
        text: text.clone().into_owned(),
    };
    for found in correlations(&line) {
        assert!(!found.id().as_str().contains(['"', '*', '%', ' ', '{']));
    }
    assert!(kept(text.into_owned()).len() <= LINE_LIMIT);
});
