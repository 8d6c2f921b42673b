//! A PostgreSQL server of a test's own.

use std::{net::SocketAddr, sync::Arc};

use super::{
    instance::{DATABASE, Instance, USER},
    query::Row,
};
use crate::{Proxy, ServerError, wait::blocking};

/// A PostgreSQL server in a process of its own, on a free port of 127.0.0.1, with a folder that goes with it.
///
/// Its user is `solent`, who may do everything and is asked for no password; the database `postgres` is there from the start.
/// It writes as if nothing ever lost power, which makes it fast. As root, it runs as the user `postgres`, or else `nobody`,
/// since PostgreSQL refuses to run as root.
///
/// It is stopped when this is dropped; if that is because the test panics, the end of its log is shown.
///
/// ```
/// use solent_test_servers::{PostgresServer, ServerError};
///
/// #[tokio::main(flavor = "current_thread")] // in a test: #[tokio::test]
/// async fn main() -> Result<(), ServerError> {
///     let postgres = PostgresServer::start().await?;
///     postgres.create_database("shop").await?;
///     let rows = postgres.query("shop", "SELECT 6 * 7, NULL").await?;
///     assert_eq!(rows, [[Some("42".to_owned()), None]]);
///     assert!(postgres.url("shop").starts_with("postgres://solent@127.0.0.1:"));
///     Ok(())
/// }
/// ```
///
/// # Cancel safety
///
/// An operation whose future is dropped goes on to its end in the background.
#[derive(Debug)]
#[must_use = "the server is stopped when this is dropped"]
pub struct PostgresServer {
    instance: Arc<Instance>,
}

impl PostgresServer {
    /// Makes a new server and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`ServerError::Missing`] and [`ServerError::Outdated`] say how to get a `postgres`, [`ServerError::Root`] whom to add
    /// to the system; [`ServerError::Failed`], [`ServerError::Ended`] and [`ServerError::Elapsed`] show what it said.
    ///
    /// # Cancel safety
    ///
    /// A server whose start nobody waits for is stopped as soon as it has started.
    pub async fn start() -> Result<Self, ServerError> {
        let instance = blocking(Instance::start).await?;
        Ok(Self {
            instance: Arc::new(instance),
        })
    }

    /// What a client of `database` is told: `postgres://solent@127.0.0.1:1234/postgres`. Names of databases go into it as
    /// they are.
    pub fn url(&self, database: &str) -> String {
        url(self.addr(), database)
    }

    /// What a client is told that is to come through `proxy`.
    pub fn url_via(&self, proxy: &Proxy, database: &str) -> String {
        url(proxy.addr(), database)
    }

    /// Where it listens, now and after every restart.
    pub fn addr(&self) -> SocketAddr {
        self.instance.addr()
    }

    /// The number of its process; `None` while it does not run.
    pub fn pid(&self) -> Option<u32> {
        self.instance.pid()
    }

    /// The last lines that it printed.
    pub fn log(&self) -> String {
        self.instance.log()
    }

    /// Makes an empty database. Its name goes into the statement between double quotes, as it is.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    ///
    /// # Cancel safety
    ///
    /// It may have been made.
    pub async fn create_database(&self, name: &str) -> Result<(), ServerError> {
        let sql = format!("CREATE DATABASE \"{name}\"");
        self.query(DATABASE, &sql).await?;
        Ok(())
    }

    /// Runs statements, with semicolons between, on a connection of its own; returns the rows of all of them as text.
    ///
    /// # Errors
    ///
    /// [`ServerError::Refused`] if the server answers with an error, [`ServerError::Io`] if it does not answer within twenty
    /// seconds.
    ///
    /// # Cancel safety
    ///
    /// The statements may have been carried out.
    pub async fn query(&self, database: &str, sql: &str) -> Result<Vec<Row>, ServerError> {
        let (database, sql) = (database.to_owned(), sql.to_owned());
        self.act(move |instance| instance.query(&database, &sql))
            .await
    }

    /// Ends the process at once (SIGQUIT) and waits until it is gone. Connections break; what was committed is kept.
    ///
    /// # Errors
    ///
    /// Only while the runtime ends.
    ///
    /// # Cancel safety
    ///
    /// It ends all the same.
    pub async fn stop(&self) -> Result<(), ServerError> {
        self.act(|instance| {
            instance.stop();
            Ok(())
        })
        .await
    }

    /// Freezes the server with all of its connections (SIGSTOP). The system goes on to take connections and bytes for it.
    ///
    /// # Errors
    ///
    /// [`ServerError::Io`] if the signal cannot be sent.
    ///
    /// # Cancel safety
    ///
    /// It is frozen all the same.
    pub async fn pause(&self) -> Result<(), ServerError> {
        self.act(|instance| instance.signal_all("STOP")).await
    }

    /// Lets a frozen server go on (SIGCONT).
    ///
    /// # Errors
    ///
    /// As [`pause`](Self::pause).
    ///
    /// # Cancel safety
    ///
    /// It goes on all the same.
    pub async fn resume(&self) -> Result<(), ServerError> {
        self.act(|instance| instance.signal_all("CONT")).await
    }

    /// Stops the server if it runs, starts it on the same port and waits until it answers.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start); [`ServerError::Ended`] also if somebody else has taken the port.
    ///
    /// # Cancel safety
    ///
    /// It starts all the same.
    pub async fn restart(&self) -> Result<(), ServerError> {
        self.act(|instance| {
            instance.stop();
            instance.run()
        })
        .await
    }

    async fn act<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Instance) -> Result<T, ServerError> + Send + 'static,
    ) -> Result<T, ServerError> {
        let instance = Arc::clone(&self.instance);
        blocking(move || act(&instance)).await
    }
}

fn url(addr: SocketAddr, database: &str) -> String {
    format!("postgres://{USER}@{addr}/{database}")
}
