//! Checks the addresses in a message: they must be SNS's own, in the topic's Region.

use url::Url;

use super::topic::TopicArn;

/// The URL of the certificate for a message's signature.
pub(super) fn certificate(text: &str, topic: &TopicArn) -> Option<Url> {
    let url = of_sns(text, topic)?;
    let name = url.path().strip_prefix("/SimpleNotificationService-")?.strip_suffix(".pem")?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let fits = (1..=128).contains(&name.len()) && name.bytes().all(is_name);
    (fits && url.query().is_none()).then_some(url)
}

/// The URL that confirms the subscription to exactly this topic.
pub(super) fn confirmation(text: &str, topic: &TopicArn, token: &str) -> Option<Url> {
    let url = of_sns(text, topic)?;
    let expected =
        [("Action", "ConfirmSubscription"), ("TopicArn", topic.as_str()), ("Token", token)];
    let asks = |(name, value): (&str, &str)| {
        let mut values = url.query_pairs().filter(|(key, _)| key == name);
        values.next().is_some_and(|(_, it)| it == value) && values.next().is_none()
    };
    (url.path() == "/" && expected.into_iter().all(asks)).then_some(url)
}

/// The host is computed from a topic in the configuration, so the sender cannot choose any part of
/// it.
fn of_sns(text: &str, topic: &TopicArn) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let fits = url.scheme() == "https"
        && url.host_str() == Some(&topic.host())
        && url.port().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none();
    fits.then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic() -> TopicArn {
        "arn:aws:sns:eu-west-1:123456789012:errors".parse().unwrap()
    }

    #[test]
    fn a_certificate_comes_only_from_sns_in_the_topics_region() {
        for good in [
            "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-6aad65c2f9911b05.pem",
            "https://sns.eu-west-1.amazonaws.com:443/SimpleNotificationService-a.pem",
            "https://SNS.eu-west-1.amazonaws.com/SimpleNotificationService-a.pem",
        ] {
            assert!(certificate(good, &topic()).is_some(), "{good}");
        }
        for bad in [
            "",
            "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-a.pem",
            "https://sns.eu-west-2.amazonaws.com/SimpleNotificationService-a.pem",
            "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-a.pem",
            "https://sns.eu-west-1.amazonaws.com.cn/SimpleNotificationService-a.pem",
            "https://evil.example/sns.eu-west-1.amazonaws.com/SimpleNotificationService-a.pem",
            "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-a.pem",
            "https://user@sns.eu-west-1.amazonaws.com/SimpleNotificationService-a.pem",
            "https://:pw@sns.eu-west-1.amazonaws.com/SimpleNotificationService-a.pem",
            "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-a.pem",
            "https://sns.eu-west-1.amazonaws.com./SimpleNotificationService-a.pem",
            "https://169.254.169.254/SimpleNotificationService-a.pem",
            "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-a.pem?x=1",
            "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-a.pem#x",
            "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-.pem",
            "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-a/b.pem",
            "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-%2e%2e.pem",
            "https://sns.eu-west-1.amazonaws.com/x/../other.pem",
            "https://bucket.s3.amazonaws.com/SimpleNotificationService-a.pem",
        ] {
            assert_eq!(certificate(bad, &topic()), None, "{bad}");
        }
    }

    #[test]
    fn only_this_subscription_is_confirmed() {
        let base = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription";
        let arn = "arn:aws:sns:eu-west-1:123456789012:errors";
        let confirms = |url: &str| confirmation(url, &topic(), "23t").is_some();
        assert!(confirms(&format!("{base}&TopicArn={arn}&Token=23t")));
        assert!(confirms(&format!("{base}&Token=23t&TopicArn={}", arn.replace(':', "%3A"))));
        for bad in [
            format!("{base}&TopicArn={arn}"),
            format!("{base}&TopicArn={arn}&Token=other"),
            format!("{base}&TopicArn={arn}2&Token=23t"),
            format!("{base}&TopicArn={arn}&TopicArn={arn}2&Token=23t"),
            format!("{base}&Action=Unsubscribe&TopicArn={arn}&Token=23t"),
            format!("{base}&TopicArn={arn}&Token=23t").replace("eu-west-1.", "eu-west-2."),
            format!("{base}&TopicArn={arn}&Token=23t").replace("https", "http"),
            format!("{base}&TopicArn={arn}&Token=23t").replace("/?", "/x?"),
        ] {
            assert!(!confirms(&bad), "{bad}");
        }
    }
}
