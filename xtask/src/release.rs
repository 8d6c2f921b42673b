//! `cargo xtask release`

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};
use toml::Table;

use crate::{
    flags::{Release, Tidy},
    shell::Shell,
};

/// The heading under which changes wait for a release.
const UNRELEASED: &str = "## Unreleased";

impl Release {
    /// Sets the version, dates the changelog, verifies the packages, commits and tags. Publishes nothing.
    pub(crate) fn run(self, sh: &Shell) -> anyhow::Result<()> {
        let manifest = sh.read_file("Cargo.toml")?;
        let old = current_version(&manifest)?;
        let new = &self.version;
        let tag = format!("v{new}");
        ensure!(
            numbers(new)? > numbers(&old)?,
            "{new} does not come after {old}, the version in Cargo.toml"
        );
        ensure!(
            sh.cmd("git")
                .args(["status", "--porcelain"])
                .read()?
                .is_empty(),
            "the tree is not clean; commit first"
        );
        ensure!(
            sh.cmd("git")
                .args(["tag", "--list", &tag])
                .read()?
                .is_empty(),
            "{tag} is already there"
        );
        Tidy {}.run(sh)?;

        sh.write_file("Cargo.toml", &with_version(&manifest, &old, new))?;
        let changelog = dated(&sh.read_file("CHANGELOG.md")?, new, &today()?)?;
        sh.write_file("CHANGELOG.md", &changelog)?;
        sh.cargo("update --workspace").run()?;
        sh.cargo("package --workspace --allow-dirty")
            .args(["--exclude", "xtask"])
            .args(["--exclude", "solent-tests"])
            .args(["--exclude", "solent-test-servers"])
            .run()
            .context("nothing is committed yet; `git restore .` takes the version back")?;

        sh.cmd("git")
            .args(["commit", "--all", "--message"])
            .arg(format!("release {new}"))
            .run()?;
        sh.cmd("git")
            .args(["tag", "--annotate", "--message"])
            .arg(format!("Solent {new}"))
            .arg(&tag)
            .run()?;
        eprintln!("release: {tag} is tagged; push the commit, then the tag");
        Ok(())
    }
}

/// The version that all crates inherit.
fn current_version(manifest: &str) -> anyhow::Result<String> {
    let manifest: Table = manifest.parse().context("Cargo.toml does not parse")?;
    manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("package")?.get("version")?.as_str())
        .map(str::to_owned)
        .context("Cargo.toml has no workspace.package.version")
}

/// The parts of `major.minor.patch`.
fn numbers(version: &str) -> anyhow::Result<[u64; 3]> {
    let parts: Result<Vec<u64>, _> = version.split('.').map(str::parse).collect();
    match parts.as_deref() {
        Ok(&[major, minor, patch]) => Ok([major, minor, patch]),
        _ => bail!("`{version}` is not a version such as 0.2.0"),
    }
}

/// The manifest with the new version for the workspace, and for the crates in the house.
fn with_version(manifest: &str, old: &str, new: &str) -> String {
    let (old, new) = (
        format!("version = \"{old}\""),
        format!("version = \"{new}\""),
    );
    manifest
        .split_inclusive('\n')
        .map(|line| {
            let ours = line.trim_end() == old || line.contains("path = \"crates/");
            if ours {
                line.replace(&old, &new)
            } else {
                line.to_owned()
            }
        })
        .collect()
}

/// The changelog with what was unreleased under the version and its date.
fn dated(changelog: &str, version: &str, date: &str) -> anyhow::Result<String> {
    let (before, rest) = changelog
        .split_once(&format!("\n{UNRELEASED}\n"))
        .with_context(|| format!("CHANGELOG.md has no `{UNRELEASED}`"))?;
    let waiting = rest.split("\n## ").next().unwrap_or_default();
    ensure!(
        !waiting.trim().is_empty(),
        "CHANGELOG.md has nothing under `{UNRELEASED}`; say what changed"
    );
    Ok(format!(
        "{before}\n{UNRELEASED}\n\n## {version} ({date})\n{rest}"
    ))
}

/// The day by UTC, as year-month-day.
fn today() -> anyhow::Result<String> {
    let days = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / 86_400;
    Ok(date(days))
}

/// The date so many days after 1970-01-01.
fn date(mut days: u64) -> String {
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", days + 1)
}

#[cfg(test)]
mod tests {
    use super::{current_version, date, dated, numbers, with_version};

    const MANIFEST: &str = "[workspace.package]\nversion = \"0.1.0\"\n\n[workspace.dependencies]\n\
                            low = { path = \"crates/low\", version = \"0.1.0\" }\n\
                            other = { version = \"0.1.0\" }\n";

    #[test]
    fn version_is_set_for_the_house_and_nobody_else() {
        assert_eq!(current_version(MANIFEST).unwrap(), "0.1.0");

        let changed = with_version(MANIFEST, "0.1.0", "0.2.0");

        assert_eq!(current_version(&changed).unwrap(), "0.2.0");
        assert!(changed.contains("low = { path = \"crates/low\", version = \"0.2.0\" }"));
        assert!(changed.contains("other = { version = \"0.1.0\" }"));
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(numbers("0.10.0").unwrap() > numbers("0.9.9").unwrap());
        for wrong in ["1", "1.2", "1.2.3.4", "v1.2.3", "1.2.x", ""] {
            assert!(numbers(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn changelog_is_dated_and_open_for_the_next() {
        let changelog =
            "# Changelog\n\n## Unreleased\n\n### Added\n\n- All of it.\n\n## 0.0.1 (2025-01-01)\n";

        let text = dated(changelog, "0.1.0", "2026-02-03").unwrap();

        assert!(
            text.contains("## Unreleased\n\n## 0.1.0 (2026-02-03)\n\n### Added\n\n- All of it.\n"),
            "{text}"
        );
    }

    #[test]
    fn empty_changelog_is_refused() {
        let changelog = "# Changelog\n\n## Unreleased\n\n## 0.0.1 (2025-01-01)\n\n- Old.\n";

        assert!(dated(changelog, "0.1.0", "2026-02-03").is_err());
    }

    #[test]
    fn dates_follow_the_calendar() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (58, "1970-02-28"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (11_322, "2000-12-31"),
            (20_512, "2026-02-28"),
            (20_513, "2026-03-01"),
        ] {
            assert_eq!(date(days), expected);
        }
    }
}
