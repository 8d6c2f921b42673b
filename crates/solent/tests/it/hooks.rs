use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use solent::{
    ChannelConsumer, Error, Result, Solent,
    consumers::ChannelConfig,
    layer::{ChannelLayer, DynLayer, LayerError, MemoryLayer},
    server::{DrainConfig, ServerConfig},
    spec::Connection,
};
use tokio::{net::TcpListener, time::Instant};

/// What has happened, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// What hooks make.
#[derive(Clone, Debug, PartialEq)]
struct Made(u32);

fn app() -> Solent {
    Solent::new().bind("127.0.0.1:0")
}

/// Adds a shutdown hook that notes that it ran.
fn noting(app: Solent, log: &Log, name: &'static str) -> Solent {
    let log = log.clone();
    app.shutdown(name, move |_| async move {
        log.note(name);
        Ok(())
    })
}

async fn serve_and_stop(app: Solent) -> Result<(), Error> {
    let bound = app.listen().await?;
    let handle = bound.handle();
    let serving = tokio::spawn(bound.serve());
    handle.stop();
    serving.await.unwrap()
}

#[tokio::test]
async fn each_startup_hook_sees_what_those_before_it_made() {
    let log = Log::default();
    let (seen, left) = (log.clone(), log.clone());
    let app = app()
        .state(7_u8)
        .startup("first", |cx| async move {
            Ok(Made(u32::from(*cx.state::<u8>().unwrap()) * 6))
        })
        .startup("second", move |cx| async move {
            seen.note(format!("{:?}", cx.state::<Made>()));
            Ok(())
        })
        .shutdown("last", move |cx| async move {
            left.note(format!("{:?}", cx.state::<Made>()));
            Ok(())
        });

    serve_and_stop(app).await.unwrap();

    assert_eq!(log.lines(), ["Some(Made(42))", "Some(Made(42))"]);
}

#[tokio::test]
async fn worker_has_what_startup_hooks_made() {
    let (log, layer) = (Log::default(), solent::layer::MemoryLayer::default());
    let (seen, made) = (
        log.clone(),
        app()
            .layer(layer)
            .startup("make", |_| async { Ok(Made(3)) }),
    );
    let app = made
        .shutdown("see", move |cx| async move {
            seen.note(format!("{:?}", cx.state::<Made>()));
            Ok(())
        })
        .channel("jobs", Idle::application())
        .worker(["jobs"]);

    serve_and_stop(app).await.unwrap();

    assert_eq!(log.lines(), ["Some(Made(3))"]);
}

#[derive(Default)]
struct Idle;

impl ChannelConsumer for Idle {
    type Event = solent::NoEvents;

    async fn handle(&mut self, _: &mut solent::ChannelContext, event: &solent::NoEvents) -> Result {
        match *event {}
    }
}

#[tokio::test]
async fn failed_startup_listens_nowhere_and_undoes_what_was_started() {
    for fails_by_panic in [false, true] {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = free.local_addr().unwrap();
        let log = Log::default();
        let app = noting(Solent::new().bind(&address.to_string()), &log, "one");
        let app = noting(app, &log, "two").startup("accounts", move |_| async move {
            assert!(!fails_by_panic, "no table");
            Err::<(), _>("no table".into())
        });
        let app = noting(app, &log, "three");

        // The address is taken: an application that tried to listen would say so.
        let error = app.listen().await.unwrap_err();

        let said = format!("{error:?}");
        assert!(
            said.starts_with("start-up hook \"accounts\" failed: "),
            "{said}"
        );
        assert!(said.contains("no table"), "{said}");
        assert_eq!(log.lines(), ["two", "one"]);
    }
}

#[tokio::test]
async fn address_in_use_undoes_what_was_started() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let log = Log::default();
    let app = noting(Solent::new().bind(&address), &log, "undone");

    let error = app.listen().await.unwrap_err();

    assert!(matches!(error, Error::Serve(_)), "{error:?}");
    assert_eq!(log.lines(), ["undone"]);
}

#[tokio::test]
async fn shutdown_hooks_run_in_reverse_though_one_fails_and_one_panics() {
    let log = Log::default();
    let app = noting(app(), &log, "one")
        .shutdown("fails", |_| async { Err("it is broken".into()) })
        .shutdown("panics", |_| async { panic!("it is worse") });
    let app = noting(app, &log, "four");

    let error = serve_and_stop(app).await.unwrap_err();

    let said = format!("{error:?}");
    assert!(
        said.starts_with("shutdown hook \"panics\" failed: "),
        "{said}"
    );
    assert_eq!(log.lines(), ["four", "one"]);
}

#[tokio::test(start_paused = true)]
async fn shutdown_hook_that_hangs_ends_with_the_drain() {
    let log = Log::default();
    let drain = DrainConfig::default().deadline(Duration::from_secs(5));
    let app = app().config(ServerConfig::default().drain(drain));
    let app = noting(app, &log, "before").shutdown("hangs", |_| pending());
    let start = Instant::now();

    let error = serve_and_stop(app).await.unwrap_err();

    assert!(
        matches!(error, Error::Shutdown { name: "hangs", .. }),
        "{error:?}"
    );
    assert!(
        start.elapsed() <= Duration::from_secs(6),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(log.lines(), ["before"], "it is quick and has its turn");
}

#[tokio::test]
async fn start_that_fails_closes_the_layers() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let elsewhere = ChannelConfig::default().layer("nowhere");
    let idle = |_: Connection<solent::spec::Channel>| async { Ok(()) };
    for (what, app) in [
        ("port", Solent::new().bind(&taken)),
        ("address", Solent::new().bind("no address")),
        (
            "hook",
            app().startup("fails", |_| async { Err::<Made, _>("broken".into()) }),
        ),
        ("channel", app().channel_with("jobs", elsewhere, idle)),
    ] {
        let layer = DynLayer::new(MemoryLayer::default());

        app.layer(layer.clone()).listen().await.unwrap_err();

        let opened = layer.open("x.").await;
        assert!(
            matches!(opened, Err(LayerError::Closed)),
            "{what}: {opened:?}"
        );
    }
}
