//! Start-up and shutdown of the application.

use std::{sync::Arc, time::Duration};

use http::Extensions;
use solent_server::{ServeError, Server, ServerConfig};
use solent_spec::{
    Application, Connection, Http, Lifespan, RequestScope, Result, SendError, WebSocket,
    http::Outbound,
    lifespan::{self, Inbound},
    websocket,
};
use tokio::{
    sync::{Notify, mpsc},
    time::sleep,
};

use super::{
    frames::Frames,
    served::{Served, nobody_listens, soon},
    wire::get,
};

/// What startup may leave.
#[derive(Clone)]
struct Greeting(&'static str);

/// Notes what happens, in the order in which it does.
type Log = mpsc::UnboundedSender<&'static str>;

fn log() -> (Log, mpsc::UnboundedReceiver<&'static str>) {
    mpsc::unbounded_channel()
}

fn complete() -> lifespan::Outbound {
    let mut state = Extensions::new();
    state.insert(Greeting("good morning"));
    lifespan::Outbound::StartupComplete { state }
}

/// Completes start-up and shutdown.
async fn completing(mut connection: Connection<Lifespan>) -> Result {
    connection.send(complete()).await?;
    while connection.receive().await != Some(Inbound::Shutdown) {}
    connection
        .send(lifespan::Outbound::ShutdownComplete)
        .await?;
    Ok(())
}

/// Completes start-up and shutdown, and takes its time for both.
fn slow(log: &Log) -> impl Application<Lifespan> {
    let log = log.clone();
    move |mut connection: Connection<Lifespan>| {
        let log = log.clone();
        async move {
            assert_eq!(connection.receive().await, Some(Inbound::Startup));
            sleep(Duration::from_secs(1)).await;
            log.send("started")?;
            connection.send(complete()).await?;
            assert_eq!(connection.receive().await, Some(Inbound::Shutdown));
            log.send("told to shut down")?;
            sleep(Duration::from_secs(1)).await;
            connection
                .send(lifespan::Outbound::ShutdownComplete)
                .await?;
            sleep(Duration::from_secs(1)).await;
            log.send("shut down")?;
            Ok(())
        }
    }
}

/// Answers with the greeting that startup left.
async fn greet(mut connection: Connection<Http>) -> Result {
    let greeting = connection.scope().link().get::<Greeting>();
    let greeting = greeting.map_or("nothing was left", |greeting| greeting.0);
    connection.send(Outbound::text(greeting)).await?;
    Ok(())
}

async fn greet_socket(mut connection: Connection<WebSocket>) -> Result {
    let greeting = connection.scope().link().get::<Greeting>().cloned();
    connection.send(websocket::Outbound::accept()).await?;
    let greeting = greeting.map_or("nothing was left", |greeting| greeting.0);
    let frame = websocket::Frame::text(greeting);
    connection.send(frame.into()).await?;
    while connection.receive().await.is_some() {}
    Ok(())
}

fn server(application: impl Application<Lifespan>) -> Server {
    Server::new(ServerConfig::default())
        .http(greet)
        .websocket(greet_socket)
        .lifespan(application)
}

async fn greeting(served: &Served) -> String {
    let mut wire = served.ask(get("/")).await;
    wire.response().await.text().to_owned()
}

#[tokio::test(start_paused = true)]
async fn startup_comes_before_the_first_request_and_shutdown_after_the_last() {
    let (log, mut happened) = log();
    let application = slow(&log);
    let requests = log.clone();
    let server = Server::new(ServerConfig::default())
        .lifespan(application)
        .http(move |mut connection: Connection<Http>| {
            let log = requests.clone();
            async move {
                log.send("asked")?;
                sleep(Duration::from_secs(1)).await;
                connection.send(Outbound::text("answer")).await?;
                log.send("answered")?;
                Ok(())
            }
        });
    let served = Served::start_unix(server).await;

    // Asked before start-up is complete, and told to stop before there is an answer.
    let mut wire = served.ask(get("/")).await;
    assert_eq!(soon(happened.recv()).await, Some("started"));
    assert_eq!(soon(happened.recv()).await, Some("asked"));
    served.stop();
    assert_eq!(wire.response().await.text(), "answer");
    served.result().await.unwrap();

    for expected in ["answered", "told to shut down", "shut down"] {
        assert_eq!(happened.try_recv(), Ok(expected));
    }
    assert!(happened.try_recv().is_err(), "nothing happens twice");
}

#[tokio::test(start_paused = true)]
async fn shutdown_comes_after_the_last_disconnect() {
    let (log, mut happened) = log();
    let application = slow(&log);
    let server = Server::new(ServerConfig::default())
        .lifespan(application)
        .websocket(move |mut connection: Connection<WebSocket>| {
            let log = log.clone();
            async move {
                connection.send(websocket::Outbound::accept()).await?;
                while connection.receive().await.is_some() {}
                sleep(Duration::from_secs(1)).await;
                log.send("disconnected")?;
                Ok(())
            }
        });
    let served = Served::start_unix(server).await;
    let mut frames = Frames::open(&served, "/").await;

    served.stop();
    assert_eq!(frames.next().await.close_code(), 1001);
    frames.close(1001, "").await;
    drop(frames);
    served.result().await.unwrap();

    for expected in ["started", "disconnected", "told to shut down", "shut down"] {
        assert_eq!(happened.try_recv(), Ok(expected));
    }
}

#[tokio::test]
async fn application_that_refuses_to_start_prevents_serving() {
    let refused = Arc::new(Notify::new());
    let refuse = Arc::clone(&refused);
    let served = Served::start(server(move |mut connection: Connection<Lifespan>| {
        let refuse = Arc::clone(&refuse);
        async move {
            refuse.notified().await;
            let message = "no database, start it first".to_owned();
            let failed = lifespan::Outbound::StartupFailed { message };
            connection.send(failed).await?;
            Ok(())
        }
    }))
    .await;
    let addr = served.addr();
    let mut early = served.ask(get("/")).await;

    refused.notify_one();

    match served.result().await {
        Err(ServeError::Startup(message)) => assert_eq!(message, "no database, start it first"),
        other => panic!("expected a refusal, got {other:?}"),
    }
    early.is_closed().await;
    nobody_listens(addr).await;
}

#[tokio::test]
async fn application_that_stays_after_it_refused_to_start_is_ended() {
    let (log, mut alive) = log();
    // The application has the only sender.
    let held = std::sync::Mutex::new(Some(log));
    let served = Served::start(server(move |mut connection: Connection<Lifespan>| {
        let log = held.lock().unwrap().take();
        async move {
            let _log = log;
            let message = "not today".to_owned();
            let failed = lifespan::Outbound::StartupFailed { message };
            connection.send(failed).await?;
            std::future::pending().await
        }
    }))
    .await;

    let refused = served.result().await;

    assert!(
        matches!(refused, Err(ServeError::Startup(_))),
        "{refused:?}"
    );
    assert_eq!(soon(alive.recv()).await, None);
}

#[tokio::test]
async fn application_that_cannot_clean_up_is_reported() {
    let served = Served::start(server(async |mut connection: Connection<Lifespan>| {
        connection.send(complete()).await?;
        while connection.receive().await != Some(Inbound::Shutdown) {}
        let message = "half of it is lost".to_owned();
        let failed = lifespan::Outbound::ShutdownFailed { message };
        connection.send(failed).await?;
        Ok(())
    }))
    .await;

    served.stop();

    match served.result().await {
        Err(ServeError::Shutdown(message)) => assert_eq!(message, "half of it is lost"),
        other => panic!("expected a failure, got {other:?}"),
    }
}

#[tokio::test]
async fn state_reaches_every_scope() {
    let served = Served::start(server(completing)).await;

    for _ in 0..2 {
        assert_eq!(greeting(&served).await, "good morning");
        let mut frames = Frames::open(&served, "/").await;
        assert_eq!(frames.next().await.payload, b"good morning");
        frames.leave().await;
    }

    served.end().await;
}

#[tokio::test]
async fn state_of_one_connection_is_no_other_ones() {
    let served = Served::start(server(completing).http(
        async |mut connection: Connection<Http>| {
            let path = connection.scope().path().to_owned();
            let link = connection.scope_mut().link_mut();
            if path == "/change" {
                link.insert(Greeting("good night"));
            }
            let greeting = link.get::<Greeting>().map(|greeting| greeting.0);
            let greeting = greeting.unwrap_or_default();
            connection.send(Outbound::text(greeting)).await?;
            Ok(())
        },
    ))
    .await;
    let mut wire = served.ask(get("/change")).await;
    assert_eq!(wire.response().await.text(), "good night");

    // Also not that of the next request on the same connection.
    wire.send(get("/")).await;

    assert_eq!(wire.response().await.text(), "good morning");
    served.end().await;
}

/// Serves although the application takes no part in lifespan, and ends without it.
async fn is_served_without(application: impl Application<Lifespan>) {
    let served = Served::start(server(application)).await;

    assert_eq!(greeting(&served).await, "nothing was left");

    served.end().await;
}

#[tokio::test]
async fn applications_without_lifespan_are_served() {
    is_served_without(async |_| Ok(())).await;
    is_served_without(async |_| Err("lifespan? never heard of it".into())).await;
    is_served_without(async |mut connection: Connection<Lifespan>| {
        assert_eq!(connection.receive().await, Some(Inbound::Startup));
        Ok(())
    })
    .await;
    is_served_without(async |_| panic!("on purpose")).await;
    is_served_without(|_| -> std::future::Ready<Result> { panic!("on purpose") }).await;
}

#[tokio::test]
async fn application_may_leave_lifespan_amid_serving() {
    let served = Served::start(server(async |mut connection: Connection<Lifespan>| {
        connection.send(complete()).await?;
        Err("lost interest".into())
    }))
    .await;

    assert_eq!(greeting(&served).await, "good morning");

    served.end().await;
}

#[tokio::test]
async fn panic_at_shutdown_is_no_hang() {
    let served = Served::start(server(async |mut connection: Connection<Lifespan>| {
        connection.send(complete()).await?;
        while connection.receive().await != Some(Inbound::Shutdown) {}
        panic!("on purpose")
    }))
    .await;
    assert_eq!(greeting(&served).await, "good morning");

    served.end().await;
}

#[tokio::test]
async fn shutdown_is_the_last_event_and_needs_no_answer() {
    let (log, mut happened) = log();
    let served = Served::start(server(move |mut connection: Connection<Lifespan>| {
        let log = log.clone();
        async move {
            connection.send(complete()).await?;
            while connection.receive().await.is_some() {}
            log.send("there is no more")?;
            Ok(())
        }
    }))
    .await;
    assert_eq!(greeting(&served).await, "good morning");

    served.end().await;

    assert_eq!(happened.try_recv(), Ok("there is no more"));
}

#[tokio::test]
async fn application_may_have_work_of_its_own_while_it_serves() {
    let (work, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (order, report) = (Arc::clone(&work), Arc::clone(&done));
    let served = Served::start(server(move |mut connection: Connection<Lifespan>| {
        let (order, report) = (Arc::clone(&order), Arc::clone(&report));
        async move {
            connection.send(complete()).await?;
            order.notified().await;
            report.notify_one();
            while connection.receive().await != Some(Inbound::Shutdown) {}
            connection
                .send(lifespan::Outbound::ShutdownComplete)
                .await?;
            Ok(())
        }
    }))
    .await;
    assert_eq!(greeting(&served).await, "good morning");

    work.notify_one();

    soon(done.notified()).await;
    served.end().await;
}

#[tokio::test]
async fn answer_out_of_order_is_an_error_that_names_the_rule() {
    let (tx, mut rx) = mpsc::unbounded_channel();
    let served = Served::start(server(move |mut connection: Connection<Lifespan>| {
        let tx = tx.clone();
        async move {
            tx.send(connection.send(lifespan::Outbound::ShutdownComplete).await)?;
            connection.send(complete()).await?;
            tx.send(connection.send(complete()).await)?;
            while connection.receive().await.is_some() {}
            Ok(())
        }
    }))
    .await;
    assert_eq!(greeting(&served).await, "good morning");

    for rule in ["startup has not", "startup has been"] {
        match soon(rx.recv()).await {
            Some(Err(SendError::Illegal(text))) => assert!(text.starts_with(rule), "{text}"),
            other => panic!("expected {rule:?}, got {other:?}"),
        }
    }
    served.end().await;
}
