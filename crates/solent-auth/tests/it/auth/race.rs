//! Logins that meet something else on their way.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use solent_auth::{AuthScope, AuthStack, BackendError, HashCheck, UserBackend};
use solent_session::SessionStore;
use solent_spec::{BoxApplication, Connection, Http, Middleware, Result, http::Outbound};
use solent_testing::{HttpCommunicator, TestRequest, TestResponse};
use tokio::{sync::RwLock, task::yield_now, time::timeout};

use super::{
    applications::{Server, cookie_key},
    site::{People, Person, Site},
};
use crate::probe::Probe;

/// The site's users, who are found when a test lets them be.
#[derive(Clone)]
struct Slow {
    people: People,
    /// Whoever holds it for writing holds up everybody.
    gate: Arc<RwLock<()>>,
}

impl UserBackend for Slow {
    type User = Person;

    fn name(&self) -> &str {
        self.people.name()
    }

    async fn find(&self, id: &str) -> Result<Option<Person>, BackendError> {
        let _open = self.gate.read().await;
        self.people.find(id).await
    }

    fn session_hash(&self, user: &Person) -> Option<String> {
        self.people.session_hash(user)
    }

    fn check_hash(&self, user: &Person, stored: Option<&str>) -> HashCheck {
        self.people.check_hash(user, stored)
    }
}

/// What a client with this cookie is answered by `application` behind `stack`.
async fn ask<F: Future<Output = Result> + Send + 'static>(
    stack: &AuthStack<Person>,
    key: &solent_session::SessionKey,
    application: impl Fn(Connection<Http>) -> F + Send + Sync + 'static,
) -> TestResponse {
    let application = stack.wrap(BoxApplication::<Http>::new(application));
    let cookie = format!("sessionid={}", key.as_str());
    let request = TestRequest::get("/").header("cookie", cookie);
    let mut client = HttpCommunicator::start(application, request).unwrap();
    client.response().await.unwrap()
}

/// Lets other tasks go on until they wait for something.
async fn settle() {
    for _ in 0..20 {
        yield_now().await;
    }
}

/// Whoever planted a key would have the login if it were stored under that key, even by half.
#[tokio::test(start_paused = true)]
async fn login_that_is_given_up_is_not_stored_under_the_old_key() {
    let (probe, people) = (Probe::default(), People::new("people"));
    let stack = AuthStack::new(probe.clone(), people.clone());
    let planted = probe.with("basket", "full").await;

    let (store, ann) = (probe.clone(), people.get("ann").unwrap());
    let response = ask(&stack, &planted, move |mut connection| {
        let (store, ann) = (store.clone(), ann.clone());
        async move {
            let auth = connection.scope().auth::<Person>()?.clone();
            let session = connection.scope().session()?.clone();
            auth.user().await?;
            let held = store.hold_up().await;
            let login = timeout(Duration::from_secs(1), auth.login(ann)).await;
            drop(held);
            assert!(login.is_err(), "it takes too long");
            session.insert("seen", true).await?;
            Ok(connection.send(Outbound::text("try again")).await?)
        }
    })
    .await;

    assert_eq!(response.status, StatusCode::OK);
    let row = probe.memory().load(&planted).await.unwrap();
    let marks = row.as_ref().and_then(|row| row.get("_auth_user_id"));
    assert_eq!(marks, None, "{row:?}");
    let server = Server::new(&stack, &people);
    assert_eq!(server.who(Some(&planted)).await, "nobody");
}

#[tokio::test(start_paused = true)]
async fn login_whose_old_session_cannot_be_deleted_is_none() {
    let site = Site::new();
    let stack = site.stack();
    let key = site.session(serde_json::json!({ "basket": 1 })).await;

    let (store, ann) = (site.store.clone(), site.people.get("ann").unwrap());
    let response = ask(&stack, &key, move |mut connection| {
        let (store, ann) = (store.clone(), ann.clone());
        async move {
            let auth = connection.scope().auth::<Person>()?.clone();
            auth.user().await?;
            store.fail_deletes(true);
            assert!(auth.login(ann).await.is_err());
            store.fail_deletes(false);
            let mut response = http::Response::new("failed".to_owned().into());
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            Ok(connection.send(response.into()).await?)
        }
    })
    .await;

    assert_eq!(response.status, StatusCode::SERVICE_UNAVAILABLE);
    let server = Server::new(&stack, &site.people);
    let told = cookie_key(&response.headers).unwrap_or(key);
    assert_eq!(server.who(Some(&told)).await, "nobody");
}

#[tokio::test(start_paused = true)]
async fn check_that_is_older_than_a_logout_does_not_undo_it() {
    let site = Site::new();
    let gate = Arc::new(RwLock::new(()));
    let slow = Slow {
        people: site.people.clone(),
        gate: Arc::clone(&gate),
    };
    let stack = AuthStack::new(site.store.clone(), slow);
    let key = site.session_of("ann").await;

    let response = ask(&stack, &key, move |mut connection| {
        let gate = Arc::clone(&gate);
        async move {
            let auth = connection.scope().auth::<Person>()?.clone();
            let held = gate.write().await;
            let checking = tokio::spawn({
                let auth = auth.clone();
                async move { auth.recheck().await.map(|user| user.is_some()) }
            });
            settle().await;
            auth.logout().await?;
            drop(held);
            let still = checking.await??;
            let known = auth.user().await?.is_some();
            let answer = format!("{still} {known} {:?}", auth.identity().id());
            Ok(connection.send(Outbound::text(answer)).await?)
        }
    })
    .await;

    assert_eq!(response.text(), Ok("false false None"));
}

#[tokio::test(start_paused = true)]
async fn who_it_was_does_not_replace_who_logged_in_meanwhile() {
    let site = Site::new();
    let gate = Arc::new(RwLock::new(()));
    let slow = Slow {
        people: site.people.clone(),
        gate: Arc::clone(&gate),
    };
    let stack = AuthStack::new(site.store.clone(), slow).lazy();
    let key = site.session_of("bob").await;

    let ann = site.people.get("ann").unwrap();
    let response = ask(&stack, &key, move |mut connection| {
        let (gate, ann) = (Arc::clone(&gate), ann.clone());
        async move {
            let auth = connection.scope().auth::<Person>()?.clone();
            let held = gate.write().await;
            let asking = tokio::spawn({
                let auth = auth.clone();
                async move { auth.user().await.map(drop) }
            });
            settle().await;
            auth.login(ann).await?;
            drop(held);
            asking.await??;
            let answer = format!("{:?}", auth.identity().id());
            Ok(connection.send(Outbound::text(answer)).await?)
        }
    })
    .await;

    assert_eq!(response.text(), Ok("Some(\"ann\")"));
}
