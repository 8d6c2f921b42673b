//! All examples on one server, with pages to try them.
//!
//! `cargo run --release --example demo -- [--bind ADDRESS] [--threads N]`

use std::num::NonZeroUsize;

use anyhow::{Context, bail};
use solent::{Connection, Http, Result, Solent, server::shutdown_signal};
use tracing_subscriber::EnvFilter;

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

const PAGES: [(&str, &str, &str); 8] = [
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

fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).init();
    let (bind, threads) = options()?;

    let app = pages(Solent::new()).bind(&bind);
    let app = [
        chat::routes,
        calculator::routes,
        echo::routes,
        dashboard::routes,
        notifications::routes,
    ]
    .into_iter()
    .fold(app, |app, routes| routes(app));

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.get())
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let server = app.listen().await?;
        for address in server.addresses() {
            println!("Solent demo: http://{address}/");
        }
        server.stop_on(shutdown_signal()).serve().await?;
        Ok(())
    })
}

fn options() -> anyhow::Result<(String, NonZeroUsize)> {
    let mut bind = "127.0.0.1:8000".to_owned();
    let mut threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--bind" => {
                bind = words
                    .next()
                    .context("--bind needs an address, such as 127.0.0.1:8000")?
            }
            "--threads" => threads = words.next().context("--threads needs a number")?.parse()?,
            other => bail!("unknown option {other}, use --bind ADDRESS or --threads N"),
        }
    }
    Ok((bind, threads))
}
