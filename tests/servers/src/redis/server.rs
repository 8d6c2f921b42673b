//! A Redis server of a test's own.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    Certificates, RedisBuilder, Reply,
    instance::{Instance, Settings},
};
use crate::{Proxy, ServerError, wait::blocking};

/// A Redis server in a process of its own, on a free port of 127.0.0.1, with a folder that goes with it.
///
/// It is killed when this is dropped; if that is because the test panics, the end of its log is shown.
///
/// ```
/// use solent_test_servers::{RedisServer, ServerError};
///
/// #[tokio::main(flavor = "current_thread")] // in a test: #[tokio::test]
/// async fn main() -> Result<(), ServerError> {
///     let redis = RedisServer::builder().password("secret").persistent().start().await?;
///     assert_eq!(redis.command(&["SET", "greeting", "hello"]).await?, "OK");
///
///     redis.kill().await?; // as a power cut
///     redis.restart().await?; // on the same port, with what it had, as it is persistent
///     assert_eq!(redis.command(&["GET", "greeting"]).await?, "hello");
///     assert_eq!(redis.keys().await?, ["greeting"]);
///     Ok(())
/// }
/// ```
///
/// # Cancel safety
///
/// An operation whose future is dropped goes on to its end in the background.
#[derive(Debug)]
#[must_use = "the server is killed when this is dropped"]
pub struct RedisServer {
    instance: Arc<Instance>,
    /// Whether its URL names the Unix socket.
    unix_socket: bool,
}

impl RedisServer {
    /// Starts a server that asks for no password and writes nothing to disk.
    ///
    /// # Errors
    ///
    /// As [`RedisBuilder::start`].
    ///
    /// # Cancel safety
    ///
    /// As [`RedisBuilder::start`].
    pub async fn start() -> Result<Self, ServerError> {
        Self::builder().start().await
    }

    /// A server to be described before it starts.
    pub fn builder() -> RedisBuilder {
        RedisBuilder::default()
    }

    pub(super) async fn with(settings: Settings, unix_socket: bool) -> Result<Self, ServerError> {
        let instance = blocking(|| Instance::start(settings)).await?;
        Ok(Self::from_instance(instance, unix_socket))
    }

    pub(super) fn from_instance(instance: Instance, unix_socket: bool) -> Self {
        Self {
            instance: Arc::new(instance),
            unix_socket,
        }
    }

    pub(super) fn instance(&self) -> &Arc<Instance> {
        &self.instance
    }

    /// What a client is told: `redis://127.0.0.1:1234`, `rediss://…` with TLS, `redis+unix:///path` with a Unix socket. The
    /// password of a Unix socket's URL is the field `pass` of its query. No database is named.
    pub fn url(&self) -> String {
        if self.unix_socket {
            let path = self.socket();
            let query = self
                .encoded_password()
                .map(|password| format!("?pass={password}"))
                .unwrap_or_default();
            return format!("redis+unix://{}{query}", path.display());
        }
        self.url_at(self.addr())
    }

    /// What a client is told that is to come through `proxy`.
    pub fn url_via(&self, proxy: &Proxy) -> String {
        self.url_at(proxy.addr())
    }

    fn url_at(&self, addr: SocketAddr) -> String {
        let scheme = match self.certificates() {
            Some(_) => "rediss",
            None => "redis",
        };
        let user = self
            .encoded_password()
            .map(|password| format!(":{password}@"))
            .unwrap_or_default();
        format!("{scheme}://{user}{addr}")
    }

