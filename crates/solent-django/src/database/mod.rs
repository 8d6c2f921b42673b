//! Django's tables.
