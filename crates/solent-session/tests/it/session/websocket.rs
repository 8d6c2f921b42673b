//! Sessions and sockets.

use solent_session::{Session, SessionError, SessionKey, SessionStore, Sessions};
use solent_spec::{
    Application, BoxApplication, Connection, Middleware, Result, WebSocket,
    websocket::{Inbound, Outbound},
};
use solent_testing::{Rejection, TestRequest, WebSocketCommunicator};

use super::probe::Probe;

fn session(connection: &Connection<WebSocket>) -> Session {
    Session::of(connection.scope()).expect("it came through the middleware")
}

fn with(
    sessions: &Sessions,
    application: impl Application<WebSocket>,
) -> BoxApplication<WebSocket> {
    sessions.wrap(BoxApplication::new(application))
}

fn request(key: &SessionKey) -> TestRequest {
    TestRequest::get("/ws/").header("cookie", format!("sessionid={}", key.as_str()))
}

#[tokio::test(start_paused = true)]
async fn session_that_is_changed_before_the_accept_is_saved_with_it() -> Result {
    let probe = Probe::default();
    let application = with(
        &Sessions::new(probe.clone()),
        async |mut connection: Connection<WebSocket>| {
            session(&connection).insert("color", "blue").await?;
            connection.feed(Outbound::accept())?;
            connection.feed(Outbound::Message("after".into()))?;
            connection.flush().await?;
            while let Some(Inbound::Message(_)) = connection.receive().await {}
            Ok(())
        },
    );
    let (mut client, accepted) = WebSocketCommunicator::open(application, "/ws/").await?;

    let cookie = accepted.headers["set-cookie"].to_str()?;
    let value = cookie
        .strip_prefix("sessionid=")
        .and_then(|rest| rest.split(';').next());
    let key = SessionKey::parse(value.ok_or("no session")?)?;
    assert_eq!(probe.memory().load(&key).await?.unwrap()["color"], "blue");
    assert!(!accepted.headers.contains_key("vary"));
    assert_eq!(client.receive_text().await?, "after");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn open_socket_reads_and_saves_its_session() -> Result {
    let probe = Probe::default();
    let key = probe.with("color", "blue").await;
    let application = with(
        &Sessions::new(probe.clone()),
        async |mut connection: Connection<WebSocket>| {
            connection.send(Outbound::accept()).await?;
            let session = session(&connection);
            let color: Option<String> = session.get("color").await?;
            session.insert("color", "red").await?;
            session.save().await?;
            connection
                .send(Outbound::Message(color.ok_or("no color")?.into()))
                .await?;
            Ok(())
        },
    );
    let (mut client, accepted) = WebSocketCommunicator::open(application, request(&key)).await?;

    assert!(accepted.headers.is_empty(), "{:?}", accepted.headers);
    assert_eq!(client.receive_text().await?, "blue");
    assert_eq!(probe.memory().load(&key).await?.unwrap()["color"], "red");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn open_socket_saves_what_it_changed_and_nothing_else() -> Result {
    let probe = Probe::default();
    let key = probe.with("color", "blue").await;
    let sessions = Sessions::new(probe.clone());
    let application = with(&sessions, async |mut connection: Connection<WebSocket>| {
        let session = session(&connection);
        session.insert("old", 1).await?;
        connection.send(Outbound::accept()).await?;
        while let Some(event) = connection.receive().await {
            if let Inbound::Message(_) = event {
                session.insert("here", 1).await?;
                session.remove("old").await?;
                session.save().await?;
                let data = serde_json::to_string(&session.data().await?)?;
                connection.send(Outbound::Message(data.into())).await?;
            }
        }
        Ok(())
    });
    let (mut client, _) = WebSocketCommunicator::open(application, request(&key)).await?;
    // Another window, meanwhile.
    let elsewhere = sessions.session(Some(key.clone()));
    elsewhere.insert("color", "red").await?;
    elsewhere.insert("there", 1).await?;
    elsewhere.save().await?;

    client.send_text("save").await?;

    let known = r#"{"color":"red","here":1,"there":1}"#;
    assert_eq!(client.receive_text().await?, known);
    let kept = probe.memory().load(&key).await?;
    assert_eq!(serde_json::to_string(&kept)?, known);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn open_socket_does_not_bring_back_a_session_that_ended() -> Result {
    let probe = Probe::default();
    let key = probe.with("color", "blue").await;
    let store = probe.clone();
    let ended = key.clone();
    let application = with(
        &Sessions::new(probe.clone()),
        move |mut connection: Connection<WebSocket>| {
            let (store, ended) = (store.clone(), ended.clone());
            async move {
                let session = session(&connection);
                session.insert("here", 1).await?;
                connection.send(Outbound::accept()).await?;
                store.memory().delete(&ended).await?;
                session.insert("here", 2).await?;
                assert!(matches!(session.save().await, Err(SessionError::Vanished)));
                Ok(())
            }
        },
    );
    let (mut client, _) = WebSocketCommunicator::open(application, request(&key)).await?;

    client.wait().await?;
    assert!(probe.memory().is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn open_socket_cannot_get_a_new_key() -> Result {
    let probe = Probe::default();
    let key = probe.with("color", "blue").await;
    let sessions = Sessions::new(probe.clone());
    let application = async |mut connection: Connection<WebSocket>| {
        connection.send(Outbound::accept()).await?;
        let session = session(&connection);
        assert!(session.is_answered());
        session.insert("user", 7).await?;
        assert!(matches!(
            session.cycle_key().await,
            Err(SessionError::Answered)
        ));
        session.flush().await?;
        session.insert("user", 7).await?;
        let error = session.save().await.unwrap_err();
        connection
            .send(Outbound::Message(error.to_string().into()))
            .await?;
        Ok(())
    };

    for request in [TestRequest::get("/ws/"), request(&key)] {
        let (mut client, _) =
            WebSocketCommunicator::open(with(&sessions, application), request).await?;

        let error = client.receive_text().await?;
        assert!(error.contains("login ticket"), "{error}");
        // Nothing is left behind that nobody could find.
        client.wait().await?;
    }
    assert!(probe.memory().is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn handshake_whose_session_cannot_be_saved_is_refused() -> Result {
    let probe = Probe::default();
    let store = probe.clone();
    let application = with(
        &Sessions::new(probe),
        move |mut connection: Connection<WebSocket>| {
            let store = store.clone();
            async move {
                session(&connection).insert("color", "blue").await?;
                store.set_down(true);
                connection.send(Outbound::accept()).await?;
                assert!(
                    connection
                        .send(Outbound::Message("x".into()))
                        .await
                        .unwrap_err()
                        .is_closed()
                );
                Ok(())
            }
        },
    );
    let mut client = WebSocketCommunicator::start(application, "/ws/")?;

    let rejection = client.connect().await?.rejected()?;

    assert!(matches!(rejection, Rejection::Response(_)));
    assert_eq!(rejection.status(), 503);
    Ok(client.wait().await?)
}

#[tokio::test(start_paused = true)]
async fn anonymous_socket_costs_no_access_to_the_store() -> Result {
    let probe = Probe::default();
    let application = with(
        &Sessions::new(probe.clone()),
        async |mut connection: Connection<WebSocket>| {
            assert!(session(&connection).is_empty().await?);
            connection.send(Outbound::accept()).await?;
            Ok(())
        },
    );
    let (_client, accepted) = WebSocketCommunicator::open(application, "/ws/").await?;

    assert!(accepted.headers.is_empty());
    assert_eq!(probe.counts(), (0, 0));
    Ok(())
}
