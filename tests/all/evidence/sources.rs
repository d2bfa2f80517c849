//! Where to look: tags, and the table of AWS metrics.

use super::*;

#[tokio::test(start_paused = true)]
async fn tags_say_where_to_look_before_anything_else() {
    let mut logs = Scripted::new([]);
    logs.tags = Ok(Tags::from([
        (
            "pagetrail:log-group".to_owned(),
            "/mine arn:aws:logs:eu-west-1:2:log-group:/b".to_owned(),
        ),
        ("pagetrail:pattern".to_owned(), "?Oops ?\"no stock\"".to_owned()),
    ]));
    let mut alarm = alarm();
    let _ = collect_and_tag(&mut alarm, &logs, LIMITS).await;
    let searched: Vec<_> =
        logs.searches().into_iter().map(|query| (query.log_group, query.pattern)).collect();
    let of = |group: &str| (group.to_owned(), "?Oops ?\"no stock\"".to_owned());
    assert_eq!(searched, [of("/mine"), of("arn:aws:logs:eu-west-1:2:log-group:/b")]);
    assert_eq!(alarm.tags.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_tag_can_ask_for_any_of_several_words() {
    let mut logs = Scripted::new([]);
    let tag = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    logs.tags = Ok(Tags::from([
        tag("pagetrail:log-group", "/mine"),
        tag("pagetrail:pattern", "any: ERROR level=fatal"),
    ]));
    let _ = evidence(&logs, LIMITS).await;
    assert_eq!(logs.patterns()[0], r#"?"ERROR" ?"level=fatal""#);
}

#[tokio::test(start_paused = true)]
async fn unreadable_tags_cost_little_time_and_nothing_else() {
    let started = Instant::now();
    let mut logs = Scripted::new([page([line(9, "ERROR x")], None)]);
    logs.tags = Err(LookupError::Unavailable("no connection".into()));
    let evidence = evidence(&logs, LIMITS).await;
    assert!(started.elapsed() < Duration::from_secs(7), "{:?}", started.elapsed());
    assert_eq!(part(&evidence).lines.len(), 1);
    assert!(evidence.notes[0].contains("cloudwatch:ListTagsForResource"), "{:?}", evidence.notes);
}

fn metric_alarm(name: &str, namespace: &str, dimension: (&str, &str)) -> Alarm {
    alarm_in(&json!({
        "AlarmName": name, "NewStateValue": "ALARM",
        "NewStateReason": "Threshold Crossed: 1 datapoint [3.0 (14/11/26 03:05:00)] was greater",
        "AlarmArn": format!("arn:aws:cloudwatch:us-east-1:111122223333:alarm:{name}"),
        "StateChangeTime": "2026-11-14T03:06:35.472+0000",
        "Trigger": {"MetricName": "Errors", "Namespace": namespace, "Period": 60,
            "EvaluationPeriods": 1, "Dimensions": [{"name": dimension.0, "value": dimension.1}]},
    }))
}

async fn groups_searched(alarm: &Alarm, logs: &Scripted) -> (Vec<String>, Evidence) {
    let evidence = collect(alarm, logs, LIMITS).await;
    (logs.searches().into_iter().map(|query| query.log_group).collect(), evidence)
}

#[tokio::test(start_paused = true)]
async fn aws_metrics_lead_to_their_log_groups() {
    for (alarm, expected) in [
        (metric_alarm("a", "AWS/Lambda", ("FunctionName", "custom")), vec!["/my/own/group"]),
        (metric_alarm("a", "AWS/Lambda", ("FunctionName", "gone")), vec!["/aws/lambda/gone"]),
        (
            metric_alarm("a", "AWS/Events", ("RuleName", "nightly")),
            vec!["/aws/lambda/other", "/my/own/group"],
        ),
        (
            metric_alarm("a", "AWS/RDS", ("DBInstanceIdentifier", "db")),
            vec!["/aws/rds/instance/db/error", "/aws/rds/instance/db/postgresql"],
        ),
    ] {
        let mut logs = Scripted::new([]);
        logs.filters.clear();
        let (groups, evidence) = groups_searched(&alarm, &logs).await;
        assert_eq!(groups, expected, "{:?}", alarm.metrics);
        assert_eq!(evidence.notes.len(), 1, "{:?}", evidence.notes);
    }
    let mut logs = Scripted::new([]);
    let denied = metric_alarm("a", "AWS/Lambda", ("FunctionName", "denied"));
    logs.filters.clear();
    let (groups, evidence) = groups_searched(&denied, &logs).await;
    assert_eq!(groups, ["/aws/lambda/denied"]);
    let note = &evidence.notes[0];
    assert!(note.contains("lambda:GetFunctionConfiguration"), "{note}");
}

#[tokio::test(start_paused = true)]
async fn a_log_group_of_the_infrequent_access_class_is_explained() {
    let logs = Scripted::new([Some(Err(LookupError::LogClass))]);
    let evidence = evidence(&logs, LIMITS).await;
    assert!(evidence.notes[0].contains("Infrequent Access"), "{:?}", evidence.notes);
}

#[tokio::test(start_paused = true)]
async fn a_composite_alarm_brings_the_evidence_of_its_children() {
    let composite = alarm_in(&json!({
        "AlarmName": "shop", "NewStateValue": "ALARM", "NewStateReason": "x",
        "AlarmArn": "arn:aws:cloudwatch:us-east-1:111122223333:alarm:shop",
        "AlarmRule": "ALARM(\"one\") OR ALARM(inner) OR ALARM(fine)",
    }));
    let mut inner = composite.clone();
    inner.name = "inner".into();
    inner.composite.as_mut().unwrap().rule = Some("ALARM(two) AND ALARM(shop)".into());
    let mut fine = metric_alarm("fine", "AWS/Lambda", ("FunctionName", "f"));
    fine.state = pagetrail::alarm::State::Ok;
    let mut logs = Scripted::new([page([line(3, "ERROR first")], None)]);
    logs.filters.clear();
    logs.alarms = vec![
        metric_alarm("one", "AWS/Lambda", ("FunctionName", "one")),
        inner,
        metric_alarm("two", "AWS/Lambda", ("FunctionName", "two")),
        fine,
        composite.clone(),
    ];
    let evidence = collect(&composite, &logs, LIMITS).await;
    let children: Vec<_> = evidence.parts.iter().map(|part| part.child.as_deref()).collect();
    assert_eq!(children, [Some("one"), Some("two")]);
    assert_eq!(evidence.parts[0].sources[0].log_group, "/aws/lambda/one");
    assert_eq!(evidence.parts[1].sources[0].log_group, "/aws/lambda/two");
}

#[tokio::test(start_paused = true)]
async fn the_lines_a_log_alarm_carries_are_kept_and_followed() {
    let mut alarm = alarm();
    alarm.carried = vec![pagetrail::alarm::CarriedLine {
        at: Some(now()),
        log_group: Some("/app".into()),
        stream: Some("s".into()),
        text: "ERROR correlation_id=abcdefgh-1".into(),
    }];
    let logs = Scripted::new([]);
    let evidence = collect(&alarm, &logs, LIMITS).await;
    assert_eq!(texts(&part(&evidence).lines), ["ERROR correlation_id=abcdefgh-1"]);
    let (query, ..) = &logs.queries()[0];
    assert_eq!((query.log_group.as_str(), query.pattern.as_str()), ("/app", "\"abcdefgh-1\""));
}
