//! What a URL says about where the database is.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;

use super::DatabaseError;

/// Where a database is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Location {
    /// In this file.
    Sqlite(PathBuf),
    /// At a server, which this URL of the scheme `postgresql` names.
    Postgres(String),
}

impl Location {
    pub(super) fn parse(url: &str) -> Result<Self, DatabaseError> {
        let (scheme, rest) = url.split_once("://").ok_or(DatabaseError::url(
            "has no scheme, such as `sqlite` or `postgres`",
        ))?;
        match scheme {
            "sqlite" | "sqlite3" => sqlite(rest),
            "postgres" | "postgresql" | "pgsql" | "postgis" => Ok(Self::Postgres(postgres(rest))),
            other => Err(DatabaseError::url(format!(
                "has the scheme `{}`, and only `sqlite` and `postgres` are known",
                other.escape_default()
            ))),
        }
    }
}

/// In options, `+` is a space, as `urlencode` and Django's readers of such URLs have it; the client knows only `%20`.
fn postgres(rest: &str) -> String {
    match rest.split_once('?') {
        Some((place, options)) => format!("postgresql://{place}?{}", options.replace('+', "%20")),
        None => format!("postgresql://{rest}"),
    }
}

/// What follows the host, which is empty, and a slash, is the path; an absolute one begins with a slash of its own.
fn sqlite(rest: &str) -> Result<Location, DatabaseError> {
    const FORM: &str = "is not of the form `sqlite:///relative/path` or `sqlite:////absolute/path`";
    let path = rest.strip_prefix('/').ok_or(DatabaseError::url(FORM))?;
    let path = path.split('?').next().unwrap_or_default();
    let path = decoded(path).ok_or(DatabaseError::url("has a path that is not UTF-8"))?;
    if path == ":memory:" {
        return Err(DatabaseError::url(
            "names a database in memory, which no other process could see",
        ));
    }
    if path.is_empty() || path.contains('\0') {
        return Err(DatabaseError::url(FORM));
    }
    Ok(Location::Sqlite(path.into()))
}

/// Without percent-encoding; `None` if that is not UTF-8.
pub(super) fn decoded(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    Some(text.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sqlite_at(url: &str) -> PathBuf {
        match Location::parse(url) {
            Ok(Location::Sqlite(path)) => path,
            other => panic!("{url} is {other:?}"),
        }
    }

    #[test]
    fn a_path_follows_the_third_slash() {
        assert_eq!(
            sqlite_at("sqlite:///db.sqlite3"),
            PathBuf::from("db.sqlite3")
        );
        assert_eq!(
            sqlite_at("sqlite:////srv/my%20db"),
            PathBuf::from("/srv/my db")
        );
        assert_eq!(sqlite_at("sqlite:///100%.db"), PathBuf::from("100%.db"));
        assert_eq!(
            sqlite_at("sqlite:////srv/db?timeout=20"),
            PathBuf::from("/srv/db")
        );
    }

    #[test]
    fn every_name_of_postgresql_is_known() {
        for scheme in ["postgres", "postgresql", "pgsql", "postgis"] {
            assert_eq!(
                Location::parse(&format!("{scheme}://u:p@h/d?a=b")).unwrap(),
                Location::Postgres("postgresql://u:p@h/d?a=b".to_owned())
            );
        }
    }

    #[test]
    fn a_plus_is_a_space_in_options_and_nowhere_else() {
        assert_eq!(
            Location::parse("postgres://u:p+q@h/d+e?options=-c+a%3Db").unwrap(),
            Location::Postgres("postgresql://u:p+q@h/d+e?options=-c%20a%3Db".to_owned())
        );
    }

    #[test]
    fn other_urls_are_refused_without_a_word_of_their_secrets() {
        for url in [
            "",
            "db.sqlite3",
            "sqlite://",
            "sqlite:///",
            "sqlite://host/db",
            "sqlite:///:memory:",
            "sqlite:///%00",
            "mysql://root:secret@localhost/db",
        ] {
            let error = Location::parse(url).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_url_panics(url in "(sqlite|postgres)://\\PC*") {
            let _ = Location::parse(&url);
        }
    }
}
