//! What stands in files, and in which.

use super::{Problem, tree::Tree};

/// Lines a file may have before it must be two.
const MOST_LINES: usize = 800;

/// Names that say nothing of what is inside.
const EMPTY_NAMES: &[&str] = &["util", "utils", "helpers", "common", "misc", "types"];

/// What an unfinished thought looks like. Put together here, so that this file is not one.
const UNFINISHED: &[&str] = &[
    concat!("to", "do!"),
    concat!("unimple", "mented!"),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("#[ig", "nore"),
];

/// What a file writes that has another `Send` than Rust's.
const SHADOWS: &[&str] = &[
    "enum Send",
    "struct Send",
    "trait Send",
    "as Send",
    "marker::Send",
];

/// Words that make guides hard to read, and what to write.
const HARD_WORDS: &[(&str, &str)] = &[
    (
        "nobody",
        "name the actor: \"no process\", \"an anonymous client\"",
    ),
    ("anybody", "name the actor: \"any client\""),
    (
        "somebody",
        "name the actor: \"a user\", \"another process\"",
    ),
    ("whoever", "name the actor: \"the client that\""),
    ("octet", "write \"byte\""),
    ("octets", "write \"bytes\""),
];

/// Nothing in a crate's sources is left for later.
pub(super) fn nothing_is_unfinished(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.shipped_sources() {
        for (idx, line) in text.lines().enumerate() {
            for word in UNFINISHED.iter().filter(|word| has_word(line, word)) {
                let remedy = format!("do what `{word}` puts off, or open an issue and take it out");
                let place = format!("{path}:{}", idx + 1);
                problems.push(Problem::new(place, "nothing is left for later", remedy));
            }
        }
    }
    problems
}

/// No type is called `Send`: where it is imported, Rust's own has to be written with its path.
pub(super) fn send_is_not_shadowed(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.shipped_sources() {
        for (idx, line) in text.lines().enumerate() {
            if SHADOWS.iter().any(|shadow| has_word(line, shadow)) {
                problems.push(Problem::new(
                    format!("{path}:{}", idx + 1),
                    "`Send` is Rust's",
                    "give the type another name, and write `Send` for the marker",
                ));
            }
        }
    }
    problems
}

/// README and guides name who does what.
pub(super) fn words_are_plain(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    let guides = tree.with_ending(&["md"]);
    for (path, text) in guides.filter(|(path, _)| *path != "CHANGELOG.md") {
        for (idx, line) in text.lines().enumerate() {
            let line = line.to_lowercase().replace("octet-stream", "");
            for (word, remedy) in HARD_WORDS.iter().filter(|(word, _)| has_word(&line, word)) {
                problems.push(Problem::new(
                    format!("{path}:{}: `{word}`", idx + 1),
                    "words are plain",
                    *remedy,
                ));
            }
        }
    }
    problems
}

/// The facade has few names at its root: what most programs need. The others are in its modules.
pub(super) fn root_is_small(tree: &Tree) -> Vec<Problem> {
    const ROOT: &str = "crates/solent/src/lib.rs";
    const MOST: usize = 20;
    let names = root_names(tree.text(ROOT).unwrap_or_default());
    if names <= MOST {
        return Vec::new();
    }
    let remedy =
        format!("leave {MOST} of the {names} there, and reach the others through a module");
    vec![Problem::new(ROOT, "the root is small", remedy)]
}

/// How many names a file re-exports at its top level; crates under another name are modules.
fn root_names(text: &str) -> usize {
    let statements = text.split(';').filter_map(|statement| {
        let (_, names) = statement.rsplit_once("\npub use ")?;
        (!names.contains(" as ")).then_some(names)
    });
    let names = statements.flat_map(|names| names.split(['{', ',', '}']));
    names
        .map(str::trim)
        .filter(|name| !name.is_empty() && !name.ends_with("::"))
        .count()
}

/// Whether the line has the word, and not merely within another.
fn has_word(line: &str, word: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    let may_go_on = !word.ends_with(is_letter);
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + word.len()..].chars().next();
        let begins = !before.is_some_and(is_letter);
        let ends = may_go_on || !after.is_some_and(is_letter);
        begins && ends
    })
}

/// No file of a crate's sources is longer than one can hold in one's head.
pub(super) fn files_are_small(tree: &Tree) -> Vec<Problem> {
    tree.shipped_sources()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(path, lines)| {
            let remedy = format!("it has {lines} lines, and {MOST_LINES} is the most: find the second subject and move it out");
            Problem::new(path, "one noun per file", remedy)
        })
        .collect()
}

/// No module is named for nothing in particular.
pub(super) fn files_have_a_subject(tree: &Tree) -> Vec<Problem> {
    tree.with_ending(&["rs"])
        .filter_map(|(path, _)| {
            let name = path
                .split('/')
                .map(|part| part.trim_end_matches(".rs"))
                .find(|part| EMPTY_NAMES.contains(part))?;
            let remedy = format!("`{name}` is a room without a name: say what is in it");
            Some(Problem::new(
                path,
                "a file is named for its subject",
                remedy,
            ))
        })
        .collect()
}

