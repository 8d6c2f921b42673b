//! Ports that nobody else is given.

use std::{
    collections::BTreeSet,
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    io,
    net::{Ipv4Addr, TcpListener},
};

use parking_lot::Mutex;

use super::ServerError;

/// Where ports are taken from: below those that the system gives to outgoing connections, so that a port is still free when
/// a server comes back to it. A cluster node's bus has the port 10,000 above its own; these do not overlap either.
const RANGE: std::ops::Range<u16> = 10_240..20_240;

/// How far a cluster node's bus is above its port.
const BUS: u16 = 10_000;

/// Ports in the hands of this process.
static TAKEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A port of 127.0.0.1 that no other server of this process is given until this is dropped.
#[derive(Debug)]
pub(super) struct Port(u16);

impl Port {
    /// A port that was free, and 10,000 above it another, a moment ago.
    pub(super) fn free() -> Result<Self, ServerError> {
        for _ in 0..1000 {
            let offset = random() % u64::from(RANGE.end - RANGE.start);
            let number = RANGE.start + u16::try_from(offset).unwrap_or_default();
            if TAKEN.lock().insert(number) {
                let port = Self(number);
                if is_free(number) && is_free(number + BUS) {
                    return Ok(port);
                }
            }
        }
        Err(ServerError::io("find a free port")(
            io::ErrorKind::AddrInUse.into(),
        ))
    }

    pub(super) fn number(&self) -> u16 {
        self.0
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        TAKEN.lock().remove(&self.0);
    }
}

/// A number that nobody else draws.
pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{BUS, Port, RANGE};

    #[test]
    fn ports_leave_room_for_the_bus_and_stay_below_outgoing_ones() {
        let ports: Vec<_> = (0..100).map(|_| Port::free().unwrap()).collect();

        for port in &ports {
            assert!(RANGE.contains(&port.number()));
        }
        let mut numbers: Vec<_> = ports.iter().map(Port::number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 100, "one port was given twice");
        const { assert!(RANGE.end + BUS <= 32_768) }
    }
}
