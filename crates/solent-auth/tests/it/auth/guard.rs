//! What ends open connections.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use serde_json::json;
use solent_auth::{AuthConfig, check_user, close_user, user_group};
use solent_layer::{
    ChannelLayer, ChannelName, DynLayer, GroupName, GroupReport, LayerError, Mailbox, Message,
    SendError,
};
use solent_layer_memory::MemoryLayer;
use solent_spec::{
    AppError, BoxApplication, Connection, Middleware, WebSocket,
    websocket::{Close, CloseCode},
};
use solent_testing::{TestRequest, WebSocketCommunicator};
use tokio::time::Instant;

use super::{applications::Server, site::Site};

/// A layer that opens no mailbox when it is told to fail.
#[derive(Clone, Default)]
struct Failing {
    inner: MemoryLayer,
    fails: Arc<AtomicBool>,
}

impl Failing {
    fn fail(&self, fails: bool) {
        self.fails.store(fails, SeqCst);
    }
}

impl ChannelLayer for Failing {
    async fn open(&self, prefix: &str) -> Result<Mailbox, LayerError> {
        match self.fails.load(SeqCst) {
            true => Err(LayerError::Unavailable("broker is away")),
            false => self.inner.open(prefix).await,
        }
    }

    async fn listen(&self, channel: &ChannelName) -> Result<Mailbox, LayerError> {
        self.inner.listen(channel).await
    }

    async fn send(&self, channel: &ChannelName, message: Message) -> Result<(), SendError> {
        self.inner.send(channel, message).await
    }

    async fn group_add(&self, group: &GroupName, channel: &ChannelName) -> Result<(), LayerError> {
        self.inner.group_add(group, channel).await
    }

    async fn group_discard(
        &self,
        group: &GroupName,
        channel: &ChannelName,
    ) -> Result<(), LayerError> {
        self.inner.group_discard(group, channel).await
    }

    async fn group_send(
        &self,
        group: &GroupName,
        message: Message,
    ) -> Result<GroupReport, SendError> {
        self.inner.group_send(group, message).await
    }

    async fn flush(&self) -> Result<(), LayerError> {
        self.inner.flush().await
    }

    async fn close(&self) -> Result<(), LayerError> {
        self.inner.close().await
    }
}

/// Two servers of a site that share a layer.
fn two_servers(site: &Site) -> (Server, Server, DynLayer) {
    let layer = DynLayer::new(MemoryLayer::default());
    let server = || Server::new(&site.stack(), &site.people).layer(&layer);
    (server(), server(), layer)
}

/// A message as Django sends it.
async fn send(layer: &DynLayer, id: &str, message: serde_json::Value) {
    let message = Message::encode(&message).unwrap();
    layer.group_send(&user_group(id), message).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn socket_closes_within_the_interval_after_its_session_ended() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let key = site.session_of("ann").await;
    let mut socket = server.connect(Some(&key)).await;
    let mut other = server.connect(Some(&site.session_of("ann").await)).await;
    let began = Instant::now();

    site.end(&key).await;

    assert_eq!(socket.closed().await, 4401);
    let taken = began.elapsed().as_secs();
    assert!((45..=75).contains(&taken), "{taken} s");
    other.stays().await;
}

#[tokio::test(start_paused = true)]
async fn socket_stays_open_as_long_as_the_login_holds() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let mut socket = server.connect(Some(&site.session_of("ann").await)).await;
    let (reads, finds) = (site.store.accesses().0, site.people.finds());

    socket
        .0
        .receive_nothing_for(Duration::from_secs(600))
        .await
        .unwrap();

    socket.stays().await;
    let (reads, finds) = (site.store.accesses().0 - reads, site.people.finds() - finds);
    assert_eq!(reads, finds);
    assert!((8..=13).contains(&reads), "{reads} checks in ten minutes");
}

