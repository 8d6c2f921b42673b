//! Values on their way to the server and back.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{Format, FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

use crate::database::{Row, Value, moment, query::Cell};

/// The values, each of a type that the server is to find out.
pub(super) fn typed(values: &[Value]) -> Vec<(&(dyn ToSql + Sync), Type)> {
    let typed = |value| (value as &(dyn ToSql + Sync), Type::UNKNOWN);
    values.iter().map(typed).collect()
}

pub(super) fn row(row: &tokio_postgres::Row) -> Result<Row, tokio_postgres::Error> {
    let cell = |column| {
        let cell: Option<Cell> = row.try_get(column)?;
        Ok(cell.unwrap_or(Cell::Null))
    };
    (0..row.len()).map(cell).collect::<Result<_, _>>().map(Row)
}

impl ToSql for Value {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
            Self::Integer(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Self::Moment(moment) => {
                out.extend_from_slice(moment::to_text(*moment).as_bytes());
                out.extend_from_slice(b"+00");
            }
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Cell {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        if *ty == Type::INT4 {
            return Ok(Self::Integer(i32::from_sql(ty, raw)?.into()));
        }
        Ok(Self::Text(String::from_sql(ty, raw)?))
    }

    accepts!(INT4, TEXT);
}
