//! Where a cache is.

use std::borrow::Cow;

use redis::{ConnectionInfo, IntoConnectionInfo};
use rustls::crypto::{CryptoProvider, ring};
use solent_spec::BoxError;

/// A `LOCATION` that names no Redis server.
#[derive(Debug, thiserror::Error)]
#[error(
    "location of the cache is none of a Redis server, write it as redis://:password@host:port/database"
)]
pub struct InvalidLocation(#[source] BoxError);

impl InvalidLocation {
    pub(super) fn new(cause: impl Into<BoxError>) -> Self {
        Self(cause.into())
    }
}

/// The servers of a `LOCATION`: a text that has several has them separated by commas or semicolons.
pub(super) fn servers(location: &str) -> Result<Vec<ConnectionInfo>, InvalidLocation> {
    location
        .split([',', ';'])
        .map(str::trim)
        .map(server)
        .collect()
}

fn server(url: &str) -> Result<ConnectionInfo, InvalidLocation> {
    if url.starts_with("rediss:") {
        provide_ciphers();
    }
    translated(url)
        .into_connection_info()
        .map_err(InvalidLocation::new)
}

/// The client of Python calls some fields of the query otherwise.
fn translated(url: &str) -> Cow<'_, str> {
    let Some((place, query)) = url.split_once('?') else {
        return url.into();
    };
    let pairs: Vec<_> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some(("username", user)) => format!("user={user}"),
            Some(("password", password)) => format!("pass={password}"),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{place}?{}", pairs.join("&")).into()
}

/// The client takes the process' provider of ciphers and panics if there is none. One that the program chose stays.
fn provide_ciphers() {
    if CryptoProvider::get_default().is_none() {
        // If another thread was faster there is one now, which is all that is wanted.
        let _ = ring::default_provider().install_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_those_of_django() {
        for (location, count) in [
            ("redis://127.0.0.1:6379", 1),
            ("redis://user:pass@host:6379/2", 1),
            ("rediss://host", 1),
            (
                "redis://leader:6379,redis://replica:6379;redis://other:6379",
                3,
            ),
            ("unix:///var/run/redis.sock?db=1&password=secret", 1),
        ] {
            assert_eq!(servers(location).unwrap().len(), count, "{location}");
        }
    }

    #[test]
    fn passwords_of_unix_sockets_are_understood() {
        let servers = servers("unix:///redis.sock?username=ann&password=secret&db=3").unwrap();

        let settings = servers[0].redis_settings();
        assert_eq!(settings.username(), Some("ann"));
        assert_eq!(settings.password(), Some("secret"));
        assert_eq!(settings.db(), 3);
    }

    #[test]
    fn other_locations_are_refused_without_a_word_of_their_secrets() {
        for location in [
            "",
            "127.0.0.1:11211",
            "redis://a,",
            "memcached://u:secret@h",
        ] {
            let error = servers(location).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
