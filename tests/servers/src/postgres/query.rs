//! One query and its rows as text, with the `tokio-postgres` client.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{runtime, time};
use tokio_postgres::{Config, NoTls, SimpleQueryMessage};

use crate::ServerError;

/// How long a server may take for one query.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The values of one row as text; `None` is NULL.
pub type Row = Vec<Option<String>>;

/// Runs `sql`, on a connection of its own, and returns the rows of all its statements. Waits where it stands, on a runtime of
/// its own: the caller's may have a paused clock.
pub(super) fn query(
    addr: SocketAddr,
    user: &str,
    database: &str,
    sql: &str,
) -> Result<Vec<Row>, ServerError> {
    let mut config = Config::new();
    config
        .host(addr.ip().to_string())
        .port(addr.port())
        .user(user)
        .dbname(database);
    let answer = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ServerError::io("start a runtime"))?
        .block_on(async { time::timeout(TIMEOUT, rows(&config, sql)).await });
    match answer {
        Ok(rows) => rows.map_err(|error| failed(sql, error)),
        Err(elapsed) => Err(ServerError::io("wait for the server's answer")(
            elapsed.into(),
        )),
    }
}

async fn rows(config: &Config, sql: &str) -> Result<Vec<Row>, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    let connection = tokio::spawn(connection);
    let messages = client.simple_query(sql).await;
    // It says goodbye and ends.
    drop(client);
    let _ = connection.await;
    let rows = messages?.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(
            (0..row.len())
                .map(|idx| row.get(idx).map(str::to_owned))
                .collect(),
        ),
        _ => None,
    });
    Ok(rows.collect())
}

/// Shows no more of a statement than its first word, and no more of a refusal than its code and its reason.
fn failed(sql: &str, error: tokio_postgres::Error) -> ServerError {
    match error.as_db_error() {
        Some(refusal) => ServerError::Refused {
            command: sql.split_whitespace().next().unwrap_or_default().to_owned(),
            reply: format!("{} {}", refusal.code().code(), refusal.message()),
        },
        None => ServerError::io("ask the server")(io::Error::other(error)),
    }
}
