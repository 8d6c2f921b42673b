//! Why settings cannot work.

use std::{borrow::Cow, io, path::PathBuf};

use solent_spec::BoxError;

/// The settings of a layer, or a URL with some, cannot work. The message says what to change, and has no secrets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A URL has no form that is known.
    #[error("Redis URL {0}")]
    Url(Cow<'static, str>),

    /// An option of a URL is unknown, has a value that it cannot have, or is there twice.
    #[error("option `{name}` of the Redis URL {problem}")]
    Option {
        /// The name of the option.
        name: String,
        /// What to do about it.
        problem: Cow<'static, str>,
    },

    /// A setting has a value that it cannot have.
    #[error("setting `{name}` {problem}")]
    Setting {
        /// The path of the field, such as `hosts` or `backoff.first`.
        name: &'static str,
        /// What to do about it.
        problem: Cow<'static, str>,
    },

    /// A certificate or a key cannot be read.
    #[error("TLS file `{path}` cannot be read")]
    TlsFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },

    /// The Redis client refuses the settings; the cause is its own and may change between releases.
    #[error("settings of a Redis host cannot be used, check its certificates, user and password")]
    Client(#[source] BoxError),
}

impl ConfigError {
    pub(super) fn url(problem: impl Into<Cow<'static, str>>) -> Self {
        Self::Url(problem.into())
    }

    pub(super) fn option(name: impl Into<String>, problem: impl Into<Cow<'static, str>>) -> Self {
        Self::Option {
            name: name.into(),
            problem: problem.into(),
        }
    }

    pub(super) fn setting(name: &'static str, problem: impl Into<Cow<'static, str>>) -> Self {
        Self::Setting {
            name,
            problem: problem.into(),
        }
    }
}
