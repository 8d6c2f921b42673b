//! Whom a proxy speaks for.
