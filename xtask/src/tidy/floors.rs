//! Crates stand on floors, and may use what is below.
//!
//! Which floor is whose is said once, in the table of `docs/architecture.md`: a row is `| floor | name | … |`, where a
//! dash is the floor of packages that no other may use.

use std::collections::BTreeMap;

use super::{Problem, tree::Tree};

/// Where the floors are written.
const MAP: &str = "docs/architecture.md";

/// The height of a floor; `None` is outside the house.
type Floor = Option<u8>;

/// Every package has one row on the map, and every row a package.
pub(super) fn map_is_complete(tree: &Tree) -> Vec<Problem> {
    const RULE: &str = "the map names every crate once";
    let Some(text) = tree.text(MAP) else {
        let remedy = "write it, with a table of rows such as `| 0 | `solent-spec` | … |`";
        return vec![Problem::new(MAP, RULE, remedy)];
    };

    let mut problems = Vec::new();
    for package in tree.packages() {
        let count = rows(text)
            .filter(|row| row.names.contains(&package.name.as_str()))
            .count();
        if count != 1 {
            let remedy = format!(
                "give `{}` one row `| floor | `{0}` | … |` in a table (found {count})",
                package.name
            );
            problems.push(Problem::new(MAP, RULE, remedy));
        }
    }
    for row in rows(text).filter(|row| row.floor.is_some()) {
        for name in row.names.iter().filter(|name| tree.package(name).is_none()) {
            let remedy = format!("take out `{name}`, which is not in the workspace");
            problems.push(Problem::new(format!("{MAP}:{}", row.line), RULE, remedy));
        }
    }
    problems
}

/// A package depends only on floors below its own. Packages outside the house may use all of it.
pub(super) fn arrows_point_down(tree: &Tree) -> Vec<Problem> {
    const RULE: &str = "a crate uses only floors below its own";
    let floors = floors(tree.text(MAP).unwrap_or_default());

    let mut problems = Vec::new();
    for package in tree.packages() {
        let Some(&Some(own)) = floors.get(package.name.as_str()) else {
            continue;
        };
        for dependency in package.dependencies() {
            if dependency.dev || tree.package(dependency.name).is_none() {
                continue;
            }
            let below = matches!(floors.get(dependency.name), Some(Some(other)) if *other < own);
            if !below {
                let remedy = format!(
                    "`{}` is on floor {own} and `{}` is not below it: move what both need down a \
                     floor, or make it a dev-dependency",
                    package.name, dependency.name
                );
                problems.push(Problem::new(package.manifest_path(), RULE, remedy));
            }
        }
    }
    problems
}

/// A row of the map.
struct Row<'a> {
    line: usize,
    floor: Floor,
    names: Vec<&'a str>,
}

fn floors(text: &str) -> BTreeMap<&str, Floor> {
    rows(text)
        .flat_map(|row| row.names.into_iter().map(move |name| (name, row.floor)))
        .collect()
}

fn rows(text: &str) -> impl Iterator<Item = Row<'_>> {
    text.lines().enumerate().filter_map(|(idx, line)| {
        let mut cells = line.trim().strip_prefix('|')?.split('|').map(str::trim);
        let floor = match cells.next()? {
            "–" | "-" => None,
            floor => Some(floor.parse().ok()?),
        };
        let names = cells.next()?.split('`').skip(1).step_by(2).collect();
        Some(Row {
            line: idx + 1,
            floor,
            names,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{MAP, arrows_point_down, map_is_complete};
    use crate::tidy::tree::Tree;

    #[test]
    fn missing_map_is_a_problem() {
        let problems = map_is_complete(&Tree::sample_without(MAP));

        assert!(problems[0].remedy.contains("write it"), "{problems:?}");
    }

    #[test]
    fn crate_without_a_row_is_a_problem() {
        let tree = Tree::sample_but(MAP, "| 0 | `low` |\n", "`low` is mentioned only\n");

        let problems = map_is_complete(&tree);

        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].remedy.contains("`low`"), "{problems:?}");
    }

    #[test]
    fn crate_with_two_rows_is_a_problem() {
        let tree = Tree::sample_but(MAP, "| 0 | `low` |\n", "| 0 | `low` |\n| 1 | `low` |\n");

        let problems = map_is_complete(&tree);

        assert!(problems[0].remedy.contains("found 2"), "{problems:?}");
    }

    #[test]
    fn row_without_a_crate_is_a_problem() {
        let tree = Tree::sample_but(MAP, "`low` |\n", "`low` |\n| 0 | `gone` |\n");

        let problems = map_is_complete(&tree);

        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].place, "docs/architecture.md:5");
    }

    #[test]
    fn arrow_down_is_fine() {
        let tree = Tree::sample_but("crates/high/Cargo.toml", "bytes", "low");

        assert!(arrows_point_down(&tree).is_empty());
    }

    #[test]
    fn arrow_up_is_a_problem() {
        let tree = Tree::sample_but("crates/low/Cargo.toml", "bytes", "high");

        let problems = arrows_point_down(&tree);

        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].place, "crates/low/Cargo.toml");
    }

    #[test]
    fn arrow_sideways_is_a_problem() {
        let mut tree = Tree::sample_but("crates/high/Cargo.toml", "bytes", "low");
        assert!(arrows_point_down(&tree).is_empty());

        tree.write(MAP, "| 1 | `low` |\n| 1 | `high` |\n");

        assert_eq!(arrows_point_down(&tree).len(), 1);
    }

    #[test]
    fn arrow_out_of_the_house_is_a_problem() {
        let tree = Tree::sample_but("crates/high/Cargo.toml", "bytes", "xtask");

        assert_eq!(arrows_point_down(&tree).len(), 1);
    }

    #[test]
    fn dev_dependencies_may_look_up() {
        let tree = Tree::sample_but(
            "crates/low/Cargo.toml",
            "[dependencies]\nbytes.workspace = true",
            "[dev-dependencies]\nhigh = { path = '../high' }",
        );

        assert!(arrows_point_down(&tree).is_empty());
    }

    #[test]
    fn packages_outside_the_house_may_use_all_of_it() {
        let tree = Tree::sample_but("xtask/Cargo.toml", "bytes", "high");

        assert!(arrows_point_down(&tree).is_empty());
    }
}
