//! SQLite, on the threads for what blocks.

mod pool;

use std::{path::PathBuf, sync::Arc};

use rusqlite::{
    Connection, Params, ToSql, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};

use self::pool::Pool;
use super::{DatabaseConfig, DatabaseError, Row, Value, moment, query::Cell};

/// A file with a database.
#[derive(Clone)]
pub(super) struct Sqlite(Arc<Pool>);

impl Sqlite {
    pub(super) fn new(path: PathBuf, config: &DatabaseConfig) -> Self {
        Self(Arc::new(Pool::new(path, config)))
    }

    pub(super) async fn row(
        &self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Option<Row>, DatabaseError> {
        let sql = sql.to_owned();
        let act = move |connection: &Connection| first(connection, &sql, bound(values));
        Pool::run(&self.0, act).await
    }

    pub(super) async fn execute(
        &self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<u64, DatabaseError> {
        let sql = sql.to_owned();
        let act = move |connection: &Connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            statement.execute(bound(values))
        };
        // A number of rows, which is no more than there can be.
        Ok(Pool::run(&self.0, act).await? as u64)
    }
}

fn first(connection: &Connection, sql: &str, values: impl Params) -> rusqlite::Result<Option<Row>> {
    let mut statement = connection.prepare_cached(sql)?;
    let columns = statement.column_count();
    let mut rows = statement.query(values)?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let cells = (0..columns).map(|column| Ok(cell(row.get_ref(column)?)));
    cells.collect::<rusqlite::Result<_>>().map(Row).map(Some)
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(value) => Cell::Integer(value),
        ValueRef::Real(value) => Cell::Text(value.to_string()),
        ValueRef::Text(text) | ValueRef::Blob(text) => {
            Cell::Text(String::from_utf8_lossy(text).into_owned())
        }
    }
}

fn bound(values: Vec<Value>) -> impl Params {
    params_from_iter(values)
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Text(text) => text.as_str().into(),
            Self::Integer(value) => (*value).into(),
            Self::Moment(moment) => moment::to_text(*moment).into(),
        })
    }
}
