//! The sandbox's page shows what the events say, and runs none of it.

use crate::support::sandbox::{Page, acknowledge, trigger};
use serde_json::json;

#[tokio::test]
async fn what_an_event_says_is_shown_and_never_run() {
    let page = Page::default();
    let script = "</title><script>alert(1)</script><img src=x onerror=alert(1)>";
    let mut event = trigger("\"><script>alert(2)</script>");
    event["payload"]["summary"] = json!(script);
    event["payload"]["source"] = json!(script);
    event["payload"]["component"] = json!(script);
    event["payload"]["custom_details"] = json!({script: script, "nested": {"a": [script]}});
    event["client"] = json!(script);
    event["client_url"] = json!("javascript:alert(3)");
    event["links"] = json!([
        {"href": "javascript:alert(4)", "text": "Run me"},
        {"href": " JaVaScRiPt:alert(5)"},
        {"href": "data:text/html,<script>alert(6)</script>"},
        {"href": "//example.com/\" onclick=\"alert(7)"},
        {"href": "https://example.com/?a=\" onclick=\"alert(8)&b=<x>", "text": script},
    ]);
    page.enqueue(&event).await;

    for path in ["/", "/incidents/1"] {
        let answer = page.get(path).await;
        let body = &answer.body;
        assert!(body.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{path} does not show it");
        assert!(!body.contains("<script>alert") && !body.contains("<img src=x"), "{path}");
        assert!(!body.contains("\" onclick"), "{path} lets an attribute end early");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    }
    let body = page.get("/incidents/1").await.body;
    let hrefs: Vec<_> =
        body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let foreign: Vec<_> = hrefs
        .into_iter()
        .filter(|href| href.starts_with("//") || !href.starts_with(['/', '#']))
        .collect();
    assert_eq!(
        foreign,
        ["https://example.com/?a=&quot; onclick=&quot;alert(8)&amp;b=&lt;x&gt;"],
        "only http and https become links"
    );
    assert!(body.contains("Run me (javascript:alert(4))"), "the others are shown as text");
}

#[tokio::test]
async fn details_are_sorted_and_keep_their_white_space() {
    let page = Page::default();
    let mut event = trigger("k");
    let line = "12:05:31.120  INFO   charging card\n    at confirm";
    event["payload"]["custom_details"] = json!({
        "2 trail 1.001": line, "9 cut": {"lines": 3}, "0 note": "first", "2 trail 1": "start",
    });
    page.enqueue(&event).await;
    let body = page.get("/incidents/1").await.body;
    let position = |text: &str| body.find(text).unwrap_or_else(|| panic!("{text} is missing"));
    let keys = ["0 note", "<span>2 trail 1</span></th>", "<span>2 trail 1</span>.001", "9 cut"];
    let positions = keys.map(position);
    assert!(positions.is_sorted(), "{positions:?}");
    assert!(body.contains(line));
    assert!(body.contains("{&quot;lines&quot;:3}"), "nested values are one line of JSON");
}

#[tokio::test]
async fn the_list_shows_status_severity_and_what_is_left_out() {
    let page = Page::new(pagetrail::sandbox::Settings { rate: 0, ..Default::default() });
    assert!(page.get("/").await.body.contains("No incident yet."));
    for number in 0..205 {
        page.enqueue(&trigger(&number.to_string())).await;
    }
    page.enqueue(&acknowledge("204")).await;
    let body = page.get("/").await.body;
    assert!(body.contains("<strong>204</strong> triggered"));
    assert!(body.contains("<strong>1</strong> acknowledged"));
    assert!(body.contains("<title>205 open · Pagetrail sandbox</title>"));
    assert_eq!(body.matches("href=\"/incidents/").count(), 200);
    assert!(body.contains("href=\"/incidents/205\"") && !body.contains("href=\"/incidents/5\""));
    assert!(body.contains("5 older ones"));
}

#[tokio::test]
async fn changes_stand_below_the_incidents_and_run_nothing() {
    let page = Page::new(pagetrail::sandbox::Settings { rate: 0, ..Default::default() });
    assert!(!page.get("/").await.body.contains("Changes"));
    let script = "</title><script>alert(1)</script>";
    let change = json!({
        "routing_key": crate::support::sandbox::KEY,
        "payload": {"summary": script, "source": script},
        "links": [
            {"href": "javascript:alert(2)", "text": "Run me"},
            {"href": "https://example.com/\" onclick=\"alert(3)", "text": script},
        ],
    });
    for _ in 0..21 {
        page.post("/v2/change/enqueue", &change.to_string()).await;
    }
    let body = page.get("/").await.body;
    assert!(body.contains("No incident yet.") && body.contains(">Changes</h2>"));
    assert_eq!(body.matches("Run me (javascript:alert(2))").count(), 20, "shown as text");
    assert!(body.contains("1 older ones are in"));
    assert!(body.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(!body.contains("<script>alert") && !body.contains("\" onclick"));
    assert_eq!(body.matches("href=\"javascript").count(), 0);
}

#[tokio::test]
async fn pages_that_do_not_exist_are_404() {
    let page = Page::default();
    for path in ["/incidents/7", "/incidents/x", "/assets/../secret", "/assets/x", "/v3"] {
        assert_eq!(page.get(path).await.status, 404, "{path}");
    }
    assert_eq!(page.get("/v2/enqueue").await.status, 405);
    for path in ["/assets/style.css", "/assets/refresh.js", "/assets/icon.svg"] {
        assert_eq!(page.get(path).await.status, 200, "{path}");
    }
}
