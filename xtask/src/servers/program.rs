//! What tests drive, and whether it is there.

use std::{env, ffi::OsString, fmt, fs, path::PathBuf};

use crate::shell::Shell;

/// Everything that tests drive: a new server is a row.
pub(super) const PROGRAMS: &[Program] = &[
    // There is no Redis for Windows, and no test there that starts one.
    #[cfg(not(windows))]
    Program {
        name: "redis-server",
        variable: Some("SOLENT_TEST_REDIS"),
        check: &["--version"],
        oldest: (7, 0),
        apt: &["redis-server"],
        dnf: &["redis"],
        brew: &["redis"],
        services: &["redis-server"],
        places: &[],
    },
    // Nor one that starts PostgreSQL.
    #[cfg(not(windows))]
    Program {
        name: "postgres",
        variable: Some("SOLENT_TEST_POSTGRES"),
        check: &["--version"],
        oldest: (14, 0),
        apt: &["postgresql"],
        dnf: &["postgresql-server"],
        brew: &["postgresql@17"],
        services: &["postgresql"],
        // Where the tests look too.
        places: &[
            ("/usr/lib/postgresql", ""),
            ("/usr", "pgsql-"),
            ("/opt/homebrew/opt", "postgresql@"),
            ("/usr/local/opt", "postgresql@"),
        ],
    },
    Program {
        name: "python3",
        variable: None,
        check: &["-c", "import ensurepip, sys, venv; print(sys.version)"],
        oldest: (3, 10),
        apt: &["python3", "python3-venv"],
        dnf: &["python3"],
        brew: &["python"],
        services: &[],
        places: &[],
    },
];

/// A program that tests need.
#[derive(Debug)]
pub(super) struct Program {
    /// What it is called in `PATH`.
    pub(super) name: &'static str,
    /// The variable, if there is one, that names another for the tests and for us.
    pub(super) variable: Option<&'static str>,
    /// Arguments with which it prints its version, and fails if it is not whole.
    pub(super) check: &'static [&'static str],
    /// The oldest version that will do: major, minor.
    pub(super) oldest: (u32, u32),
    /// What Debian and Ubuntu call it.
    pub(super) apt: &'static [&'static str],
    /// What Fedora calls it.
    pub(super) dnf: &'static [&'static str],
    /// What Homebrew calls it.
    pub(super) brew: &'static [&'static str],
    /// The services of these packages, which must not start: tests start servers of their own.
    pub(super) services: &'static [&'static str],
    /// Where it is if it is not in `PATH`: a folder, and how the names in it begin that go on with a version and have a `bin`.
    pub(super) places: &'static [(&'static str, &'static str)],
}

/// What was found of a program.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is there.
    Ready {
        /// Its version.
        version: String,
    },
    /// It is there, and too old.
    Outdated {
        /// Its version.
        version: String,
        /// The oldest that will do.
        oldest: (u32, u32),
    },
    /// It is not there, or not whole.
    Missing,
}

impl Program {
    /// Looks for the program.
    pub(super) fn state(&self, sh: &Shell) -> State {
        match sh.cmd(self.path()).args(self.check.iter().copied()).read() {
            Ok(said) => self.judge(&said),
            Err(_) => State::Missing,
        }
    }

    /// Whether a variable names another program than `PATH` does; such a one is not ours to install.
    pub(super) fn is_named(&self) -> bool {
        self.named().is_some()
    }

    /// How to get the program, in words.
    pub(super) fn advice(&self) -> String {
        let (major, minor) = self.oldest;
        let named = match (self.variable, self.named()) {
            (Some(variable), Some(path)) => {
                format!(
                    " ({variable} names {}; correct or unset it)",
                    path.display()
                )
            }
            (Some(variable), None) => {
                format!(", or set {variable} to the path of one that is installed elsewhere")
            }
            (None, _) => String::new(),
        };
        format!(
            "{} {major}.{minor} or newer is needed: `apt-get install {}`, `dnf install {}` or `brew install {}`{named}",
            self.name,
            self.apt.join(" "),
            self.dnf.join(" "),
            self.brew.join(" "),
        )
    }

    fn path(&self) -> OsString {
        self.named()
            .or_else(|| self.placed().map(OsString::from))
            .unwrap_or_else(|| self.name.into())
    }

