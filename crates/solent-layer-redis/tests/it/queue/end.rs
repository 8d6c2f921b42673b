//! What processes that end leave behind, and what others do about it.

use std::time::Duration;

use solent_layer::{ChannelLayer, ChannelName};
use solent_test_servers::RedisServer;

use super::scene::*;
use crate::scene::*;

/// Ends the leases of all processes but those that are still there, as a minute would.
async fn bury(server: &RedisServer, alive: &[&str]) {
    for key in server.keys().await.unwrap() {
        if let Some(process) = key.strip_prefix("asgi:solent:process:")
            && !alive.contains(&process)
        {
            server.command(&["DEL", &key]).await.unwrap();
        }
    }
}

/// The process in the name of a channel.
fn process(channel: &ChannelName) -> &str {
    let name = channel.non_local().trim_end_matches('!');
    &name[name.len() - 32..]
}

#[tokio::test]
async fn closed_layer_leaves_nothing() {
    let server = RedisServer::start().await.unwrap();
    let layer = layer(&server);
    let mut mailbox = member(&layer).await;
    let _other = member(&layer).await;
    layer.group_send(&room(), number(1)).await.unwrap();
    assert_eq!(receive(&mut mailbox).await, 1);
    assert!(!server.keys().await.unwrap().is_empty());

    layer.close().await.unwrap();

    assert_eq!(server.keys().await.unwrap(), Vec::<String>::new());
    until("connections are closed", async || {
        server.info("connected_clients").await.unwrap() == "1"
    })
    .await;
    layer.close().await.unwrap();
}

#[tokio::test]
async fn every_key_expires() {
    let server = RedisServer::start().await.unwrap();
    let layer = layer(&server);
    let _mailbox = member(&layer).await;
    let jobs = "jobs".parse().unwrap();
    layer.group_add(&room(), &jobs).await.unwrap();
    let mut listener = layer.listen(&jobs).await.unwrap();
    receive_nothing(&mut listener).await;

    for name in [
        "jobs",
        "other",
        "specific.0123456789ab4def8123456789abcdef!x",
    ] {
        layer.send(&name.parse().unwrap(), number(1)).await.unwrap();
    }
    until("the job was taken", async || {
        !set(&server, "{asgijobs}:solent:taken").await.is_empty()
    })
    .await;

    let keys = server.keys().await.unwrap();
    assert!(keys.len() >= 5, "{keys:?}");
    for key in keys {
        let expiry = server.command(&["TTL", &key]).await.unwrap();
        assert!(expiry.parse::<i64>().unwrap() > 0, "{key}: {expiry}");
    }
}

#[tokio::test]
async fn dead_process_is_removed_from_groups() {
    let server = RedisServer::start().await.unwrap();
    let (here, there) = (layer(&server), layer(&server));
    let mut mailbox = member(&here).await;
    let dead = member(&there).await;
    let all = here.group_send(&room(), number(1)).await.unwrap();
    assert_eq!((all.delivered, all.processes), (2, 1));
    drop((dead, there));

    // A process is only asked again for some seconds after it was known to live; another asks at once.
    let third = layer(&server);
    bury(&server, &[process(mailbox.name())]).await;
    let report = third.group_send(&room(), number(2)).await.unwrap();

    assert_eq!((report.delivered, report.processes), (1, 1), "{report:?}");
    assert_eq!(
        set(&server, "asgi:group:room").await,
        [mailbox.name().as_str().as_bytes()]
    );
    assert_eq!(receive(&mut mailbox).await, 1);
    assert_eq!(receive(&mut mailbox).await, 2);
}

#[tokio::test]
async fn dropped_mailbox_leaves_its_groups_in_redis() {
    let server = RedisServer::start().await.unwrap();
    let layer = layer(&server);
    let mailbox = member(&layer).await;
    assert_eq!(set(&server, "asgi:group:room").await.len(), 1);

    drop(mailbox);

    until("the group is empty", async || {
        set(&server, "asgi:group:room").await.is_empty()
    })
    .await;
}

#[tokio::test]
async fn flush_removes_nothing_of_others() {
    let server = RedisServer::start().await.unwrap();
    let layer = layer(&server);
    let _mailbox = member(&layer).await;
    for name in ["jobs", "specific.0123456789ab4def8123456789abcdef!x"] {
        layer.send(&name.parse().unwrap(), number(1)).await.unwrap();
    }
    add(&server, "asgijobs$inflight", 1.0, b"x").await;
    let others = ["asgi2:group:room", "asgi_cache:1:view", "other"];
    for other in others {
        server.command(&["SET", other, "1"]).await.unwrap();
    }

    layer.flush().await.unwrap();

    let keys = server.keys().await.unwrap();
    let left = keys
        .iter()
        .filter(|key| !key.starts_with("asgi:solent:process:"));
    assert!(left.eq(others), "{keys:?}");
}

#[tokio::test]
async fn job_of_a_dead_process_goes_to_another() {
    let server = RedisServer::start().await.unwrap();
    let layer = layer(&server);
    let jobs: ChannelName = "jobs".parse().unwrap();
    layer.send(&jobs, number(7)).await.unwrap();
    let payload = set(&server, "asgijobs").await.remove(0);
    server.command(&["DEL", "asgijobs"]).await.unwrap();
    let taken = [&b"0123456789ab8def8123456789abcdef"[..], &payload].concat();
    add(&server, "{asgijobs}:solent:taken", now(), &taken).await;

    let mut listener = layer.listen(&jobs).await.unwrap();

    assert_eq!(receive(&mut listener).await, 7);
    until("the backup is gone", async || {
        set(&server, "{asgijobs}:solent:taken").await.is_empty()
    })
    .await;
}

#[tokio::test]
async fn job_of_a_dead_python_process_goes_to_another() {
    let server = RedisServer::start().await.unwrap();
    let layer = layer(&server);
    let jobs: ChannelName = "jobs".parse().unwrap();
    layer.send(&jobs, number(7)).await.unwrap();
    let payload = set(&server, "asgijobs").await.remove(0);
    server
        .command(&["RENAME", "asgijobs", "asgijobs$inflight"])
        .await
        .unwrap();
    assert_eq!(set(&server, "asgijobs$inflight").await, [payload]);

    let mut listener = layer.listen(&jobs).await.unwrap();

    // A reader that lives takes its message out at once, so nothing is taken from it before it has been seen twice.
    receive_nothing(&mut listener).await;
    assert_eq!(receive(&mut listener).await, 7);
    assert!(set(&server, "asgijobs$inflight").await.is_empty());
}

#[tokio::test]
async fn dropped_layer_ends_its_mailboxes() {
    let server = RedisServer::start().await.unwrap();
    let layer = layer(&server);
    let mut mailbox = layer.open("a.").await.unwrap();
    let mut listener = layer.listen(&"jobs".parse().unwrap()).await.unwrap();

    drop(layer);

    let ended = tokio::time::timeout(Duration::from_secs(30), async {
        (mailbox.recv().await, listener.recv().await)
    });
    assert_eq!(ended.await.unwrap(), (None, None));
    until("connections are closed", async || {
        server.info("blocked_clients").await.unwrap() == "0"
    })
    .await;
}
