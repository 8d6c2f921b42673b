//! What to do where the server cannot listen.

use std::io::{self, ErrorKind};

use super::Bind;

/// `EMFILE` and `ENFILE`, the same numbers on every Unix.
const TOO_MANY_FILES: [i32; 2] = [24, 23];

/// What to do next, as the end of a sentence.
pub(crate) fn hint(bind: &Bind, error: &io::Error) -> &'static str {
    if error
        .raw_os_error()
        .is_some_and(|code| TOO_MANY_FILES.contains(&code))
    {
        return "too many files are open, raise the limit (`ulimit -n`, LimitNOFILE)";
    }
    match bind {
        Bind::Unix(_) => of_file(error.kind()),
        Bind::Tcp(addr) => match error.kind() {
            ErrorKind::AddrInUse => "another process listens there, stop it or choose another port",
            ErrorKind::PermissionDenied if addr.port() < 1024 => {
                "ports below 1024 take a privilege, choose one from 1024 on or grant CAP_NET_BIND_SERVICE"
            }
            ErrorKind::PermissionDenied => "the system forbids this process to listen there",
            ErrorKind::AddrNotAvailable => {
                "no interface of this machine has the address, use 0.0.0.0 or [::] for all of them"
            }
            _ if addr.is_ipv6() => "is IPv6 enabled on this machine?",
            _ => "see the cause",
        },
        Bind::Inherited(_) => "is it passed by the parent, with LISTEN_FDS and LISTEN_PID?",
        Bind::TcpListener(_) | Bind::UnixListener(_) => "see the cause",
    }
}

fn of_file(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::AddrInUse => {
            "another process listens there, or the file is no socket; stop it, or remove the file"
        }
        ErrorKind::PermissionDenied => {
            "this user may not create files in the folder, or not give the socket to that owner"
        }
        ErrorKind::NotFound => "the folder does not exist, create it first",
        ErrorKind::NotADirectory => "a part of the path is no folder",
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only",
        ErrorKind::InvalidInput => "is the path longer than some 100 bytes, or an owner unknown?",
        _ => "see the cause",
    }
}
