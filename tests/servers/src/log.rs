//! What servers print.

use std::{fs, path::Path};

/// How many lines are shown.
const LINES: usize = 40;

/// The last lines of a file; none if it cannot be read.
pub(super) fn end_of(path: &Path) -> String {
    let log = fs::read(path).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