#[tokio::test(start_paused = true)]
async fn checks_can_be_more_often_or_never() {
    let site = Site::new();
    let key = site.session_of("ann").await;
    let with = |seconds| {
        let config = AuthConfig::default()
            .check_interval(Duration::from_secs(seconds))
            .close(Close::new(CloseCode::from_u16(4003), "bye"))
            .unwrap();
        Server::new(&site.stack().config(config), &site.people)
    };
    let mut often = with(2).connect(Some(&key)).await;
    let mut never = with(0).connect(Some(&key)).await;

    site.end(&key).await;

    assert_eq!(often.closed().await, 4003);
    never
        .0
        .receive_nothing_for(Duration::from_secs(3600))
        .await
        .unwrap();
    never.stays().await;
}

#[tokio::test(start_paused = true)]
async fn password_change_closes_the_socket() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let mut socket = server.connect(Some(&site.session_of("ann").await)).await;

    site.people.set_password("ann", "second");

    assert_eq!(socket.closed().await, 4401);
}

#[tokio::test(start_paused = true)]
async fn user_that_is_gone_is_closed() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let mut socket = server.connect(Some(&site.session_of("ann").await)).await;

    site.people.remove("ann");

    assert_eq!(socket.closed().await, 4401);
}

#[tokio::test(start_paused = true)]
async fn store_out_of_reach_closes_nothing() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let key = site.session_of("ann").await;
    let mut socket = server.connect(Some(&key)).await;

    site.store.set_down(true);
    socket
        .0
        .receive_nothing_for(Duration::from_secs(300))
        .await
        .unwrap();
    socket.stays().await;

    site.store.set_down(false);
    site.end(&key).await;
    assert_eq!(socket.closed().await, 4401);
}

#[tokio::test(start_paused = true)]
async fn logout_closes_the_other_sockets_of_the_session_at_once() {
    let site = Site::new();
    let (one, two, _layer) = two_servers(&site);
    let (key, elsewhere) = (site.session_of("ann").await, site.session_of("ann").await);
    let mut same = one.connect(Some(&key)).await;
    let mut same_far = two.connect(Some(&key)).await;
    let mut other_browser = two.connect(Some(&elsewhere)).await;
    let mut other_user = two.connect(Some(&site.session_of("bob").await)).await;
    let mut streamed = two.stream(Some(&key)).await;
    // A response is watched once it has lasted for a second.
    same.0
        .receive_nothing_for(Duration::from_secs(2))
        .await
        .unwrap();
    let began = Instant::now();

    assert_eq!(one.get("logout", Some(&key)).await.text(), Ok("nobody"));

    assert_eq!(same.closed().await, 4401);
    assert_eq!(same_far.closed().await, 4401);
    assert_eq!(streamed.chunk().await.unwrap(), None);
    assert!(began.elapsed() < Duration::from_secs(1));
    other_browser.stays().await;
    other_user.stays().await;
}

#[tokio::test(start_paused = true)]
async fn logout_on_a_socket_closes_the_others_and_not_itself() {
    let site = Site::new();
    let (one, two, _layer) = two_servers(&site);
    let key = site.session_of("ann").await;
    let (mut first, mut second) = (one.connect(Some(&key)).await, two.connect(Some(&key)).await);

    assert_eq!(first.say("logout").await, "nobody");

    assert_eq!(second.closed().await, 4401);
    first.stays().await;
}

#[tokio::test(start_paused = true)]
async fn messages_are_plain_maps_that_anybody_can_send() {
    let site = Site::new();
    let (one, two, layer) = two_servers(&site);
    let (key, elsewhere) = (site.session_of("ann").await, site.session_of("ann").await);
    let mut first = one.connect(Some(&key)).await;
    let mut second = two.connect(Some(&elsewhere)).await;

    for nonsense in [
        json!({ "type": "chat.message" }),
        json!({ "type": "auth.logout", "session": 7 }),
        json!({ "type": "auth.logout", "session": "" }),
        json!({ "session": key.fingerprint() }),
    ] {
        send(&layer, "ann", nonsense).await;
    }
    first.stays().await;

    send(
        &layer,
        "ann",
        json!({ "type": "auth.logout", "session": key.fingerprint() }),
    )
    .await;
    assert_eq!(first.closed().await, 4401);
    second.stays().await;

    send(&layer, "ann", json!({ "type": "auth.logout" })).await;
    assert_eq!(second.closed().await, 4401);
}

