//! A live dashboard: a background task measures, and every open page shows it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use serde::Serialize;
use solent::{
    Close, Context, Frame, Group, NoEvents, Result, Solent, WebSocketConsumer, WebSocketContext,
    websocket_consumer,
};
use tokio::time::{Instant, interval};

/// How many pages are open.
#[derive(Clone, Default)]
struct Pages(Arc<AtomicUsize>);

#[derive(Serialize)]
struct Measurement {
    /// Seconds since the dashboard was started.
    uptime: u64,
    pages: usize,
    /// The machine's load, as far as the system tells.
    load: f64,
    /// A temperature that wanders.
    temperature: f64,
}

struct Dashboard {
    all: Group<NoEvents>,
    pages: Pages,
}

impl WebSocketConsumer for Dashboard {
    type Event = NoEvents;

    async fn connect(&mut self, cx: &mut WebSocketContext) -> Result {
        self.pages.0.fetch_add(1, Relaxed);
        cx.join(&self.all).await?;
        cx.accept().await
    }

    async fn disconnect(&mut self, _: &mut WebSocketContext, _: Close) -> Result {
        self.pages.0.fetch_sub(1, Relaxed);
        Ok(())
    }
}

async fn measure(cx: Context, all: Group<NoEvents>, pages: Pages) -> Result {
    let (start, mut ticks) = (Instant::now(), interval(Duration::from_secs(1)));
    let mut noise = 1u32;
    let mut temperature = 21.0;
    loop {
        ticks.tick().await;
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        temperature += f64::from((noise >> 16) % 100) / 100.0 - 0.5 + (21.0 - temperature) / 20.0;
        let measurement = Measurement {
            uptime: start.elapsed().as_secs(),
            pages: pages.0.load(Relaxed),
            load: load().unwrap_or_default(),
            temperature,
        };
        // Encoded once, however many pages are open.
        all.broadcast(cx.layer(), Frame::from_json(&measurement)?)
            .await?;
    }
}

/// The average load of the last minute, where the system has such a file.
fn load() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg")
        .ok()?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

pub(crate) fn routes(app: Solent) -> Solent {
    let all: Group<NoEvents> = "dashboard".parse().expect("the name is plain letters");
    let pages = Pages::default();
    let (measured, counted) = (all.clone(), pages.clone());
    app.websocket(
        "ws/dashboard/",
        websocket_consumer(move |_| {
            Ok(Dashboard {
                all: all.clone(),
                pages: pages.clone(),
            })
        }),
    )
    .background("measure", move |cx| measure(cx, measured, counted))
}

fn main() -> Result {
    Ok(routes(Solent::new()).bind("127.0.0.1:8000").run()?)
}
