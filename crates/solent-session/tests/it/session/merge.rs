//! Requests of one browser at the same time.

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;
use solent_session::{
    CookieSecret, CookieStore, Session, SessionConfig, SessionKey, SessionStore, Sessions,
};
use solent_spec::{BoxApplication, Connection, Http, Middleware, Result, http::Outbound};
use solent_testing::{HttpCommunicator, TestRequest, TestResponse};
use tokio::{sync::Barrier, task::JoinSet};

use super::probe::Probe;

fn request(key: &SessionKey) -> TestRequest {
    TestRequest::get("/").header("cookie", format!("sessionid={}", key.as_str()))
}

/// Eight requests, each of which has read the session before any of them changes it: the first ones set a name of their own,
/// and the last one removes `color`.
async fn eight_at_once(sessions: &Sessions, key: &SessionKey) -> Vec<TestResponse> {
    let all_have_read = Arc::new(Barrier::new(8));
    let mut requests = JoinSet::new();
    for n in 0..8 {
        let all_have_read = Arc::clone(&all_have_read);
        let page = move |mut connection: Connection<Http>| {
            let all_have_read = Arc::clone(&all_have_read);
            async move {
                let session = Session::of(connection.scope()).ok_or("no session")?;
                session.data().await?;
                all_have_read.wait().await;
                match n {
                    7 => drop(session.remove("color").await?),
                    n => session.insert(format!("name{n}"), n).await?,
                }
                Ok(connection.send(Outbound::text("done")).await?)
            }
        };
        let application = sessions.wrap(BoxApplication::<Http>::new(page));
        let request = request(key);
        requests.spawn(async move {
            let mut client = HttpCommunicator::start(application, request).unwrap();
            client.response().await.unwrap()
        });
    }
    requests.join_all().await
}

#[tokio::test(start_paused = true)]
async fn responses_of_requests_at_once_lose_nothing() -> Result {
    let probe = Probe::default();
    let key = probe.with("color", "blue").await;

    let responses = eight_at_once(&Sessions::new(probe.clone()), &key).await;

    assert!(
        responses
            .iter()
            .all(|response| response.status == StatusCode::OK)
    );
    let data = probe.memory().load(&key).await?.ok_or("no session")?;
    let expected = json!({
        "name0": 0, "name1": 1, "name2": 2, "name3": 3, "name4": 4, "name5": 5, "name6": 6
    });
    assert_eq!(serde_json::Value::from(data), expected);
    Ok(())
}

async fn page_that_writes(sessions: &Sessions, key: &SessionKey) -> Result<TestResponse> {
    let page = async |mut connection: Connection<Http>| {
        let session = Session::of(connection.scope()).ok_or("no session")?;
        let color: Option<String> = session.get("color").await?;
        assert_eq!(color, None, "nobody can read it");
        session.insert("color", "red").await?;
        Ok(connection.send(Outbound::text("done")).await?)
    };
    let application = sessions.wrap(BoxApplication::<Http>::new(page));
    let mut client = HttpCommunicator::start(application, request(key))?;
    Ok(client.response().await?)
}

#[tokio::test(start_paused = true)]
async fn page_that_writes_does_not_replace_a_session_that_it_cannot_read() -> Result {
    let secret = |n: u8| CookieSecret::new([n; 32]).unwrap();
    let elsewhere = CookieStore::encrypted(secret(1));
    let data = solent_session::SessionData::from_iter([("color".to_owned(), "blue".into())]);
    let expires = super::contract::after(60);
    let key = elsewhere.create(&data, expires).await?;
    let here = Sessions::new(CookieStore::encrypted(secret(2)));

    let response = page_that_writes(&here, &key).await?;
    assert_eq!(response.status, StatusCode::BAD_REQUEST);
    assert_eq!(response.header("set-cookie"), None);

    // Unless the settings say so.
    let here = here.config(SessionConfig::default().replace_unreadable(true));
    let response = page_that_writes(&here, &key).await?;
    assert_eq!(response.status, StatusCode::OK);
    assert!(response.header("set-cookie").is_some());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn cookie_that_is_no_session_at_all_is_replaced() -> Result {
    let here = Sessions::new(CookieStore::signed(CookieSecret::new([1; 32])?));

    let response = page_that_writes(&here, &SessionKey::random()).await?;

    assert_eq!(response.status, StatusCode::OK);
    assert!(response.header("set-cookie").is_some());
    Ok(())
}
