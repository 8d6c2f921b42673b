use std::{fs, path::Path};

#[test]
fn guide_shows_the_layer_that_is_tested() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Ok(guide) = fs::read_to_string(package.join("../../docs/writing-a-layer.md")) else {
        // The published package is without the guide.
        return;
    };
    let tested = include_str!("../../src/small_layer.md");

    let code: String = tested
        .lines()
        .filter(|line| !line.starts_with("# ") && *line != "#" && !line.starts_with("```"))
        .map(|line| format!("{line}\n"))
        .collect();

    assert!(
        guide.contains(&code),
        "docs/writing-a-layer.md has other code"
    );
}
