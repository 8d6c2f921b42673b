//! The Python that tests drive, with what its scripts import.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::Variable;
use crate::shell::Shell;

/// What the scripts import, to the version.
const REQUIREMENTS: &str = "tests/python/requirements.txt";

/// Makes a virtual environment with what the scripts import, unless it is there already, and names its interpreter.
pub(super) fn environment(sh: &Shell) -> anyhow::Result<Variable> {
    let folder = folder(sh.root());
    let python = if cfg!(windows) {
        folder.join("Scripts").join("python.exe")
    } else {
        folder.join("bin").join("python")
    };
    let stamp = folder.join("requirements.txt");

    let wanted = sh.read_file(REQUIREMENTS)?;
    if is_current(&python, &stamp, &wanted) {
        eprintln!("servers: {REQUIREMENTS}: installed in {}", folder.display());
    } else {
        make(sh, &folder, &python).with_context(|| {
            format!(
                "cannot make a Python environment of {REQUIREMENTS} in {}; if the packages could not be fetched, try \
                 `python3 -m pip download -r {REQUIREMENTS}` and see to what stops it",
                folder.display()
            )
        })?;
        // Last, so that what was broken off is made again.
        sh.write_file(&stamp, &wanted)?;
    }
    Ok(("SOLENT_TEST_PYTHON", python.into_os_string()))
}

/// Whether the environment is whole and what is wanted.
fn is_current(python: &Path, stamp: &Path, wanted: &str) -> bool {
    python.exists() && fs::read_to_string(stamp).is_ok_and(|found| found == wanted)
}

fn make(sh: &Shell, folder: &Path, python: &Path) -> anyhow::Result<()> {
    sh.cmd("python3")
        .args(["-m", "venv", "--clear"])
        .arg(folder)
        .run()?;
    sh.cmd(python)
        .args(["-m", "pip", "install", "--quiet"])
        .args(["--disable-pip-version-check", "--requirement", REQUIREMENTS])
        .run()
}

/// Beside what Cargo makes, where tests look for it too.
fn folder(root: &Path) -> PathBuf {
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
    target.join("venv")
}

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use super::{REQUIREMENTS, is_current};

    #[test]
    fn environment_is_made_again_when_the_requirements_change() {
        let folder = env::temp_dir().join(format!("solent-xtask-venv-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (python, stamp) = (folder.join("python"), folder.join("requirements.txt"));

        assert!(!is_current(&python, &stamp, "one==1"));
        fs::write(&python, "").unwrap();
        assert!(!is_current(&python, &stamp, "one==1"));
        fs::write(&stamp, "one==1").unwrap();
        assert!(is_current(&python, &stamp, "one==1"));
        assert!(!is_current(&python, &stamp, "one==2"));

        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn every_requirement_says_its_version() {
        let text = fs::read_to_string(crate::workspace_root().join(REQUIREMENTS)).unwrap();

        let packages = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));

        for package in packages {
            assert!(package.contains("=="), "{package}");
        }
    }
}
