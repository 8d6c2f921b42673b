//! Settings that both sides have to agree on.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use solent::layer::{ChannelLayer, DropCause, redis::RedisLayerKind};
use solent_test_servers::{RedisSentinels, RedisServer};

use super::scene::*;

on_both_layers! {
    encrypted_messages_are_read_by_both,
    keys_are_changed_while_both_go_on,
    what_is_encrypted_with_an_unknown_key_is_not_delivered,
    json_is_read_by_both,
    layers_with_different_prefixes_do_not_meet,
    four_hosts_are_shared_alike,
    four_databases_of_one_server_are_shared_alike,
    password_is_said_alike,
    host_is_said_alike_in_every_form,
    host_with_tls_is_said_alike,
    master_of_sentinels_is_said_alike,
}

async fn scene(kind: RedisLayerKind, options: Value, query: &str) -> Result<Scene> {
    Scene::with(kind, vec![RedisServer::start().await?], options, query)
}

/// Sends in all four ways between one of Rust and one of Python.
async fn meet(scene: &Scene, options: Value, what: &Value) -> Result<()> {
    let (rust, mut python) = (scene.rust()?, scene.python_with(options).await?);
    let mut here = member(&rust, "room").await?;
    let there = python.member("room").await?;

    send(&rust, &there, what).await?;
    assert_eq!(python.next(&there).await?, *what, "sent to Python");
    python.send(here.name().as_str(), what).await?;
    assert_eq!(next(&mut here).await?, *what, "sent by Python");
    for from_python in [false, true] {
        if from_python {
            python.group_send("room", what).await?;
        } else {
            group_send(&rust, "room", what).await?;
        }
        assert_eq!(python.next(&there).await?, *what, "group, {from_python}");
        assert_eq!(next(&mut here).await?, *what, "group, {from_python}");
    }
    nothing(&mut here).await
}

async fn encrypted_messages_are_read_by_both(kind: RedisLayerKind) -> Result<()> {
    let options = json!({"symmetric_encryption_keys": ["gehëim"]});
    let scene = scene(kind, options, "encryption_key=geh%C3%ABim").await?;
    let what = json!({"type": "secret", "text": "x".repeat(1000), "raw": {"$bytes": "00ff"}});

    meet(&scene, json!({}), &what).await
}

async fn keys_are_changed_while_both_go_on(kind: RedisLayerKind) -> Result<()> {
    // Each has the other's first key as its second, so that each decrypts what it would not encrypt itself.
    let options = json!({"symmetric_encryption_keys": ["old", "new"]});
    let scene = scene(kind, options, "encryption_key=new&encryption_key=old").await?;

    meet(&scene, json!({}), &number(1)).await
}

async fn what_is_encrypted_with_an_unknown_key_is_not_delivered(
    kind: RedisLayerKind,
) -> Result<()> {
    let scene = scene(
        kind,
        json!({"symmetric_encryption_keys": ["ours"]}),
        "encryption_key=ours",
    )
    .await?;
    let rust = scene.rust()?;
    let mut stranger = scene
        .python_with(json!({"symmetric_encryption_keys": ["theirs"]}))
        .await?;
    let mut plain = scene
        .python_with(json!({"symmetric_encryption_keys": null}))
        .await?;
    let mut friend = scene.python().await?;
    let mut here = rust.open("specific.").await?;
    let name = here.name().to_string();

    stranger.send(&name, &number(1)).await?;
    plain.send(&name, &number(2)).await?;
    friend.send(&name, &number(3)).await?;

    assert_eq!(next(&mut here).await?, number(3));
    nothing(&mut here).await?;
    let drops = rust.drops().context("it counts")?;
    assert_eq!(drops.get(DropCause::Unreadable), 2, "{drops:?}");
    Ok(())
}

async fn json_is_read_by_both(kind: RedisLayerKind) -> Result<()> {
    let scene = scene(
        kind,
        json!({"serializer_format": "json"}),
        "serializer=json",
    )
    .await?;
    let what = json!({
        "type": "every.kind", "text": "grüße 中 😀 \" \\ \n \u{0}", "nothing": null, "truth": [true, false],
        "numbers": [0, -1, u64::MAX, i64::MIN, 1.0, -0.0, 1e300, 0.1], "nested": {"": [[], {}]},
    });

    meet(&scene, json!({}), &what).await
}

async fn layers_with_different_prefixes_do_not_meet(kind: RedisLayerKind) -> Result<()> {
    let scene = scene(kind, json!({"prefix": "shop"}), "prefix=shop").await?;
    meet(&scene, json!({}), &number(1)).await?;
    let rust = scene.rust()?;
    let mut here = member(&rust, "room").await?;
    let mut other = scene.python_with(json!({"prefix": "asgi"})).await?;
    let there = other.member("room").await?;

    other.group_send("room", &number(2)).await?;

    assert_eq!(other.next(&there).await?, number(2));
    nothing(&mut here).await
}

