//! What goes into a statement and what comes back.

use std::{mem, time::SystemTime};

use super::DatabaseError;

/// A value for a statement.
///
/// Statements name their values `$1`, `$2` … and name them first in this order, which both databases understand.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    Moment(SystemTime),
}

/// A value of an answer. Statements convert whatever they select to text or integer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Cell {
    #[default]
    Null,
    Text(String),
    Integer(i64),
}

/// A line of an answer.
#[derive(Debug)]
pub(crate) struct Row(pub(super) Vec<Cell>);

impl Row {
    /// Takes a text out; an absent one is empty.
    pub(crate) fn text(&mut self, column: usize) -> Result<String, DatabaseError> {
        Ok(self.optional_text(column)?.unwrap_or_default())
    }

    /// Takes a text out, if there is one.
    pub(crate) fn optional_text(&mut self, column: usize) -> Result<Option<String>, DatabaseError> {
        let cell = self.0.get_mut(column).map(mem::take);
        match cell {
            Some(Cell::Text(text)) => Ok(Some(text)),
            Some(Cell::Null) => Ok(None),
            Some(Cell::Integer(_)) | None => Err(DatabaseError::Shape(column)),
        }
    }

    /// Whether a truth value is true; an absent one is not.
    pub(crate) fn flag(&self, column: usize) -> Result<bool, DatabaseError> {
        match self.0.get(column) {
            Some(Cell::Integer(value)) => Ok(*value != 0),
            Some(Cell::Null) => Ok(false),
            Some(Cell::Text(_)) | None => Err(DatabaseError::Shape(column)),
        }
    }
}
