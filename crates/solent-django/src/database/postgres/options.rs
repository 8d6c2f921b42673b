//! What the URL of a server says.

use std::{path::PathBuf, time::Duration};

use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};

use super::tls::{Check, Roots, Tls};
use crate::database::DatabaseError;

/// A URL, without what the client does not know.
pub(super) struct Options {
    url: String,
    pub(super) tls: Tls,
}

impl Options {
    pub(super) fn parse(url: &str) -> Result<Self, DatabaseError> {
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let mut mode = None;
        let mut tls = Tls::default();
        let mut rest = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "sslmode" => mode = Some(value.to_owned()),
                "sslrootcert" if value == "system" => tls.roots = Some(Roots::System),
                "sslrootcert" => tls.roots = Some(Roots::File(path(value)?)),
                "sslcert" => tls.certificate = Some(path(value)?),
                "sslkey" => tls.key = Some(path(value)?),
                _ => rest.push(pair),
            }
        }
        (tls.mode, tls.check) = meaning(mode.as_deref(), tls.roots.is_some())?;
        let url = if rest.is_empty() {
            place.to_owned()
        } else {
            format!("{place}?{}", rest.join("&"))
        };
        Ok(Self { url, tls })
    }

    /// The server. What the URL does not say is as libpq has it; connections are given up after `timeout`.
    pub(super) fn server(&self, timeout: Duration) -> Result<Config, DatabaseError> {
        let mut config: Config = self.url.parse().map_err(|error: tokio_postgres::Error| {
            // The cause names the option, and its value only where that is no secret.
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            DatabaseError::url(format!("is refused: {}", cause.unwrap_or_default()))
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            local(&mut config);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(timeout);
        }
        if config.get_application_name().is_none() {
            config.application_name("solent");
        }
        let is_local = config.get_hosts().iter().all(is_socket) && !config.get_hosts().is_empty();
        // A Unix socket cannot be listened in on, and servers speak no TLS there.
        config.ssl_mode(if is_local {
            SslMode::Disable
        } else {
            self.tls.mode
        });
        Ok(config)
    }
}

#[cfg(unix)]
fn local(config: &mut Config) {
    config.host_path("/var/run/postgresql");
}

#[cfg(not(unix))]
fn local(config: &mut Config) {
    config.host("localhost");
}

fn is_socket(host: &Host) -> bool {
    !matches!(host, Host::Tcp(_))
}

/// What the modes of libpq mean.
fn meaning(mode: Option<&str>, has_roots: bool) -> Result<(SslMode, Check), DatabaseError> {
    Ok(match mode {
        Some("disable") => (SslMode::Disable, Check::Nothing),
        None | Some("allow" | "prefer") => (SslMode::Prefer, Check::Nothing),
        // With a certificate to check against it is checked, as libpq always did.
        Some("require") if has_roots => (SslMode::Require, Check::Authority),
        Some("require") => (SslMode::Require, Check::Nothing),
        Some("verify-ca") => (SslMode::Require, Check::Authority),
        Some("verify-full") => (SslMode::Require, Check::Full),
        Some(_) => {
            return Err(DatabaseError::url(
                "has an `sslmode` that is none of disable, allow, prefer, require, verify-ca, verify-full",
            ));
        }
    })
}

fn path(encoded: &str) -> Result<PathBuf, DatabaseError> {
    crate::database::url::decoded(encoded)
        .map(PathBuf::from)
        .ok_or(DatabaseError::url("has a path that is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str) -> Config {
        let options = Options::parse(url).unwrap();
        options.server(Duration::from_secs(3)).unwrap()
    }

    #[test]
    fn modes_mean_what_they_mean_to_libpq() {
        for (query, mode, check) in [
            ("", SslMode::Prefer, Check::Nothing),
            ("?sslmode=disable", SslMode::Disable, Check::Nothing),
            ("?sslmode=require", SslMode::Require, Check::Nothing),
            (
                "?sslmode=require&sslrootcert=/ca",
                SslMode::Require,
                Check::Authority,
            ),
            ("?sslmode=verify-ca", SslMode::Require, Check::Authority),
            (
                "?connect_timeout=1&sslmode=verify-full",
                SslMode::Require,
                Check::Full,
            ),
        ] {
            let options = Options::parse(&format!("postgresql://u@h/d{query}")).unwrap();
            assert_eq!(
                (options.tls.mode, options.tls.check),
                (mode, check),
                "{query}"
            );
            assert!(!options.url.contains("ssl"), "{}", options.url);
        }
        assert!(Options::parse("postgresql://h/d?sslmode=maybe").is_err());
    }

    #[test]
    fn what_a_url_does_not_say_is_as_libpq_has_it() {
        let config = server("postgresql:///shop?sslmode=require");

        assert_eq!(config.get_ssl_mode(), SslMode::Disable);
        assert_eq!(config.get_dbname(), Some("shop"));
        assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(3)));
        assert_eq!(config.get_hosts().len(), 1);
    }

    #[test]
    fn what_a_url_says_is_taken() {
        let config = server(
            "postgresql://ann:p%40ss@db:5433/shop?application_name=x&options=-csearch_path%3Da",
        );

        assert_eq!(config.get_user(), Some("ann"));
        assert_eq!(config.get_password(), Some("p@ss".as_bytes()));
        assert_eq!(config.get_ports(), [5433]);
        assert_eq!(config.get_application_name(), Some("x"));
        assert_eq!(config.get_options(), Some("-csearch_path=a"));
    }

    #[test]
    fn options_that_nobody_knows_are_told_without_the_password() {
        let options = Options::parse("postgresql://ann:secret@db/shop?colour=red").unwrap();

        let error = options.server(Duration::ZERO).unwrap_err().to_string();

        assert!(
            error.contains("colour") && !error.contains("secret"),
            "{error}"
        );
    }
}