async fn four_hosts_are_shared_alike(kind: RedisLayerKind) -> Result<()> {
    let mut servers = Vec::new();
    for _ in 0..4 {
        servers.push(RedisServer::start().await?);
    }
    share(&Scene::with(kind, servers, json!({}), "")?).await
}

async fn four_databases_of_one_server_are_shared_alike(kind: RedisLayerKind) -> Result<()> {
    let server = RedisServer::start().await?;
    let hosts = [0, 1, 2, 3].map(|database| format!("{}/{database}", server.url()));
    let scene = Scene::with(kind, vec![server], json!({}), "")?;
    share(&scene.on(hosts)).await
}

/// Sends in all four ways between channels and groups that are spread over all hosts.
async fn share(scene: &Scene) -> Result<()> {
    const CHANNELS: usize = 12;
    let (rust, mut python) = (scene.rust()?, scene.python().await?);
    let (mut here, mut there) = (Vec::new(), Vec::new());
    for n in 0..CHANNELS {
        let group = format!("group_{n}");
        here.push(member(&rust, &group).await?);
        there.push(python.member(&group).await?);
    }

    for n in 0..CHANNELS {
        // Python sends most of them where nobody of Python would look.
        python.send(here[n].name().as_str(), &number(1)).await?;
        send(&rust, &there[n], &number(1)).await?;
        let group = format!("group_{n}");
        python.group_send(&group, &number(2)).await?;
        group_send(&rust, &group, &number(3)).await?;
    }

    for n in 0..CHANNELS {
        // What comes by way of different hosts may overtake.
        let mut seen = take(&mut here[n], 3).await?;
        seen.sort_by_key(|value| value["n"].as_u64());
        assert_eq!(seen, [number(1), number(2), number(3)], "channel {n}");
        let mut seen = python.take(&there[n], 3).await?;
        seen.sort_by_key(|value| value["n"].as_u64());
        assert_eq!(seen, [number(1), number(2), number(3)], "channel {n}");
    }
    for mailbox in &mut here {
        assert!(mailbox.is_empty(), "{mailbox:?}");
    }
    nothing(&mut here[0]).await
}

async fn password_is_said_alike(kind: RedisLayerKind) -> Result<()> {
    let server = RedisServer::builder()
        .password("p@ss/wörd %")
        .start()
        .await?;
    let scene = Scene::with(kind, vec![server], json!({}), "")?;

    meet(&scene, json!({}), &number(1)).await
}

async fn host_is_said_alike_in_every_form(kind: RedisLayerKind) -> Result<()> {
    let server = RedisServer::start().await?;
    let (port, socket) = (server.port(), server.socket().display().to_string());
    let unix = format!("unix://{socket}?db=3");
    let tcp = format!("redis://127.0.0.1:{port}/3");
    let forms = [
        (&unix, json!(unix)),
        (&tcp, json!({"address": tcp})),
        (&tcp, json!({"host": "127.0.0.1", "port": port, "db": 3})),
        (
            &format!("redis://127.0.0.1:{port}"),
            json!(["127.0.0.1", port]),
        ),
    ];
    let mut scene = Scene::with(kind, vec![server], json!({}), "")?;

    for (url, python) in forms {
        scene = scene.on([url.clone()]);
        meet(&scene, json!({"hosts": [python]}), &number(1)).await?;
    }
    Ok(())
}

async fn host_with_tls_is_said_alike(kind: RedisLayerKind) -> Result<()> {
    let server = RedisServer::builder().tls().start().await?;
    let certificates = server.certificates().context("it speaks TLS")?;
    let authority = certificates.authority.display().to_string();
    let query = format!("ssl_ca_certs={authority}");
    let host = json!({"address": server.url(), "ssl_ca_certs": authority});
    let scene = Scene::with(kind, vec![server], json!({}), &query)?;

    meet(&scene, json!({"hosts": [host]}), &number(1)).await
}

async fn master_of_sentinels_is_said_alike(kind: RedisLayerKind) -> Result<()> {
    let sentinels = RedisSentinels::start().await?;
    let ports: Vec<_> = sentinels
        .sentinels()
        .iter()
        .map(RedisServer::port)
        .collect();
    let places = ports.iter().map(|port| format!("127.0.0.1:{port}"));
    let places = places.collect::<Vec<_>>().join(",");
    let url = format!("redis+sentinel://{places}/{}/0", sentinels.master_name());
    let pairs: Vec<_> = ports
        .iter()
        .map(|port| json!(["127.0.0.1", port]))
        .collect();
    let host = json!({"sentinels": pairs, "master_name": sentinels.master_name()});
    let scene = Scene::with(kind, Vec::new(), json!({}), "")?.on([url]);

    meet(&scene, json!({"hosts": [host]}), &number(1)).await
}
