//! The store of this process.

use std::{
    num::NonZeroUsize,
    time::{Duration, SystemTime},
};

use proptest::prelude::*;
use solent_auth::{MemoryStore, Saved, SessionData, SessionKey, SessionStore, StoreError};

type Result<T = ()> = std::result::Result<T, StoreError>;

fn data(value: u64) -> SessionData {
    SessionData::from_iter([("value".to_owned(), value.into())])
}

fn after(seconds: u64) -> SystemTime {
    SystemTime::now() + Duration::from_secs(seconds)
}

fn before(seconds: u64) -> SystemTime {
    SystemTime::now() - Duration::from_secs(seconds)
}

#[tokio::test]
async fn sessions_are_kept_until_they_are_deleted() -> Result {
    let store = MemoryStore::default();
    let key = store.create(&data(1), after(60)).await?;

    assert_eq!(store.load(&key).await?, Some(data(1)));
    assert_eq!(store.save(&key, &data(2), after(60)).await?, Saved::Kept);
    assert_eq!(store.load(&key).await?, Some(data(2)));

    store.delete(&key).await?;
    store.delete(&key).await?;
    assert_eq!(store.load(&key).await?, None);
    assert_eq!(store.save(&key, &data(3), after(60)).await?, Saved::Gone);
    assert!(store.is_empty());
    Ok(())
}

#[tokio::test]
async fn expired_sessions_are_gone() -> Result {
    let store = MemoryStore::default();
    let key = store.create(&data(1), before(1)).await?;
    let renewed = store.create(&data(2), after(60)).await?;
    store.save(&renewed, &data(2), before(1)).await?;

    assert_eq!(store.load(&key).await?, None);
    assert_eq!(
        store.save(&renewed, &data(3), after(60)).await?,
        Saved::Gone
    );
    assert!(store.is_empty());
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
