//! What applications know of a client behind proxies.

use solent_edge::{ProxyConfig, ProxyHeaders, TrustedProxies};
use solent_spec::{
    BoxApplication, Connection, Http, HttpProtocol, Middleware, RequestScope, Result, WebSocket,
    http,
    websocket::{self, Frame},
};
use solent_testing::{HttpCommunicator, TestRequest, WebSocketCommunicator};

fn told(scheme: &str, scope: &impl RequestScope) -> String {
    let client = scope.link().client();
    let client = client.map_or("nobody".to_owned(), |client| client.to_string());
    format!("{scheme}://{} {client}", scope.host().unwrap_or_default())
}

async fn tell(mut connection: Connection<Http>) -> Result {
    let told = told(connection.scope().scheme(), connection.scope());
    Ok(connection.send(http::Outbound::text(told)).await?)
}

async fn tell_socket(mut connection: Connection<WebSocket>) -> Result {
    let told = told(connection.scope().scheme(), connection.scope());
    connection.send(websocket::Outbound::accept()).await?;
    Ok(connection.send(Frame::text(told).into()).await?)
}

fn behind<P: HttpProtocol>(
    proxies: &TrustedProxies,
    inner: impl solent_spec::Application<P>,
) -> BoxApplication<P> {
    proxies.wrap(BoxApplication::new(inner))
}

/// What an HTTP application and a WebSocket application are told.
async fn ask(proxies: &TrustedProxies, request: TestRequest) -> [String; 2] {
    let mut client = HttpCommunicator::start(behind(proxies, tell), request.clone()).unwrap();
    let response = client.response().await.unwrap();
    let application = behind(proxies, tell_socket);
    let (mut socket, _) = WebSocketCommunicator::open(application, request)
        .await
        .unwrap();
    [
        response.text().unwrap().to_owned(),
        socket.receive_text().await.unwrap(),
    ]
}

#[tokio::test(start_paused = true)]
async fn applications_of_both_protocols_see_the_client_itself() {
    let proxies = TrustedProxies::new(["127.0.0.1"]).unwrap();
    let proxies = proxies.config(ProxyConfig::default().host(true));
    let request = TestRequest::get("http://127.0.0.1:8000/")
        .client("127.0.0.1:4711".parse().unwrap())
        .header("x-forwarded-for", "192.0.2.7")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "chat.example.org");

    let [http, socket] = ask(&proxies, request.clone()).await;

    assert_eq!(http, "https://chat.example.org 192.0.2.7:0");
    assert_eq!(socket, "wss://chat.example.org 192.0.2.7:0");
    let [http, socket] = ask(&proxies, request.client("192.0.2.9:1".parse().unwrap())).await;
    assert_eq!(http, "http://127.0.0.1:8000 192.0.2.9:1");
    assert_eq!(socket, "ws://127.0.0.1:8000 192.0.2.9:1");
}

#[tokio::test(start_paused = true)]
async fn proxy_on_a_unix_socket_is_trusted_where_that_is_said() {
    let config = ProxyConfig::default().headers(ProxyHeaders::Forwarded);
    let request = TestRequest::get("http://inner/").header(
        "forwarded",
        "for=\"[2001:db8::17]:4711\";proto=https;host=chat.example.org",
    );

    let trusted = TrustedProxies::new(["unix"])
        .unwrap()
        .config(config.clone());
    let [http, _] = ask(&trusted, request.clone()).await;
    assert_eq!(http, "https://chat.example.org [2001:db8::17]:4711");

    let others = TrustedProxies::new(["0.0.0.0/0", "::/0"])
        .unwrap()
        .config(config);
    let [http, _] = ask(&others, request).await;
    assert_eq!(http, "http://inner nobody");
}
