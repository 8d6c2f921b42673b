//! The folder with the files. Everything here blocks.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use solent_session::SessionKey;

use super::lock::Lock;

/// Bytes that a file may have: more than any session that is read.
const MAX_FILE: u64 = 16 << 20;

/// The folder, and what the names of its files begin with.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub(super) path: Arc<Path>,
    pub(super) prefix: Arc<str>,
}

/// A file as it was found.
pub(super) struct Found {
    pub(super) content: String,
    /// When it was last written.
    pub(super) modified: SystemTime,
}

impl Folder {
    /// Reads a session's file; `None` if there is none.
    pub(super) fn read(&self, key: &SessionKey) -> io::Result<Option<Found>> {
        let Some(path) = self.file(key) else {
            return Ok(None);
        };
        let Some(file) = present(File::open(path))? else {
            return Ok(None);
        };
        let modified = file.metadata()?.modified()?;
        let mut content = Vec::new();
        file.take(MAX_FILE).read_to_end(&mut content)?;
        // What is not even text fails to decode later, and is told then.
        let content = String::from_utf8_lossy(&content).into_owned();
        Ok(Some(Found { content, modified }))
    }

    /// Makes a session's file, unless there is one.
    pub(super) fn create(&self, key: &SessionKey, content: &str) -> io::Result<bool> {
        let Some(path) = self.file(key) else {
            return Ok(false);
        };
        match new_file(&path) {
            Ok(placeholder) => drop(placeholder),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => return Err(error),
        }
        let written = self.write(&path, content);
        if written.is_err() {
            let _ = fs::remove_file(&path);
        }
        written.map(|()| true)
    }

    /// Replaces a session's file, if there is one.
    pub(super) fn replace(&self, key: &SessionKey, content: &str) -> io::Result<bool> {
        let Some(path) = self.file(key) else {
            return Ok(false);
        };
        if !path.try_exists()? {
            return Ok(false);
        }
        let _lock = Lock::of(&path)?;
        if !path.try_exists()? {
            return Ok(false);
        }
        self.write(&path, content).map(|()| true)
    }

    /// Replaces a session's file if its content is `former`; `None` if there is no file.
    pub(super) fn exchange(
        &self,
        key: &SessionKey,
        former: &[u8],
        content: &str,
    ) -> io::Result<Option<bool>> {
        let Some(path) = self.file(key) else {
            return Ok(None);
        };
        let _lock = Lock::of(&path)?;
        let Some(found) = self.read(key)? else {
            return Ok(None);
        };
        if found.content.as_bytes() != former {
            return Ok(Some(false));
        }
        self.write(&path, content).map(|()| Some(true))
    }

    pub(super) fn remove(&self, key: &SessionKey) -> io::Result<()> {
        let Some(path) = self.file(key) else {
            return Ok(());
        };
        if !path.try_exists()? {
            return Ok(());
        }
        let _lock = Lock::of(&path)?;
        present(fs::remove_file(path)).map(drop)
    }

    /// Writes to another file first, so that no process ever reads half a session.
    fn write(&self, path: &Path, content: &str) -> io::Result<()> {
        let mut name = path.as_os_str().to_owned();
        name.push("_out_");
        name.push(SessionKey::random().as_str());
        let beside = PathBuf::from(name);
        let written = new_file(&beside)
            .and_then(|mut file| file.write_all(content.as_bytes()))
            .and_then(|()| fs::rename(&beside, path));
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        written
    }

    /// The file of a session; `None` for a key that none can have, such as one that leads out of the folder.
    fn file(&self, key: &SessionKey) -> Option<PathBuf> {
        /// Longer than any key of Django's, and shorter than any system's limit.
        const MAX_KEY: usize = 128;
        let key = key.as_str();
        let fits = key.len() <= MAX_KEY
            && key
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if !fits {
            tracing::debug!("session key cannot be that of a file; taken as no session");
            return None;
        }
        Some(self.path.join(format!("{}{key}", self.prefix)))
    }
}

/// A new file that only this user may read.
pub(super) fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn present<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
