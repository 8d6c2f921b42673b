use http::Request;
use proptest::prelude::*;
use solent_spec::{
    http::HttpScope,
    request::{Link, Listener},
};

use super::*;

fn scope(target: &str, headers: &[(&str, &str)]) -> HttpScope {
    let mut request = Request::get(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let listener = Listener::new(None, Vec::new());
    HttpScope::new(parts, Link::new(None, listener.into())).unwrap()
}

/// What is found: `None`, or the token, or `Some(None)` if that is unclear.
fn find(source: &TokenSource, target: &str, headers: &[(&str, &str)]) -> Option<Option<String>> {
    let found = source.find(&scope(target, headers))?;
    Some(found.token.ok().map(|token| token.as_str().to_owned()))
}

fn token(text: &str) -> Option<Option<String>> {
    Some(Some(text.into()))
}

#[test]
fn bearer_header_is_read() {
    for (value, found) in [
        ("Bearer abc.def-_~+/==", token("abc.def-_~+/==")),
        ("bearer abc", token("abc")),
        ("BEARER   abc ", token("abc")),
        ("Basic abc", None),
        ("Bearerabc", None),
        ("", None),
        ("Bearer", Some(None)),
        ("Bearer ", Some(None)),
        ("Bearer =", Some(None)),
        ("Bearer a b", Some(None)),
        ("Bearer a,b", Some(None)),
        ("Bearer \"abc\"", Some(None)),
        ("Bearer a\tb", Some(None)),
        ("Bearer é", Some(None)),
    ] {
        let headers = [("authorization", value)];
        assert_eq!(find(&TokenSource::Bearer, "/", &headers), found, "{value}");
    }
    assert_eq!(find(&TokenSource::Bearer, "/", &[]), None);
}

#[test]
fn two_headers_are_no_token() {
    for (first, second) in [
        ("Bearer a", "Bearer b"),
        ("Bearer a", "Basic b"),
        ("Basic a", "Bearer b"),
    ] {
        let headers = [("authorization", first), ("authorization", second)];
        assert_eq!(find(&TokenSource::Bearer, "/", &headers), Some(None));
    }
}

#[test]
fn query_parameter_is_read() {
    let source = TokenSource::query("token");
    for (target, found) in [
        ("/?token=abc", token("abc")),
        ("/?a=1&token=abc&b=2", token("abc")),
        ("/?token=a%2Eb", token("a.b")),
        ("/?token=a+b", token("a b")),
        ("/?token=a=b==", token("a=b==")),
        ("/?t%6Fken=abc", token("abc")),
        ("/?token=&token=abc", token("abc")),
        ("/", None),
        ("/?", None),
        ("/?token", None),
        ("/?token=", None),
        ("/?Token=abc", None),
        ("/?xtoken=abc", None),
        ("/token=abc", None),
        ("/?token=a&token=b", Some(None)),
        ("/?token=a&token=a", Some(None)),
        ("/?token=%FF", Some(None)),
    ] {
        assert_eq!(find(&source, target, &[]), found, "{target}");
    }
}

#[test]
fn cookie_is_read() {
    let source = TokenSource::cookie("jwt");
    for (value, found) in [
        ("a=1; jwt=abc", token("abc")),
        ("jwt=\"abc\"", token("abc")),
        ("jwt=", None),
        ("jwt2=abc", None),
        ("abc", None),
    ] {
        assert_eq!(find(&source, "/", &[("cookie", value)]), found, "{value}");
    }
}

#[test]
fn subprotocol_is_read() {
    for (prefix, offered, found, chosen) in [
        ("bearer.", "bearer.abc", token("abc"), "bearer.abc"),
        ("bearer.", "chat, bearer.abc", token("abc"), "chat"),
        ("bearer.", "bearer.abc,chat,news", token("abc"), "chat"),
        ("bearer", "bearer, abc", token("abc"), "bearer"),
        ("bearer", "bearer, abc, chat", token("abc"), "chat"),
        ("bearer", "chat, bearer, abc", token("abc"), "chat"),
        ("bearer", "bearer", Some(None), "bearer"),
        ("bearer.", "bearer.a, bearer.b", Some(None), "bearer.b"),
        ("bearer.", "bearer.a, chat, bearer.b", Some(None), "chat"),
    ] {
        let source = TokenSource::subprotocol(prefix);
        let headers = [("sec-websocket-protocol", offered)];
        assert_eq!(find(&source, "/", &headers), found, "{offered}");
        let via = source.find(&scope("/", &headers)).unwrap().via;
        assert_eq!(via, Via::Subprotocol(chosen.into()), "{offered}");
    }
    for offered in ["chat", "", ",", "Bearer.abc"] {
        let headers = [("sec-websocket-protocol", offered)];
        assert_eq!(
            find(&TokenSource::subprotocol("bearer."), "/", &headers),
            None
        );
    }
}

#[test]
fn subprotocols_may_come_in_several_headers() {
    let headers = [
        ("sec-websocket-protocol", "bearer"),
        ("sec-websocket-protocol", "abc, chat"),
    ];

    assert_eq!(
        find(&TokenSource::subprotocol("bearer"), "/", &headers),
        token("abc")
    );
}

#[test]
fn nothing_that_was_found_prints_the_token() {
    let headers = [("sec-websocket-protocol", "bearer.s3cret")];
    let found = TokenSource::subprotocol("bearer.")
        .find(&scope("/", &headers))
        .unwrap();
    assert!(!format!("{found:?} {}", found.via).contains("s3cret"));
}

proptest! {
    #[test]
    fn any_query_is_read_without_panic(text in "[ -~]{0,40}") {
        let _ = query(&text, "a");
    }

    #[test]
    fn encoded_token_is_found(secret in ".{1,10}", before in "[b-z=&]{0,5}") {
        let encoded = percent_encoding::utf8_percent_encode(&secret, percent_encoding::NON_ALPHANUMERIC);
        let found = query(&format!("{before}&a={encoded}&c=1"), "a");
        prop_assert_eq!(found, Some(Ok(secret.as_str().into())));
    }

    #[test]
    fn any_headers_are_read_without_panic(value in "[ -~]{0,40}", prefix in "[ -~]{0,4}") {
        let headers = [("sec-websocket-protocol", &*value), ("authorization", &*value), ("cookie", &*value)];
        for source in [TokenSource::Bearer, TokenSource::subprotocol(prefix), TokenSource::cookie("a")] {
            let _ = find(&source, "/", &headers);
        }
    }
}
