use std::{net::SocketAddr, sync::Arc};

use http::Request;
use proptest::prelude::*;
use solent_spec::{
    RequestScope,
    http::HttpScope,
    request::{Link, Listener},
};

use super::*;

const PEER: &str = "10.0.0.1:1234";
const OTHER: &str = "192.0.2.99:1";

fn scope(peer: &str, headers: &[(&str, &[u8])]) -> HttpScope {
    let mut request = Request::get("/").header("host", "inner:8000");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let listener = Arc::new(Listener::new(None, Vec::new()));
    HttpScope::new(parts, Link::new(peer.parse().ok(), listener)).unwrap()
}

/// Client, scheme and host, once `config` has been applied behind 10.0.0.0/8.
fn seen(
    config: ProxyConfig,
    peer: &str,
    headers: &[(&str, &[u8])],
) -> (String, &'static str, String) {
    let proxies = TrustedProxies::new(["10.0.0.0/8"]).unwrap().config(config);
    let mut scope = scope(peer, headers);
    proxies.apply(&mut scope);
    let client = scope
        .link()
        .client()
        .map_or_else(String::new, |client| client.to_string());
    (
        client,
        scope.scheme(),
        scope.host().unwrap_or_default().to_owned(),
    )
}

fn rfc() -> ProxyConfig {
    ProxyConfig::default().headers(ProxyHeaders::Forwarded)
}

fn all() -> ProxyConfig {
    ProxyConfig::default().host(true).port(true)
}

fn is(seen: (String, &str, String), client: &str, scheme: &str, host: &str) {
    assert_eq!(
        (seen.0.as_str(), seen.1, seen.2.as_str()),
        (client, scheme, host)
    );
}

#[test]
fn what_a_trusted_proxy_says_is_believed() {
    let headers: &[(&str, &[u8])] = &[
        ("x-forwarded-for", b"198.51.100.7"),
        ("x-forwarded-proto", b"https"),
        ("x-forwarded-host", b"example.org"),
        ("x-forwarded-port", b"8443"),
    ];
    is(
        seen(all(), PEER, headers),
        "198.51.100.7:0",
        "https",
        "example.org:8443",
    );
    is(
        seen(ProxyConfig::default(), PEER, headers),
        "198.51.100.7:0",
        "https",
        "inner:8000",
    );
    is(
        seen(ProxyConfig::default().proto(false), PEER, headers),
        "198.51.100.7:0",
        "http",
        "inner:8000",
    );
}

#[test]
fn what_anybody_else_says_is_not() {
    let headers: &[(&str, &[u8])] = &[
        ("x-forwarded-for", b"198.51.100.7"),
        ("x-forwarded-proto", b"https"),
        ("x-forwarded-host", b"example.org"),
        (
            "forwarded",
            b"for=198.51.100.7;proto=https;host=example.org",
        ),
    ];
    is(seen(all(), OTHER, headers), OTHER, "http", "inner:8000");
    is(seen(rfc(), OTHER, headers), OTHER, "http", "inner:8000");
    is(seen(all(), "", headers), "", "http", "inner:8000");
}

#[test]
fn other_family_of_headers_is_not_looked_at() {
    let forwarded: &[(&str, &[u8])] = &[(
        "forwarded",
        b"for=198.51.100.7;proto=https;host=example.org",
    )];
    is(seen(all(), PEER, forwarded), PEER, "http", "inner:8000");
    is(
        seen(rfc(), PEER, forwarded),
        "198.51.100.7:0",
        "https",
        "example.org",
    );
    let x: &[(&str, &[u8])] = &[
        ("x-forwarded-for", b"198.51.100.7"),
        ("x-forwarded-proto", b"https"),
    ];
    is(seen(rfc(), PEER, x), PEER, "http", "inner:8000");
}

#[test]
fn what_the_client_made_up_is_left_of_what_is_read() {
    let x: &[(&str, &[u8])] = &[
        ("x-forwarded-for", b"127.0.0.1"),
        ("x-forwarded-for", b"10.9.9.9, 198.51.100.7, 10.0.0.2"),
        ("x-forwarded-proto", b"https, http, https"),
        (
            "x-forwarded-host",
            b"evil.example, example.org, inner.example",
        ),
    ];
    is(
        seen(all(), PEER, x),
        "198.51.100.7:0",
        "http",
        "example.org",
    );
    let forwarded: &[(&str, &[u8])] = &[(
        "forwarded",
        b"for=127.0.0.1;proto=http;host=evil.example, for=198.51.100.7;proto=https, for=10.0.0.2;host=inner.example",
    )];
    is(
        seen(rfc(), PEER, forwarded),
        "198.51.100.7:0",
        "https",
        "inner.example",
    );
}

#[test]
fn what_is_no_address_no_scheme_and_no_host_changes_nothing() {
    let nonsense: &[(&str, &[u8])] = &[
        ("x-forwarded-for", b"198.51.100.7, nonsense"),
        ("x-forwarded-proto", b"gopher"),
        ("x-forwarded-host", b"user@example.org"),
        ("x-forwarded-port", b"+443"),
        ("forwarded", b"for=unknown;proto=gopher;host=\"a/b\""),
    ];
    is(seen(all(), PEER, nonsense), PEER, "http", "inner:8000");
    is(seen(rfc(), PEER, nonsense), PEER, "http", "inner:8000");
}

