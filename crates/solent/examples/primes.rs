//! Work for other processes: a page orders primes to be counted, a worker counts them and reports.
//!
//! One process does both, or `--worker primes` makes another one work; they share a `--layer`.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use solent::{
    Args, Error, Json, Result, Solent, WebSocketConsumer, WebSocketContext,
    consumers::{Address, ChannelConfig, ContextError, SyncChannelConsumer, SyncChannelContext},
};

/// The channel that workers listen on.
const CHANNEL: &str = "primes";

/// The highest number that a page may ask for.
const MOST: u64 = 1_000_000_000;

/// What a page sends: count the primes below a number. The page numbers its orders.
#[derive(Deserialize)]
struct Order {
    id: u64,
    below: u64,
}

/// What a worker receives.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type")]
enum Job {
    #[serde(rename = "primes.count")]
    Count {
        id: u64,
        below: u64,
        /// The channel of the page that waits.
        reply: Address<Report>,
    },
}

/// What a page receives, from the worker or at once.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type")]
enum Report {
    #[serde(rename = "primes.progress")]
    Progress { id: u64, percent: u64, primes: u64 },
    #[serde(rename = "primes.done")]
    Done { id: u64, primes: u64, millis: u64 },
    #[serde(rename = "primes.refused")]
    Refused { id: u64, reason: String },
}

/// An open page.
#[derive(Default)]
struct Page;

impl WebSocketConsumer for Page {
    type Input = Json<Order>;
    type Event = Report;

    async fn receive(
        &mut self,
        cx: &mut WebSocketContext<Report>,
        Json(order): Json<Order>,
    ) -> Result {
        let Order { id, below } = order;
        if below > MOST {
            let reason = "more than a billion takes too long".to_owned();
            return cx.send_json(&Report::Refused { id, reason }).await;
        }
        let reply = cx.address().await?;
        let job = Job::Count { id, below, reply };
        match cx.send_to_channel(&CHANNEL.parse()?, &job).await {
            // So much waits already that no more is taken. Nobody is served by waiting in line for ever.
            Err(ContextError::Full(_)) => {
                let reason = "too much to do, try again later".to_owned();
                cx.send_json(&Report::Refused { id, reason }).await
            }
            sent => Ok(sent?),
        }
    }

    async fn event(&mut self, cx: &mut WebSocketContext<Report>, report: &Report) -> Result {
        cx.forward(report).await
    }
}

/// The worker. Counting keeps a thread busy, so it is a blocking consumer.
#[derive(Default)]
struct Counter;

impl SyncChannelConsumer for Counter {
    type Event = Job;

    fn handle(&mut self, cx: &mut SyncChannelContext<Job>, job: &Job) -> Result {
        let Job::Count { id, below, reply } = job;
        let (id, below) = (*id, *below);
        // So that the page knows that somebody works on it.
        let begun = Report::Progress {
            id,
            percent: 0,
            primes: 0,
        };
        cx.send_to_channel(reply, &begun)?;
        let start = Instant::now();
        let primes = count(below, |percent, primes| {
            let progress = Report::Progress {
                id,
                percent,
                primes,
            };
            Ok(cx.send_to_channel(reply, &progress)?)
        })?;
        let millis = start.elapsed().as_millis().try_into()?;
        Ok(cx.send_to_channel(reply, &Report::Done { id, primes, millis })?)
    }
}

/// Counts the primes below a number, and tells now and then how far it has got.
fn count(below: u64, mut progress: impl FnMut(u64, u64) -> Result) -> Result<u64> {
    const STEPS: u64 = 20;
    let small = sieve(below.isqrt());
    let mut primes = 0;
    for step in 0..STEPS {
        let (from, to) = (below * step / STEPS, below * (step + 1) / STEPS);
        // A piece at a time, so that it stays in the processor's cache.
        let mut start = from.max(2);
        while start < to {
            let end = to.min(start + 1_000_000);
            primes += count_between(start, end, &small);
            start = end;
        }
        progress((step + 1) * 100 / STEPS, primes)?;
    }
    Ok(primes)
}

/// Counts the primes from one number up to, and without, another; `small` are those up to the root.
fn count_between(start: u64, end: u64, small: &[u64]) -> u64 {
    let mut crossed_out = vec![false; (end - start) as usize];
    for &prime in small {
        let first = (start.div_ceil(prime) * prime).max(prime * prime);
        for multiple in (first..end).step_by(prime as usize) {
            crossed_out[(multiple - start) as usize] = true;
        }
    }
    crossed_out.iter().filter(|crossed| !**crossed).count() as u64
}

/// The primes up to a small number, including it.
fn sieve(up_to: u64) -> Vec<u64> {
    let mut primes = Vec::new();
    for number in 2..=up_to {
        let root = number.isqrt();
        let mut factors = primes.iter().take_while(|prime| **prime <= root);
        if factors.all(|prime| number % prime != 0) {
            primes.push(number);
        }
    }
    primes
}

pub(crate) fn routes(app: Solent) -> Solent {
    let counter = Counter::application();
    app.websocket("ws/primes/", Page::application())
        .channel_with(CHANNEL, ChannelConfig::default().concurrency(2), counter)
}

fn main() -> Result<(), Error> {
    let args = Args::from_env();
    tracing_subscriber::fmt().init();
    routes(Solent::new())
        .bind("127.0.0.1:8000")
        .args(args)
        .run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primes_are_counted_and_progress_ends_at_a_hundred() {
        for (below, expected) in [
            (0, 0),
            (2, 0),
            (3, 1),
            (10, 4),
            (100, 25),
            (3_000_000, 216_816),
        ] {
            let mut told = Vec::new();
            let counted = count(below, |percent, primes| {
                told.push((percent, primes));
                Ok(())
            });

            assert_eq!(counted.unwrap(), expected, "below {below}");
            assert_eq!(told.len(), 20);
            assert_eq!(told.last(), Some(&(100, expected)));
        }
    }
}
