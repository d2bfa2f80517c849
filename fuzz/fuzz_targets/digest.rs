//! Reads any bytes as a log. It must not panic, must count every line, and must put equal lines into
//! one kind.
#![no_main]

use std::collections::HashMap;

use libfuzzer_sys::fuzz_target;
use pagetrail::lines::digest::Digest;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.split('\n').collect();
    let mut digest = Digest::new();
    let slots: Vec<_> = lines.iter().map(|line| digest.add(line)).collect();
    let kinds = digest.kinds();
    let mut counts = vec![0; kinds.as_slice().len()];
    let mut of_line = HashMap::new();
    for (line, slot) in lines.iter().zip(&slots) {
        let kind = kinds.of(*slot);
        counts[kind] += 1;
        assert_eq!(*of_line.entry(line).or_insert(kind), kind);
    }
    for (kind, count) in kinds.as_slice().iter().zip(counts) {
        assert_eq!(kind.count, count);
        assert!(!kind.template.contains('\n'));
    }
    // One event of many lines, as CloudWatch can deliver it.
    let mut event = Digest::new();
    event.add(&text);
    assert_eq!(event.kinds().as_slice().len(), 1);
});
