//! What the guide shows is what these tests run.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};

use crate::python::script;

/// The Python of the guide: its file, and what is shown of it.
fn shown(guide: &str) -> Vec<(&str, &str)> {
    let blocks = guide.split("```python\n").skip(1);
    blocks
        .filter_map(|block| block.split_once("```"))
        .filter_map(|(block, _)| block.strip_prefix("# ")?.split_once('\n'))
        .collect()
}

#[test]
fn python_of_the_guide_is_that_of_the_project() -> Result<()> {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/django.md");
    let guide = fs::read_to_string(guide)?;

    let shown = shown(&guide);

    ensure!(
        shown.len() == guide.matches("```python").count(),
        "a block does not name its file"
    );
    ensure!(shown.len() > 5, "the guide shows {} files", shown.len());
    for (file, code) in shown {
        let text = fs::read_to_string(script(file)).with_context(|| file.to_owned())?;
        ensure!(text.contains(code), "{file} does not have:\n{code}");
    }
    Ok(())
}
