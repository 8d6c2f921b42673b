//! All examples on one server, with pages to try them.
//!
//! `cargo run --release --example demo -- --help`

use solent::{Args, Connection, Http, Result, Solent};
use tracing_subscriber::EnvFilter;

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

fn main() -> Result {
    let args = Args::from_env();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).init();

    let app = pages(Solent::new()).bind("127.0.0.1:8000");
    let app = [
        accounts::routes,
        chat::routes,
        calculator::routes,
        echo::routes,
        dashboard::routes,
        notifications::routes,
        primes::routes,
    ]
    .into_iter()
    .fold(app, |app, routes| routes(app));

    // Without a layer to share with workers, this process has to do their work.
    let app = if args.is_alone() {
        app.worker_here()
    } else {
        app
    };
    Ok(app.args(args).run()?)
}
