//! Proxies, as the environment names them.

use super::certificates::SelfSigned;
use super::{Answer, Run, Server, TRIGGER, taken};
use crate::support::tunnel::tunnel;

#[tokio::test]
async fn http_goes_through_its_proxy() {
    let proxy = Server::taking().await;
    let run = Run::with(&[("HTTP_PROXY", &proxy.url)]);
    let ended = run.send(&[&TRIGGER[..], &["-q", "--url", "http://events.example"]].concat()).await;
    ended.printed("");
    assert_eq!(proxy.only().path, "http://events.example/v2/enqueue");
}

#[tokio::test]
async fn a_proxys_refusal_is_no_success() {
    let proxy = Server::start(Answer::text(407, "who are you?")).await;
    for (variable, url) in
        [("HTTP_PROXY", "http://events.example"), ("HTTPS_PROXY", "https://events.example")]
    {
        let run = Run::with(&[(variable, &proxy.url)]);
        let ended = run.send(&[&TRIGGER[..], &["-q", "--url", url]].concat()).await;
        ended.failed(1, "pagetrail: not sent: ");
    }
    let paths: Vec<_> =
        proxy.requests.lock().unwrap().iter().map(|request| request.path.clone()).collect();
    assert_eq!(paths, ["http://events.example/v2/enqueue", "events.example:443"]);
}

#[tokio::test]
async fn no_proxy_and_loopback_stay_away_from_it() {
    let proxy = Server::taking().await;
    let host = format!("{}.example", "x".repeat(64));
    let url = format!("http://{host}");
    let run = Run::with(&[("HTTP_PROXY", &proxy.url), ("NO_PROXY", &host)]);
    let ended = run.send(&[&TRIGGER[..], &["-q", "--url", &url]].concat()).await;
    ended.failed(1, "pagetrail: not sent: no connection");

    let server = Server::taking().await;
    let run = Run::with(&[("HTTP_PROXY", &proxy.url), ("http_proxy", &proxy.url)]);
    let ended = run.send(&[&TRIGGER[..], &["--url", &server.url]].concat()).await;
    ended.printed(&taken().to_string());
    server.only();
    proxy.nothing_arrived();
}

#[tokio::test]
async fn https_goes_through_a_tunnel() {
    let server = SelfSigned::start("events.example");
    let (proxy, mut asked) = tunnel(server.address).await;
    let proxy = format!("http://{proxy}");
    let file = server.certificate.path().to_str().unwrap();
    let run = Run::with(&[("HTTPS_PROXY", &proxy), ("SSL_CERT_FILE", file)]);
    let ended = run.send(&[&TRIGGER[..], &["--url", "https://events.example"]].concat()).await;
    assert_eq!((ended.code, &*ended.err), (0, ""));
    assert_eq!(asked.recv().await.unwrap(), "CONNECT events.example:443 HTTP/1.1");
}
