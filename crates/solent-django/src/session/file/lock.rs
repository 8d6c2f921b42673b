//! Who may change a file.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime},
};

use rand::RngExt;

/// The right to replace or delete a file, for one at a time of all processes. It blocks.
///
/// It is a file beside the other one, which is gone when this is dropped.
pub(super) struct Lock(PathBuf);

/// A lock that is older was left by a process that has ended: no process holds one for longer than it takes to write a session.
const STALE: Duration = Duration::from_secs(10);

/// How long a lock is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

impl Lock {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Django takes what begins with the name of the cookie for a session.
        let lock = path.with_file_name(format!(".solent_{name}.lock"));
        let began = std::time::Instant::now();
        loop {
            match super::folder::new_file(&lock) {
                Ok(_) => return Ok(Self(lock)),
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                Err(error) if began.elapsed() > PATIENCE => return Err(error),
                Err(_) if is_stale(&lock) => drop(fs::remove_file(&lock)),
                Err(_) => {
                    let micros = rand::rng().random_range(200..1500);
                    thread::sleep(Duration::from_micros(micros));
                }
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn is_stale(lock: &Path) -> bool {
    let modified = fs::metadata(lock).and_then(|lock| lock.modified());
    modified.is_ok_and(|modified| {
        let age = SystemTime::now().duration_since(modified);
        age.is_ok_and(|age| age > STALE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_of_a_process_that_has_ended_is_broken() {
        let folder = std::env::temp_dir().join(format!("solent-lock-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("session");
        let held = Lock::of(&file).unwrap();
        let left = fs::File::options().write(true).open(&held.0).unwrap();
        left.set_modified(SystemTime::now() - 2 * STALE).unwrap();

        let began = std::time::Instant::now();
        drop(Lock::of(&file).unwrap());

        assert!(began.elapsed() < STALE);
        fs::remove_dir_all(folder).unwrap();
    }
}
