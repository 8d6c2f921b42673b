//! The program that is started.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::ServerError;

/// Names the program.
const VARIABLE: &str = "SOLENT_TEST_REDIS";

/// The oldest major version that has what we start servers with.
const OLDEST: u32 = 7;

/// How to get the program.
const REMEDY: &str = "install Redis 7 or newer (`apt-get install redis-server`, `brew install redis` or \
                      `dnf install redis`), or set SOLENT_TEST_REDIS to the path of a redis-server";

/// Where `redis-server` is; looked for once in a process, as far as it is found.
pub(super) fn redis_server() -> Result<&'static Path, ServerError> {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    if let Some(found) = FOUND.get() {
        return Ok(found);
    }
    let path = locate(env::var_os(VARIABLE), env::var_os("PATH"))?;
    let found = check(path)?;
    Ok(FOUND.get_or_init(|| found))
}

fn locate(named: Option<OsString>, path: Option<OsString>) -> Result<PathBuf, ServerError> {
    if let Some(named) = named.filter(|named| !named.is_empty()) {
        let named = PathBuf::from(named);
        return if named.is_file() {
            Ok(named)
        } else {
            let looked = format!("at {} (from {VARIABLE})", named.display());
            Err(missing(looked))
        };
    }
    env::split_paths(&path.unwrap_or_default())
        .map(|folder| folder.join("redis-server"))
        .find(|program| program.is_file())
        .ok_or_else(|| missing("in PATH".to_owned()))
}

fn missing(looked: String) -> ServerError {
    ServerError::Missing {
        program: "redis-server",
        looked,
        remedy: REMEDY,
    }
}

fn check(path: PathBuf) -> Result<PathBuf, ServerError> {
    let output = Command::new(&path)
        .arg("--version")
        .output()
        .map_err(ServerError::io("ask redis-server for its version"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    match version(&said) {
        Some((major, _)) if major >= OLDEST => Ok(path),
        Some((_, found)) => Err(outdated(found.to_owned(), path)),
        None => Err(outdated(format!("unknown ({:?})", said.trim()), path)),
    }
}

fn outdated(found: String, path: PathBuf) -> ServerError {
    ServerError::Outdated {
        path,
        found,
        oldest: OLDEST,
        variable: VARIABLE,
    }
}

/// The major version, and all of it, in `Redis server v=7.0.15 sha=…`.
fn version(said: &str) -> Option<(u32, &str)> {
    let version = said
        .split_whitespace()
        .find_map(|word| word.strip_prefix("v="))?;
    let major = version.split('.').next()?.parse().ok()?;
    Some((major, version))
}

#[cfg(test)]
mod tests {
    use super::{locate, version};

    #[test]
    fn version_is_read() {
        assert_eq!(
            version("Redis server v=7.0.15 sha=00000000:0 malloc=libc bits=64"),
            Some((7, "7.0.15"))
        );
        assert_eq!(version("Valkey server v=8.1.1 sha=0"), Some((8, "8.1.1")));
        assert_eq!(version("something else"), None);
    }

    #[test]
    fn missing_program_comes_with_the_ways_to_get_one() {
        for (named, path) in [(None, None), (Some("/nowhere/redis-server".into()), None)] {
            let said = locate(named, path).unwrap_err().to_string();

            for way in [
                "cargo xtask servers",
                "apt-get install redis-server",
                "brew install redis",
                "dnf install redis",
                "SOLENT_TEST_REDIS",
            ] {
                assert!(said.contains(way), "{said}");
            }
        }
    }

    #[test]
    fn named_program_goes_before_the_path() {
        let me = std::env::current_exe().unwrap();

        let found = locate(Some(me.clone().into()), None).unwrap();

        assert_eq!(found, me);
    }
}