#[tokio::test(start_paused = true)]
async fn administrator_closes_all_sockets_of_a_user() {
    let site = Site::new();
    let (one, two, layer) = two_servers(&site);
    let mut sockets = Vec::new();
    for server in [&one, &two, &one] {
        sockets.push(server.connect(Some(&site.session_of("ann").await)).await);
    }
    let mut other = one.connect(Some(&site.session_of("bob").await)).await;
    other.stays().await;

    let report = close_user(&layer, "ann").await.unwrap();

    assert_eq!(report.delivered, 3);
    for socket in &mut sockets {
        assert_eq!(socket.closed().await, 4401);
    }
    other.stays().await;
}

#[tokio::test(start_paused = true)]
async fn check_message_closes_those_that_are_not_logged_in_any_more() {
    let site = Site::new();
    let (one, two, layer) = two_servers(&site);
    let (key, elsewhere) = (site.session_of("ann").await, site.session_of("ann").await);
    let mut first = one.connect(Some(&key)).await;
    let mut second = two.connect(Some(&elsewhere)).await;
    second.stays().await;
    let began = Instant::now();

    site.end(&key).await;
    check_user(&layer, "ann").await.unwrap();

    assert_eq!(first.closed().await, 4401);
    assert!(began.elapsed() < Duration::from_secs(1));
    second.stays().await;
}

#[tokio::test(start_paused = true)]
async fn stack_without_the_group_relies_on_checks() {
    let site = Site::new();
    let layer = DynLayer::new(MemoryLayer::default());
    let config = AuthConfig::default().reachable(false);
    let server = Server::new(&site.stack().config(config), &site.people).layer(&layer);
    let mut socket = server.connect(Some(&site.session_of("ann").await)).await;

    let report = close_user(&layer, "ann").await.unwrap();

    assert_eq!(report.delivered, 0);
    socket.stays().await;
    site.people.remove("ann");
    assert_eq!(socket.closed().await, 4401);
}

