//! What can go wrong with a server for tests.

use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

/// A server could not be started, or did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// There is no such program to start.
    #[error(
        "no {program} {looked}; in a checkout of Solent run `cargo xtask servers`, elsewhere {remedy}"
    )]
    Missing {
        /// What it is called.
        program: &'static str,
        /// Where it was looked for.
        looked: String,
        /// How to get it.
        remedy: &'static str,
    },

    /// The program that was found is too old.
    #[error(
        "{} is version {found}, and {oldest} or newer is needed; install a newer one, or set {variable} to its path",
        path.display()
    )]
    Outdated {
        /// What was found.
        path: PathBuf,
        /// What it says its version is.
        found: String,
        /// The oldest major version that will do.
        oldest: u32,
        /// The variable that names another.
        variable: &'static str,
    },

    /// A server that refuses to run as root has nobody else to run as.
    #[error(
        "{program} refuses to run as root, and there is no user {} to run it as; add one, with `useradd --system {}`, or \
         run the tests as another user",
        users.join(" or "),
        users.first().unwrap_or(&"postgres")
    )]
    Root {
        /// What refuses.
        program: &'static str,
        /// Whose names were looked up.
        users: &'static [&'static str],
    },

    /// A program that prepares a server failed.
    #[error("{program} failed ({status}); what it said:\n{log}")]
    Failed {
        /// What it is called.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it said.
        log: String,
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
