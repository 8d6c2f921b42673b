//! The programs that are started.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::ServerError;

/// Names the server.
const VARIABLE: &str = "SOLENT_TEST_POSTGRES";

/// The oldest major version that has what we start servers with.
const OLDEST: u32 = 14;

/// How to get the programs.
const REMEDY: &str = "install PostgreSQL 14 or newer (`apt-get install postgresql`, `brew install postgresql@17` or \
                      `dnf install postgresql-server`), or set SOLENT_TEST_POSTGRES to the path of a `postgres` that has \
                      `initdb` beside it";

/// Where packages put the programs, as not every system has them in `PATH`: a folder, and how the names in it begin that
/// go on with a version.
const PLACES: &[(&str, &str)] = &[
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql@"),
    ("/usr/local/opt", "postgresql@"),
];

/// The server, and what makes a folder for it.
#[derive(Debug)]
pub(super) struct Binaries {
    pub(super) postgres: PathBuf,
    pub(super) initdb: PathBuf,
}

/// Where the programs are; looked for once in a process, as far as they are found.
pub(super) fn binaries() -> Result<&'static Binaries, ServerError> {
    static FOUND: OnceLock<Binaries> = OnceLock::new();
    if let Some(found) = FOUND.get() {
        return Ok(found);
    }
    let found = locate(env::var_os(VARIABLE), env::var_os("PATH"), PLACES)?;
    check(&found.postgres)?;
    Ok(FOUND.get_or_init(|| found))
}

fn locate(
    named: Option<OsString>,
    path: Option<OsString>,
    places: &[(&str, &str)],
) -> Result<Binaries, ServerError> {
    let (postgres, looked) = match named.filter(|named| !named.is_empty()) {
        Some(named) => {
            let named = PathBuf::from(named);
            let looked = format!("at {} (from {VARIABLE})", named.display());
            (whole(&named), looked)
        }
        None => {
            let path = path.unwrap_or_default();
            let found = env::split_paths(&path)
                .chain(folders(places))
                .find_map(|folder| whole(&folder.join("postgres")));
            let looked = "in PATH or where packages put it".to_owned();
            (found, looked)
        }
    };
    postgres.ok_or(ServerError::Missing {
        program: "postgres with initdb beside it",
        looked,
        remedy: REMEDY,
    })
}

/// Both programs, if they are there.
fn whole(postgres: &Path) -> Option<Binaries> {
    let initdb = postgres.with_file_name("initdb");
    (postgres.is_file() && initdb.is_file()).then(|| Binaries {
        postgres: postgres.to_owned(),
        initdb,
    })
}

/// The folders of programs in `places`, newest version first in each.
fn folders(places: &[(&str, &str)]) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for (parent, prefix) in places {
        let names = fs::read_dir(parent).into_iter().flatten().flatten();
        let mut versions: Vec<_> = names
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let version: u32 = name.strip_prefix(prefix)?.parse().ok()?;
                Some((version, entry.path().join("bin")))
            })
            .collect();
        versions.sort_unstable_by(|a, b| b.cmp(a));
        folders.extend(versions.into_iter().map(|(_, folder)| folder));
    }
    folders
}

fn check(postgres: &Path) -> Result<(), ServerError> {
    let output = Command::new(postgres)
        .arg("--version")
        .output()
        .map_err(ServerError::io("ask postgres for its version"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let found = match version(&said) {
        Some((major, _)) if major >= OLDEST => return Ok(()),
        Some((_, found)) => found.to_owned(),
        None => format!("unknown ({:?})", said.trim()),
    };
    Err(ServerError::Outdated {
        path: postgres.to_owned(),
        found,
        oldest: OLDEST,
        variable: VARIABLE,
    })
}

/// The major version, and all of it, in `postgres (PostgreSQL) 16.4 (Debian 16.4-1)`.
fn version(said: &str) -> Option<(u32, &str)> {
    let version = said.split_whitespace().nth(2)?;
    let digits = version
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(version.len());
    Some((version[..digits].parse().ok()?, version))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{folders, locate, version};
    use crate::folder::Folder;

    fn touch(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    #[test]
    fn version_is_read() {
        assert_eq!(
            version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"),
            Some((15, "15.18"))
        );
        assert_eq!(
            version("postgres (PostgreSQL) 18beta1"),
            Some((18, "18beta1"))
        );
        assert_eq!(version("something else"), None);
    }

    #[test]
    fn missing_program_comes_with_the_ways_to_get_one() {
        for (named, path) in [(None, None), (Some("/nowhere/postgres".into()), None)] {
            let said = locate(named, path, &[]).unwrap_err().to_string();

            for way in [
                "cargo xtask servers",
                "apt-get install postgresql",
                "brew install postgresql",
                "dnf install postgresql-server",
                "SOLENT_TEST_POSTGRES",
            ] {
                assert!(said.contains(way), "{said}");
            }
        }
    }

    #[test]
    fn server_without_initdb_is_passed_over() {
        let folder = Folder::new().unwrap();
        let (half, whole) = (folder.path().join("half"), folder.path().join("whole"));
        touch(&half.join("postgres"));
        touch(&whole.join("postgres"));
        touch(&whole.join("initdb"));
        let path = std::env::join_paths([&half, &whole]).unwrap();

        let found = locate(None, Some(path), &[]).unwrap();

        assert_eq!(found.postgres, whole.join("postgres"));
        assert_eq!(found.initdb, whole.join("initdb"));
        assert!(locate(Some(half.join("postgres").into()), None, &[]).is_err());
    }

    #[test]
    fn newest_version_of_a_place_goes_first() {
        let folder = Folder::new().unwrap();
        for name in ["pgsql-9", "pgsql-16", "pgsql-old", "17"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }

        let found = folders(&[(folder.path().to_str().unwrap(), "pgsql-")]);

        let expected = ["pgsql-16/bin", "pgsql-9/bin"].map(|name| folder.path().join(name));
        assert_eq!(found, expected);
    }
}
