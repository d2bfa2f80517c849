//! The way to PagerDuty: proxies, and certificate authorities of one's own.

use crate::harness::{Setup, client, trigger, until};
use crate::support::pagerduty::PagerDuty;
use crate::support::tunnel::tunnel;

#[tokio::test]
async fn through_a_proxy_to_a_certificate_that_the_systems_store_knows() {
    let pagerduty = PagerDuty::start().await;
    // Another server stands for PagerDuty's name.
    let behind = Setup::new(&pagerduty.url())
        .variable("PAGETRAIL_LISTEN", "none")
        .variable("PAGETRAIL_LISTEN_HTTPS", "127.0.0.1:0")
        .variable("PAGETRAIL_TLS_NAMES", "events.example");
    let certificate = behind.path("data/certificate.pem");
    let behind = behind.start().await;
    let address = behind.url.strip_prefix("https://").unwrap().parse().unwrap();
    let (proxy, mut asked) = tunnel(address).await;
    let server = Setup::new("https://events.example/v2/enqueue")
        .variable("HTTPS_PROXY", &format!("http://{proxy}"))
        .variable("SSL_CERT_FILE", &certificate)
        .start()
        .await;
    assert_eq!(server.post(&client(), &trigger("k")).await.0, 202);
    until("it arrived", || pagerduty.dedup_keys().contains(&"k".to_owned())).await;
    assert_eq!(asked.recv().await.unwrap(), "CONNECT events.example:443 HTTP/1.1");
}

#[tokio::test]
async fn what_is_on_this_machine_is_reached_without_the_proxy() {
    let pagerduty = PagerDuty::start().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = format!("http://{nobody}");
    let server = Setup::new(&pagerduty.url())
        .variable("HTTP_PROXY", &proxy)
        .variable("http_proxy", &proxy)
        .start()
        .await;
    assert_eq!(server.post(&client(), &trigger("k")).await.0, 202);
    until("it arrived", || pagerduty.dedup_keys().contains(&"k".to_owned())).await;
}
