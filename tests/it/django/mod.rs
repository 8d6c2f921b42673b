//! A Django project with logins: who is logged in there is known here.

// The project in a process of its own, and whoever uses it.
mod browser;
mod folder;
mod project;
mod scene;

// Our own application beside it.
mod sockets;

// All promises, for each kind of sessions, databases and users.
mod engines;

// What the project does by itself; then what it has to do with us.
mod away;
mod ended;
mod forged;
mod keys;
mod known;
mod login;
mod returned;

// What both write, and both read.
mod codec;
