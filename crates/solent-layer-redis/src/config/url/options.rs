//! What follows the `?` of a URL.

use std::{str::FromStr, time::Duration};

use percent_encoding::percent_decode_str;

use crate::config::{ConfigError, layer_url};

/// Options that are taken by name. Those that are not taken are an error, which lists those that were asked for.
pub(crate) struct Options {
    /// Names with decoded values that were not taken yet.
    left: Vec<(String, Vec<u8>)>,
    /// The names that were asked for.
    known: Vec<&'static str>,
}

impl Options {
    /// Checks the characters of a URL and takes the options off.
    pub(crate) fn split(url: &str) -> Result<(&str, Self), ConfigError> {
        if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(ConfigError::url(
                "has whitespace or a control character, percent-encode it: a space is %20",
            ));
        }
        if url.contains('#') {
            return Err(ConfigError::url("has a `#`, percent-encode it as %23"));
        }
        let (before, query) = url.split_once('?').unwrap_or((url, ""));
        // A password with a question mark ends up here, and must not be shown.
        if query.contains('@') {
            return Err(ConfigError::url(
                "has an `@` after a `?`: in a password write `?` as %3F, in an option `@` as %40",
            ));
        }
        let left = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(pair)
            .collect::<Result<_, _>>()?;
        Ok((
            before,
            Self {
                left,
                known: Vec::new(),
            },
        ))
    }

    /// Takes all values of an option.
    pub(crate) fn all(&mut self, name: &'static str) -> Vec<Vec<u8>> {
        self.known.push(name);
        let (taken, left) = std::mem::take(&mut self.left)
            .into_iter()
            .partition(|(other, _)| other == name);
        self.left = left;
        let taken: Vec<(String, Vec<u8>)> = taken;
        taken.into_iter().map(|(_, value)| value).collect()
    }

    /// Takes the value of an option.
    pub(crate) fn bytes(&mut self, name: &'static str) -> Result<Option<Vec<u8>>, ConfigError> {
        let mut values = self.all(name);
        let value = values.pop();
        if values.is_empty() {
            Ok(value)
        } else {
            Err(ConfigError::option(name, "is there twice, leave one out"))
        }
    }

    /// Takes the value of an option that is text.
    pub(crate) fn text(&mut self, name: &'static str) -> Result<Option<String>, ConfigError> {
        self.bytes(name)?.map(|value| text(name, value)).transpose()
    }

    /// Takes the value of an option that has two names.
    pub(crate) fn either(
        &mut self,
        name: &'static str,
        other: &'static str,
    ) -> Result<Option<Vec<u8>>, ConfigError> {
        match (self.bytes(name)?, self.bytes(other)?) {
            (Some(_), Some(_)) => Err(ConfigError::option(
                name,
                format!("is there as `{other}` too, leave one out"),
            )),
            (value, other) => Ok(value.or(other)),
        }
    }

    /// Takes an option that is on or off.
    pub(crate) fn flag(&mut self, name: &'static str) -> Result<Option<bool>, ConfigError> {
        let Some(value) = self.text(name)? else {
            return Ok(None);
        };
        match value.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(Some(true)),
            "0" | "false" | "no" | "off" => Ok(Some(false)),
            _ => Err(ConfigError::option(name, "is `true` or `false`")),
        }
    }

    /// Takes an option that is a whole number of its type.
    pub(crate) fn number<T: FromStr>(
        &mut self,
        name: &'static str,
    ) -> Result<Option<T>, ConfigError> {
        self.bytes(name)?
            .map(|value| number(name, value))
            .transpose()
    }

    /// Takes an option that is a number of seconds.
    pub(crate) fn seconds(&mut self, name: &'static str) -> Result<Option<Duration>, ConfigError> {
        self.bytes(name)?
            .map(|value| seconds(name, value))
            .transpose()
    }

    /// Takes an option that is a number of seconds and has two names.
    pub(crate) fn either_seconds(
        &mut self,
        name: &'static str,
        other: &'static str,
    ) -> Result<Option<Duration>, ConfigError> {
        self.either(name, other)?
            .map(|value| seconds(name, value))
            .transpose()
    }

    /// Refuses what was not taken. Options of the layer are refused for the given reason.
    pub(crate) fn finish(self, layer_problem: &'static str) -> Result<(), ConfigError> {
        let Self { left, mut known } = self;
        let Some((name, _)) = left.into_iter().next() else {
            return Ok(());
        };
        if let Some((_, reason)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
            return Err(ConfigError::option(name, *reason));
        }
        if layer_url::OPTIONS.contains(&name.as_str()) {
            return Err(ConfigError::option(name, layer_problem));
        }
        if name.starts_with("ssl_") {
            let problem = if known.contains(&"ssl_cert_reqs") {
                "is not supported, TLS is 1.2 or 1.3 with ciphers that are safe; known are ssl_ca_certs, ssl_certfile, \
                 ssl_keyfile, ssl_cert_reqs and ssl_check_hostname"
            } else {
                "needs TLS, which the scheme `rediss` asks for in place of `redis`"
            };
            return Err(ConfigError::option(name, problem));
        }
        known.sort_unstable();
        known.dedup();
        let problem = format!("is unknown, known are {}", known.join(", "));
        Err(ConfigError::option(name, problem))
    }
}

/// Options of Python's client that have no meaning here.
const REFUSED: &[(&str, &str)] = &[
    (
        "socket_keepalive",
        "is always on, leave it out or set `keepalive` in seconds",
    ),
    (
        "retry_on_timeout",
        "is always on, leave it out and see `send_wait`",
    ),
    (
        "protocol",
        "is always 3, leave it out; Redis 6 or later is needed",
    ),
    ("socket_read_size", "is chosen by the layer, leave it out"),
    (
        "timeout",
        "is `connect_timeout` or `response_timeout` here, in seconds",
    ),
    ("legacy_responses", "has no meaning here, leave it out"),
    ("decode_responses", "has no meaning here, leave it out"),
    ("encoding", "has no meaning here, leave it out"),
];

fn pair(text: &str) -> Result<(String, Vec<u8>), ConfigError> {
    // Something that does not look like a name may be part of a password, so that it is not shown.
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    match text.split_once('=') {
        Some((name, value)) if is_name(name) => {
            // As `urlencode` writes a space; a plus is %2B.
            let value = value.replace('+', " ");
            Ok((name.into(), percent_decode_str(&value).collect()))
        }
        _ => Err(ConfigError::url(
            "needs options of the form `name=value` after its `?`, with `&` between them; in a password write `?` as %3F",
        )),
    }
}

/// Reads the value of an option as a whole number.
pub(crate) fn number<T: FromStr>(name: &'static str, value: Vec<u8>) -> Result<T, ConfigError> {
    text(name, value)?
        .parse()
        .map_err(|_| ConfigError::option(name, "is not a whole number that it can be"))
}

fn seconds(name: &'static str, value: Vec<u8>) -> Result<Duration, ConfigError> {
    text(name, value)?
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| ConfigError::option(name, "is a number of seconds, such as `60` or `0.5`"))
}

/// Reads the value of an option as text.
pub(crate) fn text(name: &'static str, value: Vec<u8>) -> Result<String, ConfigError> {
    match String::from_utf8(value) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(ConfigError::option(name, "is not text in UTF-8")),
    }
}
