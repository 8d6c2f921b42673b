//! The store of this process.

use std::num::NonZeroUsize;

use proptest::prelude::*;
use solent_session::{MemoryStore, Saved, SessionKey, SessionStore, StoreError};

use super::contract::{after, before, check, check_merging, data};

type Result<T = ()> = std::result::Result<T, StoreError>;

#[tokio::test]
async fn memory_keeps_what_stores_promise() -> Result {
    check(MemoryStore::default()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_at_once_lose_nothing_in_memory() {
    check_merging(MemoryStore::default()).await;
}

#[tokio::test]
async fn what_has_expired_takes_no_room() -> Result {
    let store = MemoryStore::default();
    store.create(&data(1), before(1)).await?;
    store.create(&data(2), before(1)).await?;

    store.create(&data(3), after(60)).await?;

    assert_eq!(store.len(), 1);
    Ok(())
}

#[tokio::test]
async fn full_store_loses_what_would_expire_first() -> Result {
    let store = MemoryStore::new(NonZeroUsize::new(2).unwrap());
    let long = store.create(&data(1), after(60)).await?;
    let short = store.create(&data(2), after(30)).await?;

    let new = store.create(&data(3), after(10)).await?;

    assert_eq!(store.load(&short).await?, None);
    assert!(store.load(&long).await?.is_some() && store.load(&new).await?.is_some());
    assert_eq!(store.len(), 2);
    Ok(())
}

proptest! {
    #[test]
    fn store_holds_what_was_put_into_it(steps in proptest::collection::vec((0u8..3, 0usize..4, any::<u64>()), 0..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = MemoryStore::default();
            let mut model: Vec<(SessionKey, Option<u64>)> = Vec::new();
            for (step, which, value) in steps {
                let len = model.len();
                match model.get_mut(which) {
                    None => {
                        let key = store.create(&data(value), after(60 + len as u64)).await.unwrap();
                        model.push((key, Some(value)));
                    }
                    Some((key, kept)) => match step {
                        0 => {
                            store.delete(key).await.unwrap();
                            *kept = None;
                        }
                        _ => {
                            let saved = store.save(key, &data(value), after(value % 1000 + 1)).await.unwrap();
                            assert_eq!(saved, if kept.is_some() { Saved::Kept } else { Saved::Gone });
                            *kept = kept.map(|_| value);
                        }
                    },
                }
            }
            for (key, kept) in &model {
                assert_eq!(store.load(key).await.unwrap(), kept.map(data));
            }
            assert_eq!(store.len(), model.iter().filter(|(_, kept)| kept.is_some()).count());
        });
    }
}
