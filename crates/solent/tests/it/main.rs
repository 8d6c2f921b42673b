//! The facade from outside.

/// Tasks beside the connections: when they are started again, and which process runs them.
mod background;
/// What runs before the application listens, and after it has ended.
mod hooks;
/// Whole applications without a server.
#[cfg(feature = "testing")]
mod in_process;
/// Processes that listen on named channels.
mod worker;
