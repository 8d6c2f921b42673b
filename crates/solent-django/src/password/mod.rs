//! Django's password hashers.
