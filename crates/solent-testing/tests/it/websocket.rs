use std::{num::NonZeroUsize, sync::Arc};

use http::{HeaderMap, HeaderValue, Response};
use serde::{Deserialize, Serialize};
use solent_routing::Router;
use solent_spec::{
    Body, Connection, RequestScope, Result, SendError, WebSocket,
    request::Feature,
    websocket::{Accept, Close, CloseCode, Frame, Inbound, Outbound, SharedFrame, SinkRefusal},
};
use solent_testing::{
    Answer, CommunicatorConfig, CommunicatorError, Rejection, TestRequest, WebSocketCommunicator,
};

async fn echo(mut connection: Connection<WebSocket>) -> Result {
    while let Some(event) = connection.receive().await {
        match event {
            Inbound::Connect => connection.send(Outbound::accept()).await?,
            Inbound::Message(frame) => connection.send(frame.into()).await?,
            Inbound::Disconnect(_) => break,
        }
    }
    Ok(())
}

/// Accepts the handshake and leaves the connection to the test's application.
async fn accept(connection: &mut Connection<WebSocket>) -> Result {
    assert_eq!(connection.receive().await, Some(Inbound::Connect));
    Ok(connection.send(Outbound::accept()).await?)
}

#[tokio::test(start_paused = true)]
async fn text_binary_and_json_are_echoed() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Said {
        message: String,
    }
    let (mut client, accepted) = WebSocketCommunicator::open(echo, "/testws/").await.unwrap();
    assert_eq!(accepted.subprotocol, None);

    client.send_text("hello").await.unwrap();
    assert_eq!(client.receive_text().await.unwrap(), "hello");
    client.send_binary(*b"\x00\xff").await.unwrap();
    assert_eq!(client.receive_binary().await.unwrap(), b"\x00\xff");
    let said = Said {
        message: "hi".into(),
    };
    client.send_json(&said).await.unwrap();
    assert_eq!(client.receive_json::<Said>().await.unwrap(), said);

    client.close(1000, "").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn empty_messages_are_messages() {
    let (mut client, _) = WebSocketCommunicator::open(echo, "/").await.unwrap();

    client.send_text("").await.unwrap();
    client.send_binary([]).await.unwrap();

    assert_eq!(client.receive().await.unwrap(), Frame::text(""));
    assert_eq!(client.receive().await.unwrap(), Frame::binary(vec![]));
}

