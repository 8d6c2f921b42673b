//! `X-Forwarded-For` and its siblings.

use std::net::SocketAddr;

use solent_spec::{RequestScope, request::Head};

use super::{
    ProxyConfig, host, node,
    told::{Told, is_secure},
    walk::Trust,
};

const PROTO: &str = "x-forwarded-proto";
const HOST: &str = "x-forwarded-host";
const PORT: &str = "x-forwarded-port";

/// What trusted proxies tell of the client of `scope`.
pub(super) fn read(scope: &impl RequestScope, trust: Trust<'_>, config: &ProxyConfig) -> Told {
    let head = scope.head();
    let clients = Elements::of(&head, config.client_header.as_str());
    let walk = trust.walk(scope.link().client(), clients.iter().map(node::parse));
    let value = |name| Elements::of(&head, name).nth_of(walk.elements);
    let secure = config
        .proto
        .then(|| value(PROTO))
        .flatten()
        .and_then(is_secure);
    let host = config
        .host
        .then(|| value(HOST))
        .flatten()
        .and_then(host::parse);
    let port = config
        .port
        .then(|| value(PORT))
        .flatten()
        .and_then(host::parse_port);
    let mut client = walk.client;
    if walk.elements > 0
        && let (Some(client), Some(name)) = (&mut client, &config.client_port_header)
    {
        complete(client, value(name.as_str()));
    }
    let host = match port {
        Some(port) => host
            .or(scope.host())
            .map(|host| host::with_port(host, port, secure.unwrap_or(scope.link().is_secure()))),
        None => host.map(str::to_owned),
    };
    Told {
        client,
        secure,
        host,
    }
}

/// Gives an address its port, where it came without one.
fn complete(client: &mut SocketAddr, port: Option<&str>) {
    if client.port() == 0
        && let Some(port) = port.and_then(host::parse_port)
    {
        client.set_port(port);
    }
}

/// The elements of a header that is a list, of all its lines.
struct Elements<'a>(Vec<&'a [u8]>);

impl<'a> Elements<'a> {
    fn of(head: &Head<'a>, name: &'a str) -> Self {
        Self(head.header_values(name).collect())
    }

    /// From the last one, which the nearest proxy has written, to the first. Empty ones count for nothing (RFC 9110 §5.6.1).
    fn iter(&self) -> impl Iterator<Item = &'a str> {
        let elements = self
            .0
            .iter()
            .rev()
            .flat_map(|line| line.rsplit(|byte| *byte == b','));
        elements
            .map(<[u8]>::trim_ascii)
            .filter(|element| !element.is_empty())
            // What is no text is no address either, and has its place all the same.
            .map(|element| std::str::from_utf8(element).unwrap_or("?"))
    }

    /// The one that was written by the proxy who has written the `nth` address (from 1). A header that does not grow with
    /// each proxy has fewer elements; then the first one is meant.
    fn nth_of(&self, nth: usize) -> Option<&'a str> {
        self.iter().take(nth.max(1)).last()
    }
}
