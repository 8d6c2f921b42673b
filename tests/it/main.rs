//! Promises of Solent that span crates.

/// Processes of Python that share a Redis.
#[cfg(unix)]
mod channels_redis;
/// Groups, events and ready frames between real clients.
mod chat;
/// A Django project with logins, and who its users are here.
#[cfg(unix)]
mod django;
/// What happens to open connections when the server ends.
mod drain;
/// An application on a free port, and clients for it.
mod live;
/// axum inside Solent.
mod mount;
/// Clients written in Python.
mod python;
/// What the log may not show.
#[cfg(unix)]
mod secrets;
/// Sessions of axum and of sockets.
mod sessions;
/// The test at the end of the tutorial.
mod tutorial;
/// ASGI applications.
#[cfg(unix)]
mod uvicorn;
/// Work that other tasks and processes do.
mod worker;
