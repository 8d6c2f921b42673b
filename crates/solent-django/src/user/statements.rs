//! What is asked of the tables of users.

use std::collections::BTreeSet;

use super::{DjangoUser, Membership, UserTable};
use crate::database::{DatabaseError, Dialect, Row, quoted};

/// Statements for one table.
#[derive(Debug)]
pub(super) struct Statements {
    /// A user by primary key.
    pub(super) by_id: String,
    /// A user by what they log in with.
    pub(super) by_username: String,
    /// Sets the last login; `None` if there is no column for it.
    pub(super) logged_in: Option<String>,
    /// Replaces a password, if it is still the former one.
    pub(super) set_password: String,
}

impl Statements {
    pub(super) fn new(table: &UserTable, dialect: Dialect) -> Result<Self, DatabaseError> {
        let name = quoted(&table.table)?;
        let id = quoted(&table.id)?;
        let username = quoted(&table.username)?;
        let password = quoted(&table.password)?;
        let select = select(table, dialect)?;
        let logged_in = |column: &String| {
            let column = quoted(column)?;
            Ok(format!("UPDATE {name} SET {column} = $1 WHERE {id} = $2"))
        };
        Ok(Self {
            by_id: format!("{select} WHERE u.{id} = $1"),
            by_username: format!("{select} WHERE u.{username} = $1"),
            logged_in: table.last_login.as_ref().map(logged_in).transpose()?,
            set_password: format!(
                "UPDATE {name} SET {password} = $1 WHERE {id} = $2 AND {password} = $3"
            ),
        })
    }
}

/// Everything about a user, in the order in which [`user`] takes it.
fn select(table: &UserTable, dialect: Dialect) -> Result<String, DatabaseError> {
    let text = |column: Option<&str>| match column {
        Some(column) => Ok(format!("CAST(u.{} AS text)", quoted(column)?)),
        None => Ok("CAST(NULL AS text)".to_owned()),
    };
    let flag = |column: &Option<String>, absent: &str| match column {
        Some(column) => Ok(format!("CAST(u.{} AS integer)", quoted(column)?)),
        None => Ok(absent.to_owned()),
    };
    let mut columns = vec![
        text(Some(&table.id))?,
        text(Some(&table.username))?,
        text(Some(&table.password))?,
        text(table.email.as_deref())?,
        text(table.first_name.as_deref())?,
        text(table.last_name.as_deref())?,
        flag(&table.is_active, "1")?,
        flag(&table.is_staff, "0")?,
        flag(&table.is_superuser, "0")?,
        groups(table, dialect)?,
        permissions(table, dialect)?,
    ];
    for column in &table.columns {
        columns.push(text(Some(column))?);
    }
    let from = quoted(&table.table)?;
    Ok(format!("SELECT {} FROM {from} AS u", columns.join(", ")))
}

/// The names of the user's groups, as a list in JSON.
fn groups(table: &UserTable, dialect: Dialect) -> Result<String, DatabaseError> {
    let Some(Membership { table: of, user }) = &table.groups else {
        return Ok("CAST(NULL AS text)".to_owned());
    };
    let (of, user, id) = (quoted(of)?, quoted(user)?, quoted(&table.id)?);
    let names = list("g.name", dialect);
    Ok(format!(
        "(SELECT {names} FROM {of} AS ug JOIN auth_group AS g ON g.id = ug.group_id \
         WHERE ug.{user} = u.{id})"
    ))
}

/// The permissions that the user has, alone or through a group, as a list in JSON.
fn permissions(table: &UserTable, dialect: Dialect) -> Result<String, DatabaseError> {
    let id = quoted(&table.id)?;
    let mut sources = Vec::new();
    if let Some(Membership { table: of, user }) = &table.permissions {
        let (of, user) = (quoted(of)?, quoted(user)?);
        sources.push(format!(
            "SELECT up.permission_id FROM {of} AS up WHERE up.{user} = u.{id}"
        ));
    }
    if let Some(Membership { table: of, user }) = &table.groups {
        let (of, user) = (quoted(of)?, quoted(user)?);
        sources.push(format!(
            "SELECT gp.permission_id FROM auth_group_permissions AS gp \
             JOIN {of} AS ug ON ug.group_id = gp.group_id WHERE ug.{user} = u.{id}"
        ));
    }
    if sources.is_empty() {
        return Ok("CAST(NULL AS text)".to_owned());
    }
    let codes = list("c.app_label || '.' || p.codename", dialect);
    Ok(format!(
        "(SELECT {codes} FROM auth_permission AS p \
         JOIN django_content_type AS c ON c.id = p.content_type_id WHERE p.id IN ({}))",
        sources.join(" UNION ")
    ))
}

/// All of what an expression is for each row, as a list in JSON: one value of the answer.
fn list(expression: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::Sqlite => format!("json_group_array({expression})"),
        Dialect::Postgres => format!("CAST(json_agg({expression}) AS text)"),
    }
}

/// The user of a row.
pub(super) fn user(table: &UserTable, row: &mut Row) -> Result<DjangoUser, DatabaseError> {
    /// Where the other columns begin.
    const OTHERS: usize = 11;
    let other = |(at, name): (usize, &String)| {
        let value = row.optional_text(OTHERS + at)?;
        Ok((name.clone(), value))
    };
    Ok(DjangoUser {
        columns: table
            .columns
            .iter()
            .enumerate()
            .map(other)
            .collect::<Result<_, _>>()?,
        id: table.id_type.id(row.text(0)?),
        username: row.text(1)?,
        password: row.text(2)?,
        email: row.text(3)?,
        first_name: row.text(4)?,
        last_name: row.text(5)?,
        is_active: row.flag(6)?,
        is_staff: row.flag(7)?,
        is_superuser: row.flag(8)?,
        groups: names(row, 9)?,
        permissions: names(row, 10)?,
    })
}

fn names(row: &mut Row, column: usize) -> Result<BTreeSet<String>, DatabaseError> {
    let list = row.text(column)?;
    if list.is_empty() {
        return Ok(BTreeSet::new());
    }
    serde_json::from_str(&list).map_err(|_| DatabaseError::Shape(column))
}
