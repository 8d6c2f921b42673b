//! What can go wrong between an application and its connection.

use std::{error::Error, fmt};

/// Any error, boxed.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What an application ends with when it fails.
pub type AppError = BoxError;

/// The result of an application or of one of its handlers.
pub type Result<T = (), E = AppError> = std::result::Result<T, E>;

/// An event could not be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The connection is over: the client left, or the application closed it before.
    ///
    /// Servers do not log an application that ends with this.
    #[error("connection is closed")]
    Closed,

    /// The protocol does not allow the event now. The connection stays as it was.
    #[error("{0}")]
    Illegal(&'static str),

    /// The server does not offer the extension that the event belongs to; look at the scope's features first.
    #[error("server does not offer {0}")]
    NotOffered(&'static str),

    /// The client reads too slowly: more output is waiting than the server's limit allows. The connection is being
    /// closed.
    #[error("client does not read fast enough, unsent output exceeds the limit")]
    Overflow,
}

impl SendError {
    /// Whether the client is gone, as opposed to a mistake of the application.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed | Self::Overflow)
    }
}

/// Marks a cause of an error as one that passes by itself: something is away, or has too much to do.
///
/// A consumer that ends with such an error answers with 503 and `Retry-After`, or closes its socket with 1013. It is not
/// logged as an error. The errors of session stores, user backends and password hashers have it among their causes where it is so. It
/// shows itself as its own cause does.
///
/// # Examples
///
/// ```
/// use solent_spec::TryLater;
///
/// let away = TryLater::because(std::io::Error::other("no route to the database"));
///
/// assert_eq!(away.to_string(), "no route to the database");
/// assert!(TryLater::is_behind(&away));
/// ```
#[derive(Debug, Default)]
pub struct TryLater(Option<BoxError>);

impl TryLater {
    /// Without a cause.
    pub const fn new() -> Self {
        Self(None)
    }

    /// Because of a cause.
    pub fn because(cause: impl Into<BoxError>) -> Self {
        Self(Some(cause.into()))
    }

    /// Whether `error`, or an error it was caused by, is marked so.
    pub fn is_behind(error: &(dyn Error + 'static)) -> bool {
        std::iter::successors(Some(error), |&error| error.source())
            .take(MOST_CAUSES)
            .any(|error| error.is::<Self>())
    }
}

impl fmt::Display for TryLater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(cause) => cause.fmt(f),
            None => f.write_str("try again in a moment"),
        }
    }
}

impl Error for TryLater {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.as_ref().and_then(|cause| cause.source())
    }
}

/// Whether `error`, or an error it was caused by, only says that the client is gone.
pub fn is_disconnect(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<SendError>() {
            return error.is_closed();
        }
        next = error.source();
    }
    false
}

/// Shows an error and all of its causes on one line: `could not join: redis is away: connection refused`.
///
/// The [`Display`](fmt::Display) of an error tells only its own level, and the useful part is often a cause. Everything that is
/// logged or shown to a person goes through this. A cause that the text before it repeats already is left out.
///
/// # Examples
///
/// ```
/// use solent_spec::Chain;
///
/// # #[derive(Debug)] struct Join(std::io::Error);
/// # impl std::fmt::Display for Join {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("could not join") }
/// # }
/// # impl std::error::Error for Join {
/// #     fn source(&self) -> Option<&(dyn std::error::Error + 'static)> { Some(&self.0) }
/// # }
/// let error = Join(std::io::Error::other("redis is away"));
///
/// assert_eq!(Chain(&error).to_string(), "could not join: redis is away");
/// ```
#[derive(Clone, Copy)]
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

/// The most causes that are shown. No error has so many, unless it is its own cause.
const MOST_CAUSES: usize = 32;

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.to_string();
        f.write_str(&shown)?;
        let mut next = self.0.source();
        for _ in 0..MOST_CAUSES {
            let Some(cause) = next else { break };
            let text = cause.to_string();
            // Some errors of other crates print their cause themselves.
            if !shown.ends_with(&text) {
                write!(f, ": {text}")?;
                shown = text;
            }
            next = cause.source();
        }
        Ok(())
    }
}

/// The same as `Display`, so that an error may be shown so in its own `Debug`.
impl fmt::Debug for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error that may print its cause itself.
    #[derive(Debug)]
    struct Level(String, Option<Box<Level>>);

    impl Level {
        fn over(text: &str, cause: Self) -> Self {
            Self(text.to_owned(), Some(Box::new(cause)))
        }
    }

    impl fmt::Display for Level {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&self.0)
        }
    }

    impl Error for Level {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as _)
        }
    }

    #[test]
    fn chain_shows_every_cause_once() {
        let deepest = Level("refused".into(), None);
        let repeats = Level::over("connect: refused", deepest);
        let error = Level::over("layer failed", Level::over("redis is away", repeats));

        let shown = Chain(&error).to_string();

        assert_eq!(shown, "layer failed: redis is away: connect: refused");
    }

    #[test]
    fn chain_of_a_boxed_error_is_that_of_the_error() {
        let error: BoxError = Box::new(Greet(SendError::Closed));

        let shown = Chain(&*error).to_string();

        assert_eq!(shown, "could not greet: connection is closed");
    }

    #[derive(Debug, thiserror::Error)]
    #[error("could not greet")]
    struct Greet(#[source] SendError);

    #[test]
    fn disconnect_is_found_behind_other_errors() {
        assert!(is_disconnect(&Greet(SendError::Closed)));
        assert!(!is_disconnect(&Greet(SendError::Illegal("rule"))));
        assert!(!is_disconnect(&std::io::Error::other("disk")));
    }
}