#[tokio::test(start_paused = true)]
async fn groups_are_left_with_the_connection() {
    let site = Site::new();
    let layer = MemoryLayer::default();
    let erased = DynLayer::new(layer.clone());
    let server = Server::new(&site.stack(), &site.people).layer(&erased);
    let key = site.session_of("ann").await;
    let mut socket = server.connect(Some(&key)).await;
    socket.stays().await;
    assert_eq!((layer.channel_count(), layer.group_count()), (1, 1));

    socket.0.disconnect().await.unwrap();

    assert_eq!((layer.channel_count(), layer.group_count()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn request_that_is_answered_at_once_asks_no_layer() {
    let site = Site::new();
    let layer = MemoryLayer::default();
    let erased = DynLayer::new(layer.clone());
    let server = Server::new(&site.stack(), &site.people).layer(&erased);
    let key = site.session_of("ann").await;

    let streamed = server.stream(Some(&key)).await;
    assert_eq!((layer.channel_count(), layer.group_count()), (0, 0));

    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((layer.channel_count(), layer.group_count()), (1, 1));
    drop(streamed);
}

#[tokio::test(start_paused = true)]
async fn logout_in_the_second_before_a_response_is_watched_is_not_missed() {
    let site = Site::new();
    let (one, two, _layer) = two_servers(&site);
    let key = site.session_of("ann").await;
    let mut streamed = one.stream(Some(&key)).await;
    let began = Instant::now();

    two.get("logout", Some(&key)).await;

    assert_eq!(streamed.chunk().await.unwrap(), None);
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
}

/// Without checks from time to time, what was missed before the group was joined would be missed for ever.
#[tokio::test(start_paused = true)]
async fn logout_while_an_application_hesitates_is_not_missed_without_checks() {
    let site = Site::new();
    let layer = DynLayer::new(MemoryLayer::default());
    let config = AuthConfig::default().check_interval(Duration::ZERO);
    let stack = site.stack().config(config);
    let server = Server::new(&stack, &site.people).layer(&layer);
    let key = site.session_of("ann").await;
    let elsewhere = site.session_of("ann").await;
    let hesitant = |_: Connection<WebSocket>| pending::<Result<(), AppError>>();
    let hesitant = stack.wrap(BoxApplication::new(hesitant));
    let request = TestRequest::get("/")
        .header("cookie", format!("sessionid={}", key.as_str()))
        .state(layer.clone());
    let mut opening = WebSocketCommunicator::start(hesitant, request).unwrap();
    let mut other = server.connect(Some(&elsewhere)).await;

    assert_eq!(server.get("logout", Some(&key)).await.text(), Ok("nobody"));

    let rejection = opening.connect().await.unwrap().rejected().unwrap();
    assert_eq!(rejection.status(), 401);
    other.stays().await;
}

#[tokio::test(start_paused = true)]
async fn group_is_joined_again_without_checks() {
    let site = Site::new();
    let layer = Failing::default();
    let erased = DynLayer::new(layer.clone());
    let config = AuthConfig::default().check_interval(Duration::ZERO);
    let server = Server::new(&site.stack().config(config), &site.people).layer(&erased);
    let key = site.session_of("ann").await;
    layer.fail(true);
    let mut socket = server.connect(Some(&key)).await;
    socket.stays().await;
    layer.fail(false);
    socket
        .0
        .receive_nothing_for(Duration::from_secs(120))
        .await
        .unwrap();

    assert_eq!(close_user(&erased, "ann").await.unwrap().delivered, 1);
    assert_eq!(socket.closed().await, 4401);
}

#[test]
fn code_that_may_not_be_sent_is_refused_when_it_is_set() {
    for code in [0, 1005, 1006, 1015, 2999, 5000] {
        let close = CloseCode::from_u16(code).into();
        assert!(AuthConfig::default().close(close).is_err(), "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn anonymous_socket_is_not_watched() {
    let site = Site::new();
    let (one, _, layer) = two_servers(&site);
    let mut socket = one.connect(None).await;

    socket
        .0
        .receive_nothing_for(Duration::from_secs(600))
        .await
        .unwrap();

    assert_eq!((site.store.accesses(), site.people.finds()), ((0, 0), 0));
    assert_eq!(close_user(&layer, "nobody").await.unwrap().delivered, 0);
    socket.stays().await;
}

#[tokio::test(start_paused = true)]
async fn lazy_connection_is_watched_once_somebody_asked() {
    let site = Site::new();
    let layer = DynLayer::new(MemoryLayer::default());
    let server = Server::new(&site.stack().lazy(), &site.people).layer(&layer);
    let key = site.session_of("ann").await;
    let mut socket = server.open("identity", Some(&key)).await.0;
    assert_eq!(close_user(&layer, "ann").await.unwrap().delivered, 0);

    assert_eq!(socket.say("").await, "ann");
    socket.stays().await;

    assert_eq!(close_user(&layer, "ann").await.unwrap().delivered, 1);
    assert_eq!(socket.closed().await, 4401);
}

#[tokio::test(start_paused = true)]
async fn checked_user_is_the_user_as_they_are_now() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let key = site.session_of("ann").await;
    let mut socket = server.connect(Some(&key)).await;

    site.end(&key).await;

    assert_eq!(socket.say("recheck").await, "nobody");
    socket
        .0
        .receive_nothing_for(Duration::from_secs(300))
        .await
        .unwrap();
    assert_eq!(
        socket.say("").await,
        "nobody",
        "the application decides what follows"
    );
}