    /// The newest one in the first of its places that has one, unless there is one in `PATH`.
    fn placed(&self) -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        if self.places.is_empty()
            || env::split_paths(&path).any(|folder| folder.join(self.name).is_file())
        {
            return None;
        }
        self.places
            .iter()
            .find_map(|(folder, prefix)| newest(folder, prefix, self.name))
    }

    fn named(&self) -> Option<OsString> {
        env::var_os(self.variable?).filter(|path| !path.is_empty())
    }

    fn judge(&self, said: &str) -> State {
        match version(said) {
            Some((number, version)) if number >= self.oldest => State::Ready { version },
            Some((_, version)) => State::Outdated {
                version,
                oldest: self.oldest,
            },
            None => State::Missing,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready { version } => write!(f, "{version}"),
            Self::Outdated {
                version,
                oldest: (major, minor),
            } => write!(
                f,
                "{version} is too old, {major}.{minor} or newer is needed"
            ),
            Self::Missing => write!(f, "missing"),
        }
    }
}

/// The program in the folder of the newest version.
fn newest(folder: &str, prefix: &str, program: &str) -> Option<PathBuf> {
    fs::read_dir(folder)
        .ok()?
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version: u32 = name.strip_prefix(prefix)?.parse().ok()?;
            Some((version, entry.path().join("bin").join(program)))
        })
        .filter(|(_, program)| program.is_file())
        .max_by_key(|(version, _)| *version)
        .map(|(_, program)| program)
}

/// The first version in a program's words, such as `v=7.0.15` or `3.11.7`.
fn version(said: &str) -> Option<((u32, u32), String)> {
    said.split_whitespace().find_map(|word| {
        let version = word.trim_start_matches("v=");
        let mut numbers = version.split('.').map(str::parse);
        let major = numbers.next()?.ok()?;
        let minor = numbers.next()?.ok()?;
        Some(((major, minor), version.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use super::{PROGRAMS, State, newest, version};

    #[test]
    fn version_is_found_in_what_programs_say() {
        for (said, number, text) in [
            (
                "Redis server v=7.0.15 sha=00000000:0 malloc=libc bits=64",
                (7, 0),
                "7.0.15",
            ),
            (
                "3.11.7 (main, Dec  8 2023, 18:56:58) [GCC 11.4.0]",
                (3, 11),
                "3.11.7",
            ),
            (
                "postgres (PostgreSQL) 16.4 (Debian 16.4-1)",
                (16, 4),
                "16.4",
            ),
            ("mosquitto version 2.0.18", (2, 0), "2.0.18"),
        ] {
            assert_eq!(version(said), Some((number, text.to_owned())), "{said}");
        }
        assert_eq!(version("no version at all. None."), None);
    }

    #[test]
    fn old_version_is_told_from_a_new_one() {
        let redis = &PROGRAMS[0];

        let old = redis.judge("Redis server v=6.0.16 sha=0");
        let new = redis.judge("Redis server v=10.2.0 sha=0");

        assert_eq!(old.to_string(), "6.0.16 is too old, 7.0 or newer is needed");
        assert!(matches!(new, State::Ready { .. }), "{new}");
    }

    #[test]
    fn newest_program_is_found_where_packages_put_it() {
        let folder = env::temp_dir().join(format!("solent-xtask-places-{}", std::process::id()));
        for version in ["9", "16"] {
            let bin = folder.join(version).join("bin");
            fs::create_dir_all(&bin).unwrap();
            fs::write(bin.join("program"), "").unwrap();
        }
        fs::create_dir_all(folder.join("17")).unwrap();
        fs::create_dir_all(folder.join("old")).unwrap();

        let place = folder.to_str().unwrap();
        let found = newest(place, "", "program");
        let none = newest(place, "program-", "program");

        assert_eq!(found, Some(folder.join("16/bin/program")));
        assert_eq!(none, None);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn advice_says_what_to_type() {
        for program in PROGRAMS {
            let advice = program.advice();

            for way in ["apt-get install", "dnf install", "brew install"] {
                assert!(advice.contains(way), "{advice}");
            }
            assert!(advice.contains(program.name), "{advice}");
        }
    }
}
