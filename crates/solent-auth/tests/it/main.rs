//! solent-auth from outside.
