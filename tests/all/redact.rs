//! Redaction, line by line: what is removed, in every form it is logged in, and what stays.

use std::borrow::Cow;

use pagetrail::ids::{self, Scope};
use pagetrail::lines::Line;
use pagetrail::lines::correlation::correlations;
use pagetrail::redact::{Category, Pattern, PatternError, Redactor, Settings};
use serde_json::{Value, json};

fn redact(text: &str) -> String {
    Redactor::default().text(text).into_owned()
}

/// Input and what must come of it; again must change nothing.
pub(crate) fn golden(table: &[(&str, &str)]) {
    for (line, expected) in table {
        assert_eq!(&redact(line), expected, "input: {line}");
        assert_eq!(&redact(expected), expected, "a second time: {line}");
    }
}

/// These must stay as they are.
pub(crate) fn untouched(lines: &[&str]) {
    for line in lines {
        assert!(
            matches!(Redactor::default().text(line), Cow::Borrowed(_)),
            "{} became {}",
            line,
            redact(line)
        );
    }
}

const JWT: &str =
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const AWS_SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

#[test]
fn aws_keys() {
    golden(&[
        ("using AKIAIOSFODNN7EXAMPLE now", "using [redacted: aws access key] now"),
        ("ASIAIOSFODNN7EXAMPLE", "[redacted: aws access key]"),
        (
            &format!("aws_secret_access_key = {AWS_SECRET}"),
            "aws_secret_access_key = [redacted: aws secret key]",
        ),
        (
            &format!("AKIAIOSFODNN7EXAMPLE,{AWS_SECRET},eu-west-1"),
            "[redacted: aws access key],[redacted: aws secret key],eu-west-1",
        ),
        (
            &format!("secret {AWS_SECRET} of AKIAIOSFODNN7EXAMPLE"),
            "secret [redacted: aws secret key] of [redacted: aws access key]",
        ),
        (
            &format!(
                r#"{{"Credentials":{{"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"{AWS_SECRET}","SessionToken":"IQoJb3JpZ2luX2VjEJr","Expiration":1794650000}}}}"#
            ),
            r#"{"Credentials":{"AccessKeyId":"[redacted: credentials]","SecretAccessKey":"[redacted: aws secret key]","SessionToken":"[redacted: session]","Expiration":1794650000}}"#,
        ),
        (
            "https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261114%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Expires=60&X-Amz-Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024",
            "https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=[redacted: credentials]&X-Amz-Expires=60&X-Amz-Signature=[redacted: signature]",
        ),
    ]);
}

#[test]
fn headers() {
    golden(&[
        ("Authorization: Bearer abc.def-123", "Authorization: [redacted: authorization]"),
        ("authorization: Basic dXNlcjpwYXNz next", "authorization: [redacted: authorization] next"),
        (
            "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261114/x, SignedHeaders=host, Signature=fe5f\nHost: x",
            "Authorization: [redacted: authorization]\nHost: x",
        ),
        (
            r#"Authorization: Digest username="Mufasa", response="6629fae4""#,
            "Authorization: [redacted: authorization]",
        ),
        ("Authorization: Token token=abc123", "Authorization: [redacted: authorization]"),
        ("Authorization: Custom 0123456789abcdef", "Authorization: [redacted: authorization]"),
        ("got Bearer abcdef0123456789 from x", "got Bearer [redacted: authorization] from x"),
        ("header=Basic%20dXNlcjpwYXNz", "header=Basic%20[redacted: authorization]"),
        ("Proxy-Authorization=Bearer abc123", "Proxy-Authorization=[redacted: authorization]"),
        ("Cookie: id=a3f; theme=dark\nAccept: */*", "Cookie: [redacted: cookie]\nAccept: */*"),
        ("Set-Cookie: sid=abc; Path=/; HttpOnly", "Set-Cookie: [redacted: cookie]"),
        (
            "curl -H 'Authorization: Bearer s3cr3t' -H \"Cookie: a=b; c=d\" https://x/y",
            "curl -H 'Authorization: [redacted: authorization]' -H \"Cookie: [redacted: cookie]\" https://x/y",
        ),
        (
            r#"{"headers":{"Authorization":"Bearer x","cookie":["a=b","c=d"],"X-Api-Key":"k","host":"h"}}"#,
            r#"{"headers":{"Authorization":"[redacted: authorization]","cookie":["[redacted: cookie]","[redacted: cookie]"],"X-Api-Key":"[redacted: api key]","host":"h"}}"#,
        ),
        (
            r#"{"rawHeaders":["Host","h","Cookie","a=b","Accept","*/*"]}"#,
            r#"{"rawHeaders":["Host","h","Cookie","[redacted: cookie]","Accept","*/*"]}"#,
        ),
        (
            r#"[{"name":"Authorization","value":"Bearer x"},{"name":"DB_PASSWORD","value":"x"},{"name":"STAGE","value":"x"}]"#,
            r#"[{"name":"Authorization","value":"[redacted: authorization]"},{"name":"DB_PASSWORD","value":"[redacted: password]"},{"name":"STAGE","value":"x"}]"#,
        ),
    ]);
}

