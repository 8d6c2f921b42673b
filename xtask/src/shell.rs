//! How chores run commands and write files: aloud, or only in words.

use std::{
    ffi::{OsStr, OsString},
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};

/// Runs commands in the root of the workspace and prints each before it runs.
#[derive(Clone)]
pub(crate) struct Shell {
    /// Where every command runs, and what relative paths mean.
    root: PathBuf,
    /// Whether effects are only printed.
    dry_run: bool,
    /// Set for every command.
    env: Vec<(OsString, OsString)>,
}

impl Shell {
    /// A shell that acts in `root`.
    pub(crate) fn new(root: PathBuf) -> Self {
        Self {
            root,
            dry_run: false,
            env: Vec::new(),
        }
    }

    /// Whether effects are only printed. Default: no.
    pub(crate) fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// Sets a variable for every command.
    pub(crate) fn with_env(
        mut self,
        name: impl Into<OsString>,
        value: impl Into<OsString>,
    ) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// The root of the workspace.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Whether effects are only printed.
    pub(crate) fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// A command of Cargo's, split at the spaces.
    pub(crate) fn cargo(&self, arguments: &str) -> Cmd<'_> {
        self.cmd("cargo").args(arguments.split_whitespace())
    }

    /// A command to add arguments to.
    pub(crate) fn cmd(&self, program: impl Into<OsString>) -> Cmd<'_> {
        Cmd {
            shell: self,
            program: program.into(),
            args: Vec::new(),
            env: self.env.clone(),
        }
    }

    /// Reads a file.
    pub(crate) fn read_file(&self, path: &str) -> anyhow::Result<String> {
        fs::read_to_string(self.root.join(path)).with_context(|| format!("cannot read {path}"))
    }

    /// Writes a file.
    pub(crate) fn write_file(&self, path: impl AsRef<Path>, text: &str) -> anyhow::Result<()> {
        let path = path.as_ref();
        eprintln!("$ # write {}", path.display());
        if self.dry_run {
            return Ok(());
        }
        fs::write(self.root.join(path), text)
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

/// A command about to run.
#[must_use]
pub(crate) struct Cmd<'a> {
    shell: &'a Shell,
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
}

impl Cmd<'_> {
    /// Adds one argument.
    pub(crate) fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    pub(crate) fn args<S: Into<OsString>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable for this command.
    pub(crate) fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Prints the command and runs it, unless this is a dry run. A command that fails is an error.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        eprintln!("$ {self}");
        if self.shell.dry_run {
            return Ok(());
        }
        let status = self
            .command()
            .status()
            .with_context(|| format!("cannot start `{self}`"))?;
        if !status.success() {
            bail!("`{self}` failed: {status}");
        }
        Ok(())
    }

    /// Prints the command, runs it and returns what it printed. Only for commands that change nothing: a dry run
    /// runs them too.
    pub(crate) fn read(self) -> anyhow::Result<String> {
        eprintln!("$ {self}");
        let output = self
            .command()
            .output()
            .with_context(|| format!("cannot start `{self}`"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`{self}` failed: {}: {}", output.status, said.trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Whether the command can be started and succeeds. Only for commands that change nothing.
    pub(crate) fn succeeds(self) -> bool {
        self.read().is_ok()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.shell.root);
        command
    }
}

impl fmt::Display for Cmd<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.env {
            write!(f, "{}={} ", name.display(), quoted(value))?;
        }
        write!(f, "{}", self.program.display())?;
        for arg in &self.args {
            write!(f, " {}", quoted(arg))?;
        }
        Ok(())
    }
}

/// The word as one would type it.
fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    if word.is_empty() || word.contains(|c: char| c.is_whitespace() || "\"'$|;&<>".contains(c)) {
        format!("'{}'", word.replace('\'', r"'\''"))
    } else {
        word.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::env;

    use super::Shell;

    fn shell() -> Shell {
        Shell::new(env::temp_dir())
    }

    #[test]
    fn command_is_printed_as_it_would_be_typed() {
        let sh = shell();
        let command = sh
            .cargo("doc --no-deps")
            .env("RUSTDOCFLAGS", "-D warnings")
            .arg("it's");

        assert_eq!(
            command.to_string(),
            r"RUSTDOCFLAGS='-D warnings' cargo doc --no-deps 'it'\''s'"
        );
    }

    #[test]
    fn dry_run_has_no_effect() {
        let sh = shell().dry_run(true);
        let name = format!("solent-xtask-{}", std::process::id());

        sh.cmd("a-program-that-does-not-exist").run().unwrap();
        sh.write_file(&name, "text").unwrap();

        assert!(!env::temp_dir().join(name).exists());
    }

    #[test]
    fn failing_command_is_an_error_that_names_it() {
        let error = shell()
            .cmd("cargo")
            .arg("no-such-subcommand-of-cargo")
            .run()
            .unwrap_err();

        assert!(error.to_string().contains("no-such-subcommand-of-cargo"));
    }
}
