use std::{fs, path::Path};

#[test]
fn guide_shows_the_layers_that_are_tested() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Ok(guide) = fs::read_to_string(package.join("../../docs/writing-a-layer.md")) else {
        // The published package is without the guide.
        return;
    };

    for tested in [
        include_str!("../../src/small_layer.md"),
        include_str!("../../src/broker_layer.md"),
    ] {
        let code: String = tested
            .lines()
            .filter(|line| !line.starts_with("# ") && *line != "#" && !line.starts_with("```"))
            .map(|line| format!("{line}\n"))
            .collect();
        assert!(
            guide.contains(&code),
            "docs/writing-a-layer.md has other code than this:\n{code}"
        );
    }
}
