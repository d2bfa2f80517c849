//! The trail of a failing request.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_request_gets_its_whole_trail_from_its_own_stream() {
    let failing = format!(r#"{{"level":"ERROR","message":"no","function_request_id":"{ID}"}}"#);
    let start = format!("START RequestId: {ID}");
    let report = format!("REPORT RequestId: {ID}");
    let logs = Scripted::new([
        page([line(9, &failing), line(20, "ERROR without id")], None),
        page([line(7, &start), line(9, &failing), line(11, &report)], None),
    ]);
    let evidence = evidence(&logs, Limits { trails: 1, ..LIMITS }).await;
    let (query, _, _) = &logs.queries()[1];
    assert_eq!(query.pattern, format!("\"{ID}\""));
    assert_eq!(query.stream.as_deref(), Some("2026/11/14/[$LATEST]a"));
    assert_eq!(query.order, Order::OldestFirst);
    let kinds = &part(&evidence).kinds;
    let with_id = kinds.iter().find(|kind| kind.example.text == failing).unwrap();
    let shown: Vec<_> = with_id
        .trail
        .as_ref()
        .unwrap()
        .steps
        .iter()
        .map(|step| match step {
            Step::Line(line) => line.text.clone(),
            Step::LeftOut(count) => format!("({count})"),
        })
        .collect();
    assert_eq!(shown, [start, failing, report]);
    let others: Vec<_> =
        part(&evidence).lines_without_trail().map(|line| line.text.as_str()).collect();
    assert_eq!(others, ["ERROR without id"]);
}

#[tokio::test(start_paused = true)]
async fn a_trail_that_cannot_be_read_leaves_the_line_and_a_note() {
    let failing = format!(r#"{{"level":"ERROR","message":"no","function_request_id":"{ID}"}}"#);
    let logs =
        Scripted::new([page([line(9, &failing)], None), Some(Err(LookupError::AccessDenied))]);
    let evidence = evidence(&logs, LIMITS).await;
    assert!(part(&evidence).kinds[0].trail.is_none());
    assert_eq!(part(&evidence).lines_without_trail().count(), 1);
    assert!(evidence.notes[0].contains("logs:FilterLogEvents"), "{:?}", evidence.notes);
}

#[tokio::test(start_paused = true)]
async fn an_id_with_pattern_syntax_is_never_searched() {
    let evil = r#"{"level":"ERROR","function_request_id":"x\" || { $.a = \"b\" } %.*%"}"#;
    let logs = Scripted::new([page([line(9, evil)], None)]);
    let evidence = evidence(&logs, LIMITS).await;
    assert_eq!(logs.patterns(), ["ERROR", "", ""]);
    assert_eq!(part(&evidence).lines.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_line_without_an_id_is_shown_among_its_neighbours() {
    let error = "ERROR at com.example.Shop";
    let logs = Scripted::new([
        page([line(9, error)], None),
        page([line(8, "before"), line(9, error)], None),
        page([line(9, error), line(9, "\tat com.example.Main"), line(10, "after")], None),
    ]);
    let evidence = evidence(&logs, LIMITS).await;
    let trail = part(&evidence).kinds[0].trail.as_ref().unwrap();
    assert_eq!(trail.correlation, None);
    let shown: Vec<_> = trail.steps.iter().map(step_text).collect();
    assert_eq!(shown, ["before", error, "\tat com.example.Main", "after"]);
    let (before, ..) = &logs.queries()[1];
    assert_eq!((before.order, before.pattern.as_str()), (Order::NewestFirst, ""));
    assert_eq!(before.stream.as_deref(), Some("2026/11/14/[$LATEST]a"));
}

fn step_text(step: &Step) -> &str {
    match step {
        Step::Line(line) => &line.text,
        Step::LeftOut(_) => "(left out)",
    }
}

#[tokio::test(start_paused = true)]
async fn a_trace_is_searched_in_the_named_log_groups_too() {
    let trace = "1-67891233-abcdef012345678912345678";
    let mut logs = Scripted::new([page([line(9, &format!("ERROR trace_id={trace}"))], None)]);
    logs.groups = vec!["/trace/a".into(), "/trace/b".into(), "/other".into()];
    let _ = evidence(&logs, LIMITS).await;
    let searched: Vec<_> = logs
        .queries()
        .into_iter()
        .filter(|(query, ..)| query.pattern.contains(trace))
        .map(|(query, ..)| (query.log_group, query.stream))
        .collect();
    let group = |name: &str| (name.to_owned(), None);
    assert_eq!(
        searched,
        [group("/aws/lambda/checkout"), group("/trace/a"), group("/trace/b"), group("gateway")]
    );
}
