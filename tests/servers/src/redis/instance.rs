//! One server: its folder, its port and, while it runs, its process. Everything here waits where it stands.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

use parking_lot::Mutex;

use super::{Certificates, Reply, binary, reply};
use crate::{
    ServerError,
    folder::Folder,
    port::Port,
    process::{Ending, Launch, Process},
    wait::{self, PATIENCE},
};

/// How often another port is tried when somebody was faster.
const PORTS: usize = 20;

/// What a server is started with.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    /// Lines of its configuration.
    pub(super) lines: Vec<String>,
    /// Arguments after it.
    pub(super) args: Vec<String>,
    /// The password of its default user.
    pub(super) password: Option<String>,
    /// Whether what it has survives its end.
    pub(super) persistent: bool,
    /// Whether its port speaks TLS.
    pub(super) tls: bool,
    /// Whether it is a Sentinel.
    pub(super) sentinel: bool,
}

/// A server that may run. It is killed when it is dropped.
#[derive(Debug)]
pub(super) struct Instance {
    settings: Settings,
    certificates: Option<Certificates>,
    port: Port,
    /// The process, between a start and an end. Held while one of these is under way.
    process: Mutex<Option<Process>>,
    /// Removed last.
    folder: Folder,
}

impl Instance {
    /// Starts a server and waits until it answers.
    pub(super) fn start(settings: Settings) -> Result<Self, ServerError> {
        let mut attempt = 1;
        loop {
            let instance = Self::prepare(settings.clone())?;
            match instance.run() {
                Ok(()) => return Ok(instance),
                Err(ServerError::Ended { log, .. }) if is_port_taken(&log) && attempt < PORTS => {
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn prepare(settings: Settings) -> Result<Self, ServerError> {
        let folder = Folder::new()?;
        let certificates = if settings.tls {
            Some(Certificates::make(folder.path())?)
        } else {
            None
        };
        let instance = Self {
            settings,
            certificates,
            port: Port::free()?,
            process: Mutex::new(None),
            folder,
        };
        // Once: what the server writes there itself is kept when it starts again.
        fs::write(instance.file("redis.conf"), instance.configuration())
            .map_err(ServerError::io("write the server's configuration"))?;
        Ok(instance)
    }

    fn configuration(&self) -> String {
        let port = self.port();
        let mut lines = vec![
            "bind 127.0.0.1".to_owned(),
            format!("dir {}", quoted(self.folder.path())),
            format!("unixsocket {}", quoted(self.socket())),
            "unixsocketperm 700".to_owned(),
        ];
        match &self.certificates {
            None => lines.push(format!("port {port}")),
            Some(files) => lines.extend([
                "port 0".to_owned(),
                format!("tls-port {port}"),
                format!("tls-ca-cert-file {}", quoted(&files.authority)),
                format!("tls-cert-file {}", quoted(&files.certificate)),
                format!("tls-key-file {}", quoted(&files.key)),
                "tls-auth-clients optional".to_owned(),
            ]),
        }
        if !self.settings.sentinel {
            lines.push("save \"\"".to_owned());
            let kept = if self.settings.persistent {
                "yes"
            } else {
                "no"
            };
            lines.push(format!("appendonly {kept}"));
            lines.push("appendfsync always".to_owned());
        }
        if let Some(password) = &self.settings.password {
            lines.push(format!("requirepass {}", quoted(password)));
            lines.push(format!("masterauth {}", quoted(password)));
        }
        lines.extend(self.settings.lines.iter().cloned());
        lines.join("\n") + "\n"
    }

    /// Starts the process, if there is none, and waits until it answers.
    pub(super) fn run(&self) -> Result<(), ServerError> {
        let mut running = self.process.lock();
        if let Some(process) = running.as_mut()
            && process.is_running()
        {
            return Ok(());
        }
        let mut args = vec![self.file("redis.conf").into_os_string()];
        if self.settings.sentinel {
            args.push("--sentinel".into());
        }
        args.extend(self.settings.args.iter().map(Into::into));
        let process = running.insert(Process::spawn(&Launch {
            program: binary::redis_server()?,
            args: &args,
            folder: self.folder.path(),
            log: &self.file("log"),
            account: None,
            ending: Ending::Kill,
        })?);

        let ready = wait::poll(|| {
            if !process.is_running() {
                return Err(ServerError::Ended {
                    port: self.port(),
                    log: self.log(),
                });
            }
            Ok(self.is_ready().then_some(()))
        });
        match ready {
            Ok(Some(())) => Ok(()),
            Ok(None) => Err(self.elapsed("an answer to PING", "")),
            Err(error) => {
                *running = None;
                Err(error)
            }
        }
    }

    /// Whether it answers; that it does not want to answer us is an answer too.
    fn is_ready(&self) -> bool {
        match self.ask(&["PING"]) {
            Ok(_) => true,
            Err(ServerError::Refused { reply, .. }) => !reply.starts_with("LOADING"),
            Err(_) => false,
        }
    }

    /// Ends the process at once. What it had not written is lost.
    pub(super) fn kill(&self) {
        *self.process.lock() = None;
    }

    /// Lets the process end.
    pub(super) fn stop(&self) -> Result<(), ServerError> {
        match self.process.lock().take() {
            Some(process) => process.terminate(),
            None => Ok(()),
        }
    }

    /// Stops the process where it is.
    pub(super) fn pause(&self) -> Result<(), ServerError> {
        self.with_process(Process::pause)
    }

    /// Lets the process go on.
    pub(super) fn resume(&self) -> Result<(), ServerError> {
        self.with_process(|process| process.signal("CONT"))
    }

    /// The number of the process, while it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        let mut process = self.process.lock();
        let process = process.as_mut()?;
        process.is_running().then(|| process.id())
    }

    /// Sends one command, on a connection of its own.
    pub(super) fn ask(&self, command: &[impl AsRef<[u8]>]) -> Result<Reply, ServerError> {
        reply::ask(&self.socket(), self.settings.password.as_deref(), command)
    }

    /// Sends one command and reads the reply as lines.
    pub(super) fn lines(&self, command: &[&str]) -> Result<Vec<String>, ServerError> {
        Ok(self.ask(command)?.lines())
    }

    /// Waits until `holds` for the lines with which the server answers `command`; a refusal is one line.
    pub(super) fn wait(
        &self,
        wanted: &str,
        command: &[&str],
        holds: impl Fn(&[String]) -> bool,
    ) -> Result<Vec<String>, ServerError> {
        let mut last = Vec::new();
        let answer = wait::poll(|| {
            let lines = match self.lines(command) {
                Err(ServerError::Refused { reply, .. }) => vec![reply],
                lines => lines?,
            };
            if holds(&lines) {
                return Ok(Some(lines));
            }
            last = lines;
            Ok(None)
        })?;
        answer.ok_or_else(|| self.elapsed(wanted, &last.join(" ")))
    }

    pub(super) fn port(&self) -> u16 {
        self.port.number()
    }

    /// Where it listens besides its port; we talk to it here.
    pub(super) fn socket(&self) -> PathBuf {
        self.file("redis.sock")
    }

    pub(super) fn password(&self) -> Option<&str> {
        self.settings.password.as_deref()
    }

    pub(super) fn certificates(&self) -> Option<&Certificates> {
        self.certificates.as_ref()
    }

    /// The end of what it printed.
    pub(super) fn log(&self) -> String {
        self.folder.end_of("log")
    }

    fn elapsed(&self, wanted: &str, last: &str) -> ServerError {
        ServerError::Elapsed {
            port: self.port(),
            wanted: wanted.to_owned(),
            timeout: PATIENCE,
            last: if last.is_empty() {
                String::new()
            } else {
                format!(": {last}")
            },
            log: self.log(),
        }
    }

    fn with_process(
        &self,
        act: impl FnOnce(&mut Process) -> Result<(), ServerError>,
    ) -> Result<(), ServerError> {
        let mut process = self.process.lock();
        if let Some(process) = process.as_mut()
            && process.is_running()
        {
            return act(process);
        }
        Err(ServerError::Stopped { port: self.port() })
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
                self.port(),
                self.log()
            );
        }
        self.kill();
    }
}

/// Whether somebody took the port, or the one of the cluster bus, before the server could.
fn is_port_taken(log: &str) -> bool {
    log.contains("Address already in use")
}

/// A value as the configuration wants it.
pub(super) fn quoted(value: impl AsRef<Path>) -> String {
    let value = value.as_ref().to_string_lossy();
    format!("\"{}\"", value.replace('\\', r"\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::{Instance, Settings, is_port_taken};
    use crate::ServerError;

    #[test]
    fn taken_port_is_told_from_other_ends() {
        let instance = Instance::prepare(Settings::default()).unwrap();
        let holder = TcpListener::bind(("127.0.0.1", instance.port())).unwrap();

        let error = instance.run().unwrap_err();

        let ServerError::Ended { log, .. } = error else {
            panic!("{error}");
        };
        assert!(is_port_taken(&log), "{log}");
        drop(holder);
        instance.run().unwrap();
    }

    #[test]
    fn nonsense_in_the_configuration_is_an_error_that_shows_the_log() {
        let settings = Settings {
            args: vec!["--no-such-setting".into(), "1".into()],
            ..Settings::default()
        };

        let error = Instance::start(settings).unwrap_err();

        assert!(error.to_string().contains("no-such-setting"), "{error}");
    }
}
