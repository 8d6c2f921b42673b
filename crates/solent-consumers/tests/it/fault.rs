use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use solent_consumers::{
    Group, HttpConsumer, HttpContext, Json, NoEvents, SyncHttpConsumer, SyncHttpContext,
    SyncWebSocketConsumer, SyncWebSocketContext, WebSocketConsumer, WebSocketContext,
};
use solent_layer::NameError;
use solent_spec::{
    Application, BoxApplication, Connection, Http, Protocol, RequestScope, Result, TryLater,
    WebSocket, json,
    request::Feature,
    websocket::{Close, CloseCode, Frame},
};

use crate::support::{Exchange, Log, Sent, Socket};

/// What a client asks for, in its path or its query, and what is made of it.
const ASKED: [(&str, &str, &str); 6] = [
    ("n", "12345678901234567890123456", "/n/"),
    ("room", "café", "/caf%C3%A9/"),
    ("room", "a b", "/a%20b/"),
    ("room", LONG, "/long/"),
    ("", "", "/?room=a+b"),
    ("", "", "/?room=CAF%C3%89"),
];

const LONG: &str = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopq";

/// Reads the parameter, and names a group after the room, as applications do.
fn enter(scope: &impl RequestScope) -> Result<Group<NoEvents>> {
    let route = scope.link().url_route().cloned().unwrap_or_default();
    if route.param("n").is_some() {
        route.parse::<u32>("n")?;
    }
    let room = match route.param("room") {
        Some(room) => room.to_lowercase(),
        None if scope.query().contains('+') => "a b".into(),
        None => "café".into(),
    };
    Ok(Group::new(format!("chat_{room}"))?)
}

struct Entered;

impl WebSocketConsumer for Entered {
    type Event = NoEvents;
    type Input = Frame;
}

struct EnteredJson;

impl WebSocketConsumer for EnteredJson {
    type Input = Json<u8>;
    type Event = NoEvents;
}

impl SyncWebSocketConsumer for Entered {
    type Event = NoEvents;
    type Input = Frame;
}

impl HttpConsumer for Entered {
    type Event = NoEvents;
    async fn handle(&mut self, cx: &mut HttpContext, _: Bytes) -> Result {
        cx.end_body("").await
    }
}

impl SyncHttpConsumer for Entered {
    type Event = NoEvents;
    fn handle(&mut self, cx: &mut SyncHttpContext, _: Bytes) -> Result {
        cx.end_body("")
    }
}

/// Enters in its first handler.
#[derive(Default)]
struct Entering;

impl WebSocketConsumer for Entering {
    type Event = NoEvents;
    type Input = Frame;
    async fn connect(&mut self, cx: &mut WebSocketContext) -> Result {
        enter(cx.scope())?;
        cx.accept().await
    }
}

impl SyncWebSocketConsumer for Entering {
    type Event = NoEvents;
    type Input = Frame;
    fn connect(&mut self, cx: &mut SyncWebSocketContext) -> Result {
        enter(cx.scope())?;
        cx.accept()
    }
}

impl HttpConsumer for Entering {
    type Event = NoEvents;
    async fn handle(&mut self, cx: &mut HttpContext, _: Bytes) -> Result {
        enter(cx.scope())?;
        cx.end_body("").await
    }
}

fn asking<P>(mut connection: Connection<P>, name: &str, value: &str) -> Connection<P>
where
    P: Protocol<Scope: RequestScope>,
{
    if !name.is_empty() {
        let route = connection.scope_mut().link_mut().url_route_mut();
        route.push_captures(&[(name, value)]);
    }
    connection
}

fn with<S: RequestScope>(scope: &S) -> Result<Entered> {
    enter(scope).map(|_| Entered)
}

#[tokio::test]
async fn what_a_client_asks_for_and_does_not_fit_is_not_found() {
    let sockets: [(&str, BoxApplication<WebSocket>); 5] = [
        (
            "consumer",
            BoxApplication::new(<Entered as WebSocketConsumer>::application_with(with)),
        ),
        (
            "JSON",
            BoxApplication::new(EnteredJson::application_with(|scope| {
                enter(scope).map(|_| EnteredJson)
            })),
        ),
        (
            "sync",
            BoxApplication::new(<Entered as SyncWebSocketConsumer>::application_with(with)),
        ),
        (
            "connect",
            BoxApplication::new(<Entering as WebSocketConsumer>::application()),
        ),
        (
            "sync connect",
            BoxApplication::new(<Entering as SyncWebSocketConsumer>::application()),
        ),
    ];
    let requests: [(&str, BoxApplication<Http>); 3] = [
        (
            "HTTP",
            BoxApplication::new(<Entered as HttpConsumer>::application_with(with)),
        ),
        (
            "sync HTTP",
            BoxApplication::new(<Entered as SyncHttpConsumer>::application_with(with)),
        ),
        (
            "handle",
            BoxApplication::new(<Entering as HttpConsumer>::application()),
        ),
    ];
    for (name, value, path) in ASKED {
        for (kind, application) in &sockets {
            let socket = Socket::new();
            let connection = socket.connection_at(path, &[], vec![Feature::DenialResponse], None);
            socket.leave(CloseCode::NORMAL);

            let result = application.call(asking(connection, name, value)).await;

            assert!(result.is_ok(), "{kind} {path}: {result:?}");
            assert_eq!(socket.take(), [Sent::Status(404)], "{kind} {path}");
        }
        for (kind, application) in &requests {
            let exchange = Exchange::new(&[""]);
            let connection = exchange.connection_at(path, None);

            let result = application.call(asking(connection, name, value)).await;

            assert!(result.is_ok(), "{kind} {path}: {result:?}");
            assert_eq!(
                exchange.take(),
                ["response 404 \"Not Found\""],
                "{kind} {path}"
            );
        }
    }
}

