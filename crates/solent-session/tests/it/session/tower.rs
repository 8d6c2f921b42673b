//! Sessions in the stores of tower-sessions, and shared with it.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex},
};

use solent_session::{Session, SessionConfig, SessionKey, SessionStore, Sessions, TowerStore};
use solent_spec::{BoxApplication, Connection, Middleware, Result, WebSocket, websocket::Outbound};
use solent_testing::{TestRequest, WebSocketCommunicator};
use time::{Duration, OffsetDateTime};
use tower_sessions_core::{
    SessionStore as Tower,
    session::{Id, Record, Session as TowerSession},
    session_store,
};

use super::contract::{after, check, check_merging, data};

/// As tower-sessions' own store in memory: `save` makes a session again that is gone.
#[derive(Clone, Debug, Default)]
struct Records(Arc<Mutex<HashMap<Id, Record>>>);

type Answer<'a, T> = Pin<Box<dyn Future<Output = session_store::Result<T>> + Send + 'a>>;

impl Tower for Records {
    fn create<'s: 'a, 'r: 'a, 'a>(&'s self, record: &'r mut Record) -> Answer<'a, ()> {
        self.save(record)
    }

    fn save<'s: 'a, 'r: 'a, 'a>(&'s self, record: &'r Record) -> Answer<'a, ()> {
        self.0.lock().unwrap().insert(record.id, record.clone());
        Box::pin(async { Ok(()) })
    }

    fn load<'s: 'a, 'r: 'a, 'a>(&'s self, id: &'r Id) -> Answer<'a, Option<Record>> {
        let record = self.0.lock().unwrap().get(id).cloned();
        Box::pin(async {
            // The answer is on its way for a while.
            tokio::task::yield_now().await;
            Ok(record)
        })
    }

    fn delete<'s: 'a, 'r: 'a, 'a>(&'s self, id: &'r Id) -> Answer<'a, ()> {
        self.0.lock().unwrap().remove(id);
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_at_once_of_a_process_lose_nothing_in_tower_sessions() {
    check_merging(TowerStore::new(Records::default())).await;
}

#[tokio::test]
async fn stores_of_tower_sessions_keep_what_stores_promise() -> Result {
    Ok(check(TowerStore::new(Records::default())).await?)
}

#[tokio::test]
async fn session_that_is_deleted_while_it_is_saved_stays_deleted() -> Result {
    let store = TowerStore::new(Records::default());
    let key = store.create(&data(1), after(60)).await?;
    let (changed, until) = (data(2), after(60));

    let (_, deleted) = tokio::join!(store.save(&key, &changed, until), store.delete(&key));

    deleted?;
    assert_eq!(store.load(&key).await?, None);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn session_of_an_axum_application_is_that_of_the_socket() -> Result {
    let records = Records::default();
    // What `SessionManagerLayer` does for a handler that logs somebody in.
    let web = TowerSession::new(None, Arc::new(records.clone()), None);
    web.insert("user", "ada").await?;
    web.save().await?;
    let id = web.id().ok_or("no id")?;

    let sessions = Sessions::new(TowerStore::new(records.clone()))
        .config(SessionConfig::default().cookie_name("id"));
    let application = sessions.wrap(BoxApplication::new(
        async |mut connection: Connection<WebSocket>| {
            connection.send(Outbound::accept()).await?;
            let session = Session::of(connection.scope()).ok_or("no session")?;
            let user: Option<String> = session.get("user").await?;
            session.insert("seen", true).await?;
            session.save().await?;
            connection
                .send(Outbound::Message(
                    user.ok_or("no user is logged in")?.into(),
                ))
                .await?;
            Ok(())
        },
    ));
    let request = TestRequest::get("/ws/").header("cookie", format!("id={id}"));
    let (mut client, _) = WebSocketCommunicator::open(application, request).await?;
    assert_eq!(client.receive_text().await?, "ada");

    let next = TowerSession::new(Some(id), Arc::new(records), None);
    assert_eq!(next.get::<bool>("seen").await?, Some(true));
    Ok(())
}

#[tokio::test]
async fn session_of_a_socket_is_that_of_an_axum_application() -> Result {
    let records = Records::default();
    let key = TowerStore::new(records.clone())
        .create(&data(5), after(60))
        .await?;

    let web = TowerSession::new(Some(key.as_str().parse()?), Arc::new(records), None);

    assert_eq!(web.get::<u64>("value").await?, Some(5));
    Ok(())
}

#[tokio::test]
async fn record_that_has_expired_is_gone_though_its_store_gives_it() -> Result {
    let records = Records::default();
    let record = Record {
        id: Id::default(),
        data: HashMap::new(),
        expiry_date: OffsetDateTime::now_utc() - Duration::SECOND,
    };
    records.save(&record).await?;
    let key = SessionKey::parse(&record.id.to_string())?;

    assert_eq!(TowerStore::new(records).load(&key).await?, None);
    Ok(())
}
