//! A live dashboard: a background task measures, and every open page shows it.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use solent::{
    Args, Error, Frame, Group, NoEvents, Result, Solent, WebSocketConsumer, WebSocketContext,
    app::Context,
    consumers::FrameGroup,
    layer::{ChannelLayer, Delivery},
    spec::websocket::Close,
};
use tokio::time::{Instant, interval};

const SECOND: Duration = Duration::from_secs(1);

/// How many pages this process has open.
#[derive(Clone)]
struct Pages {
    open: Arc<AtomicUsize>,
    /// Tells this process from others.
    process: u64,
}

impl Pages {
    fn new() -> Self {
        Self {
            open: Arc::default(),
            process: RandomState::new().hash_one("this process"),
        }
    }

    fn count(&self) -> Count {
        Count::Pages {
            process: self.process,
            pages: self.open.load(Relaxed),
        }
    }
}

#[derive(Serialize)]
struct Measurement {
    /// Seconds since this process began to measure.
    uptime: u64,
    pages: usize,
    /// The machine's load, as far as the system tells.
    load: f64,
    /// A temperature that wanders.
    temperature: f64,
}

struct Dashboard {
    all: FrameGroup,
    pages: Pages,
}

impl WebSocketConsumer for Dashboard {
    type Event = NoEvents;
    type Input = Frame;

    async fn connect(&mut self, cx: &mut WebSocketContext) -> Result {
        self.pages.open.fetch_add(1, Relaxed);
        // So that the next measurement has this page.
        cx.send_to(&counts(), &self.pages.count()).await?;
        cx.join(&self.all).await?;
        cx.accept().await
    }

    async fn disconnect(&mut self, _: &mut WebSocketContext, _: Close) -> Result {
        self.pages.open.fetch_sub(1, Relaxed);
        Ok(())
    }
}

/// What each process tells the one that measures, once a second.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type")]
enum Count {
    #[serde(rename = "dashboard.count")]
    Pages { process: u64, pages: usize },
}

fn counts() -> Group<Count> {
    "dashboard.counts"
        .parse()
        .expect("the name is plain letters")
}

async fn count(cx: Context, pages: Pages) -> Result {
    let mut ticks = interval(SECOND);
    loop {
        ticks.tick().await;
        counts().send(cx.layer(), &pages.count()).await?;
    }
}

/// How many pages each process has open, as it last said, and when that was.
#[derive(Default)]
struct Counts(HashMap<u64, (usize, Instant)>);

impl Counts {
    fn note(&mut self, delivery: &Delivery) {
        if let Delivery::Message(message) = delivery
            && let Ok(count) = message.decode::<Count>()
        {
            let Count::Pages { process, pages } = *count;
            self.0.insert(process, (pages, Instant::now()));
        }
    }

    /// The sum over the processes that have said something lately.
    fn sum(&mut self) -> usize {
        self.0.retain(|_, (_, at)| at.elapsed() < 3 * SECOND);
        self.0.values().map(|(pages, _)| pages).sum()
    }
}

/// Runs in one process, and measures for the pages of all.
async fn measure(cx: Context, all: FrameGroup) -> Result {
    let mut mailbox = cx.layer().open("dashboard.").await?;
    cx.layer()
        .group_add(counts().name(), mailbox.name())
        .await?;
    let mut counts = Counts::default();
    let (start, mut ticks) = (Instant::now(), interval(SECOND));
    let mut noise = 1u32;
    let mut temperature = 21.0;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            delivery = mailbox.recv() => {
                counts.note(&delivery.ok_or("the channel layer is closed")?);
                continue;
            }
        }
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        temperature += f64::from((noise >> 16) % 100) / 100.0 - 0.5 + (21.0 - temperature) / 20.0;
        let measurement = Measurement {
            uptime: start.elapsed().as_secs(),
            pages: counts.sum(),
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
    let all: FrameGroup = "dashboard".parse().expect("the name is plain letters");
    let pages = Pages::new();
    let (measured, counted) = (all.clone(), pages.clone());
    app.websocket(
        "ws/dashboard/",
        Dashboard::application_with(move |_| {
            Ok(Dashboard {
                all: all.clone(),
                pages: pages.clone(),
            })
        }),
    )
    .background("count", move |cx| count(cx, counted.clone()))
    // Once, however many processes there are.
    .background_once("measure", move |cx| measure(cx, measured.clone()))
}

fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().init();
    let app = routes(Solent::new()).bind("127.0.0.1:8000");
    app.args(Args::from_env()).run()
}
