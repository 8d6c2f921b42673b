//! `cargo xtask docs`

use crate::{flags::Docs, shell::Shell};

impl Docs {
    /// Builds the documentation of our own crates; a warning is an error.
    pub(crate) fn run(self, sh: &Shell) -> anyhow::Result<()> {
        sh.cargo("doc --workspace --no-deps --all-features")
            .env("RUSTDOCFLAGS", "-D warnings")
            .run()
    }
}
