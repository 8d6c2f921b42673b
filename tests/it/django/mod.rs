//! A Django project with logins: who is logged in there is known here.

// The project in a process of its own, and whoever uses it.
mod browser;
mod folder;
mod project;
mod scene;

// What the project itself does, with each kind of sessions.
mod login;

// What both write, and both read.
mod codec;
