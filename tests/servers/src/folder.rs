//! A folder that goes with its owner.

use std::{
    env, fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use super::{ServerError, port::random};

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
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing can be done about a failure, and nothing depends on it.
        let _ = fs::remove_dir_all(&self.0);
    }
}
