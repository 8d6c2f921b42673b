//! From the server back to the client.

use std::net::SocketAddr;

use solent_spec::request::Peers;

/// Whom to believe.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trust<'a> {
    pub(super) peers: &'a Peers,
    /// How many of the nearest are trusted whatever their addresses.
    pub(super) hops: usize,
}

/// How far a walk came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Walk {
    /// The first that is not trusted, or the last there is.
    pub(super) client: Option<SocketAddr>,
    /// How many elements, from the right, were written by trusted proxies. Any client may have written what is left of them.
    pub(super) elements: usize,
}

impl Trust<'_> {
    /// Whether what `peer` says is believed, the `nth` (from 0) on the way to the client.
    pub(super) fn believes(&self, peer: Option<SocketAddr>, nth: usize) -> bool {
        nth < self.hops || self.peers.contains(peer)
    }

    /// Walks from `peer`, which is believed, over what each proxy says it was connected to by, the nearest first. `None` is
    /// an address that its proxy does not tell: there the walk ends, at that proxy.
    pub(super) fn walk(
        &self,
        peer: Option<SocketAddr>,
        said: impl Iterator<Item = Option<SocketAddr>>,
    ) -> Walk {
        let mut walk = Walk {
            client: peer,
            elements: 0,
        };
        for said in said {
            if !self.believes(walk.client, walk.elements) {
                break;
            }
            walk.elements += 1;
            match said {
                Some(address) => walk.client = Some(address),
                None => break,
            }
        }
        walk
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks from 10.0.0.1 over `said`, the furthest first as in a header; 0 stands for an address that is not told.
    fn walk(hops: usize, said: &[u8]) -> (String, usize) {
        let peers = "10.0.0.0/8".parse().unwrap();
        let address = |last: u8| {
            let network = if last < 100 { [10, 0, 0] } else { [192, 0, 2] };
            SocketAddr::from(([network[0], network[1], network[2], last], 0))
        };
        let said = said
            .iter()
            .rev()
            .map(|last| (*last != 0).then(|| address(*last)));
        let trust = Trust {
            peers: &peers,
            hops,
        };
        let walk = trust.walk(Some(address(1)), said);
        (walk.client.unwrap().ip().to_string(), walk.elements)
    }

    #[test]
    fn walk_ends_at_the_first_that_is_not_trusted() {
        assert_eq!(walk(0, &[]), ("10.0.0.1".to_owned(), 0));
        assert_eq!(walk(0, &[100]), ("192.0.2.100".to_owned(), 1));
        assert_eq!(walk(0, &[101, 100]), ("192.0.2.100".to_owned(), 1));
        assert_eq!(walk(0, &[101, 100, 3, 2]), ("192.0.2.100".to_owned(), 3));
    }

    #[test]
    fn client_among_the_trusted_is_the_furthest() {
        assert_eq!(walk(0, &[3, 2]), ("10.0.0.3".to_owned(), 2));
    }

    #[test]
    fn what_a_proxy_does_not_tell_ends_the_walk_at_the_proxy() {
        assert_eq!(walk(0, &[100, 0]), ("10.0.0.1".to_owned(), 1));
        assert_eq!(walk(0, &[100, 0, 2]), ("10.0.0.2".to_owned(), 2));
    }

    #[test]
    fn so_many_hops_are_trusted_whatever_their_addresses() {
        assert_eq!(walk(2, &[102, 101, 100]), ("192.0.2.101".to_owned(), 2));
        assert_eq!(walk(1, &[102, 101, 100]), ("192.0.2.100".to_owned(), 1));
    }
}