#[tokio::test(start_paused = true)]
async fn close_in_place_of_a_message_is_told_from_one() {
    async fn closes(mut connection: Connection<WebSocket>) -> Result {
        accept(&mut connection).await?;
        let close = Close::new(CloseCode::POLICY, "no");
        connection.send(close.into()).await?;
        let answer = Close::from(CloseCode::POLICY);
        assert_eq!(
            connection.receive().await,
            Some(Inbound::Disconnect(answer))
        );
        assert_eq!(connection.receive().await, None);
        Ok(())
    }
    let (mut client, _) = WebSocketCommunicator::open(closes, "/").await.unwrap();

    let error = client.receive().await.unwrap_err();

    assert!(
        matches!(&error, CommunicatorError::Closed(close) if close.code == CloseCode::POLICY),
        "{error:?}"
    );
    assert_eq!(error.to_string(), "application closed the socket: 1008 no");
    client.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn message_in_place_of_a_close_is_shown() {
    let (mut client, _) = WebSocketCommunicator::open(echo, "/").await.unwrap();
    client.send_text("hello").await.unwrap();

    let error = client.receive_close().await.unwrap_err();

    assert_eq!(
        error.to_string(),
        r#"application was to give a close, not text "hello""#
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_to_be_nothing_is_shown() {
    let (mut client, _) = WebSocketCommunicator::open(echo, "/").await.unwrap();
    client.receive_nothing().await.unwrap();
    client.send_text("hello").await.unwrap();

    let error = client.receive_nothing().await.unwrap_err();

    assert_eq!(
        error.to_string(),
        r#"application was to give nothing, not text "hello""#
    );
    assert_eq!(client.receive_text().await.unwrap(), "hello");
}

#[tokio::test(start_paused = true)]
async fn message_of_the_wrong_kind_is_shown() {
    let (mut client, _) = WebSocketCommunicator::open(echo, "/").await.unwrap();
    client.send_text("hello").await.unwrap();
    client.send_binary([7]).await.unwrap();
    client.send_text("seven").await.unwrap();

    let text = client.receive_binary().await.unwrap_err().to_string();
    let binary = client.receive_text().await.unwrap_err().to_string();
    let json = client.receive_json::<u32>().await.unwrap_err().to_string();

    assert!(text.ends_with(r#"binary, not text "hello""#), "{text}");
    assert!(binary.ends_with("text, not binary b\"\\x07\""), "{binary}");
    assert!(json.contains(r#""seven""#), "{json}");
}

#[tokio::test(start_paused = true)]
async fn parameters_of_the_url_arrive_through_a_router() {
    async fn says(mut connection: Connection<WebSocket>) -> Result {
        let message: String = connection.scope().param("message")?;
        accept(&mut connection).await?;
        Ok(connection.send(Outbound::Message(message.into())).await?)
    }
    let router = Router::builder().route("testws/<str:message>/", says);
    let router = router.build().unwrap();

    let (mut client, _) = WebSocketCommunicator::open(router, "/testws/test/")
        .await
        .unwrap();

    assert_eq!(client.receive_text().await.unwrap(), "test");
}

#[tokio::test(start_paused = true)]
async fn application_that_never_answers_can_still_be_left() {
    async fn mute(mut connection: Connection<WebSocket>) -> Result {
        while connection.receive().await.is_some() {}
        Ok(())
    }
    let mut client = WebSocketCommunicator::start(mute, "/testws/").unwrap();

    assert!(client.connect().await.unwrap_err().is_elapsed());
    assert!(client.receive().await.unwrap_err().is_elapsed());

    client.close(1000, "").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn accept_carries_subprotocol_and_headers() {
    async fn chooses(mut connection: Connection<WebSocket>) -> Result {
        connection.receive().await;
        let mut headers = HeaderMap::new();
        headers.insert("set-cookie", HeaderValue::from_static("a=1"));
        let accept = Accept::default().subprotocol("v2").headers(headers);
        Ok(connection.send(accept.into()).await?)
    }
    let request = TestRequest::get("/").subprotocols(["v1", "v2"]);
    let mut client = WebSocketCommunicator::start(chooses, request).unwrap();

    let accepted = client.connect().await.unwrap().accepted().unwrap();

    assert_eq!(accepted.subprotocol.as_deref(), Some("v2"));
    assert_eq!(accepted.headers["set-cookie"], "a=1");
}

#[tokio::test(start_paused = true)]
async fn close_before_the_accept_is_a_rejection() {
    async fn rejects(mut connection: Connection<WebSocket>) -> Result {
        connection.receive().await;
        connection
            .send(Close::new(CloseCode::from_u16(4001), "who?").into())
            .await?;
        let lost = Close::from(CloseCode::ABNORMAL);
        assert_eq!(connection.receive().await, Some(Inbound::Disconnect(lost)));
        Ok(())
    }
    let mut client = WebSocketCommunicator::start(rejects, "/").unwrap();

    let answer = client.connect().await.unwrap();

    let Answer::Rejected(rejection) = answer.clone() else {
        panic!("{answer:?}")
    };
    assert_eq!(rejection.status(), 403);
    assert!(matches!(rejection, Rejection::Close(close) if close.code.as_u16() == 4001));
    let error = answer.accepted().unwrap_err();
    assert!(error.to_string().contains("4001"), "{error}");
    client.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn response_before_the_accept_is_a_rejection() {
    async fn denies(mut connection: Connection<WebSocket>) -> Result {
        connection.receive().await;
        let response = Response::builder().status(401).body(Body::from("log in"))?;
        Ok(connection
            .send(Outbound::Respond(Box::new(response)))
            .await?)
    }
    let mut client = WebSocketCommunicator::start(denies, "/").unwrap();

    let rejection = client.connect().await.unwrap().rejected().unwrap();

    let Rejection::Response(response) = rejection else {
        panic!("{rejection:?}")
    };
    assert_eq!(
        (response.status.as_u16(), response.text().unwrap()),
        (401, "log in")
    );
}

#[tokio::test(start_paused = true)]
async fn response_is_refused_where_it_is_not_offered() {
    async fn denies(mut connection: Connection<WebSocket>) -> Result {
        connection.receive().await;
        let response = Box::new(Response::new(Body::empty()));
        let refused = connection
            .send(Outbound::Respond(response))
            .await
            .unwrap_err();
        assert!(matches!(
            refused,
            SendError::NotOffered("websocket.http.response")
        ));
        Ok(connection.send(Outbound::close()).await?)
    }
    let request = TestRequest::get("/").features([Feature::Trailers]);
    let mut client = WebSocketCommunicator::start(denies, request).unwrap();

    let rejection = client.connect().await.unwrap().rejected().unwrap();

    assert!(matches!(rejection, Rejection::Close(_)));
    client.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn close_of_the_client_reaches_the_application_behind_its_messages() {
    async fn listens(mut connection: Connection<WebSocket>) -> Result {
        accept(&mut connection).await?;
        assert_eq!(
            connection.receive().await,
            Some(Inbound::Message("last".into()))
        );
        let close = Close::new(CloseCode::GOING_AWAY, "bye");
        assert_eq!(connection.receive().await, Some(Inbound::Disconnect(close)));
        assert_eq!(connection.receive().await, None);
        let refused = connection.send(Outbound::Message("late".into())).await;
        assert!(matches!(refused, Err(SendError::Closed)));
        Ok(())
    }
    let (mut client, _) = WebSocketCommunicator::open(listens, "/").await.unwrap();

    client.send_text("last").await.unwrap();

    client.close(1001, "bye").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn lost_connection_is_an_abnormal_closure() {
    async fn listens(mut connection: Connection<WebSocket>) -> Result {
        accept(&mut connection).await?;
        let lost = Close::from(CloseCode::ABNORMAL);
        assert_eq!(connection.receive().await, Some(Inbound::Disconnect(lost)));
        assert_eq!(connection.receive().await, None);
        Ok(())
    }
    let (mut client, _) = WebSocketCommunicator::open(listens, "/").await.unwrap();

    client.disconnect().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn error_of_the_application_comes_out_of_the_next_receive() {
    async fn fails(mut connection: Connection<WebSocket>) -> Result {
        accept(&mut connection).await?;
        connection.receive().await;
        Err("boom".into())
    }
    let (mut client, _) = WebSocketCommunicator::open(fails, "/").await.unwrap();
    client.send_text("x").await.unwrap();

    let error = client.receive().await.unwrap_err();

    assert_eq!(error.application_error().unwrap().to_string(), "boom");
    assert!(client.close(1000, "").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn ready_frames_are_queued_in_order_with_the_rest() {
    async fn mixes(mut connection: Connection<WebSocket>) -> Result {
        let sink = connection.direct().ok_or("a sink")?;
        let ready = SharedFrame::new("2");
        assert_eq!(sink.send_frame(&ready), Err(SinkRefusal::NotOpen));
        accept(&mut connection).await?;
        connection.feed(Outbound::Message("1".into()))?;
        let shared = Arc::clone(&sink);
        tokio::spawn(async move { shared.send_frame(&ready) }).await??;
        connection.send(Outbound::Message("3".into())).await?;
        connection.send(Outbound::close()).await?;
        assert_eq!(sink.send_frame(&"4".into()), Err(SinkRefusal::Closed));
        Ok(())
    }
    let (mut client, _) = WebSocketCommunicator::open(mixes, "/").await.unwrap();

    for text in ["1", "2", "3"] {
        assert_eq!(client.receive_text().await.unwrap(), text);
    }
    assert_eq!(
        client.receive_close().await.unwrap().code,
        CloseCode::NORMAL
    );
    client.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn ready_frames_are_refused_when_too_much_is_unread() {
    async fn floods(mut connection: Connection<WebSocket>) -> Result {
        let sink = connection.direct().ok_or("a sink")?;
        accept(&mut connection).await?;
        connection.receive().await;
        assert_eq!(sink.send_frame(&"1".into()), Ok(()));
        assert_eq!(sink.send_frame(&"2".into()), Err(SinkRefusal::Full));
        Ok(())
    }
    let config = CommunicatorConfig::default().capacity(NonZeroUsize::MIN);
    let mut client = WebSocketCommunicator::with_config(floods, "/", config).unwrap();
    client.connect().await.unwrap();
    client.send_text("go").await.unwrap();

    client.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn way_round_the_events_can_be_switched_off() {
    async fn looks(mut connection: Connection<WebSocket>) -> Result {
        assert!(connection.direct().is_none());
        Ok(())
    }
    let config = CommunicatorConfig::default().direct(false);
    let mut client = WebSocketCommunicator::with_config(looks, "/", config).unwrap();

    client.wait().await.unwrap();
}

/// What the README shows.
#[tokio::test(start_paused = true)]
async fn shout_is_answered() -> Result<(), CommunicatorError> {
    let (mut client, _) = WebSocketCommunicator::open(shout, "/ws/").await?;
    client.send_text("hello").await?;
    assert_eq!(client.receive_text().await?, "HELLO");
    client.receive_nothing().await?;
    client.close(1000, "bye").await
}

async fn shout(mut connection: Connection<WebSocket>) -> Result {
    while let Some(event) = connection.receive().await {
        match event {
            Inbound::Connect => connection.send(Outbound::accept()).await?,
            Inbound::Message(frame) => {
                let text = frame.as_text().ok_or("text, please")?.to_uppercase();
                connection.send(Outbound::Message(text.into())).await?;
            }
            Inbound::Disconnect(_) => break,
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn application_learns_amid_its_work_that_the_client_has_closed() {
    let application = |mut connection: Connection<WebSocket>| async move {
        accept(&mut connection).await?;
        let closed = connection.closed();
        assert!(!closed.is_closed());
        closed.await;
        assert!(connection.closed().is_closed());
        // What came before the end is received first.
        let left: Vec<_> = [connection.receive().await, connection.receive().await].into();
        assert_eq!(left[0], Some(Inbound::Message("last words".into())));
        let close = Close::new(CloseCode::from_u16(4001), "bye");
        assert_eq!(left[1], Some(Inbound::Disconnect(close)));
        Ok(())
    };
    let (mut client, _) = WebSocketCommunicator::open(application, "/").await.unwrap();

    client.send_text("last words").await.unwrap();
    client.close(4001, "bye").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn application_learns_amid_its_work_that_the_client_is_lost() {
    let application = |mut connection: Connection<WebSocket>| async move {
        accept(&mut connection).await?;
        connection.closed().await;
        Ok(())
    };
    let (mut client, _) = WebSocketCommunicator::open(application, "/").await.unwrap();

    client.disconnect().await.unwrap();
}
