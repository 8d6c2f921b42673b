//! One connection, as long as it is needed.

use deadpool_postgres::Object;
use tokio_postgres::Error;

use super::value;
use crate::database::{Row, Value};

/// A connection of the pool. It goes back only if it is not in the middle of anything: a statement whose answer no task waited
/// for would make the next one wait.
pub(super) struct Lease {
    /// There until this is dropped.
    client: Option<Object>,
    /// Whether a statement is under way.
    busy: bool,
}

/// What a statement is asked for.
#[derive(Clone, Copy)]
pub(super) enum Want {
    /// A row at most.
    Row,
    /// How many rows changed.
    Change,
}

/// What a statement answered.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) row: Option<Row>,
    pub(super) changed: u64,
}

impl Lease {
    pub(super) fn new(client: Object) -> Self {
        Self {
            client: Some(client),
            busy: false,
        }
    }

    pub(super) async fn ask(
        mut self,
        want: Want,
        sql: &str,
        values: &[Value],
    ) -> Result<Answer, Error> {
        let client = self.client.as_ref().expect("it is there until the end");
        let values = value::typed(values);
        self.busy = true;
        let answer = match want {
            Want::Row => client
                .query_typed_opt(sql, &values)
                .await
                .and_then(|row| row.as_ref().map(value::row).transpose())
                .map(|row| Answer { row, changed: 0 }),
            Want::Change => client
                .execute_typed(sql, &values)
                .await
                .map(|changed| Answer { row: None, changed }),
        };
        self.busy = false;
        answer
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(client) = self.client.take()
            && self.busy
        {
            // Taken from the pool, and closed.
            drop(Object::take(client));
        }
    }
}
