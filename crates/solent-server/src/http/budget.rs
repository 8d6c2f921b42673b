//! How many bytes of request bodies are held at a time, by all clients and by each.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use parking_lot::Mutex;
use solent_spec::request::client_network;

use crate::ServerConfig;

/// Counts the bytes of bodies that came in pieces, for as long as their requests last.
#[derive(Debug)]
pub(crate) struct Budget {
    total: usize,
    per_client: usize,
    ipv6_prefix: u8,
    held: AtomicUsize,
    /// Bytes by client; no entry is 0. Held for a lookup, never across a wait.
    clients: Mutex<HashMap<IpAddr, usize>>,
}

/// What one request has used of the budget. Dropping it gives that back.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    client: Option<IpAddr>,
    used: usize,
}

/// Which budget is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Total,
    Client,
}

impl Budget {
    pub(crate) fn new(config: &ServerConfig) -> Arc<Self> {
        Arc::new(Self {
            total: config.http.bodies,
            per_client: config.http.bodies_per_address,
            ipv6_prefix: config.connections.ipv6_prefix,
            held: AtomicUsize::new(0),
            clients: Mutex::default(),
        })
    }

    pub(crate) fn share(self: &Arc<Self>, client: Option<SocketAddr>) -> Share {
        Share {
            budget: Arc::clone(self),
            client: self.counted(client),
            used: 0,
        }
    }

    /// What stands for a client. Loopback is a proxy's, and stands for all of its clients.
    fn counted(&self, client: Option<SocketAddr>) -> Option<IpAddr> {
        let address = client?.ip().to_canonical();
        (!address.is_loopback()).then(|| client_network(address, self.ipv6_prefix))
    }

    fn take(&self, client: Option<IpAddr>, bytes: usize) -> Result<(), Over> {
        let fits = |held: usize, most: usize| held.checked_add(bytes).filter(|held| *held <= most);
        self.held
            .fetch_update(Relaxed, Relaxed, |held| fits(held, self.total))
            .map_err(|_| Over::Total)?;
        let Some(client) = client else {
            return Ok(());
        };
        let mut clients = self.clients.lock();
        let held = clients.get(&client).copied().unwrap_or(0);
        if let Some(held) = fits(held, self.per_client) {
            clients.insert(client, held);
            return Ok(());
        }
        self.held.fetch_sub(bytes, Relaxed);
        Err(Over::Client)
    }

    fn give_back(&self, client: Option<IpAddr>, bytes: usize) {
        self.held.fetch_sub(bytes, Relaxed);
        let Some(client) = client else {
            return;
        };
        let mut clients = self.clients.lock();
        if let Some(held) = clients.get_mut(&client) {
            *held = held.saturating_sub(bytes);
            if *held == 0 {
                clients.remove(&client);
            }
        }
    }
}

impl Share {
    /// What one body counts for at most. No application holds much larger ones as a whole, and one that lets them pass through in
    /// pieces must not be refused for that.
    const MOST: usize = 4 * 1024 * 1024;

    /// Counts so many bytes more.
    pub(crate) fn add(&mut self, bytes: usize) -> Result<(), Over> {
        let bytes = bytes.min(Self::MOST - self.used);
        self.budget.take(self.client, bytes)?;
        self.used += bytes;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.give_back(self.client, self.used);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HttpLimits;

    fn budget(limits: HttpLimits) -> Arc<Budget> {
        Budget::new(&ServerConfig::default().http(limits))
    }

    fn client(ip: &str) -> Option<SocketAddr> {
        Some(SocketAddr::new(ip.parse().unwrap(), 1))
    }

    #[test]
    fn bytes_count_while_their_request_lasts() {
        let budget = budget(HttpLimits::default().bodies(10));
        let (mut one, mut other) = (budget.share(None), budget.share(None));

        assert_eq!(one.add(6), Ok(()));
        assert_eq!(one.add(4), Ok(()));
        assert_eq!(other.add(1), Err(Over::Total));
        drop(one);

        assert_eq!(other.add(10), Ok(()));
    }

    #[test]
    fn each_client_has_its_share_and_leaves_nothing() {
        let budget = budget(HttpLimits::default().bodies(30).bodies_per_address(10));
        let share = |ip| budget.share(client(ip));

        let (mut one, mut two) = (share("192.0.2.1"), share("2001:db8::1"));
        assert_eq!((one.add(10), two.add(10)), (Ok(()), Ok(())));
        assert_eq!(share("::ffff:192.0.2.1").add(1), Err(Over::Client));
        assert_eq!(share("2001:db8::2").add(1), Err(Over::Client));
        drop(two);

        assert_eq!(budget.clients.lock().len(), 1);
        assert_eq!(budget.held.load(Relaxed), 10);
        let (mut proxied, mut too) = (share("127.0.0.1"), share("127.0.0.1"));
        assert_eq!((proxied.add(10), too.add(10)), (Ok(()), Ok(())));
    }

    #[test]
    fn body_that_passes_through_counts_for_a_part_of_it() {
        let budget = budget(HttpLimits::default());
        let mut upload = budget.share(client("192.0.2.1"));

        for _ in 0..1_000 {
            assert_eq!(upload.add(1024 * 1024), Ok(()));
        }

        assert_eq!(budget.held.load(Relaxed), Share::MOST);
    }
}
