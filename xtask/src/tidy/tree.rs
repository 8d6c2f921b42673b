//! The files that are judged.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Context;
use toml::Table;

use super::package::Package;

/// Endings of the files whose text rules look at.
const TEXT: &[&str] = &["rs", "md", "toml", "yml", "yaml"];

/// The files of the workspace, by their path from the root with `/` between the parts.
#[derive(Debug)]
pub(super) struct Tree {
    /// The text is empty where no rule looks at it.
    files: BTreeMap<String, String>,
    /// The members of the workspace.
    packages: Vec<Package>,
}

impl Tree {
    /// Reads what stands under `root`, without what Cargo or git made.
    pub(super) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut files = BTreeMap::new();
        read_folder(root, "", &mut files)?;
        Self::from_files(files)
    }

    fn from_files(files: BTreeMap<String, String>) -> anyhow::Result<Self> {
        let text = files
            .get("Cargo.toml")
            .context("no Cargo.toml in the root")?;
        let manifest: Table = text.parse().context("Cargo.toml does not parse")?;
        let packages = read_packages(&manifest, &files)?;
        Ok(Self { files, packages })
    }

    /// How many files there are.
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// The members of the workspace.
    pub(super) fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// The member of this name.
    pub(super) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }

    /// The text of a file, if there is such a file.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Every file with one of these endings, and its text.
    pub(super) fn with_ending<'a>(
        &'a self,
        endings: &'a [&'a str],
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files
            .iter()
            .filter(|(path, _)| ending(path).is_some_and(|found| endings.contains(&found)))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The Rust files below `crates/*/src`, and their text.
    pub(super) fn shipped_sources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.with_ending(&["rs"]).filter(|(path, _)| {
            let mut parts = path.split('/');
            parts.next() == Some("crates") && parts.nth(1) == Some("src")
        })
    }

    /// Whether a file or folder stands at `path`. The root is the empty path.
    pub(super) fn has(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty()
            || self.files.contains_key(path)
            || self.files.keys().any(|file| file.starts_with(&folder))
    }
}

fn ending(path: &str) -> Option<&str> {
    path.rsplit_once('.').map(|(_, ending)| ending)
}

fn read_folder(
    folder: &Path,
    prefix: &str,
    files: &mut BTreeMap<String, String>,
) -> anyhow::Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            if name != ".git" && !is_cache(&entry.path()) {
                read_folder(&entry.path(), &format!("{path}/"), files)?;
            }
            continue;
        }
        let text = if ending(&name).is_some_and(|found| TEXT.contains(&found)) {
            fs::read_to_string(entry.path()).with_context(|| format!("cannot read {path}"))?
        } else {
            String::new()
        };
        files.insert(path, text);
    }
    Ok(())
}

/// Whether Cargo, or another tool that says so, may empty the folder at any time.
fn is_cache(folder: &Path) -> bool {
    folder.join("CACHEDIR.TAG").exists()
}

fn read_packages(
    manifest: &Table,
    files: &BTreeMap<String, String>,
) -> anyhow::Result<Vec<Package>> {
    let members = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("members"))
        .and_then(|members| members.as_array())
        .context("Cargo.toml lists no workspace.members")?;
    let members: Vec<&str> = members
        .iter()
        .filter_map(|member| member.as_str())
        .collect();

    let mut packages = Vec::new();
    for (path, text) in files {
        if let Some(folder) = path.strip_suffix("/Cargo.toml")
            && members.iter().any(|member| is_member(folder, member))
        {
            let manifest = text
                .parse()
                .with_context(|| format!("{path} does not parse"))?;
            packages.push(Package::new(folder, manifest)?);
        }
    }
    Ok(packages)
}

/// Whether the pattern, a path that may end in `/*`, means this folder.
fn is_member(folder: &str, pattern: &str) -> bool {
    match pattern.strip_suffix("/*") {
        Some(parent) => folder
            .rsplit_once('/')
            .is_some_and(|(found, _)| found == parent),
        None => folder == pattern,
    }
}

