//! Bodies: compressed, too large, broken, slow.

use std::io::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::{Stream, StreamExt as _, stream};
use serde_json::{Value, json};

use crate::gateway::support::{Answer, KEY, Rig, here, trigger};

const LIMIT: usize = 512_000;

/// Parts of a body, and how many of them were read.
struct Parts(Vec<Result<Bytes, std::io::Error>>, Arc<AtomicUsize>);

impl Stream for Parts {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let part = (!self.0.is_empty()).then(|| self.0.remove(0));
        self.1.fetch_add(usize::from(part.is_some()), Ordering::Relaxed);
        Poll::Ready(part)
    }
}

async fn post(rig: &Rig, body: impl Into<Body>, headers: &[(&str, &str)]) -> Answer {
    let mut request = here("POST", "/v2/enqueue");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    rig.call(request.body(body.into()).unwrap()).await
}

fn gzip(raw: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(raw).unwrap();
    encoder.finish().unwrap()
}

/// An event of exactly this size.
fn sized(bytes: usize) -> String {
    let mut event = trigger(KEY);
    event["filler"] = "".into();
    let missing = bytes - event.to_string().len();
    event["filler"] = "x".repeat(missing).into();
    event.to_string()
}

#[tokio::test]
async fn json_whatever_the_content_type() {
    let rig = Rig::default();
    let types =
        ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=x", "\"?"];
    for content_type in types {
        let event = trigger(KEY).to_string();
        assert_eq!(post(&rig, event, &[("content-type", content_type)]).await.status, 202);
    }
    assert_eq!(post(&rig, trigger(KEY).to_string(), &[]).await.status, 202);
}

