//! A folder that goes with its owner.

use std::{
    env, fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use super::{ServerError, port::random};

/// How many lines of a log are shown.
const LINES: usize = 40;

/// A new folder that only this user can read, removed when it is dropped.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Result<Self, ServerError> {
        loop {
            // Short, as the path of a Unix socket may have a hundred bytes.
            let path = env::temp_dir().join(format!("solent-{:016x}", random()));
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(ServerError::io("make a temporary folder")(error)),
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The last lines of a file in it; none if it cannot be read.
    pub(super) fn end_of(&self, file: &str) -> String {
        let log = fs::read(self.0.join(file)).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing can be done about a failure, and nothing depends on it.
        let _ = fs::remove_dir_all(&self.0);
    }
}
