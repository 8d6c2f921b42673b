//! What is before the options of a URL.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;

use super::{Options, text};
use crate::config::{ConfigError, RedisAccess, RedisTls, Secret};

/// A URL without its options, split but not decoded.
pub(crate) struct Parts<'a> {
    pub(crate) scheme: Scheme,
    /// What is before the `@`.
    credentials: Option<&'a str>,
    /// What is between the `@` and the path.
    pub(crate) hosts: &'a str,
    /// Empty, or with its slash.
    pub(crate) path: &'a str,
}

/// What the scheme says.
#[derive(Clone, Copy)]
pub(crate) struct Scheme {
    pub(crate) place: Place,
    pub(crate) tls: bool,
}

/// The kinds of host.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Tcp,
    Unix,
    Sentinel,
    Cluster,
}

impl<'a> Parts<'a> {
    pub(crate) fn split(url: &'a str) -> Result<Self, ConfigError> {
        let (scheme, rest) = url
            .split_once("://")
            .ok_or_else(|| ConfigError::url(format!("needs a scheme, one of {SCHEMES}")))?;
        let path = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(path);
        if path.contains('@') {
            return Err(ConfigError::url(
                "has an `@` after its host: in a password write `/` as %2F and `?` as %3F, elsewhere `@` as %40",
            ));
        }
        let (credentials, hosts) = match authority.rsplit_once('@') {
            Some((credentials, hosts)) => (Some(credentials), hosts),
            None => (None, authority),
        };
        Ok(Self {
            scheme: Scheme::parse(scheme)?,
            credentials,
            hosts,
            path,
        })
    }

    /// The user, the password and, if the scheme asks for it, TLS.
    pub(crate) fn access(&self, options: &mut Options) -> Result<RedisAccess, ConfigError> {
        let (mut user, mut password) = match self.credentials {
            Some(credentials) => self.split_credentials(credentials)?,
            None => (None, None),
        };
        let other_user = options
            .either("username", "user")?
            .map(|user| text("username", user))
            .transpose()?;
        let other_password = options.either("password", "pass")?;
        if (user.is_some() || password.is_some())
            && (other_user.is_some() || other_password.is_some())
        {
            return Err(ConfigError::url(
                "has credentials before the `@` and in its options, leave out one of them",
            ));
        }
        user = user.or(other_user);
        password = password.or(other_password.map(Secret::new));
        if user.is_some() && password.is_none() {
            return Err(NO_PASSWORD);
        }
        let wants_tls = self.scheme.tls && self.scheme.place != Place::Sentinel;
        let tls = wants_tls
            .then(|| RedisTls::from_options(options))
            .transpose()?;
        Ok(RedisAccess {
            user,
            password,
            tls,
        })
    }

    fn split_credentials(
        &self,
        text: &str,
    ) -> Result<(Option<String>, Option<Secret>), ConfigError> {
        let Some((user, password)) = text.split_once(':') else {
            return if text.is_empty() {
                Ok((None, None))
            } else {
                Err(NO_PASSWORD)
            };
        };
        let user = Some(self.decode(user)?).filter(|user| !user.is_empty());
        let password =
            Some(self.decode(password)?).filter(|password| user.is_some() || !password.is_empty());
        Ok((user, password.map(Secret::new)))
    }

    /// Reads a path that is only a database.
    pub(crate) fn database(&self, path: &str) -> Result<u32, ConfigError> {
        match path.trim_matches('/') {
            "" => Ok(0),
            number => number
                .parse()
                .map_err(|_| ConfigError::url("needs a number as its database, such as `/0`")),
        }
    }

    /// Reads the path of a Unix socket.
    pub(crate) fn socket(&self) -> Result<PathBuf, ConfigError> {
        if !self.hosts.is_empty() || self.path.len() < 2 {
            return Err(ConfigError::url(
                "needs the whole path of a socket, with a third slash: `redis+unix:///run/redis.sock`",
            ));
        }
        self.decode(self.path).map(PathBuf::from)
    }

    /// Percent-decodes a part.
    pub(crate) fn decode(&self, part: &str) -> Result<String, ConfigError> {
        match percent_decode_str(part).decode_utf8() {
            Ok(text) if !text.contains('\0') => Ok(text.into_owned()),
            _ => Err(ConfigError::url(
                "has a percent-encoded part that is not text in UTF-8",
            )),
        }
    }
}

const SCHEMES: &str = "redis://, rediss://, redis+unix://, unix://, redis+sentinel://, rediss+sentinel://, redis+cluster:// \
                       and rediss+cluster://";

const NO_PASSWORD: ConfigError = ConfigError::Url(std::borrow::Cow::Borrowed(
    "has a user without a password, write `user:password@`, or `:password@` for a password alone",
));

impl Scheme {
    fn parse(scheme: &str) -> Result<Self, ConfigError> {
        let (place, tls) = match scheme.to_ascii_lowercase().as_str() {
            "redis" => (Place::Tcp, false),
            "rediss" => (Place::Tcp, true),
            "unix" | "redis+unix" => (Place::Unix, false),
            "redis+sentinel" => (Place::Sentinel, false),
            "rediss+sentinel" => (Place::Sentinel, true),
            "redis+cluster" => (Place::Cluster, false),
            "rediss+cluster" => (Place::Cluster, true),
            _ => {
                return Err(ConfigError::url(format!(
                    "has an unknown scheme, known are {SCHEMES}"
                )));
            }
        };
        Ok(Self { place, tls })
    }
}
