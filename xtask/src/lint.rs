//! `cargo xtask lint`

use anyhow::bail;

use crate::{flags::Lint, shell::Shell};

impl Lint {
    /// Checks the formatting, then clippy's opinion of everything.
    pub(crate) fn run(self, sh: &Shell) -> anyhow::Result<()> {
        for component in ["fmt", "clippy"] {
            if !sh.cmd("cargo").args([component, "--version"]).succeeds() {
                bail!("`cargo {component}` is missing; run `rustup component add rustfmt clippy`");
            }
        }

        sh.cargo("fmt --all --check").run()?;
        sh.cargo("clippy --workspace --all-targets --all-features -- -D warnings")
            .run()
    }
}