#[tokio::test]
async fn gzip_is_inflated() {
    let rig = Rig::default();
    let event = trigger(KEY).to_string();
    for coding in ["gzip", "GZIP", "x-gzip", "identity, gzip", "gzip,"] {
        let answer = post(&rig, gzip(event.as_bytes()), &[("content-encoding", coding)]).await;
        assert_eq!(answer.status, 202, "{coding}");
    }
    for coding in ["identity", ""] {
        let answer = post(&rig, event.clone(), &[("content-encoding", coding)]).await;
        assert_eq!(answer.status, 202, "{coding}");
    }
    let (head, tail) = event.split_at(40);
    let members = [gzip(head.as_bytes()), gzip(tail.as_bytes())].concat();
    assert_eq!(post(&rig, members, &[("content-encoding", "gzip")]).await.status, 202);
    let queued: Vec<Value> =
        rig.sent().iter().map(|it| serde_json::from_str(&it.body).unwrap()).collect();
    assert!(queued.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn other_codings_and_broken_gzip() {
    let rig = Rig::default();
    let event = trigger(KEY).to_string();
    for coding in ["deflate", "br", "gzip, gzip", "zstd, gzip", "gzip;q=1"] {
        let answer = post(&rig, event.clone(), &[("content-encoding", coding)]).await;
        assert_eq!((answer.status, answer.header("accept-encoding")), (415, Some("gzip")));
        assert!(answer.error().contains("gzip"));
    }
    let whole = gzip(event.as_bytes());
    let mut wrong_sum = whole.clone();
    let end = wrong_sum.len() - 6;
    wrong_sum[end] ^= 1;
    for broken in
        [whole[..whole.len() - 9].to_vec(), wrong_sum, event.clone().into_bytes(), Vec::new()]
    {
        let answer = post(&rig, broken, &[("content-encoding", "gzip")]).await;
        assert_eq!(answer.status, 400);
        assert!(answer.error().contains("gzip"), "{}", answer.body);
    }
    assert!(rig.sent().is_empty());
}

#[tokio::test]
async fn the_limit_holds_for_what_is_sent_and_what_it_inflates_to() {
    let rig = Rig::default();
    let gzipped = [("content-encoding", "gzip")];
    assert_eq!(post(&rig, sized(LIMIT), &[]).await.status, 202);
    assert_eq!(post(&rig, gzip(sized(LIMIT).as_bytes()), &gzipped).await.status, 202);
    let bomb = gzip(&vec![b' '; 100_000_000]);
    assert!(bomb.len() < LIMIT);
    for (body, headers) in [
        (sized(LIMIT + 1).into_bytes(), &[][..]),
        (gzip(sized(LIMIT + 1).as_bytes()), &gzipped[..]),
        (bomb, &gzipped[..]),
        (vec![0; LIMIT + 1], &gzipped[..]),
    ] {
        let answer = post(&rig, body, headers).await;
        assert_eq!(answer.status, 413);
        assert_eq!(answer.error(), "Event is too large (maximum is 512000 bytes)");
    }
    assert_eq!(rig.sent().len(), 2);
}

#[tokio::test]
async fn parts_come_together_and_an_endless_body_is_left() {
    let rig = Rig::default();
    let event = sized(LIMIT);
    let bytes = event.as_bytes().chunks(1_000).map(|part| Ok(Bytes::copy_from_slice(part)));
    let read = Arc::new(AtomicUsize::new(0));
    let parts = Parts(bytes.collect(), Arc::clone(&read));
    assert_eq!(post(&rig, Body::from_stream(parts), &[]).await.status, 202);
    assert_eq!(read.load(Ordering::Relaxed), 512);

    let part = Bytes::from(vec![b' '; 100_000]);
    let endless = stream::repeat(part.clone()).map(Ok::<_, std::io::Error>);
    assert_eq!(post(&rig, Body::from_stream(endless), &[]).await.status, 413);

    // Too large, but not so large that the client should not get to read the answer.
    let read = Arc::new(AtomicUsize::new(0));
    let parts = Parts((0..60).map(|_| Ok(part.clone())).collect(), Arc::clone(&read));
    assert_eq!(post(&rig, Body::from_stream(parts), &[]).await.status, 413);
    assert_eq!(read.load(Ordering::Relaxed), 60);
    assert_eq!(rig.sent().len(), 1);
}

#[tokio::test]
async fn an_empty_body_and_one_that_breaks_off() {
    let rig = Rig::default();
    let answer = post(&rig, Body::empty(), &[]).await;
    assert_eq!((answer.status, answer.error().as_str()), (400, "JSON parse error"));
    assert_eq!(answer.json()["status"], "Unrecognized object");
    let broken = vec![
        Ok(Bytes::from(trigger(KEY).to_string())),
        Err(std::io::Error::other("the client is gone")),
    ];
    let answer = post(&rig, Body::from_stream(stream::iter(broken)), &[]).await;
    assert_eq!(answer.status, 400);
    assert!(answer.error().contains("body"));
    assert!(rig.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_to_arrive_is_given_up() {
    let rig = Rig::default();
    let begun = stream::iter([Ok::<_, std::io::Error>(Bytes::from("{"))]);
    let answer = post(&rig, Body::from_stream(begun.chain(stream::pending())), &[]).await;
    assert_eq!((answer.status, answer.header("connection")), (408, Some("close")));
    answer.error();
    let slow = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    let answer = rig.call(here("PUT", "/nowhere").body(slow).unwrap()).await;
    assert_eq!(answer.status, 404, "nor is it waited for where it is not wanted");
}

#[tokio::test]
async fn numbers_and_texts_arrive_as_they_were() {
    let rig = Rig::default();
    let event = format!(
        r#"{{"routing_key":"{KEY}","event_action":"resolve","dedup_key":"\u0000\"\\é","n":[18446744073709551615,-1,0.1,1e300]}}"#
    );
    assert_eq!(post(&rig, event, &[]).await.status, 202);
    let (_, body) = rig.only_sent();
    assert_eq!(body["event"]["dedup_key"], "\0\"\\é");
    assert_eq!(body["event"]["n"], json!([18_446_744_073_709_551_615_u64, -1, 0.1, 1e300]));
}
