//! Many tasks that send at once, on a Redis of their own.
//!
//! What it defends: sends share round trips, so that 64 tasks reach half of what `redis-benchmark` reaches with a pipeline
//! of 16 and the same commands. That figure is printed first, if the program is installed.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use solent_layer::{Capacities, ChannelLayer, ChannelName, DynLayer, Message};
use solent_layer_redis::{RedisConfig, RedisPubSubLayer, RedisQueueLayer};
use solent_test_servers::RedisServer;
use tokio::{runtime::Runtime, task::JoinSet};

const TASKS: u64 = 64;

fn send(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let server = runtime.block_on(RedisServer::start()).unwrap();
    compare(&server);
    let config = RedisConfig::default()
        .hosts([server
            .url()
            .parse::<solent_layer_redis::RedisHost>()
            .unwrap()])
        .expiry(Duration::from_secs(2))
        .capacities(Capacities::new(100_000_000));
    let published = RedisPubSubLayer::new(config.clone()).unwrap();
    let queued = RedisQueueLayer::new(config).unwrap();

    let mut group = criterion.benchmark_group("64_tasks");
    group.throughput(Throughput::Elements(1));
    for (name, layer) in [
        ("publish", DynLayer::new(published)),
        ("queue", DynLayer::new(queued)),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|sends| run(&runtime, &layer, sends));
        });
    }
    group.finish();
}

/// Sends so many messages from all tasks together.
fn run(runtime: &Runtime, layer: &DynLayer, sends: u64) -> Duration {
    let channel: ChannelName = "jobs".parse().unwrap();
    let text = std::collections::BTreeMap::from([("type", "chat.message"), ("message", "hello")]);
    let message = Message::encode(&text).unwrap();
    runtime.block_on(async {
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            let (layer, channel, message) = (layer.clone(), channel.clone(), message.clone());
            let share = sends / TASKS + u64::from(task < sends % TASKS);
            tasks.spawn(async move {
                for _ in 0..share {
                    layer.send(&channel, message.clone()).await.unwrap();
                }
            });
        }
        tasks.join_all().await;
        start.elapsed()
    })
}

fn compare(server: &RedisServer) {
    let port = server.port().to_string();
    for command in [
        "publish jobs 0123456789012345678901234567890123456789",
        "zadd z 1 __rand_int__",
    ] {
        let output = Command::new("redis-benchmark")
            .args([
                "-p", &port, "-q", "-c", "16", "-P", "16", "-n", "400000", "-r", "100000",
            ])
            .args(command.split(' '))
            .output();
        match output {
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stdout);
                println!(
                    "redis-benchmark: {}",
                    text.rsplit('\r').next().unwrap_or_default().trim()
                );
            }
            Err(error) => println!("redis-benchmark: {error}"),
        }
    }
}

criterion_group!(benches, send);
criterion_main!(benches);