    fn encoded_password(&self) -> Option<String> {
        let password = self.instance.password()?;
        Some(utf8_percent_encode(password, NON_ALPHANUMERIC).to_string())
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port()).into()
    }

    /// The port it listens on, now and after every restart.
    pub fn port(&self) -> u16 {
        self.instance.port()
    }

    /// The Unix socket it listens on.
    pub fn socket(&self) -> PathBuf {
        self.instance.socket()
    }

    /// The number of its process; `None` while it does not run.
    pub fn pid(&self) -> Option<u32> {
        self.instance.pid()
    }

    /// Its certificates, if it speaks TLS.
    pub fn certificates(&self) -> Option<&Certificates> {
        self.instance.certificates()
    }

    /// The last lines that it printed.
    pub fn log(&self) -> String {
        self.instance.log()
    }

    /// Sends one command on a connection of its own, and returns the reply as text, one line for each element of a list.
    ///
    /// # Errors
    ///
    /// [`ServerError::Refused`] if the server answers with an error, [`ServerError::Io`] if it does not answer within five
    /// seconds.
    ///
    /// # Cancel safety
    ///
    /// The command may have been carried out.
    pub async fn command(&self, command: &[&str]) -> Result<String, ServerError> {
        Ok(self.query(command).await?.to_string())
    }

    /// Sends one command, whose words may be any bytes, on a connection of its own.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    ///
    /// # Cancel safety
    ///
    /// The command may have been carried out.
    pub async fn query(&self, command: &[impl AsRef<[u8]>]) -> Result<Reply, ServerError> {
        let command: Vec<Vec<u8>> = command.iter().map(|word| word.as_ref().to_vec()).collect();
        self.act(move |instance| instance.ask(&command)).await
    }

    /// The keys of database 0, sorted; bytes that are no text are shown as U+FFFD.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    ///
    /// # Cancel safety
    ///
    /// Nothing changes.
    pub async fn keys(&self) -> Result<Vec<String>, ServerError> {
        let mut keys = self.query(&["KEYS", "*"]).await?.lines();
        keys.sort_unstable();
        Ok(keys)
    }

    /// A field of `INFO`, such as `connected_clients`, which counts the connection that asks.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command), and [`ServerError::Unreadable`] if there is no such field.
    ///
    /// # Cancel safety
    ///
    /// Nothing changes.
    pub async fn info(&self, field: &str) -> Result<String, ServerError> {
        let info = self.command(&["INFO", "everything"]).await?;
        info.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| *name == field)
            .map(|(_, value)| value.trim_end().to_owned())
            .ok_or_else(|| ServerError::Unreadable {
                command: "INFO".to_owned(),
                reply: format!("no {field}"),
            })
    }

    /// Kills the process (SIGKILL) and waits until it is gone. Connections break; what was not persistent is lost.
    ///
    /// # Errors
    ///
    /// Only while the runtime ends.
    ///
    /// # Cancel safety
    ///
    /// It is killed all the same.
    pub async fn kill(&self) -> Result<(), ServerError> {
        self.act(|instance| {
            instance.kill();
            Ok(())
        })
        .await
    }

    /// Asks the process to end (SIGTERM) and waits until it is gone; it is killed after 30 seconds.
    ///
    /// # Errors
    ///
    /// [`ServerError::Io`] if no signal can be sent.
    ///
    /// # Cancel safety
    ///
    /// It ends all the same.
    pub async fn stop(&self) -> Result<(), ServerError> {
        self.act(Instance::stop).await
    }

    /// Stops the server if it runs, starts it on the same port and waits until it answers.
    ///
    /// # Errors
    ///
    /// As [`RedisBuilder::start`]; [`ServerError::Ended`] also if somebody else has taken the port.
    ///
    /// # Cancel safety
    ///
    /// It starts all the same.
    pub async fn restart(&self) -> Result<(), ServerError> {
        self.act(|instance| {
            instance.stop()?;
            instance.run()
        })
        .await
    }

    /// Stops the process where it is (SIGSTOP): connections stay and new ones are made, but nothing answers, as when a wire
    /// is cut.
    ///
    /// # Errors
    ///
    /// [`ServerError::Stopped`] if it does not run.
    ///
    /// # Cancel safety
    ///
    /// It stands still all the same.
    pub async fn pause(&self) -> Result<(), ServerError> {
        self.act(Instance::pause).await
    }

    /// Lets the process go on after [`pause`](Self::pause) (SIGCONT).
    ///
    /// # Errors
    ///
    /// [`ServerError::Stopped`] if it does not run.
    ///
    /// # Cancel safety
    ///
    /// It goes on all the same.
    pub async fn resume(&self) -> Result<(), ServerError> {
        self.act(Instance::resume).await
    }

    async fn act<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Instance) -> Result<T, ServerError> + Send + 'static,
    ) -> Result<T, ServerError> {
        let instance = Arc::clone(&self.instance);
        blocking(move || act(&instance)).await
    }
}
