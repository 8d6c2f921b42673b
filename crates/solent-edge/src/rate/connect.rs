//! Requests and handshakes by address.

use std::{net::IpAddr, sync::Arc, time::Duration};

use http::{HeaderValue, StatusCode, header};
use solent_spec::{
    BoxApplication, Connection, HttpProtocol, Middleware, RequestScope, Result,
    http::plain_text,
    request::{IPV6_PREFIX, Peers, client_network},
};

use super::{Rate, bucket::Bucket, table::Table};

/// Limits how often one address may connect: each WebSocket handshake and each HTTP request takes a token.
///
/// One too many is refused with 429 and a `Retry-After`, before anything further in has been done for it. An IPv4 address is
/// one client, and so is an IPv6 network of 64 bits. What one `ConnectRate` and its clones are put round shares its buckets,
/// so give routes of their own limits a `ConnectRate` of their own. Each process counts for itself: a client may do as much at
/// each of them.
///
/// ```
/// use solent_edge::{ConnectRate, Rate};
///
/// let limit = ConnectRate::new(Rate::per_second(10).burst(50));
/// # let _ = limit;
/// ```
///
/// Behind a proxy, put [`TrustedProxies`](crate::TrustedProxies) round it; else all clients are one. Peers without an address,
/// on a Unix socket, are not limited.
#[derive(Clone, Debug)]
pub struct ConnectRate {
    table: Arc<Table<IpAddr>>,
    ipv6_prefix: u8,
    exempt: Peers,
    /// For warnings, of which there is one a second.
    warnings: Arc<Bucket>,
}

impl ConnectRate {
    /// A limit for each address.
    pub fn new(rate: Rate) -> Self {
        Self {
            table: Arc::new(Table::new(rate, Table::<IpAddr>::KEYS)),
            ipv6_prefix: IPV6_PREFIX,
            exempt: Peers::none(),
            warnings: Arc::new(Bucket::new(Rate::per_second(1))),
        }
    }

    /// Sets how many addresses are remembered, those that connected last. Default: 65,536, which take 8 MB. One that is
    /// forgotten begins anew.
    #[must_use]
    pub fn addresses(mut self, count: usize) -> Self {
        self.table = Arc::new(Table::new(self.table.rate(), count));
        self
    }

    /// Sets how many bits of an IPv6 address tell clients apart. Default: 64.
    #[must_use]
    pub fn ipv6_prefix(mut self, bits: u8) -> Self {
        self.ipv6_prefix = bits;
        self
    }

    /// Sets whose connections are not limited. Default: every one is.
    #[must_use]
    pub fn exempt(mut self, peers: Peers) -> Self {
        self.exempt = peers;
        self
    }

    /// Takes a token of the client's; the error is how long it takes until there is one.
    fn admit(&self, scope: &impl RequestScope) -> Result<(), Duration> {
        let Some(client) = scope.link().client() else {
            return Ok(());
        };
        if self.exempt.contains(Some(client)) {
            return Ok(());
        }
        let bucket = self
            .table
            .bucket(client_network(client.ip(), self.ipv6_prefix));
        let admitted = bucket.take();
        if admitted.is_err() {
            self.tell(client.ip(), scope.path());
        }
        admitted
    }

    /// A flood of connections is none of log lines.
    fn tell(&self, client: IpAddr, path: &str) {
        if self.warnings.take().is_ok() {
            tracing::warn!(
                target: "solent::edge", %client, path,
                "refused a client that connects too often; ConnectRate sets how often it may"
            );
        } else {
            tracing::debug!(target: "solent::edge", %client, path, "refused a client that connects too often");
        }
    }
}

impl Middleware for ConnectRate {
    fn wrap<P: HttpProtocol>(&self, inner: BoxApplication<P>) -> BoxApplication<P> {
        let limit = self.clone();
        BoxApplication::from_fn(move |connection| match limit.admit(connection.scope()) {
            Ok(()) => inner.call(connection),
            Err(wait) => Box::pin(refuse(connection, wait)),
        })
    }
}

/// RFC 6585 §4.
async fn refuse<P: HttpProtocol>(connection: Connection<P>, wait: Duration) -> Result {
    let mut response = plain_text(StatusCode::TOO_MANY_REQUESTS, "You connect too often.\n");
    let retry_after = HeaderValue::from(whole_seconds(wait));
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, retry_after);
    connection.refuse(response).await
}

/// Rounded up, and never 0, which would mean at once.
fn whole_seconds(wait: Duration) -> u64 {
    let started = u64::from(wait.subsec_nanos() > 0);
    wait.as_secs().saturating_add(started).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_that_waits_for_so_long_is_not_too_early() {
        let seconds = |millis| whole_seconds(Duration::from_millis(millis));
        assert_eq!(
            [seconds(0), seconds(1), seconds(1000), seconds(1001)],
            [1, 1, 1, 2]
        );
    }
}
