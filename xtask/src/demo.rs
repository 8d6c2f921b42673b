//! `cargo xtask demo`

use crate::{flags::Demo, shell::Shell};

impl Demo {
    /// Builds the demonstration as it would be shipped, and serves it.
    pub(crate) fn run(self, sh: &Shell) -> anyhow::Result<()> {
        sh.cargo("run --release --package solent --example demo --")
            .args(self.arguments)
            .run()
    }
}
