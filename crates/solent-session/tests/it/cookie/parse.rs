//! What a browser sent.

use std::collections::HashMap;

use http::{HeaderValue, Request, request::Parts};
use proptest::prelude::*;
use serde_json::Value;
use solent_session::Cookies;
use solent_spec::Head;

const VECTORS: &str = include_str!("../vectors/cookie_vectors.json");

fn request<H: AsRef<[u8]>>(headers: &[H]) -> Parts {
    let (mut parts, ()) = Request::new(()).into_parts();
    for header in headers {
        let value = HeaderValue::from_bytes(header.as_ref()).unwrap();
        parts.headers.append("cookie", value);
    }
    parts
}

fn all(parts: &Parts) -> HashMap<String, String> {
    Cookies::from(Head::from(parts))
        .iter()
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

/// Characters up to U+00FF as the bytes that they stand for.
fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|char| char as u8).collect()
}

#[test]
fn cookies_are_read_as_django_reads_them() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    for case in vectors["parse_cookie"].as_array().unwrap() {
        let header = case["header"].as_str().unwrap();
        let parts = request(&[latin1(header)]);

        assert_eq!(
            serde_json::to_value(all(&parts)).unwrap(),
            case["cookies"],
            "{header}"
        );
        for (name, value) in case["cookies"].as_object().unwrap() {
            let got = Cookies::from(Head::from(&parts)).get(name);
            assert_eq!(got.as_deref(), value.as_str(), "{name} of {header}");
        }
    }
}

#[test]
fn all_cookie_headers_count() {
    let parts = request(&["a=1; b=2", "c=3", "a=4"]);
    let cookies = Cookies::from(Head::from(&parts));

    assert_eq!(cookies.get("a").as_deref(), Some("4"));
    assert_eq!(cookies.get("b").as_deref(), Some("2"));
    assert_eq!(cookies.get("c").as_deref(), Some("3"));
    assert_eq!(cookies.get("d"), None);
    assert_eq!(cookies.iter().count(), 4);
}

/// A browser lets a page of another host of the domain set a cookie whose name begins with a byte that some take for white
/// space, which for the browser is not a name that begins with `__Host-`.
#[test]
fn name_with_odd_white_space_is_another_name() {
    for byte in [b"\x85".as_slice(), b"\xa0", b"\xc2\x85", b"\xe2\x80\x80"] {
        let before = [
            b"__Host-sessionid=mine; ".as_slice(),
            byte,
            b"__Host-sessionid=planted",
        ];
        let after = [
            b"__Host-sessionid=mine; __Host-sessionid".as_slice(),
            byte,
            b"=planted",
        ];
        for header in [before.concat(), after.concat()] {
            let parts = request(&[header]);
            let cookies = Cookies::from(Head::from(&parts));

            assert_eq!(cookies.get("__Host-sessionid").as_deref(), Some("mine"));
        }
    }
}

#[test]
fn request_without_cookies_has_none() {
    let parts = request::<&str>(&[]);

    assert_eq!(all(&parts), HashMap::new());
}

#[test]
fn plain_values_are_not_copied() {
    let parts = request(&["a=plain; b=\"quoted\""]);
    let cookies = Cookies::from(Head::from(&parts));

    assert!(matches!(
        cookies.get("a"),
        Some(std::borrow::Cow::Borrowed("plain"))
    ));
    assert!(matches!(cookies.get("b"), Some(std::borrow::Cow::Owned(_))));
}

#[test]
fn debug_output_holds_no_values() {
    let parts = request(&["sessionid=topsecret"]);

    let shown = format!("{:?}", Cookies::from(Head::from(&parts)));

    assert!(
        shown.contains("sessionid") && !shown.contains("topsecret"),
        "{shown}"
    );
}

proptest! {
    #[test]
    fn any_header_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let bytes: Vec<u8> = bytes.into_iter().filter(|b| *b == b'\t' || (*b >= 32 && *b != 127)).collect();
        let parts = request(&[bytes]);

        for (name, value) in all(&parts) {
            let got = Cookies::from(Head::from(&parts)).get(&name);
            prop_assert_eq!(got.as_deref(), Some(&*value));
        }
    }

    #[test]
    fn what_is_sent_arrives(pairs in proptest::collection::btree_map("[a-z]{1,8}", "[!#-+\\--:<-~]{0,12}", 0..6)) {
        let header = pairs.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join("; ");
        let parts = request(&[header]);

        prop_assert_eq!(all(&parts), pairs.into_iter().collect::<HashMap<_, _>>());
    }
}
