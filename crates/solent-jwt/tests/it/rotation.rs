//! Key sets that are fetched.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use solent_jwt::{
    Algorithm, JwtConfig, JwtError, JwtVerifier, KeySet, Keys, NoKeys, RotationConfig,
};
use tokio::time::{advance, sleep};

use super::sign::{claims, key, now, sign};

/// An issuer whose keys are fetched.
#[derive(Clone, Default)]
struct Issuer {
    /// The ids of its keys; nothing if it is down.
    ids: Arc<Mutex<Option<Vec<&'static str>>>>,
    fetches: Arc<AtomicUsize>,
}

impl Issuer {
    fn with(ids: impl Into<Vec<&'static str>>) -> Self {
        let issuer = Self::default();
        issuer.set(Some(ids.into()));
        issuer
    }

    fn set(&self, ids: Option<Vec<&'static str>>) {
        *self.ids.lock().unwrap() = ids;
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    fn verifier(&self) -> JwtVerifier {
        let issuer = self.clone();
        let keys = Keys::fetched(move || {
            let issuer = issuer.clone();
            async move {
                issuer.fetches.fetch_add(1, Ordering::SeqCst);
                sleep(Duration::from_millis(100)).await;
                let ids = issuer.ids.lock().unwrap().clone().ok_or("issuer is down")?;
                let keys = ids.into_iter().map(|id| key(Algorithm::Hs256).with_id(id));
                Ok::<_, &str>(KeySet::from_iter(keys))
            }
        });
        JwtVerifier::new(keys, JwtConfig::default())
    }
}

fn token(id: &str) -> String {
    let header = json!({ "alg": "HS256", "kid": id });
    sign(Algorithm::Hs256, &header, &claims())
}

async fn check(verifier: &JwtVerifier, id: &str) -> Result<(), JwtError> {
    verifier.claims_at(&token(id), now()).await.map(drop)
}

const UNKNOWN: Result<(), JwtError> = Err(JwtError::UnknownKey(Algorithm::Hs256));
const NO_KEYS: Result<(), JwtError> = Err(JwtError::NoKeys(NoKeys));

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_with_the_first_token_and_kept() {
    let issuer = Issuer::with(["a"]);
    let verifier = issuer.verifier();
    assert_eq!(issuer.fetches(), 0);

    for _ in 0..3 {
        assert_eq!(check(&verifier, "a").await, Ok(()));
    }

    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn unknown_key_is_fetched_once_an_interval() {
    let issuer = Issuer::with(["a"]);
    let verifier = issuer.verifier();
    assert_eq!(check(&verifier, "a").await, Ok(()));
    issuer.set(Some(vec!["b"]));

    // Too early: who invents ids makes no work.
    for _ in 0..10 {
        assert_eq!(check(&verifier, "b").await, UNKNOWN);
    }
    assert_eq!(issuer.fetches(), 1);

    advance(Duration::from_secs(30)).await;
    assert_eq!(check(&verifier, "b").await, Ok(()));
    assert_eq!(check(&verifier, "a").await, UNKNOWN, "it was withdrawn");
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn those_that_come_together_share_one_fetch() {
    let issuer = Issuer::with(["a"]);
    let verifier = Arc::new(issuer.verifier());

    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let verifier = Arc::clone(&verifier);
            tokio::spawn(async move { check(&verifier, "a").await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), Ok(()));
    }

    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_does_not_stop_the_fetch_of_others() {
    let issuer = Issuer::with(["a"]);
    let verifier = Arc::new(issuer.verifier());

    let first = Arc::clone(&verifier);
    let first = tokio::spawn(async move { check(&first, "a").await });
    sleep(Duration::from_millis(50)).await;
    first.abort();

    assert_eq!(check(&verifier, "a").await, Ok(()));
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn old_set_is_fetched_anew() {
    let issuer = Issuer::with(["a", "b"]);
    let verifier = issuer.verifier();
    assert_eq!(check(&verifier, "a").await, Ok(()));
    issuer.set(Some(vec!["b"]));

    advance(Duration::from_secs(9 * 60)).await;
    assert_eq!(check(&verifier, "a").await, Ok(()));
    advance(Duration::from_secs(60)).await;
    assert_eq!(check(&verifier, "a").await, UNKNOWN);
}

#[tokio::test(start_paused = true)]
async fn set_is_kept_for_a_while_where_it_cannot_be_fetched() {
    let issuer = Issuer::with(["a"]);
    let verifier = issuer.verifier();
    assert_eq!(check(&verifier, "a").await, Ok(()));
    issuer.set(None);

    advance(Duration::from_secs(59 * 60)).await;
    assert_eq!(check(&verifier, "a").await, Ok(()));
    assert_eq!(issuer.fetches(), 2);
    advance(Duration::from_secs(60)).await;
    assert_eq!(check(&verifier, "a").await, NO_KEYS);

    issuer.set(Some(vec!["a"]));
    advance(Duration::from_secs(30)).await;
    assert_eq!(check(&verifier, "a").await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn source_that_is_down_is_asked_once_an_interval() {
    let issuer = Issuer::default();
    let verifier = issuer.verifier();

    for _ in 0..5 {
        assert_eq!(check(&verifier, "a").await, NO_KEYS);
    }
    assert_eq!(issuer.fetches(), 1);

    advance(Duration::from_secs(30)).await;
    issuer.set(Some(vec!["a"]));
    assert_eq!(check(&verifier, "a").await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn source_that_does_not_answer_is_given_up() {
    let config = RotationConfig::default().timeout(Duration::from_secs(3));
    let keys = Keys::fetched_with(pending::<Result<KeySet, std::io::Error>>, config);
    let verifier = JwtVerifier::new(keys, JwtConfig::default());

    let begun = tokio::time::Instant::now();

    assert_eq!(check(&verifier, "a").await, NO_KEYS);
    assert_eq!(begun.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn source_that_panics_is_asked_again() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let keys = Keys::fetched(move || {
        let call = counter.fetch_add(1, Ordering::SeqCst);
        async move {
            assert!(call > 0, "the first call panics, as the test wants");
            Ok::<_, std::io::Error>(key(Algorithm::Hs256).with_id("a").into())
        }
    });
    let verifier = JwtVerifier::new(keys, JwtConfig::default());

    assert_eq!(check(&verifier, "a").await, NO_KEYS);
    advance(Duration::from_secs(30)).await;
    assert_eq!(check(&verifier, "a").await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_fetched_for_keys_without_ids() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let keys = Keys::fetched(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        async { Ok::<_, std::io::Error>(key(Algorithm::Hs256).into()) }
    });
    let verifier = JwtVerifier::new(keys, JwtConfig::default());

    for _ in 0..3 {
        assert_eq!(check(&verifier, "any").await, Ok(()));
        advance(Duration::from_secs(60)).await;
    }

    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn fetch_ends_with_the_verifier() {
    let alive = Arc::new(());
    let witness = Arc::clone(&alive);
    let keys = Keys::fetched(move || {
        let witness = Arc::clone(&witness);
        async move {
            pending::<()>().await;
            drop(witness);
            Ok::<_, std::io::Error>(KeySet::default())
        }
    });
    let verifier = Arc::new(JwtVerifier::new(keys, JwtConfig::default()));
    let asking = Arc::clone(&verifier);
    let asking = tokio::spawn(async move { check(&asking, "a").await });
    sleep(Duration::from_millis(1)).await;

    asking.abort();
    drop(verifier);
    sleep(Duration::from_millis(1)).await;

    assert_eq!(Arc::strong_count(&alive), 1);
}
