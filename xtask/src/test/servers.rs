//! The programs that tests drive, found or installed.
//!
//! Tests learn where each is from the environment and say so when it is not there: nothing here fails a run.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use crate::shell::Shell;

/// A variable for the tests.
type Variable = (&'static str, OsString);

/// A program that some tests need.
struct Program {
    name: &'static str,
    /// Arguments with which it succeeds if it is whole.
    probe: &'static [&'static str],
    /// What Debian calls it.
    packages: &'static [&'static str],
    /// What goes untried without it.
    purpose: &'static str,
    /// Makes it ready and tells the tests where it is.
    export: fn(&Shell) -> anyhow::Result<Variable>,
}

/// Everything that tests drive.
const PROGRAMS: &[Program] = &[Program {
    name: "python3",
    probe: &["-c", "import ensurepip, venv"],
    packages: &["python3", "python3-venv"],
    purpose: "WebSocket clients written in Python",
    export: export_python,
}];

/// What the Python clients import, to the version.
const PYTHON_PACKAGES: &[&str] = &["websockets==15.0.1"];

/// Finds each program, or installs it if that is wanted and possible, and returns what to tell the tests.
pub(super) fn prepare(sh: &Shell, install: bool) -> Vec<Variable> {
    let mut variables = Vec::new();
    for program in PROGRAMS {
        let ready = program.is_whole(sh) || (install && program.install(sh));
        if !ready {
            eprintln!("{}", program.advice());
            continue;
        }
        match (program.export)(sh) {
            Ok(variable) => variables.push(variable),
            Err(error) => eprintln!(
                "note: {} cannot be made ready, so {} are not tried: {error:#}",
                program.name, program.purpose
            ),
        }
    }
    variables
}

impl Program {
    fn is_whole(&self, sh: &Shell) -> bool {
        sh.cmd(self.name).args(self.probe).succeeds()
    }

    /// Installs the program where that takes no question: as root, on Debian. Returns whether it is whole then.
    fn install(&self, sh: &Shell) -> bool {
        let root_on_debian = sh.cmd("id").arg("-u").read().is_ok_and(|id| id == "0")
            && sh.cmd("apt-get").arg("--version").succeeds();
        if !root_on_debian {
            return false;
        }

        let installed = sh.cmd("apt-get").arg("update").run().and_then(|()| {
            sh.cmd("apt-get")
                .args(["install", "-y", "--no-install-recommends"])
                .args(self.packages.iter().copied())
                .env("DEBIAN_FRONTEND", "noninteractive")
                .run()
        });
        match installed {
            Ok(()) => sh.is_dry_run() || self.is_whole(sh),
            Err(error) => {
                eprintln!("note: {error:#}");
                false
            }
        }
    }

    fn advice(&self) -> String {
        format!(
            "note: {name} is missing or incomplete, so {purpose} are not tried; install it with \
             `apt-get install {packages}` (or run `cargo xtask test --install` as root on Debian)",
            name = self.name,
            purpose = self.purpose,
            packages = self.packages.join(" "),
        )
    }
}

/// Makes a virtual environment with what the clients import, once, and names its interpreter.
fn export_python(sh: &Shell) -> anyhow::Result<Variable> {
    let venv = target_dir(sh.root()).join("venv");
    let python = if cfg!(windows) {
        venv.join("Scripts").join("python.exe")
    } else {
        venv.join("bin").join("python")
    };

    let stamp = venv.join("packages.txt");
    let wanted = PYTHON_PACKAGES.join("\n");
    if !(python.exists() && fs::read_to_string(&stamp).is_ok_and(|found| found == wanted)) {
        sh.cmd("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&venv)
            .run()?;
        sh.cmd(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args(PYTHON_PACKAGES.iter().copied())
            .run()?;
        sh.write_file(&stamp, &wanted)?;
    }
    Ok(("SOLENT_TEST_PYTHON", python.into_os_string()))
}

/// Where Cargo puts what it makes.
fn target_dir(root: &Path) -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir))
}

#[cfg(test)]
mod tests {
    use super::PROGRAMS;

    #[test]
    fn advice_says_what_to_type() {
        for program in PROGRAMS {
            let advice = program.advice();

            assert!(advice.contains("apt-get install"), "{advice}");
            assert!(advice.contains(program.name), "{advice}");
        }
    }
}
