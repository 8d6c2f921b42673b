//! What tells one user from another.

use crate::database::{Dialect, Value};

/// The type of a user model's primary key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PrimaryKey {
    /// A number: `AutoField`, `BigAutoField` and the like.
    #[default]
    Integer,
    /// A `UUIDField`.
    Uuid,
    /// A `CharField`, `SlugField` and the like.
    Text,
}

impl PrimaryKey {
    /// What a session has as `_auth_user_id`, for a statement; `None` if no user can be called that.
    pub(super) fn value(self, id: &str, dialect: Dialect) -> Option<Value> {
        /// Longer than any key in use.
        const MAX_TEXT: usize = 255;
        match self {
            Self::Integer => id.parse().ok().map(Value::Integer),
            Self::Uuid => {
                let digits = uuid_digits(id)?;
                Some(Value::Text(match dialect {
                    Dialect::Sqlite => digits,
                    Dialect::Postgres => with_dashes(&digits),
                }))
            }
            Self::Text => {
                let fits = !id.is_empty() && id.len() <= MAX_TEXT && !id.contains('\0');
                fits.then(|| Value::Text(id.to_owned()))
            }
        }
    }

    /// What a session has as `_auth_user_id` for the user whose column has `stored`.
    pub(super) fn id(self, stored: String) -> String {
        match self {
            Self::Integer | Self::Text => stored,
            Self::Uuid => uuid_digits(&stored).map_or(stored, |digits| with_dashes(&digits)),
        }
    }
}

/// The 32 lower-case digits of a UUID, which is written with dashes or without.
fn uuid_digits(text: &str) -> Option<String> {
    let is_written_well = match text.len() {
        32 => true,
        36 => [8, 13, 18, 23]
            .iter()
            .all(|&at| text.as_bytes()[at] == b'-'),
        _ => false,
    };
    let digits: String = text.chars().filter(|&digit| digit != '-').collect();
    let is_one = digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    (is_written_well && is_one).then(|| digits.to_ascii_lowercase())
}

fn with_dashes(digits: &str) -> String {
    let (a, rest) = digits.split_at(8);
    let (b, rest) = rest.split_at(4);
    let (c, rest) = rest.split_at(4);
    let (d, e) = rest.split_at(4);
    format!("{a}-{b}-{c}-{d}-{e}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(key: PrimaryKey, id: &str, dialect: Dialect) -> Option<String> {
        key.value(id, dialect).map(|value| match value {
            Value::Text(text) => text,
            other => format!("{other:?}"),
        })
    }

    #[test]
    fn numbers_are_numbers() {
        let integer = |id| text(PrimaryKey::Integer, id, Dialect::Sqlite);

        assert_eq!(integer("42").as_deref(), Some("Integer(42)"));
        assert_eq!(integer("-1").as_deref(), Some("Integer(-1)"));
        for bad in ["", "abc", "1.0", "1 OR 1=1", "99999999999999999999", "٣"] {
            assert_eq!(integer(bad), None, "{bad}");
        }
    }

    #[test]
    fn uuids_are_stored_as_each_database_has_them_and_known_by_their_dashes() {
        const DASHED: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
        const PLAIN: &str = "7c9e6679742540de944be07fc1f90ae7";
        for id in [DASHED, PLAIN, &DASHED.to_uppercase()] {
            let uuid = |dialect| text(PrimaryKey::Uuid, id, dialect);
            assert_eq!(uuid(Dialect::Sqlite).as_deref(), Some(PLAIN));
            assert_eq!(uuid(Dialect::Postgres).as_deref(), Some(DASHED));
            assert_eq!(PrimaryKey::Uuid.id(id.to_owned()), DASHED);
        }
        for bad in ["1", &DASHED[1..], &PLAIN.replace('7', "x"), &"-".repeat(36)] {
            assert_eq!(text(PrimaryKey::Uuid, bad, Dialect::Sqlite), None, "{bad}");
        }
    }

    #[test]
    fn text_is_anything_short_that_databases_take() {
        let key = |id: &str| text(PrimaryKey::Text, id, Dialect::Postgres);

        assert_eq!(key("ann' OR 1=1").as_deref(), Some("ann' OR 1=1"));
        assert_eq!(key(""), None);
        assert_eq!(key("a\0"), None);
        assert_eq!(key(&"x".repeat(256)), None);
    }

    proptest! {
        #[test]
        fn no_id_panics(id in "\\PC{0,40}") {
            for key in [PrimaryKey::Integer, PrimaryKey::Uuid, PrimaryKey::Text] {
                let _ = (key.value(&id, Dialect::Sqlite), key.id(id.clone()));
            }
        }
    }
}
