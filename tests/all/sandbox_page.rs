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
async fn details_are_sorted_and_lists_are_rows_and_the_error_is_marked() {
    let page = Page::default();
    let mut event = trigger("k");
    event["payload"]["custom_details"] = json!({
        "3 trail 1": ["start", "12:05:31.120  ▶ ERROR no card", "▶ not marked"],
        "5 alarm": {"name": "shop", "deep": {"lines": 3}}, "0 note": ["first", {"a": [1]}],
        "7 cut": "a text",
    });
    page.enqueue(&event).await;
    let body = page.get("/incidents/1").await.body;
    let position = |text: &str| body.find(text).unwrap_or_else(|| panic!("{text} is missing"));
    let positions = [
        "0 note</th>",
        "<li>first</li><li>{&quot;a&quot;:[1]}</li>",
        "3 trail 1</th>",
        "<li>start</li><li class=\"error\">12:05:31.120  ▶ ERROR no card</li><li>▶ not marked</li>",
        "5 alarm</th>",
        "<dt>deep</dt><dd>{&quot;lines&quot;:3}</dd>",
        "<dt>name</dt><dd>shop</dd>",
        "7 cut</th>",
        "a text</td>",
    ]
    .map(position);
    assert!(positions.is_sorted(), "{positions:?}");
}

#[tokio::test]
async fn the_buttons_acknowledge_and_resolve() {
    let page = Page::default();
    page.enqueue(&trigger("k")).await;
    let buttons = |body: &str| {
        ["Acknowledge", "Resolve"].map(|it| body.contains(&format!("<button>{it}</button>")))
    };
    assert_eq!(buttons(&page.get("/incidents/1").await.body), [true, true]);
    for (path, from, status) in [
        ("/incidents/1/acknowledge", "cross-site", 403),
        ("/incidents/1/forget", "same-origin", 404),
        ("/incidents/1/acknowledge", "same-origin", 303),
    ] {
        assert_eq!(page.press(path, from).await, status, "{path} {from}");
    }
    assert_eq!(buttons(&page.get("/incidents/1").await.body), [false, true]);
    assert_eq!(page.press("/incidents/1/resolve", "same-origin").await, 303);
    let body = page.get("/incidents/1").await.body;
    assert_eq!(buttons(&body), [false, false]);
    assert!(body.contains("Resolved on the page") || body.contains("Resolved"), "{body}");
    // A trigger opens a new incident, as after any resolve.
    page.enqueue(&trigger("k")).await;
    assert_eq!(buttons(&page.get("/incidents/2").await.body), [true, true]);
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
