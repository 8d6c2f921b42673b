//! Where a process listens.

use std::{
    fmt,
    net::Ipv6Addr,
    path::{Path, PathBuf},
};

use super::{ConfigError, url::encode_path};

/// Where a Redis server or a Sentinel listens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedisAddress {
    /// A port of a host.
    Tcp {
        /// A name or an IP address, an IPv6 address without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// A Unix socket, by its path.
    Unix(PathBuf),
}

impl RedisAddress {
    /// Reads `host[:port]`, or nothing for this machine.
    pub(super) fn parse(text: &str, default_port: u16) -> Result<Self, ConfigError> {
        let (host, port) = split_port(text)?;
        let host = match host {
            "" => LOCAL,
            host => check_host(host)?,
        };
        let port = match port {
            None | Some("") => default_port,
            // A password whose `@` is missing would be read as a port, so that it is not shown.
            Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or_else(|| {
                ConfigError::url(
                    "needs a number from 1 to 65535 as the port; credentials end with `@`",
                )
            })?,
        };
        Ok(Self::Tcp {
            host: host.into(),
            port,
        })
    }

    /// Reads `host[:port],host[:port]…`, none of which may be empty.
    pub(super) fn parse_list(text: &str, default_port: u16) -> Result<Vec<Self>, ConfigError> {
        text.split(',')
            .map(|item| match item {
                "" => Err(ConfigError::url("needs a host before and after each comma")),
                item => Self::parse(item, default_port),
            })
            .collect()
    }

    pub(super) fn unix_path(&self) -> Option<&Path> {
        match self {
            Self::Tcp { .. } => None,
            Self::Unix(path) => Some(path),
        }
    }
}

impl<H: Into<String>> From<(H, u16)> for RedisAddress {
    fn from((host, port): (H, u16)) -> Self {
        Self::Tcp {
            host: host.into(),
            port,
        }
    }
}

impl fmt::Display for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => encode_path(path).fmt(f),
        }
    }
}

/// What an empty host means, as in channels_redis.
pub(super) const LOCAL: &str = "localhost";

/// Takes the brackets off an IPv6 address.
fn split_port(text: &str) -> Result<(&str, Option<&str>), ConfigError> {
    let Some(bracketed) = text.strip_prefix('[') else {
        return Ok(match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        });
    };
    let problem =
        || ConfigError::url("needs an IPv6 address in its brackets, such as `[::1]:6379`");
    let (host, rest) = bracketed.split_once(']').ok_or_else(problem)?;
    host.parse::<Ipv6Addr>().map_err(|_| problem())?;
    match rest.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if rest.is_empty() => Ok((host, None)),
        None => Err(problem()),
    }
}

fn check_host(host: &str) -> Result<&str, ConfigError> {
    let known = |c: char| c.is_alphanumeric() || "-_.:".contains(c);
    if host.chars().all(known) {
        Ok(host)
    } else {
        Err(ConfigError::url(
            "has a character in its host that no host has; several hosts are separated by whitespace, the nodes of a \
             cluster or the Sentinels of a master by commas",
        ))
    }
}