#[cfg(test)]
impl Tree {
    /// A small tidy house, for rules to be tried on: a low crate, a high one, and the map.
    pub(super) fn sample() -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        let mut put = |path: &str, text: &str| files.insert(path.to_owned(), text.to_owned());
        put(
            "Cargo.toml",
            "[workspace]\nmembers = [\"crates/*\", \"xtask\"]\n\n[workspace.dependencies]\n\
             low = { path = \"crates/low\", version = \"1.2.3\" }\nbytes = \"1\"\n",
        );
        for (folder, name) in [
            ("crates/low", "low"),
            ("crates/high", "high"),
            ("xtask", "xtask"),
        ] {
            let publish = if name == "xtask" {
                "publish = false\n"
            } else {
                ""
            };
            put(
                &format!("{folder}/Cargo.toml"),
                &format!(
                    "[package]\nname = \"{name}\"\ndescription = \"{name}\"\n{publish}\
                     version.workspace = true\nedition.workspace = true\n\
                     rust-version.workspace = true\nlicense.workspace = true\n\n\
                     [lints]\nworkspace = true\n\n[dependencies]\nbytes.workspace = true\n"
                ),
            );
            put(&format!("{folder}/README.md"), "# A crate\n");
            put(&format!("{folder}/src/lib.rs"), "//! A crate.\n");
        }
        put(
            "docs/architecture.md",
            "| floor | crate |\n|---|---|\n| 1 | `high` |\n| 0 | `low` |\n| – | `xtask` |\n",
        );
        files
    }

    /// [`sample`](Self::sample) with one file written or replaced.
    pub(super) fn sample_with(path: &str, text: &str) -> Self {
        let mut files = Self::sample();
        files.insert(path.to_owned(), text.to_owned());
        Self::from_files(files).unwrap()
    }

    /// Replaces the text of a file that is not a manifest.
    pub(super) fn write(&mut self, path: &str, text: &str) {
        self.files.insert(path.to_owned(), text.to_owned());
    }

    /// [`sample`](Self::sample) without one file.
    pub(super) fn sample_without(path: &str) -> Self {
        let mut files = Self::sample();
        files.remove(path).unwrap();
        Self::from_files(files).unwrap()
    }

    /// [`sample`](Self::sample) with `from` replaced by `to` in one file.
    pub(super) fn sample_but(path: &str, from: &str, to: &str) -> Self {
        let text = &Self::sample()[path];
        assert!(text.contains(from), "{path} has no {from:?}");
        Self::sample_with(path, &text.replace(from, to))
    }
}

#[cfg(test)]
mod tests {
    use std::{env, fs, process};

    use super::Tree;
    use crate::tidy::check;

    #[test]
    fn sample_breaks_no_rule() {
        let tree = Tree::sample_with("LICENSE", "");

        let problems = check(&tree);

        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn members_are_those_the_workspace_names() {
        let tree = Tree::sample_with("fuzz/Cargo.toml", "[workspace]\n");

        let names: Vec<_> = tree
            .packages()
            .iter()
            .map(|package| &package.name)
            .collect();

        assert_eq!(names, ["high", "low", "xtask"]);
    }

    #[test]
    fn reading_leaves_caches_out() {
        let root = env::temp_dir().join(format!("solent-tidy-{}", process::id()));
        let mut files = Tree::sample();
        files.insert("target/CACHEDIR.TAG".to_owned(), String::new());
        files.insert("target/junk.rs".to_owned(), "\t".to_owned());
        for (path, text) in &files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        let tree = Tree::read(&root).unwrap();
        fs::remove_dir_all(&root).unwrap();

        assert_eq!(tree.len(), Tree::sample().len());
        assert_eq!(tree.text("xtask/src/lib.rs"), Some("//! A crate.\n"));
        assert!(tree.has("crates/low") && !tree.has("target"));
    }
}
