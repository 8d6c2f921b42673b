//! One server: its folder, its port and, while it runs, its process. Everything here waits where it stands.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::{Command, Stdio},
    thread,
};

use parking_lot::Mutex;

use super::{
    binaries::{Binaries, binaries},
    query::{self, Row},
};
use crate::{
    ServerError,
    account::Account,
    folder::Folder,
    port::Port,
    process::{Ending, Launch, Process},
    wait::{self, PATIENCE},
};

/// The name of the user that may do everything.
pub(super) const USER: &str = "solent";

/// The database that is there from the start.
pub(super) const DATABASE: &str = "postgres";

/// Whom a server of root's may run as.
const USERS: &[&str] = &["postgres", "nobody"];

/// How often another port is tried when somebody was faster.
const PORTS: usize = 20;

/// The line, from one, of `postmaster.pid` that has the server's state.
const STATUS: usize = 8;

/// What is given up for speed: nobody needs what a test's server has after a power cut.
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "fsync=off",
    "full_page_writes=off",
    "shared_buffers=16MB",
    "max_connections=100",
    "logging_collector=off",
    "log_destination=stderr",
];

/// A server that may run. It is stopped when it is dropped.
#[derive(Debug)]
pub(super) struct Instance {
    binaries: &'static Binaries,
    port: Port,
    /// Whom it runs as, if not as we do.
    account: Option<Account>,
    /// The process, between a start and an end. Held while one of these is under way.
    process: Mutex<Option<Process>>,
    /// Removed last.
    folder: Folder,
}

impl Instance {
    /// Starts a server and waits until it answers.
    pub(super) fn start() -> Result<Self, ServerError> {
        let mut instance = Self::prepare()?;
        for _ in 1..PORTS {
            match instance.run() {
                Err(ServerError::Ended { log, .. }) if is_port_taken(&log) => {
                    instance.port = Port::free()?;
                }
                outcome => return outcome.map(|()| instance),
            }
        }
        instance.run()?;
        Ok(instance)
    }

    fn prepare() -> Result<Self, ServerError> {
        let binaries = binaries()?;
        let folder = Folder::new()?;
        let account = Account::instead_of_root("PostgreSQL", USERS, folder.path())?;
        let instance = Self {
            binaries,
            port: Port::free()?,
            account,
            process: Mutex::new(None),
            folder,
        };
        instance.fill()?;
        Ok(instance)
    }

    /// Makes the files of a new cluster of databases.
    fn fill(&self) -> Result<(), ServerError> {
        let mut command = Command::new(&self.binaries.initdb);
        command
            .arg("--pgdata")
            .arg(self.data())
            .args(["--username", USER])
            .args([
                "--auth=trust",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
            ])
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        if let Some(account) = self.account {
            account.runs(&mut command);
        }
        let output = command.output().map_err(ServerError::io("start initdb"))?;
        if output.status.success() {
            return Ok(());
        }
        Err(ServerError::Failed {
            program: "initdb",
            status: output.status,
            log: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }

    /// Starts the process, if there is none, and waits until it answers.
    pub(super) fn run(&self) -> Result<(), ServerError> {
        let mut running = self.process.lock();
        if let Some(process) = running.as_mut()
            && process.is_running()
        {
            return Ok(());
        }
        let process = running.insert(Process::spawn(&Launch {
            program: &self.binaries.postgres,
            args: &self.arguments(),
            folder: self.folder.path(),
            log: &self.file("log"),
            account: self.account.as_ref(),
            ending: Ending::Quit,
        })?);

        let ready = wait::poll(|| {
            if !process.is_running() {
                return Err(ServerError::Ended {
                    port: self.port.number(),
                    log: self.log(),
                });
            }
            Ok(self.is_ready(process.id()).then_some(()))
        });
        match ready {
            Ok(Some(())) => Ok(()),
            Ok(None) => Err(ServerError::Elapsed {
                port: self.port.number(),
                wanted: "readiness".to_owned(),
                timeout: PATIENCE,
                last: String::new(),
                log: self.log(),
            }),
            Err(error) => {
                *running = None;
                Err(error)
            }
        }
    }

    fn arguments(&self) -> Vec<String> {
        let port = format!("port={}", self.port.number());
        let settings = SETTINGS
            .iter()
            .map(|setting| (*setting).to_owned())
            .chain([port])
            .flat_map(|setting| ["-c".to_owned(), setting]);
        ["-D".to_owned(), self.data().to_string_lossy().into_owned()]
            .into_iter()
            .chain(settings)
            .collect()
    }

    /// Whether the process says so, in the file that it keeps as long as it runs.
    fn is_ready(&self, pid: u32) -> bool {
        let said = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let mut lines = said.lines().map(str::trim);
        let is_ours = lines.next().and_then(|line| line.parse().ok()) == Some(pid);
        is_ours && lines.nth(STATUS - 2) == Some("ready")
    }

    /// Runs one query, on a connection of its own.
    pub(super) fn query(&self, database: &str, sql: &str) -> Result<Vec<Row>, ServerError> {
        query::query(self.addr(), USER, database, sql)
    }

    /// Ends the process at once (SIGQUIT): connections break, and the next start recovers what was committed.
    pub(super) fn stop(&self) {
        // Connections that are frozen would not see the end.
        let _ = self.signal_all("CONT");
        *self.process.lock() = None;
    }

    /// Stops the server and its connections where they are (SIGSTOP), or lets them go on (SIGCONT).
    pub(super) fn signal_all(&self, name: &'static str) -> Result<(), ServerError> {
        match &*self.process.lock() {
            Some(process) => process.signal_all(name),
            None => Ok(()),
        }
    }

    /// The number of the process, while it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        let mut process = self.process.lock();
        let process = process.as_mut()?;
        process.is_running().then(|| process.id())
    }

    pub(super) fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port.number()).into()
    }

    /// The end of what it printed.
    pub(super) fn log(&self) -> String {
        self.folder.end_of("log")
    }

    fn data(&self) -> PathBuf {
        self.file("data")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!(
                "the end of the log of the server on port {}:\n{}",
                self.port.number(),
                self.log()
            );
        }
        self.stop();
    }
}

/// Whether somebody took the port before the server could.
fn is_port_taken(log: &str) -> bool {
    log.contains("Address already in use")
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::{Instance, is_port_taken};
    use crate::ServerError;

    #[test]
    fn taken_port_is_told_from_other_ends() {
        let instance = Instance::prepare().unwrap();
        let holder = TcpListener::bind(instance.addr()).unwrap();

        let error = instance.run().unwrap_err();

        let ServerError::Ended { log, .. } = error else {
            panic!("{error}");
        };
        assert!(is_port_taken(&log), "{log}");
        drop(holder);
        instance.run().unwrap();
    }
}
