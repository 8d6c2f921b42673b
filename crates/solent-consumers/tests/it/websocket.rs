use http::{HeaderMap, HeaderValue, StatusCode};
use solent_consumers::{
    InvalidFrame, Json, NoEvents, Refusal, WebSocketConsumer, WebSocketContext,
};
use solent_layer::LayerError;
use solent_spec::{
    Application, Body, RequestScope, Result, SendError,
    request::Feature,
    websocket::{Accept, Close, CloseCode, Frame, WebSocketScope},
};

use crate::support::{Log, Sent, Socket, settle};

/// Calls a closure from `connect`, and echoes.
struct With<F>(F, Log);

impl<F> WebSocketConsumer for With<F>
where
    F: AsyncConnect + 'static,
{
    type Event = NoEvents;
    type Input = Frame;

    fn connect(&mut self, cx: &mut WebSocketContext) -> impl Future<Output = Result> + Send {
        self.0.connect(cx)
    }

    async fn receive(&mut self, cx: &mut WebSocketContext, frame: Frame) -> Result {
        self.1.add(format!("{frame:?}"));
        cx.send(frame).await
    }

    async fn disconnect(&mut self, _: &mut WebSocketContext, close: Close) -> Result {
        self.1.add(format!("disconnect {close}"));
        Ok(())
    }
}

trait AsyncConnect: Send {
    fn connect(&mut self, cx: &mut WebSocketContext) -> impl Future<Output = Result> + Send;
}

macro_rules! connect {
    ($name:ident, |$cx:ident| $body:expr) => {
        #[derive(Clone)]
        struct $name;

        impl AsyncConnect for $name {
            async fn connect(&mut self, $cx: &mut WebSocketContext) -> Result {
                $body
            }
        }
    };
}

connect!(AcceptIt, |cx| cx.accept().await);

async fn run<F: AsyncConnect + Clone + Sync + 'static>(
    socket: &Socket,
    with: F,
    log: &Log,
) -> Result {
    let log = log.clone();
    let application = With::application_with(move |_| Ok(With(with.clone(), log.clone())));
    application.call(socket.connection(None)).await
}

#[tokio::test(start_paused = true)]
async fn connects_echoes_text_and_bytes_and_disconnects() {
    let (socket, log) = (Socket::new(), Log::default());
    socket.send("hello");
    socket.send(b"w\0\0\0".to_vec());
    socket.leave(CloseCode::NORMAL);

    run(&socket, AcceptIt, &log).await.unwrap();

    assert_eq!(
        socket.take(),
        [
            Sent::Accept(None, Vec::new()),
            Sent::Frame(Frame::text("hello")),
            Sent::Frame(Frame::binary(b"w\0\0\0".to_vec())),
        ]
    );
    assert_eq!(
        log.entries(),
        ["Text(5 bytes)", "Binary(4 bytes)", "disconnect 1000"]
    );
}

