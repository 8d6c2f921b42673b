//! Whether it helps to wait.

use std::{error::Error, io, sync::Arc};

use redis::{ErrorKind, RedisError};

/// What a Redis answers that is there but cannot do its work now: it loads its data, is no master, is full or overrun. All
/// other answers stay the same until somebody changes the settings of one side.
const PASSING: [&str; 11] = [
    "LOADING",
    "READONLY",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "TRYAGAIN",
    "UNBLOCKED",
    "BUSY",
    "NOREPLICAS",
    "MISCONF",
    "OOM",
    "ASK",
];

/// Of those, what another server, or this one in a moment, answers otherwise: the command is tried again on a new connection.
const NOT_NOW: [&str; 6] = [
    "LOADING",
    "READONLY",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "TRYAGAIN",
    "UNBLOCKED",
];

/// Whether Redis has answered, and the answer may be another one in a moment.
pub(crate) fn is_passing(error: &RedisError) -> bool {
    let is_full = || error.to_string().contains("max number of clients");
    let code = error.code();
    code.is_some_and(|code| PASSING.contains(&code) || code == "ERR" && is_full())
}

/// Whether the command may be tried again at once, on another connection.
pub(crate) fn is_not_now(code: &str) -> bool {
    NOT_NOW.contains(&code)
}

/// Whether an attempt to connect would end the same way again: Redis has refused it, or what answered is no Redis. A Redis that
/// does not answer is away.
pub(crate) fn is_final(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(_) | ErrorKind::Extension => !is_passing(error),
        ErrorKind::AuthenticationFailed
        | ErrorKind::InvalidClientConfig
        | ErrorKind::MasterNameNotFoundBySentinel
        | ErrorKind::EmptySentinelList
        | ErrorKind::RESP3NotSupported
        | ErrorKind::UnexpectedReturnType
        | ErrorKind::Parse => true,
        ErrorKind::Io => is_tls(error),
        _ => false,
    }
}

/// Whether TLS failed: a certificate is refused, or only one of the two sides speaks TLS.
fn is_tls(error: &RedisError) -> bool {
    // The client shares the error of the system.
    let shared = error
        .source()
        .and_then(|cause| cause.downcast_ref::<Arc<dyn Error + Send + Sync>>());
    let io = shared.and_then(|shared| shared.downcast_ref::<io::Error>());
    let cause = io.and_then(io::Error::get_ref);
    cause.is_some_and(|cause| cause.is::<rustls::Error>())
}

#[cfg(test)]
mod tests {
    use redis::make_extension_error;

    use super::*;

    fn answer(code: &str, words: &str) -> RedisError {
        make_extension_error(code.to_owned(), Some(words.to_owned()))
    }

    #[test]
    fn answer_that_will_not_change_is_no_outage() {
        for (code, words) in [
            ("WRONGPASS", "invalid username-password pair"),
            ("NOAUTH", "Authentication required."),
            ("NOPERM", "this user has no permissions"),
            ("ERR", "unknown command 'BZMPOP'"),
            ("ERR", "DB index is out of range"),
            ("WRONGTYPE", "Operation against a key"),
            ("MOVED", "1234 10.0.0.1:6379"),
            ("DENIED", "Redis is running in protected mode"),
        ] {
            let error = answer(code, words);
            assert!(is_final(&error) && !is_passing(&error), "{code}");
        }
    }

    #[test]
    fn redis_that_cannot_work_now_is_waited_for() {
        for code in PASSING {
            let error = answer(code, "not now");
            assert!(is_passing(&error) && !is_final(&error), "{code}");
        }
        let full = answer("ERR", "max number of clients reached");
        assert!(is_passing(&full) && !is_final(&full));
    }

    #[test]
    fn redis_that_does_not_answer_is_away() {
        let refused = RedisError::from(io::Error::from(io::ErrorKind::ConnectionRefused));
        let elapsed = RedisError::from(io::Error::from(io::ErrorKind::TimedOut));

        assert!(!is_final(&refused) && !is_final(&elapsed));
    }

    #[test]
    fn certificate_that_is_refused_is_no_outage() {
        let tls = rustls::Error::General("unknown issuer".into());
        let error = RedisError::from(io::Error::new(io::ErrorKind::InvalidData, tls));

        assert!(is_final(&error));
    }
}
