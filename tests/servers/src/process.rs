//! A process that does not outlive its owner, however that ends.

use std::{
    ffi::OsStr,
    fs,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use super::{ServerError, account::Account, wait};

/// Waits until the pipe ends that the test's process holds, then ends the server (`$0`) by a signal (`$2`) and removes its
/// folder (`$1`), when it has had the time to leave it.
const WATCH: &str = r#"trap '' INT TERM HUP; read -r line; kill -s "$2" "$0"; [ "$2" = KILL ] || sleep 1; rm -rf -- "$1""#;

/// How a server is ended that nobody needs any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// By SIGKILL.
    Kill,
    /// By SIGQUIT: it leaves something behind in the system if it is killed.
    Quit,
}

/// What is started, and how.
#[derive(Debug)]
pub(super) struct Launch<'a, A> {
    pub(super) program: &'a Path,
    pub(super) args: &'a [A],
    /// Where it runs; the watchdog removes it if this process dies.
    pub(super) folder: &'a Path,
    /// The file that what it prints is added to.
    pub(super) log: &'a Path,
    /// As whom it runs, if not as we do.
    pub(super) account: Option<&'a Account>,
    pub(super) ending: Ending,
}

impl<A: AsRef<OsStr>> Launch<'_, A> {
    fn command(&self) -> Result<Command, ServerError> {
        let output = fs::File::options()
            .create(true)
            .append(true)
            .open(self.log)
            .map_err(ServerError::io("open the server's log"))?;
        let errors = output
            .try_clone()
            .map_err(ServerError::io("open the server's log"))?;
        let mut command = Command::new(self.program);
        command
            .args(self.args)
            .current_dir(self.folder)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0);
        if let Some(account) = self.account {
            account.runs(&mut command);
        }
        Ok(command)
    }
}

impl Ending {
    fn signal(self) -> &'static str {
        match self {
            Self::Kill => "KILL",
            Self::Quit => "QUIT",
        }
    }

    fn leaves_time(self) -> bool {
        self.signal() != "KILL"
    }
}

/// A running server, and the shell that watches over it.
///
/// The server is not waited for while the shell lives, so the number that the shell would kill is never another's.
#[derive(Debug)]
pub(super) struct Process {
    server: Child,
    watchdog: Child,
    ending: Ending,
}

impl Process {
    pub(super) fn spawn(launch: &Launch<'_, impl AsRef<OsStr>>) -> Result<Self, ServerError> {
        let mut server = launch
            .command()?
            .spawn()
            .map_err(ServerError::io("start the server"))?;

        let watchdog = Command::new("sh")
            .args(["-c", WATCH])
            .arg(server.id().to_string())
            .arg(launch.folder)
            .arg(launch.ending.signal())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        match watchdog {
            Ok(watchdog) => Ok(Self {
                server,
                watchdog,
                ending: launch.ending,
            }),
            Err(error) => {
                // It is ours, and has not been waited for: both calls succeed.
                let _ = server.kill();
                let _ = server.wait();
                Err(ServerError::io("start `sh`, which watches over the server")(error))
            }
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.server.id()
    }

    /// Whether the server has not ended by itself.
    pub(super) fn is_running(&mut self) -> bool {
        let running = matches!(self.server.try_wait(), Ok(None));
        if !running {
            // The number may now become another's, and the watchdog must not mistake that for ours.
            let _ = self.watchdog.kill();
        }
        running
    }

    /// Sends a signal, such as `TERM`.
    pub(super) fn signal(&self, name: &'static str) -> Result<(), ServerError> {
        send(r#"kill -s "$0" "$1""#, name, self.id())
    }

    /// Stops the process where it is; returns when it stands, as far as the system can tell.
    pub(super) fn pause(&mut self) -> Result<(), ServerError> {
        self.signal("STOP")?;
        let stat = format!("/proc/{}/stat", self.id());
        let stands = || match fs::read_to_string(&stat) {
            // The state comes after the name, which is in parentheses.
            Ok(stat) => stat
                .rsplit_once(") ")
                .is_some_and(|(_, rest)| rest.starts_with('T')),
            Err(_) => true,
        };
        wait::poll(|| Ok::<_, ServerError>((stands() || !self.is_running()).then_some(())))?;
        Ok(())
    }

    /// Sends a signal to the server and to the processes that it has started.
    pub(super) fn signal_all(&self, name: &'static str) -> Result<(), ServerError> {
        const KILL: &str = r#"kill -s "$0" "$1" $(ps -A -o pid= -o ppid= | awk -v of="$1" '$2 == of { print $1 }')"#;
        send(KILL, name, self.id())
    }

    /// Asks the process to end and waits until it has; kills it when it does not.
    pub(super) fn terminate(mut self) -> Result<(), ServerError> {
        if !self.is_running() {
            return Ok(());
        }
        self.signal("TERM")?;
        self.signal("CONT")?;
        wait::poll(|| Ok::<_, ServerError>((!self.is_running()).then_some(())))?;
        Ok(())
    }
}

/// Has a shell send the signal `$0` to the process `$1`.
fn send(kill: &str, name: &str, to: u32) -> Result<(), ServerError> {
    let status = Command::new("sh")
        .args(["-c", kill, name, &to.to_string()])
        .status()
        .map_err(ServerError::io("start `sh` to send a signal"))?;
    if status.success() {
        Ok(())
    } else {
        Err(ServerError::io("send a signal to the server")(
            std::io::ErrorKind::NotFound.into(),
        ))
    }
}

impl Drop for Process {
    /// Ends the server, and waits until it is gone.
    fn drop(&mut self) {
        if self.ending.leaves_time() && self.is_running() {
            // If it cannot be told, or does not listen, it is killed below.
            let _ = self.signal(self.ending.signal());
            let _ = self.signal("CONT");
            let _ = wait::poll(|| Ok::<_, ServerError>((!self.is_running()).then_some(())));
        }
        // The watchdog goes before the server is waited for. A failure means that one is gone already.
        let _ = self.server.kill();
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
        let _ = self.server.wait();
    }
}
