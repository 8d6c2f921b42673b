//! The claim: a look-up costs the same among 10 and among 1,000 routes, and so does a path that leads nowhere.

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use solent_routing::{Router, RouterBuilder};
use solent_spec::{Connection, Result, WebSocket};

type Routes = RouterBuilder<WebSocket>;

/// A kind of pattern: its name, how to add the nth route of it, and a path that the last but two of many matches.
struct Kind {
    name: &'static str,
    add: fn(Routes, usize) -> Routes,
    path: fn(usize) -> String,
}

const KINDS: [Kind; 5] = [
    Kind {
        name: "literal",
        add: |routes, n| routes.route(&format!("pages/page{n}/"), application),
        path: |n| format!("/pages/page{n}/"),
    },
    Kind {
        name: "parameter",
        add: |routes, n| routes.route(&format!("ws/room{n}/<slug:room>/"), application),
        path: |n| format!("/ws/room{n}/lobby/"),
    },
    Kind {
        name: "after a parameter",
        add: |routes, n| routes.route(&format!("api/<int:v>/room{n}/"), application),
        path: |n| format!("/api/2/room{n}/"),
    },
    Kind {
        name: "expression",
        add: |routes, n| routes.route_regex(&format!(r"^room{n}/(?P<page>\d+)/$"), application),
        path: |n| format!("/room{n}/7/"),
    },
    Kind {
        name: "loose expression",
        add: |routes, n| routes.route_regex(&format!(r"room{n}/(?:\d+)/x"), application),
        path: |n| format!("/in/room{n}/7/x"),
    },
];

async fn application(_: Connection<WebSocket>) -> Result {
    Ok(())
}

fn lookup(c: &mut Criterion) {
    for kind in KINDS {
        let mut group = c.benchmark_group(kind.name);
        for count in [10, 1_000] {
            let router = (0..count)
                .fold(Router::builder(), kind.add)
                .build()
                .unwrap();
            let path = (kind.path)(count - 3);
            assert!(router.resolve(&path).is_some(), "{path}");

            group.bench_function(BenchmarkId::new("found", count), |b| {
                b.iter(|| router.resolve(black_box(&path)));
            });
            group.bench_function(BenchmarkId::new("not found", count), |b| {
                b.iter(|| router.resolve(black_box("/some/other/path/")));
            });
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1));
    targets = lookup
}
criterion_main!(benches);
