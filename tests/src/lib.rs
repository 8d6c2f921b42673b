//! Promises of Solent that span crates; the tests are in `it/`.
