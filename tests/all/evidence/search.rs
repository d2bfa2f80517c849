//! Searching: paging, late lines, looking back, throttling, and lookups that fail.

use super::*;

#[tokio::test(start_paused = true)]
async fn pages_on_through_empty_pages() {
    let logs = Scripted::new([
        page([], Some("a")),
        page([], Some("b")),
        page([line(5, "ERROR one")], Some("c")),
        page([line(2, "ERROR two")], None),
    ]);
    let evidence = evidence(&logs, LIMITS).await;
    assert_eq!(texts(&part(&evidence).lines), ["ERROR two", "ERROR one"]);
    assert_eq!(part(&evidence).matched.seen, 2);
    assert_eq!(evidence.notes, Vec::<String>::new());
    let of_filter = logs.queries().into_iter().filter(|(query, ..)| query.pattern == "ERROR");
    let tokens: Vec<_> = of_filter.map(|(_, token, _)| token).collect();
    assert_eq!(tokens, [None, Some("a".into()), Some("b".into()), Some("c".into())]);
    let (query, _, _) = &logs.queries()[0];
    assert_eq!(query.pattern, "ERROR");
    assert_eq!(query.order, Order::NewestFirst);
    assert_eq!(query.start.to_rfc3339(), "2026-11-14T03:04:30+00:00");
    assert_eq!(query.end.to_rfc3339(), "2026-11-14T03:06:30+00:00");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_never_ends_is_not_followed_for_ever() {
    let same = || page([], Some("again"));
    let logs = Scripted::new([same(), same(), same(), same(), same(), same()]);
    let evidence = collect(&too_low(), &logs, LIMITS).await;
    assert_eq!(logs.searches().len(), 2);
    assert_eq!(evidence.notes.len(), 1, "{:?}", evidence.notes);
}

#[tokio::test(start_paused = true)]
async fn the_newest_lines_win_and_all_are_counted() {
    let lines = (0..30).map(|second| line(second, &format!("ERROR {second}")));
    let more = (30..60).map(|second| line(second, &format!("ERROR {second}")));
    let logs = Scripted::new([page(lines, Some("x")), page(more, None)]);
    let evidence = evidence(&logs, Limits { lines: 3, ..LIMITS }).await;
    assert_eq!(texts(&part(&evidence).lines), ["ERROR 57", "ERROR 58", "ERROR 59"]);
    assert_eq!(part(&evidence).matched.seen, 60);
    assert!(!part(&evidence).matched.at_least);
}

#[tokio::test(start_paused = true)]
async fn searches_again_for_lines_that_are_late() {
    let logs = Scripted::new([page([], None), page([], None), page([line(1, "ERROR late")], None)]);
    let evidence = evidence(&logs, LIMITS).await;
    assert_eq!(texts(&part(&evidence).lines), ["ERROR late"]);
    assert_eq!(logs.patterns(), ["ERROR", "ERROR", "ERROR", "", ""]);
}

#[tokio::test(start_paused = true)]
async fn gives_up_on_late_lines_within_the_deadline_and_says_so() {
    let started = Instant::now();
    let logs = Scripted::new([]);
    let evidence = evidence(&logs, LIMITS).await;
    assert_eq!(logs.searches().len(), 5);
    assert!(started.elapsed() < Duration::from_secs(20));
    assert!(evidence.notes[0].contains("/aws/lambda/checkout"), "{:?}", evidence.notes);
}

#[tokio::test(start_paused = true)]
async fn does_not_wait_for_lines_that_need_not_exist() {
    let logs = Scripted::new([]);
    let evidence = collect(&too_low(), &logs, LIMITS).await;
    assert_eq!(logs.searches().len(), 1);
    assert_eq!(evidence.notes.len(), 1);
}

/// An alarm that somebody set by hand: no datapoint says when.
fn set_by_hand() -> Alarm {
    let mut alarm = alarm();
    alarm.datapoints.clear();
    alarm
}

/// When a query began and ended, to the second.
fn times(query: &Query) -> (String, String) {
    let time = |at: DateTime<Utc>| at.format("%H:%M:%S").to_string();
    (time(query.start), time(query.end))
}

#[tokio::test(start_paused = true)]
async fn looks_ten_minutes_back_where_no_datapoint_says_when_and_says_so() {
    let logs = Scripted::new([page([], None), page([line(-300, "ERROR early")], None)]);
    let evidence = collect(&set_by_hand(), &logs, LIMITS).await;
    let part = part(&evidence);
    assert_eq!(texts(&part.lines), ["ERROR early"]);
    let asked: Vec<_> = logs.queries().iter().map(|(query, ..)| times(query)).take(2).collect();
    let end = "03:06:36".to_owned();
    assert_eq!(asked, [("03:05:05".into(), end.clone()), ("02:56:35".into(), end)]);
    assert_eq!(part.window.start.format("%H:%M:%S").to_string(), "02:56:35");
    assert_eq!(part.span, part.window, "the title speaks of the time that was searched");
    let note = &evidence.notes[0];
    assert!(
        note.contains("03:05:05 to 03:06:36 UTC") && note.contains("started earlier, at 02:56:35"),
        "{note}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_ten_minutes_back_either_is_said_of_all_that_time() {
    let logs = Scripted::new([]);
    let evidence = collect(&set_by_hand(), &logs, LIMITS).await;
    assert_eq!(logs.searches().len(), 2);
    assert_eq!(evidence.notes.len(), 1);
    assert!(evidence.notes[0].contains("between 2026-11-14 02:56:35 and"), "{:?}", evidence.notes);
}

#[tokio::test(start_paused = true)]
async fn looks_back_no_further_than_needed() {
    let logs = Scripted::new([page([line(30, "ERROR x")], None)]);
    let evidence = collect(&set_by_hand(), &logs, LIMITS).await;
    assert!(logs.patterns()[1..].iter().all(String::is_empty), "the trail's searches only");
    assert_eq!(evidence.notes, Vec::<String>::new());

    let logs = Scripted::new([Some(Err(LookupError::AccessDenied))]);
    let _ = collect(&set_by_hand(), &logs, LIMITS).await;
    assert_eq!(logs.queries().len(), 1, "what was not read is not empty");
}

#[tokio::test(start_paused = true)]
async fn looking_back_ends_at_the_deadline() {
    let started = Instant::now();
    let logs = Scripted::new([page([], None), None]);
    let evidence = collect(&set_by_hand(), &logs, LIMITS).await;
    assert_eq!(started.elapsed(), Duration::from_secs(20));
    assert!(evidence.notes[0].contains("deadline"), "{:?}", evidence.notes);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_search_leaves_the_page_at_the_deadline() {
    let started = Instant::now();
    let logs = Scripted::new([page([line(3, "ERROR seen")], Some("more")), None]);
    let evidence = evidence(&logs, LIMITS).await;
    assert_eq!(started.elapsed(), Duration::from_secs(20));
    assert_eq!(texts(&part(&evidence).lines), ["ERROR seen"]);
    assert!(part(&evidence).matched.at_least);
    assert!(evidence.notes[0].contains("deadline"), "{:?}", evidence.notes);
}

#[tokio::test(start_paused = true)]
async fn throttling_backs_off_and_goes_on() {
    let throttled = || Some(Err(LookupError::Throttled));
    let logs = Scripted::new([throttled(), throttled(), page([line(3, "ERROR x")], None)]);
    let evidence = evidence(&logs, LIMITS).await;
    assert_eq!(texts(&part(&evidence).lines), ["ERROR x"]);
    assert_eq!(evidence.notes, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn one_log_group_that_fails_leaves_the_others() {
    let mut logs =
        Scripted::new([Some(Err(LookupError::NotFound)), page([line(3, "ERROR other")], None)]);
    logs.filters.push(MetricFilter { log_group: "other".into(), pattern: "ERROR".into() });
    let evidence = evidence(&logs, LIMITS).await;
    assert_eq!(texts(&part(&evidence).lines), ["ERROR other"]);
    assert!(evidence.notes[0].contains("does not exist"), "{:?}", evidence.notes);
    assert!(evidence.notes[0].contains("/aws/lambda/checkout"), "{:?}", evidence.notes);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_looked_up_is_said_with_the_permission() {
    let mut logs = Scripted::new([]);
    logs.filters_error = Some(LookupError::AccessDenied);
    let denied = evidence(&logs, LIMITS).await;
    let note = &denied.notes[0];
    assert!(note.contains("logs:DescribeMetricFilters"), "{note}");
    assert!(note.contains("arn:aws:logs:ap-northeast-1:111122223333:log-group:*"), "{note}");

    let mut logs = Scripted::new([]);
    logs.filters.clear();
    let absent = evidence(&logs, LIMITS).await;
    assert!(absent.notes[0].contains("no metric filter"), "{:?}", absent.notes);
    assert!(absent.notes[0].contains("Shop/Errors"), "{:?}", absent.notes);
}
