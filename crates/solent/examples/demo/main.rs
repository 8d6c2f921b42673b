//! All examples on one server, with pages to try them.
//!
//! `cargo run --example demo -- --help`
//!
//! Several processes share a layer: `cargo run --example demo --features redis -- --layer redis://localhost:6379/0?layer=queue`,
//! another one with `--bind 127.0.0.1:8001`, and one with `--worker primes`.

use std::{env, thread};

use solent::{
    Args, Result, Solent,
    session::{DynSessionStore, MemoryStore},
    spec::{Connection, Http},
};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

#[path = "../accounts.rs"]
#[expect(dead_code, reason = "each example also runs alone")]
mod accounts;
#[path = "../calculator.rs"]
#[expect(dead_code, reason = "each example also runs alone")]
mod calculator;
#[path = "../chat.rs"]
#[expect(dead_code, reason = "each example also runs alone")]
mod chat;
#[path = "../dashboard.rs"]
#[expect(dead_code, reason = "each example also runs alone")]
mod dashboard;
#[path = "../echo.rs"]
#[expect(dead_code, reason = "each example also runs alone")]
mod echo;
mod memory;
#[path = "../notifications.rs"]
#[expect(dead_code, reason = "each example also runs alone")]
mod notifications;
#[path = "../primes.rs"]
#[expect(dead_code, reason = "each example also runs alone")]
mod primes;

const PAGES: [(&str, &str, &str); 9] = [
    ("", "text/html", include_str!("pages/index.html")),
    ("chat/", "text/html", include_str!("pages/lobby.html")),
    (
        "chat/<slug:room>/",
        "text/html",
        include_str!("pages/room.html"),
    ),
    (
        "calculator/",
        "text/html",
        include_str!("pages/calculator.html"),
    ),
    (
        "dashboard/",
        "text/html",
        include_str!("pages/dashboard.html"),
    ),
    (
        "notifications/",
        "text/html",
        include_str!("pages/notifications.html"),
    ),
    ("primes/", "text/html", include_str!("pages/primes.html")),
    ("style.css", "text/css", include_str!("pages/style.css")),
    ("live.js", "text/javascript", include_str!("pages/live.js")),
];

/// Adds the pages.
fn pages(app: Solent) -> Solent {
    PAGES.into_iter().fold(app, |app, (path, kind, text)| {
        app.http(path, move |connection: Connection<Http>| {
            page(connection, kind, text)
        })
    })
}

async fn page(mut connection: Connection<Http>, kind: &'static str, text: &'static str) -> Result {
    let response = http::Response::builder()
        .header("content-type", format!("{kind}; charset=utf-8"))
        .header("cache-control", "no-cache")
        .body(bytes::Bytes::from_static(text.as_bytes()).into())?;
    connection.send(response.into()).await?;
    Ok(())
}

/// Shows logs from the level `info` up, or what `RUST_LOG` says: `solent=debug`.
fn set_up_logs() {
    let wanted = env::var("RUST_LOG").unwrap_or_else(|_| "info".to_owned());
    let filter: Targets = wanted.parse().unwrap_or_else(|error| {
        eprintln!("error: RUST_LOG is {wanted:?}: {error}");
        std::process::exit(2)
    });
    let logs = tracing_subscriber::registry().with(tracing_subscriber::fmt::layer());
    logs.with(filter).init();
}

/// Where sessions are: in the Redis of the layer, so that all processes know who is logged in, or in this process.
fn sessions(args: &Args) -> Result<DynSessionStore> {
    #[cfg(feature = "redis")]
    if let Some(url) = args.layer().filter(|url| !url.is_local()) {
        let store = solent::session::RedisStore::new(url.as_str())?;
        return Ok(DynSessionStore::new(store));
    }
    let _ = args;
    Ok(DynSessionStore::new(MemoryStore::default()))
}

fn main() -> Result {
    thread::spawn(memory::return_to_system);
    let args = Args::from_env();
    set_up_logs();

    let app = pages(Solent::new()).bind("127.0.0.1:8000");
    let app = accounts::routes_with(app.health("health/"), sessions(&args)?);
    let app = [
        chat::routes,
        calculator::routes,
        echo::routes,
        dashboard::routes,
        notifications::routes,
        primes::routes,
    ]
    .into_iter()
    .fold(app, |app, routes| routes(app));

    Ok(app.args(args).run()?)
}
