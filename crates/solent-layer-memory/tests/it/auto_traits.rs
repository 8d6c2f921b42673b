use super::*;

#[test]
fn public_types_cross_threads() {
    fn thread_safe<T: Send + Sync + Unpin + 'static>() {}

    thread_safe::<MemoryConfig>();
    thread_safe::<MemoryLayer>();
}
