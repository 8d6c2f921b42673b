//! Links between the pages of this repository lead somewhere.

use super::{Problem, tree::Tree};

/// Every relative link in Markdown names a file or folder that is there.
pub(super) fn links_resolve(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.with_ending(&["md"]) {
        for (line, link) in links(text) {
            if is_elsewhere(link) {
                continue;
            }
            let file = link.split(['#', '?']).next().unwrap_or_default();
            let there = resolve(path, file).is_some_and(|target| tree.has(&target));
            if !there {
                let remedy = format!("nothing is at `{link}`: mend the link or take it out");
                let place = format!("{path}:{line}");
                problems.push(Problem::new(
                    place,
                    "links in Markdown lead somewhere",
                    remedy,
                ));
            }
        }
    }
    problems
}

/// Whether the link leads out of the repository, within its own page, or to an item that rustdoc finds and checks.
fn is_elsewhere(link: &str) -> bool {
    link.starts_with('#')
        || link.starts_with("mailto:")
        || link.contains("://")
        || link.contains("::")
}

/// The targets of all links outside of code, with the number of their line.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut fence = None;
    let mut found = Vec::new();
    for (idx, line) in text.lines().enumerate() {
        let mark = fence_mark(line);
        match (fence, mark) {
            (None, Some(_)) => fence = mark,
            (Some(open), Some(close)) if open == close => fence = None,
            (Some(_), _) => {}
            (None, None) => found.extend(links_in_line(line).map(|link| (idx + 1, link))),
        }
    }
    found
}

/// What a line that opens or closes a block of code begins with.
fn fence_mark(line: &str) -> Option<&'static str> {
    ["```", "~~~"]
        .into_iter()
        .find(|mark| line.trim_start().starts_with(mark))
}

fn links_in_line(line: &str) -> impl Iterator<Item = &str> {
    // Every second part stands between backticks; a link's text may, its target may not.
    let prose = line.split('`').step_by(2);
    let inline = prose.flat_map(|part| {
        part.match_indices("](").filter_map(move |(start, _)| {
            let rest = &part[start + 2..];
            rest[..rest.find(')')?].split_whitespace().next()
        })
    });
    inline.chain(definition(line))
}

/// The target of `[name]: target`.
fn definition(line: &str) -> Option<&str> {
    let (name, target) = line.trim_start().strip_prefix('[')?.split_once("]: ")?;
    (!name.contains(']') && !name.starts_with('^'))
        .then(|| target.split_whitespace().next())
        .flatten()
        .filter(|target| target.contains(['.', '/', '#']))
}

/// The path from the root that a link on the page at `from` means, unless it leads out of the root.
fn resolve(from: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    if link.starts_with('/') {
        parts.clear();
    }
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::links_resolve;
    use crate::tidy::tree::Tree;

    #[test]
    fn links_that_lead_somewhere_are_fine() {
        for link in [
            "../Cargo.toml",
            "../crates/low",
            "../crates/",
            "architecture.md#floors",
            "/xtask/README.md",
            "./architecture.md",
            "#here",
            "https://example.org/nothing",
            "mailto:someone@example.org",
            "crate::Item",
        ] {
            let text =
                format!("See [this]({link}) and [`that`]({link} \"title\").\n\n[x]: {link}\n");

            let problems = links_resolve(&Tree::sample_with("docs/page.md", &text));

            assert!(problems.is_empty(), "{link}: {problems:?}");
        }
    }

    #[test]
    fn links_that_lead_nowhere_are_problems() {
        for text in [
            "[a](gone.md)",
            "[`a`](../crates/gone)",
            "[a](../../outside.md)",
            "![a](images/gone.png)",
            "[a]: gone.md",
            "[a](architecture.md) and [b](gone.md#there)",
        ] {
            let problems =
                links_resolve(&Tree::sample_with("docs/page.md", &format!("\n{text}\n")));

            assert_eq!(problems.len(), 1, "{text}: {problems:?}");
            assert_eq!(problems[0].place, "docs/page.md:2");
        }
    }

    #[test]
    fn code_has_no_links() {
        let text = "```text\n[a](gone.md)\n~~~\n[a](gone.md)\n```\n`[a](gone.md)`\n";

        let problems = links_resolve(&Tree::sample_with("docs/page.md", text));

        assert!(problems.is_empty(), "{problems:?}");
    }
}
