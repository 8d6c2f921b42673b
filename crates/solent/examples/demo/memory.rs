//! Gives memory back to the system after a burst of connections.

use std::{hint::black_box, thread, time::Duration};

/// The system's own allocator keeps most of what a burst took.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Has mimalloc return free memory to the system, for ever. It does so only when a large block comes or goes, so one does each
/// second, and a server that is quiet after a burst does not keep it. The block is never touched.
pub(crate) fn return_to_system() {
    loop {
        thread::sleep(Duration::from_secs(1));
        drop(black_box(Vec::<u8>::with_capacity(16 * 1024 * 1024)));
    }
}
