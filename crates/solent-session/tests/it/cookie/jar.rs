//! What a browser is to keep.

use std::time::Duration;

use http::{HeaderMap, Response, StatusCode};
use solent_session::{CookieError, CookieJar, SetCookie};
use solent_spec::{
    Application, Body, Connection, Http, HttpProtocol, RequestScope, Result, WebSocket,
    http::{Outbound, ResponseStart},
    request::Feature,
    websocket,
};
use solent_testing::{HttpCommunicator, TestRequest, WebSocketCommunicator};

fn with_jar<P: HttpProtocol>(inner: impl Application<P>) -> impl Application<P> {
    let inner = solent_spec::BoxApplication::new(inner);
    move |connection| inner.call(CookieJar::install(connection))
}

fn jar(scope: &impl RequestScope) -> CookieJar {
    CookieJar::of(scope).expect("it is installed")
}

fn set_cookies(headers: &HeaderMap) -> Vec<&str> {
    let values = headers.get_all("set-cookie").iter();
    values.map(|value| value.to_str().unwrap()).collect()
}

async fn start_and_body(mut connection: Connection<Http>) -> Result {
    let jar = jar(connection.scope());
    jar.set(SetCookie::new("k", "first"))?;
    jar.set(SetCookie::new("k", "v"))?;
    jar.set(SetCookie::new("k", "deep").path("/deep/"))?;
    jar.remove("old")?;
    connection
        .send(ResponseStart::new(StatusCode::OK).into())
        .await?;
    assert_eq!(
        jar.set(SetCookie::new("late", "v")),
        Err(CookieError::Answered)
    );
    connection.send(Outbound::end("body")).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn debug_output_of_a_response_holds_no_cookie() -> Result {
    let mut client = HttpCommunicator::start(with_jar(start_and_body), "/")?;
    let response = client.response().await?;

    assert!(set_cookies(&response.headers)[0].starts_with("k=v;"));
    let shown = format!("{:?}", response.headers);
    assert!(!shown.contains("k=v"), "{shown}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn cookies_go_out_with_the_start_of_a_response() -> Result {
    let mut client = HttpCommunicator::start(with_jar(start_and_body), "/")?;
    let response = client.response().await?;

    assert_eq!(
        set_cookies(&response.headers),
        [
            "k=v; HttpOnly; Path=/; SameSite=Lax",
            "k=deep; HttpOnly; Path=/deep/; SameSite=Lax",
            "old=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Max-Age=0; Path=/; SameSite=Lax",
        ]
    );
    assert_eq!(response.text()?, "body");
    Ok(client.wait().await?)
}

#[tokio::test(start_paused = true)]
async fn cookies_go_out_with_a_whole_response_and_are_secure_on_tls() -> Result {
    let application = with_jar(async |mut connection: Connection<Http>| {
        jar(connection.scope()).set(SetCookie::new("k", "v").max_age(Duration::from_secs(5)))?;
        let mut response = Response::new(Body::from("whole"));
        response
            .headers_mut()
            .insert("set-cookie", "own=1".parse()?);
        // Not flushed: what does not have to wait leaves at once.
        connection.feed(response.into())?;
        Ok(())
    });
    let mut client = HttpCommunicator::start(application, "https://example.org/")?;
    let response = client.response().await?;

    let cookies = set_cookies(&response.headers);
    assert_eq!(cookies[0], "own=1");
    assert!(cookies[1].starts_with("k=v; expires="), "{cookies:?}");
    assert!(
        cookies[1].ends_with("HttpOnly; Max-Age=5; Path=/; SameSite=Lax; Secure"),
        "{cookies:?}"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn cookies_go_out_with_the_accept_of_a_websocket() -> Result {
    let application = with_jar(async |mut connection: Connection<WebSocket>| {
        let jar = jar(connection.scope());
        jar.set(SetCookie::new("k", "v"))?;
        connection.send(websocket::Outbound::accept()).await?;
        assert_eq!(jar.remove("k"), Err(CookieError::Answered));
        connection
            .send(websocket::Outbound::Message("hello".into()))
            .await?;
        Ok(())
    });
    let (mut client, accepted) = WebSocketCommunicator::open(application, "/ws/").await?;

    assert_eq!(
        set_cookies(&accepted.headers),
        ["k=v; HttpOnly; Path=/; SameSite=Lax"]
    );
    assert_eq!(client.receive_text().await?, "hello");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn cookies_go_out_with_the_refusal_of_a_websocket() -> Result {
    let application = with_jar(async |mut connection: Connection<WebSocket>| {
        jar(connection.scope()).set(SetCookie::new("k", "v"))?;
        let mut refusal = Response::new(Body::empty());
        *refusal.status_mut() = StatusCode::UNAUTHORIZED;
        connection.send(WebSocket::respond(refusal)).await?;
        Ok(())
    });
    let mut client = WebSocketCommunicator::start(application, "/ws/")?;
    let rejection = client.connect().await?.rejected()?;

    let solent_testing::Rejection::Response(response) = rejection else {
        panic!("{rejection:?}");
    };
    assert_eq!(response.status, 401);
    assert_eq!(
        set_cookies(&response.headers),
        ["k=v; HttpOnly; Path=/; SameSite=Lax"]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn cookies_wait_for_a_response_that_is_allowed() -> Result {
    let application = with_jar(async |mut connection: Connection<WebSocket>| {
        jar(connection.scope()).set(SetCookie::new("k", "v"))?;
        let wrong = websocket::Accept::default().subprotocol("nobody offered this");
        assert!(connection.send(wrong.into()).await.is_err());
        let refusal = WebSocket::respond(Response::new(Body::empty()));
        assert!(connection.send(refusal).await.is_err());
        connection.send(websocket::Outbound::accept()).await?;
        Ok(())
    });
    let request = TestRequest::get("/ws/").features(
        Feature::ALL
            .iter()
            .copied()
            .filter(|feature| *feature != Feature::DenialResponse),
    );
    let (_client, accepted) = WebSocketCommunicator::open(application, request).await?;

    assert_eq!(
        set_cookies(&accepted.headers),
        ["k=v; HttpOnly; Path=/; SameSite=Lax"]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn installing_twice_leaves_one_jar() -> Result {
    let mut client = HttpCommunicator::start(with_jar(with_jar(start_and_body)), "/")?;
    let response = client.response().await?;

    assert_eq!(set_cookies(&response.headers).len(), 3);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn cookie_that_cannot_be_written_is_an_error_where_it_is_set() -> Result {
    let application = with_jar(async |mut connection: Connection<Http>| {
        let jar = jar(connection.scope());
        assert_eq!(jar.set(SetCookie::new("k k", "v")), Err(CookieError::Name));
        assert_eq!(jar.set(SetCookie::new("k", "→")), Err(CookieError::Value));
        assert_eq!(
            jar.set(SetCookie::new("k", "v").path("/;x")),
            Err(CookieError::Attribute)
        );
        connection.send(Outbound::text("fine")).await?;
        Ok(())
    });
    let mut client = HttpCommunicator::start(application, "/")?;
    let response = client.response().await?;

    assert_eq!(set_cookies(&response.headers), [""; 0]);
    Ok(client.wait().await?)
}
