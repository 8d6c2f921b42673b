//! A Unix socket as a setting.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

/// A Unix socket to listen at, and who may connect to it.
///
/// As text it is `unix:/run/app.sock`, with settings after a question mark: `unix:/run/app.sock?mode=660&group=www-data`.
///
/// # Examples
///
/// ```
/// use solent_server::{Bind, UnixSocket};
///
/// let bind: Bind = UnixSocket::new("/run/app.sock").mode(0o660).group("www-data").into();
///
/// assert_eq!(bind.to_string(), "unix:/run/app.sock");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct UnixSocket {
    /// The socket's file. A stale socket in its place is removed first, and the socket itself at the end.
    pub path: PathBuf,
    /// The file's permissions. Clients need the right to write, so `0o660` admits the owner and the group. Default: what the
    /// process's umask leaves, usually `0o755`, which admits the owner alone.
    pub mode: Option<u32>,
    /// The user that owns the file. Only root may give files away. Default: the process's user.
    pub user: Option<Account>,
    /// The group that owns the file, one that the process's user belongs to. Default: the process's group.
    pub group: Option<Account>,
}

/// A user or group of the system.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Account {
    /// Its number.
    Id(u32),
    /// Its name, which is looked up in `/etc/passwd` or `/etc/group` when the server binds.
    Name(String),
}

impl UnixSocket {
    /// A socket with the process's own permissions.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            mode: None,
            user: None,
            group: None,
        }
    }

    /// Sets [`mode`](Self::mode).
    pub fn mode(mut self, permissions: u32) -> Self {
        self.mode = Some(permissions);
        self
    }

    /// Sets [`user`](Self::user), by name or number.
    pub fn user(mut self, user: impl Into<Account>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Sets [`group`](Self::group), by name or number.
    pub fn group(mut self, group: impl Into<Account>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// Reads `PATH?mode=660&user=NAME&group=NAME`. The error says what is wrong.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (path, settings) = text.split_once('?').unwrap_or((text, ""));
        if path.is_empty() {
            return Err("the path of the socket is missing".to_owned());
        }
        let mut socket = Self::new(path);
        for setting in settings.split('&').filter(|setting| !setting.is_empty()) {
            socket = match setting.split_once('=') {
                Some(("mode", mode)) => socket.mode(parse_mode(mode)?),
                Some(("user", user)) if !user.is_empty() => socket.user(user),
                Some(("group", group)) if !group.is_empty() => socket.group(group),
                _ => {
                    return Err(format!(
                        "{setting:?} is no setting of a socket, use mode=660, user=NAME or group=NAME"
                    ));
                }
            };
        }
        Ok(socket)
    }

    /// Gives the file its owner and permissions.
    pub(super) fn apply(&self) -> io::Result<()> {
        let user = resolve(self.user.as_ref(), "user", "/etc/passwd")?;
        let group = resolve(self.group.as_ref(), "group", "/etc/group")?;
        if user.is_some() || group.is_some() {
            std::os::unix::fs::chown(&self.path, user, group)?;
        }
        if let Some(mode) = self.mode {
            let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
            fs::set_permissions(&self.path, permissions)?;
        }
        Ok(())
    }
}

/// Octal digits, as `chmod` takes them.
fn parse_mode(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    match u32::from_str_radix(digits, 8) {
        Ok(mode @ 0..=0o777) if !digits.starts_with('+') => Ok(mode),
        _ => Err(format!(
            "{text:?} is no mode, write octal digits such as 660"
        )),
    }
}

fn resolve(account: Option<&Account>, kind: &str, table: &str) -> io::Result<Option<u32>> {
    match account {
        None => Ok(None),
        Some(Account::Id(id)) => Ok(Some(*id)),
        Some(Account::Name(name)) => look_up(name, Path::new(table))?.map(Some).ok_or_else(|| {
            let missing = format!("there is no {kind} {name:?} in {table}, use its number?");
            io::Error::new(io::ErrorKind::InvalidInput, missing)
        }),
    }
}

/// The number of a name: the third field of its line, in the tables of users and of groups alike.
fn look_up(name: &str, table: &Path) -> io::Result<Option<u32>> {
    let text = fs::read(table)?;
    let text = String::from_utf8_lossy(&text);
    Ok(text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok())?
    }))
}

impl From<PathBuf> for UnixSocket {
    fn from(path: PathBuf) -> Self {
        Self::new(path)
    }
}

impl From<u32> for Account {
    fn from(id: u32) -> Self {
        Self::Id(id)
    }
}

impl From<&str> for Account {
    /// A number if it is one, and a name otherwise.
    fn from(text: &str) -> Self {
        text.parse()
            .map_or_else(|_| Self::Name(text.to_owned()), Self::Id)
    }
}

impl fmt::Display for UnixSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unix:{}", self.path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_follow_a_question_mark() {
        let plain = UnixSocket::new("/run/x.sock");
        for (text, expected) in [
            ("/run/x.sock", plain.clone()),
            ("/run/x.sock?", plain.clone()),
            ("/run/x.sock?mode=660", plain.clone().mode(0o660)),
            (
                "/run/x.sock?mode=0o600&user=0",
                plain.clone().mode(0o600).user(0),
            ),
            (
                "/run/x.sock?group=www-data&mode=0666",
                plain.mode(0o666).group("www-data"),
            ),
        ] {
            assert_eq!(UnixSocket::parse(text), Ok(expected), "{text}");
        }
        for text in [
            "",
            "?mode=660",
            "x?mode=9",
            "x?mode=1777",
            "x?mode=+7",
            "x?mode=",
            "x?group=",
            "x?umask=2",
            "x?mode",
        ] {
            let fault = UnixSocket::parse(text).unwrap_err();
            assert!(!fault.is_empty(), "{text}");
        }
    }

    #[test]
    fn names_are_looked_up_in_the_tables_of_the_system() {
        assert_eq!(
            resolve(Some(&"root".into()), "user", "/etc/passwd").unwrap(),
            Some(0)
        );
        assert_eq!(
            resolve(Some(&"12".into()), "user", "/etc/passwd").unwrap(),
            Some(12)
        );
        let error = resolve(Some(&"no-such".into()), "group", "/etc/group").unwrap_err();
        assert!(error.to_string().contains("no-such"), "{error}");
    }
}
