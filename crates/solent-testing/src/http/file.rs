//! Files as bodies.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

/// Reads a part of a file. Blocks, as a test may.
pub(super) fn read_part(
    mut file: File,
    offset: Option<u64>,
    count: Option<u64>,
) -> io::Result<Vec<u8>> {
    if let Some(offset) = offset {
        file.seek(SeekFrom::Start(offset))?;
    }
    let mut part = Vec::new();
    file.take(count.unwrap_or(u64::MAX))
        .read_to_end(&mut part)?;
    Ok(part)
}
