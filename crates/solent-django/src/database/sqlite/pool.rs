//! Connections to a file.

use std::{fs::File, io, num::NonZeroUsize, path::PathBuf, sync::Arc, time::Duration};

use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use solent_session::Threads;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

use crate::database::{DatabaseConfig, DatabaseError};

/// As many connections as are used at once, up to a bound.
pub(super) struct Pool {
    path: PathBuf,
    timeout: Duration,
    /// One permit for each connection that may be in use.
    permits: Arc<Semaphore>,
    /// A thread for each of them: those of the runtime may all wait for an answer of ours.
    threads: Threads,
    /// Connections that are not in use. Held for a moment, never across a wait or a statement.
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub(super) fn new(path: PathBuf, config: &DatabaseConfig) -> Self {
        let most = NonZeroUsize::new(Semaphore::MAX_PERMITS).unwrap_or(NonZeroUsize::MIN);
        let size = config.pool_size.min(most);
        Self {
            path,
            timeout: config.timeout,
            permits: Arc::new(Semaphore::new(size.get())),
            // A thread that has given its permit back may still be busy with doing so.
            threads: Threads::new("sqlite", size, size.get()),
            idle: Mutex::default(),
        }
    }

    /// Runs `act` with a connection, on a thread for what blocks. It runs to its end also if its future was dropped.
    pub(super) async fn run<T: Send + 'static>(
        pool: &Arc<Self>,
        act: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        /// SQLite counts milliseconds in 31 bits.
        const MOST: Duration = Duration::from_secs(20 * 24 * 60 * 60);
        let deadline = Instant::now() + pool.timeout.min(MOST);
        let permit = timeout_at(deadline, Arc::clone(&pool.permits).acquire_owned())
            .await
            .map_err(|_| pool.elapsed())?
            .expect("the semaphore is never closed");
        let (threads, pool) = (pool.threads.clone(), Arc::clone(pool));
        let doing = threads.run(move || {
            let done = pool.act(act, deadline);
            drop(permit);
            done
        });
        doing
            .await
            .map_err(|error| DatabaseError::Refused(error.into()))?
    }

    fn act<T>(
        &self,
        act: impl FnOnce(&Connection) -> rusqlite::Result<T>,
        deadline: Instant,
    ) -> Result<T, DatabaseError> {
        let idle = self.idle.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.connect()?,
        };
        // SQLite waits for other writers itself, and no longer than the statement has left.
        let left = deadline.saturating_duration_since(Instant::now());
        connection
            .busy_timeout(left)
            .map_err(|error| self.error(error))?;
        let done = act(&connection);
        // What a statement fails with is not the connection's fault, except if the file itself is broken.
        if done.as_ref().map_or_else(is_about_statement, |_| true) {
            self.idle.lock().push(connection);
        }
        done.map_err(|error| self.error(error))
    }

    /// Only a file that is there is opened: a path with a slip of the pen must not make an empty database.
    fn connect(&self) -> Result<Connection, DatabaseError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(&self.path, flags).map_err(|error| match self.is_usable() {
            true => self.unavailable(error),
            false => self.unusable(error),
        })
    }

    /// Whether there is a file that may be read.
    fn is_usable(&self) -> bool {
        let file = File::open(&self.path).and_then(|file| file.metadata());
        match file {
            Ok(file) => file.is_file(),
            Err(error) => !matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
            ),
        }
    }

    fn error(&self, error: rusqlite::Error) -> DatabaseError {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => self.elapsed(),
            Some(
                ErrorCode::CannotOpen
                | ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::DiskFull,
            ) => self.unavailable(error),
            Some(ErrorCode::NotADatabase) => self.unusable(error),
            _ => DatabaseError::Refused(error.into()),
        }
    }

    fn elapsed(&self) -> DatabaseError {
        DatabaseError::Elapsed {
            waited: self.timeout,
        }
    }

    fn unavailable(&self, error: rusqlite::Error) -> DatabaseError {
        DatabaseError::Unavailable(format!("`{}`", self.path.display()), error.into())
    }

    fn unusable(&self, error: rusqlite::Error) -> DatabaseError {
        DatabaseError::Unusable(format!("`{}`", self.path.display()), error.into())
    }
}

fn is_about_statement(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        None | Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::ConstraintViolation
                | ErrorCode::Unknown
        )
    )
}
