//! Where nothing matches: what is shown instead, and what is said.

use super::stored::{Stored, found};
use super::*;

const GROUP: &str = "/aws/lambda/checkout";
const STREAM: &str = "2026/11/14/[$LATEST]0f9c";

fn shown(evidence: &Evidence) -> Vec<String> {
    let latest = part(evidence).latest.as_ref().unwrap();
    let text = |step: &Step| match step {
        Step::Line(line) => line.text.clone(),
        Step::LeftOut(count) => format!("({count})"),
    };
    latest.steps.iter().map(text).collect()
}

fn errors_of_lambda() -> Alarm {
    let mut alarm = alarm();
    let dimensions = [("FunctionName".to_owned(), "checkout".to_owned())].into();
    alarm.metrics = vec![Metric {
        namespace: "AWS/Lambda".into(),
        name: "Errors".into(),
        dimensions,
        account: None,
    }];
    alarm
}

#[tokio::test(start_paused = true)]
async fn a_functions_last_invocation_with_its_report() {
    let mut logs = Stored::of(GROUP);
    let (start, report) =
        (format!("START RequestId: {ID}"), format!("REPORT RequestId: {ID}\tDuration: 9 ms"));
    logs.lines(STREAM, &[(0, "START RequestId: 0"), (5, "REPORT RequestId: 0\tDuration: 9 ms")]);
    logs.lines(STREAM, &[(20, &start), (25, "cart refused"), (30, &report)]);
    let evidence = found(&errors_of_lambda(), &logs).await;
    assert_eq!(shown(&evidence), [start, "cart refused".into(), report]);
    let note = &evidence.notes[0];
    assert!(note.contains("Lambda counted at least one error"), "{note}");
    assert!(note.contains("pagetrail:pattern") && note.contains("any: refused declined"), "{note}");
}

#[tokio::test(start_paused = true)]
async fn a_services_last_lines_without_a_claim() {
    let mut logs = Stored::of("/ecs/shop");
    for at in 0..40 {
        logs.line("shop/1", at, &format!("step {at}"));
    }
    let mut alarm = errors_of_lambda();
    alarm.metrics[0].namespace = "AWS/ECS".into();
    alarm.metrics[0].dimensions = [("ServiceName".to_owned(), "shop".to_owned())].into();
    let evidence = found(&alarm, &logs).await;
    let lines = shown(&evidence);
    assert_eq!((lines.len(), lines[0].as_str(), lines[15].as_str()), (16, "(25)", "step 39"));
    let note = &evidence.notes[0];
    assert!(note.contains("do not prove") && note.contains("pagetrail:pattern"), "{note}");
}

#[tokio::test(start_paused = true)]
async fn a_metric_filters_line_must_exist() {
    let mut logs = Stored::filtered(GROUP, "refused");
    logs.line(STREAM, 0, "cart is fine");
    let evidence = found(&alarm(), &logs).await;
    let note = &evidence.notes[0];
    assert!(note.contains("The metric counted at least one line"), "{note}");
    assert!(!note.contains("pagetrail:pattern"), "{note}");
    assert_eq!(shown(&evidence), ["cart is fine"]);
}
