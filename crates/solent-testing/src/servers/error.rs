//! What can go wrong with a server for tests.

use std::{io, path::PathBuf, time::Duration};

/// A server could not be started, or did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// There is no `redis-server` to start.
    #[error(
        "no redis-server {looked}; in a checkout of Solent run `cargo xtask servers`, elsewhere install Redis 7 or newer \
         (`apt-get install redis-server`, `brew install redis` or `dnf install redis`), or set SOLENT_TEST_REDIS to the \
         path of a redis-server"
    )]
    Missing {
        /// Where it was looked for.
        looked: String,
    },

    /// The `redis-server` that was found is too old.
    #[error(
        "{} is version {found}, and 7 or newer is needed; install a newer one, or set SOLENT_TEST_REDIS to its path",
        path.display()
    )]
    Outdated {
        /// What was found.
        path: PathBuf,
        /// What it says its version is.
        found: String,
    },

    /// The operating system refused something.
    #[error("cannot {doing}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// Why it could not be.
        #[source]
        source: io::Error,
    },

    /// A certificate could not be made.
    #[error("cannot make a certificate")]
    Certificate(#[source] Box<dyn std::error::Error + Send + Sync>),

    /// The server ended by itself before it was ready.
    #[error("server on port {port} ended before it was ready; the end of its log:\n{log}")]
    Ended {
        /// The port that it was to listen on.
        port: u16,
        /// Its last words.
        log: String,
    },

    /// Something did not come about in time.
    #[error(
        "server on port {port} did not reach {wanted} within {timeout:?}{last}; the end of its log:\n{log}"
    )]
    Elapsed {
        /// The port that it listens on.
        port: u16,
        /// What was waited for.
        wanted: String,
        /// For how long.
        timeout: Duration,
        /// What was seen last, after a colon; empty if nothing was.
        last: String,
        /// The end of its log.
        log: String,
    },

    /// The server answered a command with an error.
    #[error("server refused {command}: {reply}")]
    Refused {
        /// The command's name, without its arguments.
        command: String,
        /// The server's words.
        reply: String,
    },

    /// The server answered something that cannot be understood.
    #[error("server answered {command} with {reply}, which is not understood")]
    Unreadable {
        /// The command's name, without its arguments.
        command: String,
        /// What came.
        reply: String,
    },

    /// The server does not run; start it with `restart()`.
    #[error("server on port {port} does not run; `restart()` starts it again")]
    Stopped {
        /// The port that it listened on.
        port: u16,
    },

    /// The runtime is ending, so nothing can be waited for.
    #[error("the runtime is ending")]
    Shutdown,
}

impl ServerError {
    /// Turns an error of the operating system into ours.
    pub(super) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }
}
