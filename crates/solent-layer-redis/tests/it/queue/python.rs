//! What is in Redis, as Python's layer has it.

use solent_layer::{Capacities, ChannelLayer, ChannelName, Delivery, DropCause};
use solent_layer_redis::{RedisConfig, RedisQueueLayer};
use solent_test_servers::RedisServer;

use super::scene::*;
use crate::{promises::UNHURRIED, scene::*};

/// The channel of a process of Python.
const PYTHON: &str = "specific.0123456789ab4def8123456789abcdef!x";
const PYTHON_KEY: &str = "asgispecific.0123456789ab4def8123456789abcdef!";

/// `{"n": n}` with the channels it is for, as MessagePack after twelve bytes.
fn payload(n: u8, channels: &[u8]) -> Vec<u8> {
    static COUNTER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let unique = COUNTER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let head = [&unique.to_be_bytes()[..], &[0; 4], b"\x82\xa1n", &[n]].concat();
    [&head, &b"\xb0__asgi_channel__"[..], channels].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&[0xd9, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

fn list(names: &[&str]) -> Vec<u8> {
    let names = names.iter().flat_map(|name| text(name));
    let mut list = vec![0x90];
    list[0] += u8::try_from(names.clone().filter(|byte| *byte == 0xd9).count()).unwrap();
    list.extend(names);
    list
}

#[tokio::test]
async fn what_is_sent_is_what_python_reads() {
    let server = RedisServer::start().await.unwrap();
    let layer = layer(&server);
    let python: ChannelName = PYTHON.parse().unwrap();
    layer.group_add(&room(), &python).await.unwrap();
    assert_eq!(set(&server, "asgi:group:room").await, [PYTHON.as_bytes()]);

    layer.send(&python, number(1)).await.unwrap();
    layer.group_send(&room(), number(2)).await.unwrap();
    layer
        .send(&"jobs".parse().unwrap(), number(3))
        .await
        .unwrap();

    let sent = set(&server, PYTHON_KEY).await;
    let bodies: Vec<_> = sent.iter().map(|payload| &payload[12..]).collect();
    assert_eq!(bodies[0], &payload(1, &text(PYTHON))[12..]);
    assert_eq!(bodies[1], &payload(2, &list(&[PYTHON]))[12..]);
    let job = set(&server, "asgijobs").await;
    assert_eq!(&job[0][12..], b"\x81\xa1n\x03");
}

#[tokio::test]
async fn what_python_sends_is_received() {
    let server = RedisServer::start().await.unwrap();
    let layer = layer(&server);
    let (mut one, mut two) = (
        layer.open("specific.").await.unwrap(),
        layer.open("specific.").await.unwrap(),
    );
    let key = format!("asgi{}", one.name().non_local());
    let (a, b) = (
        one.name().as_str().to_owned(),
        two.name().as_str().to_owned(),
    );
    let gone = format!("{}gone", one.name().non_local());

    add(&server, &key, now(), &payload(1, &text(&a))).await;
    add(&server, &key, now(), &payload(2, &list(&[&a, &gone, &b]))).await;
    add(&server, &key, now(), &payload(3, &text(&gone))).await;
    // What cannot be read, and what is for nobody, stops nothing.
    add(&server, &key, now(), b"short").await;
    add(&server, &key, now(), b"0123456789ab\xc1").await;
    add(&server, &key, now(), b"0123456789ab\x81\xa1n\x07").await;
    add(&server, &key, now() - 100.0, &payload(4, &text(&a))).await;
    add(&server, &key, now(), &payload(5, &text(&b))).await;

    // The fourth waited for too long, which its channel is told.
    let (mut numbers, mut lost) = (Vec::new(), 0);
    while numbers.len() < 2 || lost == 0 {
        match deliver(&mut one).await {
            Delivery::Message(message) => numbers.push(read(&message)),
            Delivery::Gap(gap) => lost += gap.lost,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((&numbers[..], lost), (&[1, 2][..], 1));
    assert_eq!(receive(&mut two).await, 2);
    assert_eq!(receive(&mut two).await, 5);
    receive_nothing(&mut one).await;
    let drops = layer.drops().unwrap();
    assert_eq!(drops.get(DropCause::Closed), 2, "{drops:?}");
    assert_eq!(drops.get(DropCause::Expired), 1, "{drops:?}");
    assert_eq!(drops.get(DropCause::Unreadable), 3, "{drops:?}");
}

#[tokio::test]
async fn members_that_python_adds_are_sent_to() {
    let server = RedisServer::start().await.unwrap();
    let layer = layer(&server);
    let mut mailbox = layer.open("a.").await.unwrap();
    let name = mailbox.name().as_str().as_bytes();
    add(&server, "asgi:group:room", now(), name).await;
    add(&server, "asgi:group:room", now(), PYTHON.as_bytes()).await;
    add(&server, "asgi:group:room", now() - 1e6, b"expired").await;
    add(&server, "asgi:group:room", now(), b"no name \xff").await;

    let report = layer.group_send(&room(), number(1)).await.unwrap();

    assert_eq!((report.delivered, report.processes), (2, 1), "{report:?}");
    assert_eq!(receive(&mut mailbox).await, 1);
    assert_eq!(set(&server, PYTHON_KEY).await.len(), 1);
}

#[tokio::test]
async fn capacity_of_python_is_honoured_and_told() {
    let server = RedisServer::start().await.unwrap();
    let layer = layer_with(&server, |config| config.capacities(Capacities::new(3)));
    let python: ChannelName = PYTHON.parse().unwrap();
    layer.group_add(&room(), &python).await.unwrap();

    for n in 0..3 {
        let report = layer.group_send(&room(), number(n)).await.unwrap();
        assert_eq!((report.delivered, report.dropped), (1, 0));
    }
    let report = layer.group_send(&room(), number(3)).await.unwrap();
    let sent = layer.send(&python, number(4)).await;

    assert_eq!((report.delivered, report.dropped), (0, 1));
    let returned = sent.unwrap_err().into_message().unwrap();
    assert_eq!(read(&returned), 4);
    assert_eq!(set(&server, PYTHON_KEY).await.len(), 3);
    assert_eq!(layer.drops().unwrap().get(DropCause::Full), 2);
}

#[tokio::test]
async fn expired_messages_make_room_on_the_right_host() {
    let server = RedisServer::start().await.unwrap();
    let layer = layer_with(&server, |config| config.capacities(Capacities::new(1)));
    let python: ChannelName = PYTHON.parse().unwrap();
    layer.group_add(&room(), &python).await.unwrap();
    add(&server, PYTHON_KEY, now() - 61.0, b"old").await;

    let report = layer.group_send(&room(), number(1)).await.unwrap();

    assert_eq!(report.delivered, 1);
    let left = set(&server, PYTHON_KEY).await;
    assert!(left.len() == 1 && left[0] != b"old", "{left:?}");
}

#[tokio::test]
async fn direct_send_of_python_arrives_whatever_host_it_chose() {
    let server = RedisServer::start().await.unwrap();
    let url = server.url();
    let url = url.trim_end_matches('/');
    let hosts = (0..4).map(|number| host(&format!("{url}/{number}")));
    let layer =
        RedisQueueLayer::new(RedisConfig::default().hosts(hosts).send_wait(UNHURRIED)).unwrap();
    let mut mailbox = layer.open("specific.").await.unwrap();
    let key = format!("asgi{}", mailbox.name().non_local());
    let name = text(mailbox.name().as_str());

    for database in 0..4_u8 {
        // One command for one connection, so that the database is chosen by a script.
        let script =
            "redis.call('SELECT', ARGV[1]) return redis.call('ZADD', KEYS[1], ARGV[2], ARGV[3])";
        let (database_text, score) = (database.to_string(), now().to_string());
        let command = [
            b"EVAL",
            script.as_bytes(),
            b"1",
            key.as_bytes(),
            database_text.as_bytes(),
            score.as_bytes(),
            &payload(database, &name),
        ];
        server.query(&command).await.unwrap();
        assert_eq!(receive(&mut mailbox).await, u64::from(database));
    }
}

#[tokio::test]
async fn group_send_takes_as_many_commands_as_processes_not_members() {
    let server = RedisServer::start().await.unwrap();
    let layer = layer(&server);
    let mut members = Vec::new();
    for _ in 0..50 {
        members.push(member(&layer).await);
    }
    layer.group_send(&room(), number(0)).await.unwrap();
    let commands = async || {
        let count = server.info("total_commands_processed").await.unwrap();
        count.parse::<u64>().unwrap()
    };
    for mailbox in &mut members {
        assert_eq!(receive(mailbox).await, 0);
    }

    let before = commands().await;
    for n in 1..=10 {
        layer.group_send(&room(), number(n)).await.unwrap();
    }
    for mailbox in &mut members {
        assert_eq!(receive(mailbox).await, 1);
    }

    // Two for the members, the script with four in it, one to read, and the one that asks.
    let each = (commands().await - before) / 10;
    assert!(each <= 9, "{each} commands for each message");
}
