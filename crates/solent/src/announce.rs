//! Where an application listens, for people who have set up no logs.

use std::{
    env,
    ffi::OsStr,
    io::{self, IsTerminal, Write},
};

use solent_spec::request::ServerAddr;

/// The environment variable that says whether to print where the application listens: `always`, `never`, or else on a terminal.
const VARIABLE: &str = "SOLENT_ANNOUNCE";

/// Prints one line if the program has no tracing subscriber, which would be told the same, and a person may be looking.
pub(crate) fn announce(addresses: &[ServerAddr], channels: &[String]) {
    if tracing::dispatcher::has_been_set() {
        return;
    }
    let mut out = io::stdout();
    if is_wanted(env::var_os(VARIABLE).as_deref(), out.is_terminal()) {
        // A closed output means that the line is not wanted.
        let _ = writeln!(out, "{}", line(addresses, channels));
    }
}

fn is_wanted(variable: Option<&OsStr>, is_terminal: bool) -> bool {
    match variable.and_then(OsStr::to_str) {
        Some("always") => true,
        Some("never") => false,
        _ => is_terminal,
    }
}

fn line(addresses: &[ServerAddr], channels: &[String]) -> String {
    let mut parts = Vec::new();
    if !addresses.is_empty() {
        let urls: Vec<_> = addresses.iter().map(url).collect();
        parts.push(format!("listening at {}", urls.join(" and ")));
    }
    if !channels.is_empty() {
        parts.push(format!("working on {}", channels.join(", ")));
    }
    format!(
        "solent: {}; press Ctrl-C to stop. Set up a tracing subscriber to see more.",
        parts.join(", ")
    )
}

/// What a browser opens. An address that means every interface is not one to open, so it becomes this machine's.
pub(crate) fn url(address: &ServerAddr) -> String {
    let mut tcp = match address {
        ServerAddr::Tcp(tcp) => *tcp,
        unix => return unix.to_string(),
    };
    if tcp.ip().is_unspecified() {
        tcp.set_ip(match tcp.is_ipv4() {
            true => std::net::Ipv4Addr::LOCALHOST.into(),
            false => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{tcp}/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(address: &str) -> ServerAddr {
        ServerAddr::Tcp(address.parse().unwrap())
    }

    #[test]
    fn one_line_names_what_a_browser_opens() {
        let unix = ServerAddr::Unix("/run/app.sock".into());

        assert_eq!(
            line(&[tcp("0.0.0.0:8000"), tcp("[::]:80"), unix], &[]),
            "solent: listening at http://127.0.0.1:8000/ and http://[::1]:80/ and unix:/run/app.sock; press Ctrl-C to stop. \
             Set up a tracing subscriber to see more."
        );
        assert!(line(&[], &["primes".into()]).starts_with("solent: working on primes; "));
    }

    #[test]
    fn it_is_said_on_a_terminal_unless_the_variable_says_otherwise() {
        let wanted = |variable: Option<&str>| {
            [true, false].map(|terminal| is_wanted(variable.map(OsStr::new), terminal))
        };

        assert_eq!(wanted(None), [true, false]);
        assert_eq!(wanted(Some("")), [true, false]);
        assert_eq!(wanted(Some("always")), [true, true]);
        assert_eq!(wanted(Some("never")), [false, false]);
    }
}