#[tokio::test(start_paused = true)]
async fn empty_messages_are_messages() {
    let (socket, log) = (Socket::new(), Log::default());
    socket.send("");
    socket.send(Vec::new());
    socket.leave(CloseCode::NORMAL);

    run(&socket, AcceptIt, &log).await.unwrap();

    assert_eq!(socket.take().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn each_connection_has_a_consumer_and_a_scope_of_its_own() {
    struct Path(String);
    impl WebSocketConsumer for Path {
        type Event = NoEvents;
        type Input = Frame;
        async fn receive(&mut self, cx: &mut WebSocketContext, _: Frame) -> Result {
            let path = cx.scope().path().to_owned();
            cx.send(format!("{path} {}", self.0)).await
        }
    }
    let application =
        Path::application_with(|scope: &WebSocketScope| Ok(Path(scope.path().into())));
    let (one, two) = (Socket::new(), Socket::new());
    for (socket, path) in [(&one, "/one/"), (&two, "/two/")] {
        let connection = socket.connection_at(path, &[], Vec::new(), None);
        let application = application.clone();
        tokio::spawn(async move { application.call(connection).await });
    }

    two.send("?");
    settle().await;
    one.send("?");
    settle().await;

    assert_eq!(one.take_texts(), ["/one/ /one/"]);
    assert_eq!(two.take_texts(), ["/two/ /two/"]);
}

#[tokio::test(start_paused = true)]
async fn accept_chooses_a_subprotocol_among_those_offered() {
    connect!(Second, |cx| {
        let offered: Vec<_> = cx.scope().subprotocols().collect();
        assert_eq!(offered, ["subprotocol1", "subprotocol2"]);
        cx.accept_with(Accept::default().subprotocol("subprotocol2"))
            .await
    });
    let socket = Socket::new();
    socket.leave(CloseCode::NORMAL);
    let offers = [("sec-websocket-protocol", "subprotocol1, subprotocol2")];
    let application = With::application_with(|_| Ok(With(Second, Log::default())));

    application
        .call(socket.connection_at("/", &offers, Vec::new(), None))
        .await
        .unwrap();

    assert_eq!(
        socket.take(),
        [Sent::Accept(Some("subprotocol2".into()), Vec::new())]
    );
}

#[tokio::test(start_paused = true)]
async fn accept_carries_headers() {
    connect!(Foo, |cx| {
        let mut headers = HeaderMap::new();
        headers.insert("foo", HeaderValue::from_static("bar"));
        cx.accept_with(Accept::default().headers(headers)).await
    });
    let socket = Socket::new();
    socket.leave(CloseCode::NORMAL);

    run(&socket, Foo, &Log::default()).await.unwrap();

    assert_eq!(
        socket.take(),
        [Sent::Accept(None, vec![("foo".into(), "bar".into())])]
    );
}

#[tokio::test(start_paused = true)]
async fn accept_and_close_carries_code_and_reason() {
    connect!(Close4007, |cx| {
        cx.accept().await?;
        cx.close(Close::new(CloseCode::sendable(4007)?, "test reason"))
            .await
    });
    let socket = Socket::new();
    socket.leave(Close::new(CloseCode::from_u16(4007), "test reason"));
    let log = Log::default();

    run(&socket, Close4007, &log).await.unwrap();

    assert_eq!(
        socket.take(),
        [
            Sent::Accept(None, Vec::new()),
            Sent::Close(4007, "test reason".into())
        ]
    );
    assert_eq!(log.entries(), ["disconnect 4007 test reason"]);
}

#[tokio::test(start_paused = true)]
async fn rejected_connection_is_told_of_its_end_as_well() {
    connect!(Reject, |cx| cx.reject().await);
    let (socket, log) = (Socket::new(), Log::default());
    socket.vanish();

    run(&socket, Reject, &log).await.unwrap();

    assert_eq!(socket.take(), [Sent::Close(1000, String::new())]);
    assert_eq!(log.entries(), ["disconnect 1006"]);
}

#[tokio::test(start_paused = true)]
async fn open_connection_cannot_be_rejected() {
    connect!(Late, |cx| {
        cx.accept().await?;
        cx.reject().await
    });
    let socket = Socket::new();

    let error = run(&socket, Late, &Log::default()).await.unwrap_err();

    assert!(
        matches!(error.downcast_ref(), Some(SendError::Illegal(_))),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn handshake_is_refused_with_a_response() {
    connect!(Teapot, |cx| {
        let mut response = http::Response::new(Body::empty());
        *response.status_mut() = StatusCode::IM_A_TEAPOT;
        cx.respond(response).await
    });
    let socket = Socket::new();
    socket.vanish();

    run(&socket, Teapot, &Log::default()).await.unwrap();

    assert_eq!(socket.take(), [Sent::Status(418)]);
}

#[tokio::test(start_paused = true)]
async fn refusal_by_way_of_an_error_is_no_failure() {
    connect!(Unauthorized, |_cx| Err(Refusal::new(
        StatusCode::UNAUTHORIZED
    )
    .into()));
    let (socket, log) = (Socket::new(), Log::default());
    socket.vanish();

    run(&socket, Unauthorized, &log).await.unwrap();

    assert_eq!(socket.take(), [Sent::Status(401)]);
    assert_eq!(log.count("disconnect"), 1);
}

#[tokio::test(start_paused = true)]
async fn handshake_that_cannot_join_while_the_layer_is_away_is_a_503() {
    connect!(CutOff, |_cx| Err(LayerError::Away(
        "no route to host".into()
    )
    .into()));
    let (socket, log) = (Socket::new(), Log::default());
    socket.vanish();

    run(&socket, CutOff, &log).await.unwrap();

    assert_eq!(socket.take(), [Sent::Status(503)]);
    assert_eq!(log.count("disconnect"), 1);
}

#[tokio::test(start_paused = true)]
async fn handshake_that_the_layer_refuses_is_a_failure() {
    connect!(Denied, |_cx| Err(
        LayerError::Backend("WRONGPASS".into()).into()
    ));
    let (socket, log) = (Socket::new(), Log::default());

    let error = run(&socket, Denied, &log).await.unwrap_err();

    assert!(error.is::<LayerError>(), "{error}");
    assert_eq!(socket.take(), []);
}

#[tokio::test(start_paused = true)]
async fn refusal_is_a_403_where_responses_are_not_offered() {
    connect!(Unauthorized, |_cx| Err(Refusal::new(
        StatusCode::UNAUTHORIZED
    )
    .into()));
    let socket = Socket::new();
    socket.vanish();
    let application = With::application_with(|_| Ok(With(Unauthorized, Log::default())));

    application
        .call(socket.connection_at("/", &[], Vec::new(), None))
        .await
        .unwrap();

    assert_eq!(socket.take(), [Sent::Close(1000, String::new())]);
}

#[tokio::test(start_paused = true)]
async fn factory_refuses_or_fails_before_there_is_a_consumer() {
    let refusing =
        With::<AcceptIt>::application_with(|_| Err(Refusal::new(StatusCode::NOT_FOUND).into()));
    let failing = With::<AcceptIt>::application_with(|_| Err("no database".into()));
    let (refused, failed) = (Socket::new(), Socket::new());

    refusing.call(refused.connection(None)).await.unwrap();
    let error = failing.call(failed.connection(None)).await.unwrap_err();

    assert_eq!(refused.take(), [Sent::Status(404)]);
    assert_eq!(error.to_string(), "no database");
    assert_eq!(failed.take(), []);
}

#[tokio::test(start_paused = true)]
async fn handshake_can_be_answered_later() {
    #[derive(Default)]
    struct Later;
    impl WebSocketConsumer for Later {
        type Event = ();
        type Input = Frame;
        async fn connect(&mut self, cx: &mut WebSocketContext<()>) -> Result {
            cx.after(std::time::Duration::from_secs(3), ());
            Ok(())
        }
        async fn event(&mut self, cx: &mut WebSocketContext<()>, (): &()) -> Result {
            cx.accept().await
        }
    }
    let socket = Socket::new();
    let connection = socket.connection_at("/", &[], vec![Feature::DenialResponse], None);
    tokio::spawn(async move { Later::application().call(connection).await });

    settle().await;
    assert_eq!(socket.take(), []);
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;

    assert_eq!(socket.take(), [Sent::Accept(None, Vec::new())]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_handled_after_a_close_but_the_end() {
    struct CloseOnFirst(Log);
    impl WebSocketConsumer for CloseOnFirst {
        type Event = NoEvents;
        type Input = Frame;
        async fn receive(&mut self, cx: &mut WebSocketContext, _: Frame) -> Result {
            self.0.add("receive");
            cx.close(CloseCode::NORMAL).await
        }
        async fn disconnect(&mut self, _: &mut WebSocketContext, _: Close) -> Result {
            self.0.add("disconnect");
            Ok(())
        }
    }
    let (socket, log) = (Socket::new(), Log::default());
    socket.send("one");
    socket.send("two");
    socket.leave(CloseCode::NORMAL);
    let seen = log.clone();

    CloseOnFirst::application_with(move |_| Ok(CloseOnFirst(seen.clone())))
        .call(socket.connection(None))
        .await
        .unwrap();

    assert_eq!(log.entries(), ["receive", "disconnect"]);
}

struct Sum(Log);

impl WebSocketConsumer for Sum {
    type Input = Json<Vec<i64>>;
    type Event = NoEvents;

    async fn receive(&mut self, cx: &mut WebSocketContext, Json(input): Json<Vec<i64>>) -> Result {
        cx.send_json(&input.iter().sum::<i64>()).await
    }

    async fn disconnect(&mut self, _: &mut WebSocketContext, close: Close) -> Result {
        self.0.add(format!("disconnect {close}"));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn json_goes_in_and_out() {
    let socket = Socket::new();
    socket.send("[1, 2]");
    socket.leave(CloseCode::NORMAL);

    let application = Sum::application_with(|_| Ok(Sum(Log::default())));
    application.call(socket.connection(None)).await.unwrap();

    assert_eq!(socket.take_texts(), ["3"]);
}

#[tokio::test(start_paused = true)]
async fn number_that_json_does_not_have_is_an_error_and_not_null() {
    struct Divides;
    impl WebSocketConsumer for Divides {
        type Input = Json<(f64, f64)>;
        type Event = NoEvents;
        async fn receive(&mut self, cx: &mut WebSocketContext, Json(input): Self::Input) -> Result {
            cx.send_json(&[input.0 / input.1]).await
        }
    }
    let socket = Socket::new();
    socket.send("[1, 2]");
    socket.send("[0, 0]");

    let application = Divides::application_with(|_| Ok(Divides));
    let error = application.call(socket.connection(None)).await.unwrap_err();

    assert!(error.to_string().contains("no NaN"), "{error}");
    assert_eq!(socket.take_texts(), ["[0.5]"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_the_json_expected_closes_with_the_clients_fault() {
    for (frame, code) in [
        (Frame::binary(b"[1]".to_vec()), 1003),
        (Frame::text("{"), 1007),
        (Frame::text(""), 1007),
        (Frame::text("[\"one\"]"), 1007),
    ] {
        let (socket, log) = (Socket::new(), Log::default());
        let seen = log.clone();
        socket.send(frame);
        socket.leave(CloseCode::from_u16(code));

        let application = Sum::application_with(move |_| Ok(Sum(seen.clone())));
        application.call(socket.connection(None)).await.unwrap();

        assert!(matches!(&socket.take()[1], Sent::Close(sent, _) if *sent == code));
        assert_eq!(log.entries(), [format!("disconnect {code}")]);
    }
}

#[tokio::test(start_paused = true)]
async fn invalid_json_can_be_answered_instead() {
    #[derive(Default)]
    struct Patient;
    impl WebSocketConsumer for Patient {
        type Input = Json<u8>;
        type Event = NoEvents;
        async fn receive(&mut self, cx: &mut WebSocketContext, Json(input): Json<u8>) -> Result {
            cx.send_json(&input).await
        }
        async fn invalid(&mut self, cx: &mut WebSocketContext, error: InvalidFrame) -> Result {
            cx.send_json(&error.to_string()).await
        }
    }
    let socket = Socket::new();
    socket.send("[]");
    socket.send("7");
    socket.leave(CloseCode::NORMAL);

    let application = Patient::application();
    application.call(socket.connection(None)).await.unwrap();

    let texts = socket.take_texts();
    assert_eq!(
        texts,
        ["\"message is JSON, but not what is expected here\"", "7"]
    );
}
