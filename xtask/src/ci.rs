//! `cargo xtask ci`

use std::time::{Duration, Instant};

use anyhow::Context;

use crate::{
    flags::{Ci, Docs, Lint, Servers, Test, Tidy},
    shell::Shell,
};

/// A chore that a pull request must pass.
type Step = (&'static str, fn(&Shell) -> anyhow::Result<()>);

/// Cheapest verdict first, as far as what each compiles allows; before all others, whether this machine has what tests need.
const STEPS: &[Step] = &[
    ("servers", |sh| Servers {}.run(sh)),
    ("lint", |sh| Lint {}.run(sh)),
    ("tidy", |sh| Tidy {}.run(sh)),
    ("docs", |sh| Docs {}.run(sh)),
    ("test", |sh| {
        let task = Test { filter: Vec::new() };
        task.run(sh)
    }),
];

impl Ci {
    /// Runs every chore a pull request must pass, and stops at the first that fails.
    pub(crate) fn run(self, sh: &Shell) -> anyhow::Result<()> {
        // Nothing here is compiled twice, so what incremental compilation writes would only cost time.
        let sh = sh.clone().with_env("CARGO_INCREMENTAL", "0");
        run_steps(STEPS, &sh)
    }
}

fn run_steps(steps: &[Step], sh: &Shell) -> anyhow::Result<()> {
    let mut durations = Vec::new();
    for (name, step) in steps {
        eprintln!("\n=== {name} ===");
        let start = Instant::now();
        let outcome = step(sh);
        let took = start.elapsed();
        durations.push((name, took));
        outcome.with_context(|| {
            format!(
                "ci: {name} failed after {}; `cargo xtask {name}` runs it alone",
                seconds(took)
            )
        })?;
        eprintln!("=== {name} passed in {} ===", seconds(took));
    }

    let summary: Vec<String> = durations
        .iter()
        .map(|(name, took)| format!("{name} {}", seconds(*took)))
        .collect();
    eprintln!("\nci: all passed: {}", summary.join(", "));
    Ok(())
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{STEPS, run_steps};
    use crate::shell::Shell;

    #[test]
    fn first_failure_ends_the_run_and_says_how_to_repeat_it() {
        let sh = Shell::new(PathBuf::from("."));

        let error = run_steps(
            &[
                ("good", |_| Ok(())),
                ("bad", |_| anyhow::bail!("told you so")),
                ("never", |_| panic!("ran after a failure")),
            ],
            &sh,
        )
        .unwrap_err();

        let said = format!("{error:#}");
        assert!(said.contains("bad failed"), "{said}");
        assert!(said.contains("`cargo xtask bad`"), "{said}");
        assert!(said.contains("told you so"), "{said}");
    }

    #[test]
    fn steps_are_servers_lint_tidy_docs_test() {
        let names: Vec<_> = STEPS.iter().map(|(name, _)| *name).collect();

        assert_eq!(names, ["servers", "lint", "tidy", "docs", "test"]);
    }
}