/// No tabs, and nothing at the end of a line that cannot be seen.
pub(super) fn whitespace_is_plain(tree: &Tree) -> Vec<Problem> {
    const RULE: &str = "whitespace is plain";
    let mut problems = Vec::new();
    for (path, text) in tree.with_ending(&["rs", "md", "toml", "yml", "yaml"]) {
        for (idx, line) in text.split('\n').enumerate() {
            let place = || format!("{path}:{}", idx + 1);
            if line.contains('\t') {
                problems.push(Problem::new(place(), RULE, "replace the tab by spaces"));
            }
            if line.ends_with([' ', '\t', '\r']) {
                problems.push(Problem::new(
                    place(),
                    RULE,
                    "take away the whitespace at the end",
                ));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::{
        MOST_LINES, SHADOWS, UNFINISHED, files_are_small, files_have_a_subject,
        nothing_is_unfinished, root_is_small, root_names, send_is_not_shadowed,
        whitespace_is_plain, words_are_plain,
    };
    use crate::tidy::tree::Tree;

    const FILE: &str = "crates/low/src/name.rs";

    #[test]
    fn each_unfinished_thought_is_a_problem() {
        for word in UNFINISHED {
            let tree = Tree::sample_with(FILE, &format!("//! A name.\n// {word} (later)\n"));

            let problems = nothing_is_unfinished(&tree);

            assert_eq!(problems.len(), 1, "{word}: {problems:?}");
            assert_eq!(problems[0].place, "crates/low/src/name.rs:2");
        }
    }

    #[test]
    fn second_send_is_a_problem_and_sender_is_not() {
        for shadow in SHADOWS {
            let text = format!("//! A name.\nuse x::{shadow};\nfn f(_: {shadow}Error) {{}}\n");

            let problems = send_is_not_shadowed(&Tree::sample_with(FILE, &text));

            assert_eq!(problems.len(), 1, "{shadow}: {problems:?}");
            assert_eq!(problems[0].place, "crates/low/src/name.rs:2");
        }
    }

    #[test]
    fn word_that_hides_the_actor_is_a_problem_in_guides() {
        for (word, _) in super::HARD_WORDS {
            let text = format!("# A guide\n\nThe {word} sends application/octet-stream.\n");

            let problems = words_are_plain(&Tree::sample_with("docs/guide.md", &text));

            assert_eq!(problems.len(), 1, "{word}: {problems:?}");
        }
    }

    #[test]
    fn names_at_the_root_are_counted_and_more_than_twenty_are_a_problem() {
        let few = "//! A crate.\n\npub use low as floor;\npub use low::{A, b::{C, D}};\npub use low::E;\n\
                   pub mod m {\n    pub use low::F;\n}\n";
        assert_eq!(root_names(few), 4);
        let many: String = (0..21).map(|n| format!("\npub use low::N{n};")).collect();

        for (text, problems) in [(few, 0), (&*many, 1)] {
            let tree = Tree::sample_with("crates/solent/src/lib.rs", text);
            assert_eq!(root_is_small(&tree).len(), problems, "{text}");
        }
    }

    #[test]
    fn word_within_a_word_is_not_unfinished() {
        let text = format!("// AU{}CUMENT {}S\n", UNFINISHED[2], UNFINISHED[2]);

        let problems = nothing_is_unfinished(&Tree::sample_with(FILE, &text));

        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn long_file_is_a_problem() {
        let most = "\n".repeat(MOST_LINES);
        let more = "\n".repeat(MOST_LINES + 1);

        assert!(files_are_small(&Tree::sample_with(FILE, &most)).is_empty());
        assert_eq!(files_are_small(&Tree::sample_with(FILE, &more)).len(), 1);
    }

    #[test]
    fn only_sources_that_ship_must_be_small() {
        let more = "\n".repeat(MOST_LINES + 1);

        let problems = files_are_small(&Tree::sample_with("crates/low/tests/it/main.rs", &more));

        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn room_without_a_name_is_a_problem() {
        for path in ["crates/low/src/util.rs", "crates/low/src/helpers/mod.rs"] {
            assert_eq!(
                files_have_a_subject(&Tree::sample_with(path, "")).len(),
                1,
                "{path}"
            );
        }
    }

    #[test]
    fn tab_is_a_problem() {
        let problems = whitespace_is_plain(&Tree::sample_with("README.md", "a\tb\n"));

        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].remedy.contains("tab"), "{problems:?}");
    }

    #[test]
    fn whitespace_at_the_end_of_a_line_is_a_problem() {
        for text in ["a \n", "a\r\n", "fine\na "] {
            let problems = whitespace_is_plain(&Tree::sample_with("README.md", text));

            assert_eq!(problems.len(), 1, "{text:?}: {problems:?}");
        }
    }
}
