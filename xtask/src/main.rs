//! The chores of the workspace: `cargo xtask` lists them.
//!
//! One file per chore, each the `run` of its flags. Every command is printed before it runs, and `--dry-run` prints
//! without doing.

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{
    flags::{Xtask, XtaskCmd},
    shell::Shell,
};

// What may be typed, and what it is run with.
mod flags;
mod shell;

// The chores.
mod ci;
mod demo;
mod docs;
mod lint;
mod release;
mod servers;
mod test;
mod tidy;

fn main() -> ExitCode {
    if env::args_os().len() == 1 {
        println!("{}", Xtask::help());
        return ExitCode::SUCCESS;
    }

    match run(Xtask::from_env_or_exit()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(flags: Xtask) -> anyhow::Result<()> {
    let sh = Shell::new(workspace_root()).dry_run(flags.dry_run);
    match flags.subcommand {
        XtaskCmd::Test(task) => task.run(&sh),
        XtaskCmd::Servers(task) => task.run(&sh),
        XtaskCmd::Lint(task) => task.run(&sh),
        XtaskCmd::Docs(task) => task.run(&sh),
        XtaskCmd::Tidy(task) => task.run(&sh),
        XtaskCmd::Demo(task) => task.run(&sh),
        XtaskCmd::Ci(task) => task.run(&sh),
        XtaskCmd::Release(task) => task.run(&sh),
    }
}

/// The folder above this package's.
fn workspace_root() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().unwrap_or(Path::new(".")).to_path_buf()
}
