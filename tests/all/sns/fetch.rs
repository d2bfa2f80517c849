//! The real client in SNS's direction, against a server that can answer wrongly.

use pagetrail::sns::fetch::{Fetch, FetchError};
use reqwest::Client;

use crate::support::http::{Answer, serve};

/// As the server makes it, and with reqwest's own following of redirects.
fn client() -> Client {
    let tls = pagetrail::http::tls::bundled_config();
    Client::builder().tls_backend_preconfigured(tls).no_proxy().build().unwrap()
}

async fn fetched(answer: Answer) -> Result<Vec<u8>, FetchError> {
    let address = serve(move |request| {
        let elsewhere = Answer::text(200, "elsewhere");
        std::future::ready(if request.path == "/" { answer.clone() } else { elsewhere })
    })
    .await;
    Fetch::get(&client(), &format!("http://{address}/").parse().unwrap()).await
}

#[tokio::test]
async fn only_a_whole_good_answer_from_there_counts() {
    assert_eq!(fetched(Answer::text(200, "here")).await, Ok(b"here".to_vec()));
    let redirect = Answer::text(302, "").header("location", "/elsewhere");
    assert_eq!(fetched(redirect).await, Err(FetchError::Redirected));
    for (answer, error) in [
        (Answer::text(200, &"x".repeat(64 * 1024 + 1)), FetchError::TooLarge),
        (Answer::text(404, "here"), FetchError::Status(404)),
        (Answer::Half, FetchError::Broken),
        (Answer::Reset, FetchError::Connection),
        (Answer::Garbage, FetchError::Connection),
        (Answer::Stall, FetchError::Time),
        (Answer::Hang, FetchError::Time),
    ] {
        assert_eq!(fetched(answer.clone()).await, Err(error), "{answer:?}");
    }
}