#[test]
fn port_completes_the_host_that_the_client_named() {
    let config = ProxyConfig::default().port(true);
    let port: &[(&str, &[u8])] = &[("x-forwarded-port", b"8443")];
    is(seen(config.clone(), PEER, port), PEER, "http", "inner:8000");
    let host: &[(&str, &[u8])] = &[
        ("x-forwarded-port", b"443"),
        ("x-forwarded-proto", b"https"),
    ];
    is(seen(config, PEER, host), PEER, "https", "inner:8000");
}

/// Daphne's tests of `--proxy-headers`, whose port is the client's, from a proxy that is trusted.
#[test]
fn headers_of_daphne_are_read_where_they_are_named() {
    let config = || {
        ProxyConfig::default().client_port_header(http::HeaderName::from_static("x-forwarded-port"))
    };
    let x = |headers: &[(&str, &[u8])]| {
        let (client, scheme, _) = seen(config(), PEER, headers);
        (client, scheme)
    };
    let is = |client: &str, scheme| (client.to_owned(), scheme);

    let address = ("x-forwarded-for", b"10.1.2.3".as_slice());
    let port = ("x-forwarded-port", b"1234".as_slice());
    let proto = ("x-forwarded-proto", b"https".as_slice());
    assert_eq!(x(&[address, port, proto]), is("10.1.2.3:1234", "https"));
    assert_eq!(x(&[address]), is("10.1.2.3:0", "http"));
    assert_eq!(x(&[port]), is(PEER, "http"));
    assert_eq!(x(&[]), is(PEER, "http"));
    let long = ("x-forwarded-for", b"1043::a321:0001, 10.0.5.6".as_slice());
    assert_eq!(x(&[long]), is("[1043::a321:1]:0", "http"));
    let two = ("x-forwarded-for", b"10.1.2.3, 10.1.2.4".as_slice());
    assert_eq!(x(&[two]), is("10.1.2.3:0", "http"));
    let real_ip = ProxyConfig::default().client_header(http::HeaderName::from_static("x-real-ip"));
    let (client, ..) = seen(real_ip, PEER, &[address, ("x-real-ip", b"192.0.2.7")]);
    assert_eq!(client, "192.0.2.7:0");
}

/// How proxies of one kind append to the lines of a header.
#[derive(Clone, Copy, Debug)]
enum Append {
    SameLine,
    NewLine,
}

fn append(lines: &mut Vec<Vec<u8>>, how: Append, element: &str) {
    match (how, lines.last_mut()) {
        (Append::SameLine, Some(line)) => line.extend(format!(", {element}").bytes()),
        _ => lines.push(element.into()),
    }
}

/// Bytes that a header may have.
fn header() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        Just(b'"'),
        Just(b','),
        Just(b'\\'),
        Just(b';'),
        Just(b'='),
        Just(b':'),
        Just(b'['),
        Just(b' '),
        0x20..=0x7e_u8,
        0x80..=0xff_u8,
    ];
    let bytes = prop::collection::vec(byte, 0..40);
    let crafted = prop_oneof![
        Just("for=127.0.0.1".to_owned()),
        Just("10.0.0.1, 10.0.0.2".to_owned()),
        Just("for=\"10.0.0.1".to_owned()),
        Just("for=\"a\\".to_owned()),
    ];
    prop_oneof![bytes, crafted.prop_map(String::into_bytes)]
}

fn how() -> impl Strategy<Value = Append> {
    prop_oneof![Just(Append::SameLine), Just(Append::NewLine)]
}

proptest! {
    #[test]
    fn client_cannot_change_what_is_seen_of_it(
        forged in prop::collection::vec(header(), 0..3),
        client in prop_oneof![Just("198.51.100.7"), Just("2001:db8::7")],
        hops in prop::collection::vec((1..=250_u8, how()), 0..4),
        first in how(),
    ) {
        let (mut x, mut rfc7239) = (forged.clone(), forged);
        append(&mut x, first, client);
        let node = if client.contains(':') { format!("\"[{client}]:99\"") } else { client.to_owned() };
        append(&mut rfc7239, first, &format!("for={node};proto=https;host=example.org"));
        for (last, how) in hops {
            append(&mut x, how, &format!("10.0.0.{last}"));
            append(&mut rfc7239, how, &format!("by=\"a,\\\"b\";for=10.0.0.{last}"));
        }

        let x: Vec<_> = x.iter().map(|line| ("x-forwarded-for", line.as_slice())).collect();
        let (seen_x, ..) = seen(all(), PEER, &x);
        let lines: Vec<_> = rfc7239.iter().map(|line| ("forwarded", line.as_slice())).collect();
        let seen_rfc = seen(rfc(), PEER, &lines);

        let ip = |seen: &str| seen.parse::<SocketAddr>().unwrap().ip().to_string();
        prop_assert_eq!(ip(&seen_x), client);
        prop_assert_eq!(ip(&seen_rfc.0), client);
        prop_assert_eq!((seen_rfc.1, seen_rfc.2.as_str()), ("https", "example.org"));
    }

    #[test]
    fn no_header_is_too_much(
        lines in prop::collection::vec((0..5_usize, header()), 0..6),
        trusted: bool,
    ) {
        let names = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "forwarded"];
        let lines: Vec<_> = lines.iter().map(|(name, line)| (names[*name], line.as_slice())).collect();
        let peer = if trusted { PEER } else { OTHER };

        for config in [all(), rfc(), all().hops(2)] {
            let hops = config.hops;
            let (client, _, host) = seen(config, peer, &lines);
            if !trusted && hops == 0 {
                prop_assert_eq!((client.as_str(), host.as_str()), (OTHER, "inner:8000"));
            }
            prop_assert!(host::parse(&host).is_some(), "{}", host);
        }
    }
}