#[test]
fn tokens_known_by_their_form() {
    golden(&[
        (&format!("jwt {JWT}, ok"), "jwt [redacted: jwt], ok"),
        (&format!("/cb#id={JWT}"), "/cb#id=[redacted: jwt]"),
        ("cut eyJhbGciOiJIUzI1NiJ9.eyJzdWIi", "cut [redacted: jwt]"),
        (&format!("push with ghp_{}", "a1".repeat(18)), "push with [redacted: token]"),
        (&format!("x=xoxb-{}", "1234567890-abc"), "x=[redacted: token]"),
        (&format!("sk_live_{} refused", "4eC39HqLyjWD"), "[redacted: token] refused"),
        (&format!("key AIza{}", "Sy0aB-_".repeat(5)), "key [redacted: token]"),
        (
            &format!(
                "POST https://hooks.slack.com/services/T{}",
                "00000000/B00000000/XXXXXXXXXXXX"
            ),
            "POST https://[redacted: token]",
        ),
        ("routing_key=0123456789abcdef0123456789abcdef", "routing_key=[redacted: api key]"),
        (
            r#"{"service_key":"0123456789abcdef0123456789abcdef"}"#,
            r#"{"service_key":"[redacted: api key]"}"#,
        ),
    ]);
}

#[test]
fn private_keys() {
    const PEM: &str =
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nabc=\n-----END RSA PRIVATE KEY-----";
    let escaped = PEM.replace('\n', "\\n");
    golden(&[
        (&format!("loaded\n{PEM}\ndone"), "loaded\n[redacted: private key]\ndone"),
        (&format!("KEY=\"{PEM}\" x"), "KEY=\"[redacted: private key]\" x"),
        (&format!("key is {escaped} x"), "key is [redacted: private key] x"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEow", "[redacted: private key]"),
        (
            &format!(r#"{{"message":"got {escaped}","n":1}}"#),
            r#"{"message":"got [redacted: private key]","n":1}"#,
        ),
        (&format!("private_key: {PEM}\ndone"), "private_key: [redacted: private key]\ndone"),
    ]);
}

#[test]
fn secrets_by_name_in_text() {
    golden(&[
        ("login user=joe password=hunter2 ok", "login user=joe password=[redacted: password] ok"),
        ("Password: hunter2", "Password: [redacted: password]"),
        ("DB_PASSWORD = 'a b c' x", "DB_PASSWORD = '[redacted: password]' x"),
        ("password=a,b)c&d;e!", "password=[redacted: password]"),
        ("Server=x;Password=a,b;User=y", "Server=x;Password=[redacted: password];User=y"),
        ("User(name=x, passwd=abc)", "User(name=x, passwd=[redacted: password])"),
        ("{user=x, pwd=abc}", "{user=x, pwd=[redacted: password]}"),
        (
            "\"password\"=>\"x y\", :token=>\"z\"",
            "\"password\"=>\"[redacted: password]\", :token=>\"[redacted: token]\"",
        ),
        ("{'password': 'it\\'s', 'n': 1}", "{'password': '[redacted: password]', 'n': 1}"),
        ("Config { secret: Some(\"a b\") }", "Config { secret: Some(\"[redacted: secret]\") }"),
        ("map[apiKey:k1 host:h]", "map[apiKey:[redacted: api key] host:h]"),
        (
            "--password hunter2 --token=abc -v",
            "--password [redacted: password] --token=[redacted: token] -v",
        ),
        (
            "api key: 12ab client secret = zz",
            "api key: [redacted: api key] client secret = [redacted: secret]",
        ),
        ("<ns:Password>a b</ns:Password>", "<ns:Password>[redacted: password]</ns:Password>"),
        (
            "\u{1b}[36mtoken\u{1b}[0m=\u{1b}[35mabc\u{1b}[0m x",
            "\u{1b}[36mtoken\u{1b}[0m=\u{1b}[35m[redacted: token]\u{1b}[0m x",
        ),
        ("{\"password\":\"cut off in the mid", "{\"password\":\"[redacted: password]"),
        (
            r#"x {\"password\":\"a\\\"b\",\"n\":\"1\"} y"#,
            r#"x {\"password\":\"[redacted: password]\",\"n\":\"1\"} y"#,
        ),
        ("password: {\"a\": [1, 2]} then", "password: [redacted: password] then"),
        ("could not get token: x9f3k", "could not get token: [redacted: token]"),
        (
            "connect.sid=s%3Aabcdef123 and JSESSIONID=0A1B2C3D4E",
            "connect.sid=[redacted: session] and JSESSIONID=[redacted: session]",
        ),
        (
            "cvv=123 pin=0420 otp: 123456",
            "cvv=[redacted: card number] pin=[redacted: password] otp: [redacted: password]",
        ),
    ]);
}

#[test]
fn secrets_in_urls() {
    golden(&[
        ("GET /cb?token=abc&x=1 200", "GET /cb?token=[redacted: token]&x=1 200"),
        ("body user%5Bpassword%5D=abc&a=b", "body user%5Bpassword%5D=[redacted: password]&a=b"),
        (
            "next=%2Fcb%3Fapi_key%3Dabc%26x%3D1",
            "next=%2Fcb%3Fapi_key%3D[redacted: api key]%26x%3D1",
        ),
        (
            "q=%7B%22password%22%3A%22abc%22%7D",
            "q=%7B%22password%22%3A%22[redacted: password]%22%7D",
        ),
        ("postgres://app:hunter2@db:5432/prod", "postgres://[redacted: credentials]@db:5432/prod"),
        ("redis://:p@ss@cache:6379", "redis://[redacted: credentials]@cache:6379"),
        (
            "mongodb+srv://u:a/b@h.example.net/x",
            "mongodb+srv://[redacted: credentials]@h.example.net/x",
        ),
        ("clone https://x-token@host/r.git", "clone https://[redacted: credentials]@host/r.git"),
    ]);
}

#[test]
fn json_stays_json() {
    golden(&[
        (
            r#" { "Password" : "a\"b", "n": 1.50e3, "user": { "api-key": ["k", 7, null, true] }, "b": "x" } "#,
            r#" { "Password" : "[redacted: password]", "n": 1.50e3, "user": { "api-key": ["[redacted: api key]", 7, null, true] }, "b": "x" } "#,
        ),
        (
            r#"{"password":12345,"token":true,"secret":null,"pwd":""}"#,
            r#"{"password":12345,"token":true,"secret":null,"pwd":""}"#,
        ),
        (
            r#"{"body":"{\"user\":\"joe\",\"password\":\"a\\\"b\",\"n\":9007199254740993}"}"#,
            r#"{"body":"{\"user\":\"joe\",\"password\":\"[redacted: password]\",\"n\":9007199254740993}"}"#,
        ),
        (
            r#"{"m":"{\"body\":\"{\\\"refreshToken\\\":\\\"abc\\\"}\"}"}"#,
            r#"{"m":"{\"body\":\"{\\\"refreshToken\\\":\\\"[redacted: token]\\\"}\"}"}"#,
        ),
        (
            "2026-11-14T01:02:03Z\t52fdfc07-2182-454f-963f-5f0f9a621d72\tERROR\t{\"client_secret\":\"x\",\"n\":1}\n",
            "2026-11-14T01:02:03Z\t52fdfc07-2182-454f-963f-5f0f9a621d72\tERROR\t{\"client_secret\":\"[redacted: secret]\",\"n\":1}\n",
        ),
        (r#"["joe@example.com",1]"#, r#"["[redacted: email]",1]"#),
        (r#""joe@example.com""#, r#""[redacted: email]""#),
        (r#"{"a":"\ud800 joe@example.com"}"#, "{\"a\":\"\u{fffd} [redacted: email]\"}"),
        (
            r#"{"session":"active","session_id":"a81bc81bdead"}"#,
            r#"{"session":"active","session_id":"[redacted: session]"}"#,
        ),
    ]);
}

#[test]
fn people_and_cards() {
    golden(&[
        ("mail joe.b+x@mail.example.com.", "mail [redacted: email]."),
        ("to=joe%40example.com&x", "to=[redacted: email]&x"),
        ("連絡先はjoe@example.comです", "連絡先は[redacted: email]です"),
        ("mail to o'neil@example.net failed", "mail to [redacted: email] failed"),
        ("to='joe@example.com'", "to='[redacted: email]'"),
        ("<müller@example.org>", "<[redacted: email]>"),
        ("card 4111111111111111.", "card [redacted: card number]."),
        (
            "4111 1111 1111 1111, 3782-822463-10005",
            "[redacted: card number], [redacted: card number]",
        ),
        ("5555-5555-5555-4444/2223003122003222", "[redacted: card number]/[redacted: card number]"),
        (
            "6011111111111117 3530111333300000 30569309025904",
            "[redacted: card number] [redacted: card number] [redacted: card number]",
        ),
        ("ssn 078-05-1120", "ssn [redacted: ssn]"),
        (r#"{"ssn":"078051120"}"#, r#"{"ssn":"[redacted: ssn]"}"#),
    ]);
}

#[test]
fn what_traces_and_what_is_harmless_stays() {
    untouched(&[
        "START RequestId: 52fdfc07-2182-454f-963f-5f0f9a621d72 Version: $LATEST",
        "47223179-9330-4259-8411-111111111111 44111111-1111-4111-8111-111111111111",
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=4111111111111111;Sampled=1",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "trace_id=0af7651916cd43dd8448eb211c80319c span_id=4111111111111111",
        "[dd.trace_id=4111111111111111110 dd.span_id=4111111111111111]",
        r#"{"function_request_id":"52fdfc07-2182-454f-963f-5f0f9a621d72","correlation_id":"4111111111111111"}"#,
        r#"{"requestId":"4111111111111111","xray_trace_id":"1-5759e988-bd862e3fe1be46a994272793"}"#,
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf not found",
        "secret_arn=arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf",
        "secret=arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf",
        "arn:aws:iam::123456789012:role/x AROAIOSFODNN7EXAMPLE",
        "2026/11/14/[$LATEST]4111111111111111ab6a3e2f1c8d9e0f",
        "2026-11-14T01:02:03.123456Z 1794617123227 1794617123227000 1794617123227000123",
        "commit 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12 etag 9bb58f26192e4ba00f01e2e7b136bbd8",
        AWS_SECRET,
        "order 1234567890123456 of 4111111111111112",
        "0.4111111111111111 4111111111111111.5 x4111111111111111 id_4111111111111111",
        "000-12-3456 666-12-3456 900-12-3456 123-00-4567 123-45-0000 1-123-45-6789",
        "react@18.2.0 com.x.Y@1b2c3d root@localhost @scope/pkg",
        "error 10.0.0.1 to ::1",
        "email ****************** password=******** Authorization: Bearer ****",
        "SyntaxError: Unexpected token: } in JSON at position 4",
        "could not refresh access token: timeout",
        "could not refresh token: invalid_grant",
        "access token: ERR_JWT_EXPIRED",
        "authorization: denied, no credentials: none",
        r#"{"nextToken":"AAAAbbbb1","token_type":"Bearer","passwordLength":"8","tokens":"12"}"#,
        "max_tokens=4096 total_tokens: 9000 keys=3 public_key=abc Key=path/file.txt",
        "PWD=/var/task OLDPWD=/ has_token=true password=null",
        "routing_key=orders.created",
        "std::secret::Secret https://example.com:8080/a@b ssh: exit 1",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "bearer of bad news, Basic authentication failed",
        "session: timeout",
        "tests pass: 12 fail: 3 output_token=150",
        "eyJhbGciOiJIUzI1NiJ9 alone",
        "",
    ]);
}

fn with(category: Category) -> Redactor {
    let mut settings = Settings::default();
    settings.categories.insert(category);
    Redactor::new(&settings).unwrap()
}

#[test]
fn ip_addresses_when_asked_for() {
    let redactor = with(Category::IpAddresses);
    for (line, expected) in [
        (
            "from 10.0.0.1:8080 to 2001:db8::1.",
            "from [redacted: ip address]:8080 to [redacted: ip address].",
        ),
        ("[::1]:80 ::ffff:10.1.2.3", "[[redacted: ip address]]:80 [redacted: ip address]"),
        (
            "v1.2.3.4 1.2.3.4.5 256.1.1.1 12:34:56 std::fmt a::b",
            "v1.2.3.4 1.2.3.4.5 256.1.1.1 12:34:56 std::fmt a::b",
        ),
    ] {
        assert_eq!(redactor.text(line), expected, "{line}");
    }
}

#[test]
fn a_category_switched_off_stays() {
    for (category, line) in [
        (Category::AwsKeys, "AKIAIOSFODNN7EXAMPLE"),
        (Category::Authorization, "Authorization: Bearer x"),
        (Category::Jwt, JWT),
        (Category::PrivateKeys, "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----"),
        (Category::NamedSecrets, "password=x"),
        (Category::UrlCredentials, "a://u:p@h"),
        (Category::KnownTokens, "xoxb-1234567890"),
        (Category::CardNumbers, "4111111111111111"),
        (Category::Emails, "a@b.cd"),
        (Category::SocialSecurityNumbers, "078-05-1120"),
    ] {
        let mut settings = Settings::default();
        assert_ne!(redact(line), line);
        assert_eq!(Category::named(category.name()), Some(category));
        settings.categories.remove(&category);
        assert_eq!(Redactor::new(&settings).unwrap().text(line), line, "{category:?}");
    }
}

fn pattern(name: &str, regex: &str) -> Pattern {
    Pattern { name: name.to_owned(), regex: regex.to_owned() }
}

#[test]
fn own_patterns() {
    let patterns = vec![pattern("customer", r"\bC-\d{6}\b"), pattern("all", "redacted.*secret")];
    let redactor = Redactor::new(&Settings { patterns, ..Settings::default() }).unwrap();
    for (line, expected) in [
        ("for C-123456 and C-1234567", "for [redacted: customer] and C-1234567"),
        (r#"{"id":"C-123456","n":1}"#, r#"{"id":"[redacted: customer]","n":1}"#),
        ("redacted C-123456 secret", "[redacted: all]"),
    ] {
        assert_eq!(redactor.text(line), expected);
        assert_eq!(redactor.text(expected), expected);
    }
}

#[test]
fn a_bad_pattern_is_named_with_its_fix() {
    let bad = [
        pattern("open", "(a"),
        pattern("large", "(a{1000}){1000}"),
        pattern("empty", "a*"),
        pattern("a]b", "a"),
        pattern("twice", "a"),
        pattern("twice", "b"),
    ];
    let settings = Settings { patterns: bad.to_vec(), ..Settings::default() };
    let errors = Redactor::new(&settings).unwrap_err();
    assert_eq!(errors.len(), 5);
    assert!(errors.contains(&PatternError::Empty("empty".to_owned())));
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn an_id_under_any_name_of_the_table_survives_and_is_followed() {
    const CARD: &str = "4111111111111111";
    const TRACE: &str = "67891233abcdef012345678912345678";
    let forms = |name: &str, id: &str| {
        [
            format!("ERROR {name}={id} lost"),
            format!("ERROR {name}: {id}"),
            json!({"level": "ERROR", "context": {name: id}, "message": "lost"}).to_string(),
        ]
    };
    for line in forms("number", CARD) {
        assert!(!redact(&line).contains(CARD), "under another name it is a card number: {line}");
    }
    for (name, scope) in ids::NAMES {
        for id in [CARD, TRACE] {
            let is_followed = match scope {
                Scope::Invocation | Scope::Request | Scope::Trace | Scope::Work => true,
                Scope::TraceOrWord => id == TRACE,
                Scope::Ignored => false,
            };
            for line in forms(name, id) {
                untouched(&[&line]);
                let line = Line {
                    at: chrono::DateTime::UNIX_EPOCH,
                    log_group: "g".into(),
                    stream: "web-1".into(),
                    text: line,
                };
                let found = correlations(&line).iter().any(|it| it.id().as_str() == id);
                assert_eq!(found, is_followed, "{}", line.text);
            }
        }
    }
}

#[test]
fn each_string_of_json_is_redacted_by_its_place() {
    let text = r#"{"a":["joe@example.com",{"password":"x","n":1.5}],"rawHeaders":["Cookie","a=b"],"env":[{"name":"TOKEN","value":"x"}],"body":"{\"pwd\":\"x\"}","requestId":"4111111111111111"}"#;
    let value: Value = serde_json::from_str(&redact(text)).unwrap();
    assert_eq!(
        value,
        json!({
            "a": ["[redacted: email]", {"password": "[redacted: password]", "n": 1.5}],
            "rawHeaders": ["Cookie", "[redacted: cookie]"],
            "env": [{"name": "TOKEN", "value": "[redacted: token]"}],
            "body": r#"{"pwd":"[redacted: password]"}"#,
            "requestId": "4111111111111111",
        })
    );
}
