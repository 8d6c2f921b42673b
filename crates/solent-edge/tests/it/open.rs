//! An application that lets everybody in, behind a middleware.

use http::StatusCode;
use solent_spec::{
    BoxApplication, Connection, Http, Middleware, Result, WebSocket,
    http::Outbound,
    websocket::{self, Inbound},
};
use solent_testing::{Answer, HttpCommunicator, TestRequest, WebSocketCommunicator};

pub(crate) async fn accept(mut connection: Connection<WebSocket>) -> Result {
    while let Some(event) = connection.receive().await {
        match event {
            Inbound::Connect => connection.send(websocket::Outbound::accept()).await?,
            Inbound::Message(frame) => connection.send(frame.into()).await?,
            Inbound::Disconnect(_) => break,
        }
    }
    Ok(())
}

async fn hello(mut connection: Connection<Http>) -> Result {
    Ok(connection.send(Outbound::text("hello")).await?)
}

/// The status that a WebSocket handshake is answered with.
pub(crate) async fn handshake(
    middleware: &impl Middleware,
    request: impl Into<TestRequest>,
) -> StatusCode {
    let application = middleware.wrap(BoxApplication::<WebSocket>::new(accept));
    let mut client = WebSocketCommunicator::start(application, request).unwrap();
    match client.connect().await.unwrap() {
        Answer::Accepted(_) => StatusCode::SWITCHING_PROTOCOLS,
        Answer::Rejected(rejection) => StatusCode::from_u16(rejection.status()).unwrap(),
    }
}

/// The status that an HTTP request is answered with.
pub(crate) async fn exchange(
    middleware: &impl Middleware,
    request: impl Into<TestRequest>,
) -> StatusCode {
    let application = middleware.wrap(BoxApplication::<Http>::new(hello));
    let mut client = HttpCommunicator::start(application, request).unwrap();
    client.response().await.unwrap().status
}
