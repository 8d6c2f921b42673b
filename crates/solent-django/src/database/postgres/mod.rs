//! PostgreSQL.
//!
//! Every statement is one round trip and leaves nothing prepared behind, so that a PgBouncer in any mode may stand between.
//! Values travel as text of no declared type: the server makes of them what their columns are, as it does for Django.

mod lease;
mod options;
mod said;
mod tls;
mod value;
mod verify;

use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use tokio::time::timeout;
use tokio_postgres::error::SqlState;

use self::{
    lease::{Answer, Lease, Want},
    options::Options,
};
use super::{DatabaseConfig, DatabaseError, Row, Value};

/// A database of a server.
#[derive(Clone)]
pub(super) struct Postgres {
    pool: Pool,
    timeout: Duration,
}

impl Postgres {
    pub(super) fn new(url: &str, config: &DatabaseConfig) -> Result<Self, DatabaseError> {
        let options = Options::parse(url)?;
        let server = options.server(config.timeout)?;
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_config(server, options.tls.connector()?, recycling);
        let pool = Pool::builder(manager)
            .max_size(config.pool_size.get())
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(unavailable)?;
        Ok(Self {
            pool,
            timeout: config.timeout,
        })
    }

    pub(super) async fn row(
        &self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Option<Row>, DatabaseError> {
        Ok(self.ask(Want::Row, sql, &values).await?.row)
    }

    pub(super) async fn execute(
        &self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<u64, DatabaseError> {
        Ok(self.ask(Want::Change, sql, &values).await?.changed)
    }

    pub(super) async fn execute_once(
        &self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<u64, DatabaseError> {
        let asking = async {
            let asked = self.lease().await?.ask(Want::Change, sql, &values).await;
            asked.map_err(refused)
        };
        let answer = timeout(self.timeout, asking).await;
        Ok(answer.map_err(|_| self.elapsed())??.changed)
    }

    async fn ask(&self, want: Want, sql: &str, values: &[Value]) -> Result<Answer, DatabaseError> {
        timeout(self.timeout, self.ask_twice(want, sql, values))
            .await
            .map_err(|_| self.elapsed())?
    }

    /// A pooled connection may turn out to be lost only when it is used; then a new one is asked, once. Only statements
    /// that may be carried out twice are asked in this way.
    async fn ask_twice(
        &self,
        want: Want,
        sql: &str,
        values: &[Value],
    ) -> Result<Answer, DatabaseError> {
        let asked = match self.lease().await?.ask(want, sql, values).await {
            Err(error) if error.is_closed() => self.lease().await?.ask(want, sql, values).await,
            asked => asked,
        };
        asked.map_err(refused)
    }

    async fn lease(&self) -> Result<Lease, DatabaseError> {
        match self.pool.get().await {
            Ok(client) => Ok(Lease::new(client)),
            Err(PoolError::Timeout(TimeoutType::Wait)) => Err(self.elapsed()),
            Err(PoolError::Backend(error)) => Err(not_connected(error)),
            Err(error) => Err(unavailable(error)),
        }
    }

    fn elapsed(&self) -> DatabaseError {
        DatabaseError::Elapsed {
            waited: self.timeout,
        }
    }
}

/// What connecting failed with.
fn not_connected(error: tokio_postgres::Error) -> DatabaseError {
    match error.code().is_some_and(|code| !passes(code)) {
        true => DatabaseError::Unusable(SERVER.to_owned(), said::cause(error)),
        false => unavailable(said::cause(error)),
    }
}

/// What a statement failed with.
fn refused(error: tokio_postgres::Error) -> DatabaseError {
    match error.code() {
        None => unavailable(error),
        Some(code) if passes(code) => unavailable(said::cause(error)),
        Some(&(SqlState::NUMERIC_VALUE_OUT_OF_RANGE | SqlState::INVALID_TEXT_REPRESENTATION)) => {
            DatabaseError::Value(said::cause(error))
        }
        Some(_) => DatabaseError::Refused(said::cause(error)),
    }
}

/// Whether a server that answers with this code may do what it was asked for later: it starts or stops, has no room, is the
/// standby of another one, or has ended a statement in favour of others.
fn passes(code: &SqlState) -> bool {
    const CLASSES: [&str; 6] = ["08", "40", "53", "55", "57", "58"];
    let code = code.code();
    code == SqlState::READ_ONLY_SQL_TRANSACTION.code()
        || CLASSES.iter().any(|class| code.starts_with(class))
}

const SERVER: &str = "server of PostgreSQL";

fn unavailable(error: impl Into<solent_spec::BoxError>) -> DatabaseError {
    DatabaseError::Unavailable(SERVER.to_owned(), error.into())
}
