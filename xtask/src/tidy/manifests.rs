//! A fact has one home: what the workspace says, its members inherit.

use super::{Problem, package::Package, tree::Tree};

/// What every member inherits.
const INHERITED: &[(&str, &str)] = &[
    ("package", "version"),
    ("package", "edition"),
    ("package", "rust-version"),
    ("package", "license"),
];

/// Every package inherits lints and facts, and says what it is for, in one line and in ten.
pub(super) fn facts_are_inherited(tree: &Tree) -> Vec<Problem> {
    tree.packages()
        .iter()
        .flat_map(|package| {
            let mut remedies = uninherited(package);
            if package.get("package", "description").is_none() {
                remedies.push("say in one line what it is: `description = \"…\"`".to_owned());
            }
            if package.folder.starts_with("crates/") {
                remedies.extend(untold(tree, package));
            }
            remedies.into_iter().map(|remedy| {
                let rule = "a package inherits what the workspace says and says what it is for";
                Problem::new(package.manifest_path(), rule, remedy)
            })
        })
        .collect()
}

fn uninherited(package: &Package) -> Vec<String> {
    let mut remedies: Vec<String> = INHERITED
        .iter()
        .filter(|(table, key)| !package.inherits(table, key))
        .map(|(table, key)| format!("write `{key}.workspace = true` under `[{table}]`"))
        .collect();
    if package
        .get("lints", "workspace")
        .and_then(toml::Value::as_bool)
        != Some(true)
    {
        remedies.push("write `workspace = true` under `[lints]`".to_owned());
    }
    remedies
}

fn untold(tree: &Tree, package: &Package) -> Vec<String> {
    let mut remedies = Vec::new();
    let readme = format!("{}/README.md", package.folder);
    if tree.text(&readme).is_none() {
        remedies.push(format!("write {readme}: what, for whom, where to begin"));
    }
    if package.folder != format!("crates/{}", package.name) {
        remedies.push(format!("call its folder crates/{}", package.name));
    }
    remedies
}

/// Version numbers stand in `[workspace.dependencies]`, and nowhere else.
pub(super) fn versions_have_one_home(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for package in tree.packages() {
        for dependency in package.dependencies() {
            if dependency.has_version() {
                let remedy = format!(
                    "move the version of `{name}` to the root and write `{name}.workspace = true`",
                    name = dependency.name
                );
                let rule = "version numbers stand only in the root Cargo.toml";
                problems.push(Problem::new(package.manifest_path(), rule, remedy));
            }
        }
    }
    problems
}

/// What is published names its dev-dependencies in the house by path alone: with a version, two crates that test with
/// each other could never be published, as each would have to be there first.
pub(super) fn house_dev_dependencies_are_paths(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for package in tree
        .packages()
        .iter()
        .filter(|package| package.is_published())
    {
        for dependency in package.dependencies() {
            let in_house = tree.package(dependency.name);
            if let (true, true, Some(other)) = (dependency.dev, dependency.is_inherited(), in_house)
            {
                let name = dependency.name;
                let remedy = format!(
                    "write `{name} = {{ path = \"{}\" }}`",
                    beside(package, other)
                );
                let rule = "dev-dependencies in the house are paths without a version";
                problems.push(Problem::new(package.manifest_path(), rule, remedy));
            }
        }
    }
    problems
}

/// The way from one package's folder to another's.
fn beside(from: &Package, to: &Package) -> String {
    let up = "../".repeat(from.folder.split('/').count());
    match (
        from.folder.strip_prefix("crates/"),
        to.folder.strip_prefix("crates/"),
    ) {
        (Some(_), Some(to)) => format!("../{to}"),
        _ => format!("{up}{}", to.folder),
    }
}

#[cfg(test)]
mod tests {
    use super::{facts_are_inherited, house_dev_dependencies_are_paths, versions_have_one_home};
    use crate::tidy::tree::Tree;

    const HIGH: &str = "crates/high/Cargo.toml";

    #[test]
    fn each_missing_fact_is_a_problem() {
        for (line, word) in [
            ("version.workspace = true\n", "`version.workspace"),
            ("edition.workspace = true\n", "`edition.workspace"),
            ("license.workspace = true\n", "`license.workspace"),
            ("rust-version.workspace = true\n", "rust-version"),
            ("[lints]\nworkspace = true\n", "[lints]"),
            ("description = \"high\"\n", "description"),
        ] {
            let problems = facts_are_inherited(&Tree::sample_but(HIGH, line, ""));

            assert!(!problems.is_empty(), "nobody missed {line}");
            assert!(
                problems.iter().any(|it| it.remedy.contains(word)),
                "{problems:?}"
            );
        }
    }

    #[test]
    fn missing_readme_is_a_problem_in_crates_only() {
        let in_crates = facts_are_inherited(&Tree::sample_without("crates/high/README.md"));
        let elsewhere = facts_are_inherited(&Tree::sample_without("xtask/README.md"));

        assert_eq!(in_crates.len(), 1, "{in_crates:?}");
        assert!(elsewhere.is_empty(), "{elsewhere:?}");
    }

    #[test]
    fn folder_named_otherwise_is_a_problem() {
        let tree = Tree::sample_but(HIGH, "name = \"high\"", "name = \"lofty\"");

        let problems = facts_are_inherited(&tree);

        assert!(problems[0].remedy.contains("crates/lofty"), "{problems:?}");
    }

    #[test]
    fn version_in_a_member_is_a_problem() {
        for written in ["bytes = \"1\"", "bytes = { version = \"1\" }"] {
            let tree = Tree::sample_but(HIGH, "bytes.workspace = true", written);

            assert_eq!(versions_have_one_home(&tree).len(), 1, "{written}");
        }
    }

    #[test]
    fn inherited_dev_dependency_in_the_house_is_a_problem() {
        let dev = "[dev-dependencies]\nlow.workspace = true";
        let tree = Tree::sample_but(HIGH, "[dependencies]\nbytes.workspace = true", dev);

        let problems = house_dev_dependencies_are_paths(&tree);

        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].remedy.contains(r#"path = "../low""#),
            "{problems:?}"
        );
    }

    #[test]
    fn unpublished_packages_may_inherit_dev_dependencies() {
        let dev = "[dev-dependencies]\nlow.workspace = true";
        let tree = Tree::sample_but(
            "xtask/Cargo.toml",
            "[dependencies]\nbytes.workspace = true",
            dev,
        );

        assert!(house_dev_dependencies_are_paths(&tree).is_empty());
    }
}
