use http::Version;
use solent_spec::{
    Connection, Http, RequestScope, Result, WebSocket,
    http::Outbound,
    request::{Feature, ServerAddr},
};
use solent_testing::{
    Communicator, CommunicatorError, HttpCommunicator, TestRequest, WebSocketCommunicator,
};

/// What the application sees of a request.
async fn seen<T: Clone + Send + Sync + 'static>(
    request: TestRequest,
    look: fn(&Connection<Http>) -> T,
) -> T {
    let (tx, mut rx) = tokio::sync::mpsc::channel(1);
    let application = move |mut connection: Connection<Http>| {
        let tx = tx.clone();
        async move {
            let _ = tx.send(look(&connection)).await;
            Ok(connection.send(Outbound::text("")).await?)
        }
    };
    let mut client = HttpCommunicator::start(application, request).unwrap();
    client.response().await.unwrap();
    rx.recv().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn target_may_be_a_path_or_a_whole_url() {
    for (target, path, query) in [
        ("/p/a/t/h?query=string#hash", "/p/a/t/h", "query=string"),
        (
            "user:pass@example.com:8080/p/a/t/h?query=string#hash",
            "/p/a/t/h",
            "query=string",
        ),
        (
            "wss://user:pass@example.com:8080/p/a/t/h?query=string#hash",
            "/p/a/t/h",
            "query=string",
        ),
        (
            "ws://www.example.com/%E9%A6%96%E9%A1%B5/index/?foo=%E9%A6%96%E9%A1%B5&spam=eggs",
            "/首页/index/",
            "foo=%E9%A6%96%E9%A1%B5&spam=eggs",
        ),
        ("/首页/?q=页", "/首页/", "q=%E9%A1%B5"),
        ("https://example.com", "/", ""),
        ("https://example.com?x=1", "/", "x=1"),
        ("/a b?", "/a b", ""),
        ("", "/", ""),
    ] {
        let found = seen(TestRequest::get(target), |connection| {
            let scope = connection.scope();
            (scope.path().to_owned(), scope.query().to_owned())
        });
        assert_eq!(found.await, (path.to_owned(), query.to_owned()), "{target}");
    }
}

#[tokio::test(start_paused = true)]
async fn scheme_and_host_come_from_the_url() {
    for (request, scheme, host) in [
        (TestRequest::get("/"), "http", "localhost"),
        (
            TestRequest::get("https://me@example.org:8443/"),
            "https",
            "example.org:8443",
        ),
        (
            TestRequest::get("wss://example.org/").secure(false),
            "http",
            "example.org",
        ),
        (
            TestRequest::get("/").header("host", "other"),
            "http",
            "other",
        ),
    ] {
        let found = seen(request, |connection| {
            let scope = connection.scope();
            (scope.scheme(), scope.header("host").map(str::to_owned))
        });
        assert_eq!(found.await, (scheme, Some(host.to_owned())));
    }
}

#[tokio::test(start_paused = true)]
async fn circumstances_are_those_that_were_set() {
    let server = ServerAddr::Unix("/run/app.sock".into());
    let mut shared = http::Extensions::new();
    shared.insert(1_u8);
    shared.insert(1_u16);
    let request = TestRequest::new(http::Method::PUT, "/base/x")
        .version(Version::HTTP_2)
        .client(([203, 0, 113, 7], 4711).into())
        .server(server.clone())
        .root_path("/base")
        .features([Feature::Push])
        .header("x-many", "1")
        .header("x-many", "2")
        .shared(shared)
        .state(2_u16);

    let found = seen(request, |connection| {
        let (scope, link) = (connection.scope(), connection.scope().link());
        let many = scope.head().header_values("x-many").count();
        (
            scope.head().method().clone(),
            scope.head().version(),
            link.client().map(|client| client.to_string()),
            link.server().cloned(),
            link.root_path().to_owned(),
            (link.offers(Feature::Push), link.offers(Feature::Trailers)),
            many,
            (scope.state().copied(), scope.state().copied()),
        )
    });

    let expected = (
        http::Method::PUT,
        Version::HTTP_2,
        Some("203.0.113.7:4711".to_owned()),
        Some(server),
        "/base".to_owned(),
        (true, false),
        2,
        (Some(1_u8), Some(2_u16)),
    );
    assert_eq!(found.await, expected);
}

#[tokio::test(start_paused = true)]
async fn request_that_is_none_is_reported() {
    let hello = |_: Connection<Http>| async { Ok(()) };
    for request in [
        TestRequest::get("/").header("bad name", "x"),
        TestRequest::get("/").header("name", "a\nb"),
        TestRequest::get("/%FF"),
        TestRequest::get("/").json(&std::collections::BTreeMap::from([((1, 2), 3)])),
        TestRequest::get("/").json(&f64::NAN),
    ] {
        let error = HttpCommunicator::start(hello, request).unwrap_err();
        assert!(matches!(error, CommunicatorError::Request(_)), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn subprotocols_are_offered_in_order() -> Result {
    async fn looks(connection: Connection<WebSocket>) -> Result {
        let offered: Vec<_> = connection.scope().subprotocols().collect();
        assert_eq!(offered, ["graphql-ws", "v1"]);
        assert_eq!(connection.scope().scheme(), "wss");
        Ok(())
    }
    let request = TestRequest::get("wss://example.org/ws/").subprotocols(["graphql-ws", "v1"]);
    let mut client = WebSocketCommunicator::start(looks, request)?;
    let events: &mut Communicator<WebSocket> = client.events();

    Ok(events.wait().await?)
}
