//! Sockets that open with a token.

use solent_auth::{Credential, TokenConfig, TokenSource, Tokens};
use solent_session::Identity;
use solent_spec::{
    BoxApplication, Connection, Middleware, RequestScope, Result, WebSocket,
    websocket::{Accept, Outbound},
};
use solent_testing::{TestRequest, WebSocketCommunicator};

use super::person::{Sesame, bearer, socket};

fn tokens() -> Tokens<Sesame> {
    Tokens::new(Sesame::default()).from([TokenSource::Bearer, TokenSource::subprotocol("bearer.")])
}

async fn chosen(tokens: &Tokens<Sesame>, offered: &[&str]) -> Option<String> {
    let request = TestRequest::get("/").subprotocols(offered.iter().copied());
    let (mut client, accepted) = WebSocketCommunicator::open(socket(tokens), request)
        .await
        .unwrap();
    assert_eq!(client.receive_text().await.unwrap(), "ann");
    accepted.subprotocol
}

#[tokio::test(start_paused = true)]
async fn header_opens_a_socket() {
    let (mut client, accepted) = WebSocketCommunicator::open(socket(&tokens()), bearer("ann"))
        .await
        .unwrap();

    assert_eq!(client.receive_text().await.unwrap(), "ann");
    assert_eq!(accepted.subprotocol, None);
}

#[tokio::test(start_paused = true)]
async fn browser_that_offers_its_token_gets_a_subprotocol() {
    assert_eq!(
        chosen(&tokens(), &["bearer.ann"]).await.unwrap(),
        "bearer.ann"
    );
    assert_eq!(
        chosen(&tokens(), &["bearer.ann", "chat"]).await.unwrap(),
        "chat"
    );
    assert_eq!(
        chosen(&tokens(), &["chat", "bearer.ann"]).await.unwrap(),
        "chat"
    );

    let marked = tokens().from([TokenSource::subprotocol("token")]);
    assert_eq!(chosen(&marked, &["token", "ann"]).await.unwrap(), "token");
    assert_eq!(
        chosen(&marked, &["token", "ann", "chat"]).await.unwrap(),
        "chat"
    );
}

#[tokio::test(start_paused = true)]
async fn bad_token_gets_a_subprotocol_as_well() {
    let request = TestRequest::get("/").subprotocols(["bearer.bad"]);
    let (mut client, accepted) = WebSocketCommunicator::open(socket(&tokens()), request)
        .await
        .unwrap();

    assert_eq!(client.receive_text().await.unwrap(), "nobody");
    assert_eq!(accepted.subprotocol.unwrap(), "bearer.bad");
}

#[tokio::test(start_paused = true)]
async fn application_chooses_its_subprotocol_itself() {
    async fn news(mut connection: Connection<WebSocket>) -> Result {
        connection.receive().await;
        connection
            .send(Accept::default().subprotocol("news").into())
            .await?;
        connection.receive().await;
        Ok(())
    }
    let application = tokens().wrap(BoxApplication::<WebSocket>::new(news));
    let request = TestRequest::get("/").subprotocols(["chat", "bearer.ann", "news"]);

    let (_client, accepted) = WebSocketCommunicator::open(application, request)
        .await
        .unwrap();

    assert_eq!(accepted.subprotocol.unwrap(), "news");
}

#[tokio::test(start_paused = true)]
async fn scope_tells_who_it_is_and_until_when() {
    async fn tell(mut connection: Connection<WebSocket>) -> Result {
        connection.receive().await;
        let scope = connection.scope();
        let id = scope.state::<Identity>().and_then(Identity::id);
        let credential = scope.state::<Credential>();
        let ends = credential.map(|credential| credential.until().is_some());
        let text = format!("{id:?} {ends:?}");
        connection.feed(Outbound::accept())?;
        connection.send(Outbound::Message(text.into())).await?;
        Ok(())
    }
    for (request, told) in [
        (bearer("ann~100"), r#"Some("ann") Some(true)"#),
        (bearer("ann"), r#"Some("ann") Some(false)"#),
        (bearer("bad"), "None None"),
        (TestRequest::get("/"), "None None"),
    ] {
        let application = tokens().wrap(BoxApplication::<WebSocket>::new(tell));
        let (mut client, _) = WebSocketCommunicator::open(application, request)
            .await
            .unwrap();
        assert_eq!(client.receive_text().await.unwrap(), told);
    }
}

#[tokio::test(start_paused = true)]
async fn way_round_the_events_stays_open() {
    async fn tell(mut connection: Connection<WebSocket>) -> Result {
        connection.receive().await;
        connection.send(Outbound::accept()).await?;
        let found = connection.direct().is_some().to_string();
        Ok(connection.send(Outbound::Message(found.into())).await?)
    }
    for tokens in [
        tokens(),
        tokens().config(TokenConfig::default().refresh(false)),
    ] {
        let application = tokens.wrap(BoxApplication::<WebSocket>::new(tell));
        let request = TestRequest::get("/").subprotocols(["bearer.ann~500"]);
        let (mut client, _) = WebSocketCommunicator::open(application, request)
            .await
            .unwrap();
        assert_eq!(client.receive_text().await.unwrap(), "true");
    }
}
