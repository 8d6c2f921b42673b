//! Whether it helps to wait.

use std::{error::Error, io, sync::Arc};

use redis::{ErrorKind, RedisError, ServerError};

/// What a Redis answers that is there but cannot do its work now: it loads its data, is no master, is full or overrun. All
/// other answers stay the same until the settings of one side change.
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

/// What Redis says without a code, or what arrives without one: the client drops the code of a refused `SELECT`.
const WORDS: [(&str, &str); 3] = [
    ("max number of clients", "BUSY"),
    ("is busy running a script", "BUSY"),
    ("is loading the dataset in memory", "LOADING"),
];

/// Whether Redis has answered, and the answer may be another one in a moment.
pub(crate) fn is_passing(error: &RedisError) -> bool {
    reason(error).is_some_and(|reason| PASSING.contains(&reason))
}

/// Whether the command may be tried again at once, on another connection.
pub(crate) fn is_not_now(error: &ServerError) -> bool {
    let details = error.details().unwrap_or_default();
    NOT_NOW.contains(&code_within(error.code(), details))
}

/// The code that tells why Redis has refused something.
pub(crate) fn reason(error: &RedisError) -> Option<&str> {
    let code = error.code()?;
    Some(code_within(code, error.detail().unwrap_or_default()))
}

/// The code behind `ERR`, if the details have one.
fn code_within<'a>(code: &'a str, details: &'a str) -> &'a str {
    if code != "ERR" {
        return code;
    }
    let meant = WORDS.iter().find(|(words, _)| details.contains(words));
    meant
        .map(|(_, code)| *code)
        .or_else(|| code_of_script(details))
        .unwrap_or(code)
}

/// The code that a command in a script was refused with. Redis 6 puts it behind the place in the script:
/// `ERR Error running script (call to f_…): @user_script:1: @user_script: 1: -READONLY You can't write …`.
fn code_of_script(details: &str) -> Option<&str> {
    let places = details.strip_prefix("Error running script")?;
    places.split(": ").find_map(|part| {
        let word = part.split(' ').next()?;
        let word = word.strip_prefix('-').unwrap_or(word);
        let is_code = word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_uppercase());
        is_code.then_some(word)
    })
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
    fn code_within_the_error_of_a_script_counts() {
        for (words, passes) in [
            (
                "@user_script: 1: -READONLY You can't write against a read only replica.",
                true,
            ),
            (
                "@user_script: 1: -OOM command not allowed when used memory > 'maxmemory'.",
                true,
            ),
            (
                "@user_script: 1: -NOPERM this user has no permissions",
                false,
            ),
            (
                "WRONGTYPE Operation against a key holding the wrong kind of value",
                false,
            ),
            (
                "@user_script: 1: Script attempted to access nonexistent global variable 'X'",
                false,
            ),
        ] {
            let words = format!("Error running script (call to f_1b2c): @user_script:1: {words}");
            let error = answer("ERR", &words);
            assert_eq!(
                (is_passing(&error), is_final(&error)),
                (passes, !passes),
                "{words}"
            );
        }
        let error = answer(
            "ERR",
            "Error running script (call to f_1): @user_script:1: WRONGTYPE Operation",
        );
        assert_eq!(reason(&error), Some("WRONGTYPE"));
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
