//! `cargo xtask servers`: the programs that tests drive, found or installed.
//!
//! Nothing is skipped: what a test needs is there when this succeeds, and when it cannot be had, the error says what to type.

use std::ffi::OsString;

use anyhow::bail;

use self::program::{PROGRAMS, Program, State};
use crate::{flags::Servers, shell::Shell};

// What tests need, a row each.
mod program;

// How it comes here.
mod install;
mod python;

/// A variable that tells tests where something is.
type Variable = (&'static str, OsString);

impl Servers {
    /// Finds or installs what tests drive.
    pub(crate) fn run(self, sh: &Shell) -> anyhow::Result<()> {
        for (name, value) in prepare(sh)? {
            eprintln!("servers: {name}={}", value.display());
        }
        Ok(())
    }
}

/// Finds or installs what tests drive, says what it found, and returns what to tell the tests.
pub(crate) fn prepare(sh: &Shell) -> anyhow::Result<Vec<Variable>> {
    let wanting = report(sh);
    if !wanting.is_empty() {
        install::install(sh, &wanting)?;
        if sh.is_dry_run() {
            eprintln!("servers: a dry run installs nothing, so what follows may not be true yet");
        } else if let Some(program) = report(sh).first() {
            bail!("{}", program.advice());
        }
    }
    Ok(vec![python::environment(sh)?])
}

/// Says what was found and returns what is wanting.
fn report(sh: &Shell) -> Vec<&'static Program> {
    PROGRAMS
        .iter()
        .filter(|program| {
            let state = program.state(sh);
            eprintln!("servers: {}: {state}", program.name);
            !matches!(state, State::Ready { .. })
        })
        .collect()
}
