//! Names of tables and columns.

use super::DatabaseError;

/// The longest name that PostgreSQL has; Django shortens its own to it.
const MAX_LEN: usize = 63;

/// The name as it stands in a statement, in double quotes: whatever is in it is part of the name.
pub(crate) fn quoted(name: &str) -> Result<String, DatabaseError> {
    if name.is_empty() || name.len() > MAX_LEN || name.contains('\0') {
        return Err(DatabaseError::Name(name.to_owned()));
    }
    Ok(format!("\"{}\"", name.replace('"', "\"\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_quotes() {
        assert_eq!(quoted("auth_user").unwrap(), "\"auth_user\"");
        assert_eq!(
            quoted("x\"; DROP TABLE y; --").unwrap(),
            "\"x\"\"; DROP TABLE y; --\""
        );
        for bad in ["", "a\0b", &"x".repeat(64)] {
            assert!(quoted(bad).is_err(), "{bad:?}");
        }
    }
}
