//! `cargo xtask test`

use crate::{flags::Test, servers, shell::Shell};

impl Test {
    /// Finds or installs what tests drive, then runs doc tests and all other tests; both, even if the first fail, so that
    /// the run closes with the summary of the larger part.
    pub(crate) fn run(self, sh: &Shell) -> anyhow::Result<()> {
        let sh = servers::prepare(sh)?
            .into_iter()
            .fold(sh.clone(), |sh, (name, value)| sh.with_env(name, value));

        let doc_tests = sh
            .cargo("test --doc --workspace --all-features --")
            .args(&self.filter)
            .run();
        let tests = if sh.cargo("nextest --version").succeeds() {
            // A filter may well be for a doc test.
            let none = if self.filter.is_empty() {
                "fail"
            } else {
                "warn"
            };
            sh.cargo("nextest run --workspace --all-features --no-fail-fast")
                .args(["--no-tests", none, "--"])
                .args(&self.filter)
                .run()
        } else {
            // Not `--all-targets`: it would run the benchmarks.
            sh.cargo(
                "test --workspace --all-features --no-fail-fast --lib --bins --tests --examples --",
            )
            .args(&self.filter)
            .run()
        };
        doc_tests.and(tests)
    }
}