#[tokio::test]
async fn name_that_breaks_the_rules_by_itself_is_the_applications_fault() {
    for own in ["my room", "chat room/lobby", &"own-".repeat(30)] {
        let own: Arc<str> = own.into();
        let application = <Entered as WebSocketConsumer>::application_with(move |_| {
            let _: Group<NoEvents> = Group::new(&own)?;
            Ok(Entered)
        });
        let socket = Socket::new();
        let connection = socket.connection_at("/lobby/", &[], vec![Feature::DenialResponse], None);

        let result = application.call(asking(connection, "room", "lobby")).await;

        assert!(result.unwrap_err().is::<NameError>());
        assert_eq!(socket.take(), []);
    }
}

#[tokio::test]
async fn route_without_the_parameter_is_the_applications_fault() {
    let application = <Entered as WebSocketConsumer>::application_with(|scope| {
        scope.param::<u32>("n")?;
        Ok(Entered)
    });
    let socket = Socket::new();

    assert!(application.call(socket.connection(None)).await.is_err());
}

/// Does as the client says.
struct Obedient(Log);

#[derive(Deserialize)]
struct Order {
    join: String,
}

impl WebSocketConsumer for Obedient {
    type Event = NoEvents;
    type Input = Frame;

    async fn receive(&mut self, _: &mut WebSocketContext, frame: Frame) -> Result {
        let Order { join } = frame.json()?;
        let _: Group<NoEvents> = Group::new(join)?;
        Ok(())
    }

    async fn disconnect(&mut self, _: &mut WebSocketContext, close: Close) -> Result {
        self.0.add(format!("disconnect {}", close.code));
        Ok(())
    }
}

#[tokio::test]
async fn message_that_does_not_fit_closes_with_the_reason_and_is_no_failure() {
    for (message, reason) in [
        (r#"{"join": "a b"}"#, "group name \"a b\" is not valid"),
        (
            r#"{"join": null}"#,
            "`join`: invalid type: null, expected a string",
        ),
        ("{}", "missing field `join`"),
        ("no JSON", "message is not JSON"),
    ] {
        let (socket, log) = (Socket::new(), Log::default());
        let seen = log.clone();
        let application = Obedient::application_with(move |_| Ok(Obedient(seen.clone())));
        socket.send(message);
        socket.leave(CloseCode::INVALID_DATA);

        application.call(socket.connection(None)).await.unwrap();

        let sent = socket.take();
        let told = matches!(&sent[1], Sent::Close(1007, said) if said.contains(reason));
        assert!(told, "{message}: {sent:?}");
        assert_eq!(log.count("disconnect"), 1);
        assert_eq!(application.counts().failed(), 0);
    }
}

#[tokio::test]
async fn body_that_does_not_fit_is_a_bad_request() {
    #[derive(Default)]
    struct Form;
    impl HttpConsumer for Form {
        type Event = NoEvents;
        async fn handle(&mut self, cx: &mut HttpContext, body: Bytes) -> Result {
            let Order { join } = json::from_slice(&body)?;
            cx.end_body(join).await
        }
    }
    let exchange = Exchange::new(&["{"]);

    let result = Form::application().call(exchange.connection(None)).await;

    assert!(result.is_ok());
    assert_eq!(exchange.take(), ["response 400 \"Bad Request\""]);
}

/// Needs something that is away for now.
#[derive(Default)]
struct Needy;

fn away() -> Result {
    Err(TryLater::because("the store is away").into())
}

impl HttpConsumer for Needy {
    type Event = NoEvents;
    async fn handle(&mut self, _: &mut HttpContext, _: Bytes) -> Result {
        away()
    }
}

impl WebSocketConsumer for Needy {
    type Event = NoEvents;
    type Input = Frame;
    async fn receive(&mut self, _: &mut WebSocketContext, _: Frame) -> Result {
        away()
    }
}

#[tokio::test]
async fn what_is_away_for_now_is_no_failure_and_may_be_tried_again() {
    let exchange = Exchange::new(&[""]);
    let application = <Needy as HttpConsumer>::application();
    let counts = application.counts();

    application.call(exchange.connection(None)).await.unwrap();

    let sent = exchange.take();
    assert!(sent[0].starts_with("response 503"), "{sent:?}");
    let headers = exchange.headers();
    assert!(
        headers.iter().any(|(name, _)| name == "retry-after"),
        "{headers:?}"
    );
    assert_eq!(counts.failed(), 0);

    let socket = Socket::new();
    let application = <Needy as WebSocketConsumer>::application();
    let counts = application.counts();
    socket.send("log in");
    socket.leave(CloseCode::TRY_AGAIN_LATER);

    application.call(socket.connection(None)).await.unwrap();

    let sent = socket.take();
    assert!(matches!(&sent[1], Sent::Close(1013, _)), "{sent:?}");
    assert_eq!(counts.failed(), 0);
}
