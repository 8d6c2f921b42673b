//! solent-django from outside.

// What Django wrote, recorded: values, and how it encodes them.
mod vectors;

// Signatures, signed objects and cookies, and the hash that ties a session to a password.
mod signing;

// The text in which Django's engines keep a session.
mod session_codec;

// Pickles, of Python and of nobody who means well.
mod pickle;

// Passwords in all forms that Django has had, and what they may cost.
mod password;

// A database as Django's migrations leave it.
mod project;

// Where sessions are kept.
mod store;
