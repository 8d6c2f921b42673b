//! Tokens as clients of a real server present them.

use futures::{SinkExt, StreamExt};
use http::StatusCode;
use solent_auth::{FirstMessage, TokenConfig, TokenSource, Tokens};
use solent_server::{Server, ServerConfig};
use solent_testing::LiveServer;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest, handshake::client::Response},
};

use super::person::{Sesame, presenting, socket};

async fn serve(tokens: &Tokens<Sesame>) -> LiveServer {
    let server = Server::new(ServerConfig::default()).websocket(socket(tokens));
    let server = server.bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let (address, handle) = (server.addresses()[0].to_string(), server.handle());
    LiveServer::start(address.parse().unwrap(), server, move || handle.stop())
}

type Socket = WebSocketStream<TcpStream>;

async fn connect(
    server: &LiveServer,
    headers: &[(&'static str, &str)],
) -> Result<(Socket, Response), StatusCode> {
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let mut request = server.websocket_url("/").into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    match client_async(request, stream).await {
        Ok(connected) => Ok(connected),
        Err(Error::Http(response)) => Err(response.status()),
        Err(error) => panic!("{error}"),
    }
}

async fn text(socket: &mut Socket) -> String {
    match socket.next().await.unwrap().unwrap() {
        Message::Text(text) => text.to_string(),
        other => panic!("expected a text, got {other:?}"),
    }
}

async fn code(mut socket: Socket) -> u16 {
    let close = match socket.next().await.unwrap().unwrap() {
        Message::Close(Some(close)) => close,
        other => panic!("expected a close, got {other:?}"),
    };
    // The closing handshake to its end.
    while let Some(Ok(_)) = socket.next().await {}
    close.code.into()
}

async fn say(socket: &mut Socket, text: impl Into<String>) {
    socket.send(Message::text(text.into())).await.unwrap();
}

#[tokio::test]
async fn first_message_opens_the_application_of_a_real_socket() {
    let settings = FirstMessage::default().subprotocol("chat");
    let tokens = Tokens::new(Sesame::default()).from([TokenSource::FirstMessage(settings)]);
    let server = serve(&tokens).await;
    let offered = [("sec-websocket-protocol", "news, chat")];

    let (mut ann, response) = connect(&server, &offered).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "chat");
    // All in one piece, so that the application finds messages waiting.
    ann.feed(Message::text(presenting("ann"))).await.unwrap();
    ann.feed(Message::text("hello")).await.unwrap();
    ann.flush().await.unwrap();
    for wanted in [r#"{"type":"auth.accepted"}"#, "ann", "hello"] {
        assert_eq!(text(&mut ann).await, wanted);
    }
    say(&mut ann, presenting("ann~900")).await;
    assert_eq!(text(&mut ann).await, r#"{"type":"auth.accepted","in":900}"#);
    let (mut eve, _) = connect(&server, &[]).await.unwrap();
    say(&mut eve, presenting("bad")).await;
    assert_eq!(code(eve).await, 4401);

    ann.close(None).await.unwrap();
    while let Some(Ok(_)) = ann.next().await {}
    drop(ann);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn real_socket_is_warned_and_closed_when_its_token_expires() {
    let tokens = Tokens::new(Sesame::default())
        .from([TokenSource::subprotocol("bearer.")])
        .config(TokenConfig::default().required(true));
    let server = serve(&tokens).await;
    assert_eq!(
        connect(&server, &[]).await.unwrap_err(),
        StatusCode::UNAUTHORIZED
    );

    let offered = [("sec-websocket-protocol", "bearer.ann~1")];
    let (mut socket, response) = connect(&server, &offered).await.unwrap();

    assert_eq!(response.headers()["sec-websocket-protocol"], "bearer.ann~1");
    let mut said = [text(&mut socket).await, text(&mut socket).await];
    said.sort();
    assert_eq!(said, ["ann~1", r#"{"type":"auth.expiring","in":1}"#]);
    assert_eq!(code(socket).await, 4401);
    server.stop().await.unwrap();
}
