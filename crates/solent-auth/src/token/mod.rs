//! Credentials that are no cookie.
