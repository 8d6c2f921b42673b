//! `cargo xtask tidy`: the house rules that a program can check.
//!
//! A rule is a function from the [`Tree`] of files to the [`Problem`]s it found.

use std::fmt;

use anyhow::bail;

use self::tree::Tree;
use crate::{flags::Tidy, shell::Shell};

// What is judged.
mod package;
mod tree;

// The rules.
mod floors;
mod links;
mod manifests;
mod sources;
mod workflows;

/// What a rule does not like.
#[derive(Debug)]
struct Problem {
    /// The file, and the line where that helps.
    place: String,
    /// The rule that is broken.
    rule: &'static str,
    /// What to do about it.
    remedy: String,
}

impl Problem {
    fn new(place: impl Into<String>, rule: &'static str, remedy: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            rule,
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.place, self.rule, self.remedy)
    }
}

/// All rules, in the order in which they report.
const RULES: &[fn(&Tree) -> Vec<Problem>] = &[
    floors::map_is_complete,
    floors::arrows_point_down,
    manifests::facts_are_inherited,
    manifests::versions_have_one_home,
    manifests::house_dev_dependencies_are_paths,
    sources::nothing_is_unfinished,
    sources::send_is_not_shadowed,
    sources::files_are_small,
    sources::files_have_a_subject,
    sources::whitespace_is_plain,
    sources::words_are_plain,
    sources::root_is_small,
    links::links_resolve,
    workflows::green_needs_every_job,
];

impl Tidy {
    /// Checks every rule and prints what breaks one.
    pub(crate) fn run(self, sh: &Shell) -> anyhow::Result<()> {
        let tree = Tree::read(sh.root())?;
        let problems = check(&tree);
        for problem in &problems {
            eprintln!("{problem}");
        }
        if !problems.is_empty() {
            bail!("tidy: {} things to put right", problems.len());
        }
        eprintln!("tidy: {} files, nothing to put right", tree.len());
        Ok(())
    }
}

fn check(tree: &Tree) -> Vec<Problem> {
    RULES.iter().flat_map(|rule| rule(tree)).collect()
}

#[cfg(test)]
mod tests {
    use super::{check, tree::Tree};

    #[test]
    fn house_is_tidy() {
        let tree = Tree::read(&crate::workspace_root()).unwrap();

        let problems: Vec<String> = check(&tree).iter().map(ToString::to_string).collect();

        assert!(problems.is_empty(), "\n{}", problems.join("\n"));
    }
}
