use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body::Body as _;
use solent_spec::{
    Body, Connection, Http, Result, SendError,
    http::{Inbound, Outbound, ResponseStart},
    request::Feature,
};

use super::{Gate, Piece, Pushed, TestHost, answer, data, exact, next, poll, ready, start, text};

#[test]
fn simple_response_takes_one_poll_and_has_its_length() {
    async fn hello(mut connection: Connection<Http>) -> Result {
        let start = ResponseStart::new(StatusCode::ACCEPTED);
        let start = start.header(HeaderName::from_static("x"), HeaderValue::from_static("1"));
        connection.send(start.into()).await?;
        Ok(connection.send(Outbound::end("hello")).await?)
    }
    let host = TestHost::new();

    let response = answer(hello, &host);

    assert_eq!(response.status(), StatusCode::ACCEPTED);
    assert_eq!(response.headers()["x"], "1");
    assert_eq!(exact(response.body()), Some(5));
    assert_eq!(text(response.into_body()), "hello");
    assert!(host.failures().is_empty());
    assert_eq!(host.run_rest(), (0, 0), "nothing is left to run");
}

#[test]
fn whole_response_takes_one_poll_and_has_its_length() {
    async fn hello(mut connection: Connection<Http>) -> Result {
        Ok(connection.send(Outbound::text("hello")).await?)
    }

    let response = answer(hello, &TestHost::new());

    assert_eq!(exact(response.body()), Some(5));
    assert_eq!(text(response.into_body()), "hello");
}

#[test]
fn pieces_that_are_all_there_have_a_length() {
    async fn pieces(mut connection: Connection<Http>) -> Result {
        connection.send(Outbound::start(StatusCode::OK)).await?;
        connection.send(Outbound::chunk("one ")).await?;
        connection.send(Outbound::chunk("")).await?;
        connection.send(Outbound::chunk("two ")).await?;
        Ok(connection.send(Outbound::end("three")).await?)
    }

    let mut body = answer(pieces, &TestHost::new()).into_body();

    assert_eq!(exact(&body), Some(13));
    assert_eq!(next(&mut body), data("one "));
    assert_eq!(exact(&body), Some(9));
    assert_eq!(text(body), "two three");
}

#[test]
fn empty_response_has_length_zero_and_ends_at_once() {
    async fn empty(mut connection: Connection<Http>) -> Result {
        connection
            .send(Outbound::start(StatusCode::NO_CONTENT))
            .await?;
        Ok(connection.send(Outbound::end("")).await?)
    }

    let response = answer(empty, &TestHost::new());

    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(exact(response.body()), Some(0));
    assert!(response.body().is_end_stream());
}

#[test]
fn complete_response_has_its_length_while_the_application_goes_on() {
    let gate = Gate::default();
    let application = {
        let gate = gate.clone();
        move |mut connection: Connection<Http>| {
            let gate = gate.clone();
            async move {
                connection.send(Outbound::start(StatusCode::OK)).await?;
                connection.send(Outbound::chunk("hel")).await?;
                connection.send(Outbound::end("lo")).await?;
                gate.pass().await;
                Ok(())
            }
        }
    };
    let host = TestHost::new();

    let response = answer(application, &host);

    assert_eq!(exact(response.body()), Some(5));
    assert_eq!(text(response.into_body()), "hello");
    assert_eq!(host.run_rest(), (0, 1), "work after the last piece goes on");
    gate.open();
    assert_eq!(host.run_rest(), (1, 0), "and runs to its end");
}

#[test]
fn response_begins_before_its_body_is_there() {
    let gate = Gate::default();
    let application = {
        let gate = gate.clone();
        move |mut connection: Connection<Http>| {
            let gate = gate.clone();
            async move {
                connection.send(Outbound::start(StatusCode::OK)).await?;
                connection.send(Outbound::chunk("early")).await?;
                gate.pass().await;
                Ok(connection.send(Outbound::end("late")).await?)
            }
        }
    };

    let mut body = answer(application, &TestHost::new()).into_body();

    assert_eq!(exact(&body), None);
    assert_eq!(next(&mut body), data("early"));
    assert_eq!(next(&mut body), Piece::Pending);
    assert!(!body.is_end_stream());
    gate.open();
    assert_eq!(next(&mut body), data("late"));
    assert!(body.is_end_stream());
    assert_eq!(next(&mut body), Piece::End);
}

#[test]
fn trailers_follow_the_body_in_one_block() {
    async fn with_trailers(mut connection: Connection<Http>) -> Result {
        let start = ResponseStart::new(StatusCode::OK).trailers();
        connection.send(start.into()).await?;
        connection.send(Outbound::end("body")).await?;
        for (name, more) in [("a", true), ("b", false)] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static("1"));
            connection
                .send(Outbound::Trailers { headers, more })
                .await?;
        }
        Ok(())
    }
    let host = TestHost::offering(&[Feature::Trailers], false);

    let mut body = answer(with_trailers, &host).into_body();

    assert_eq!(exact(&body), None, "a length leaves no room for trailers");
    assert_eq!(next(&mut body), data("body"));
    assert_eq!(
        next(&mut body),
        Piece::Trailers(vec!["a".into(), "b".into()])
    );
    assert_eq!(next(&mut body), Piece::End);
}

#[test]
fn body_of_a_whole_response_is_streamed_as_it_comes() {
    let pushed = Pushed::default();
    let application = {
        let pushed = pushed.clone();
        move |mut connection: Connection<Http>| {
            let response = Response::new(pushed.body());
            async move { Ok(connection.send(response.into()).await?) }
        }
    };

    let mut body = answer(application, &TestHost::new()).into_body();

    assert_eq!(next(&mut body), Piece::Pending);
    pushed.data("one");
    pushed.trailers();
    pushed.end();
    assert_eq!(next(&mut body), data("one"));
    assert_eq!(next(&mut body), Piece::Trailers(vec!["checksum".into()]));
    assert_eq!(next(&mut body), Piece::End);
}

#[test]
fn transfer_encoding_is_the_servers_business() {
    async fn chunked(mut connection: Connection<Http>) -> Result {
        let response = Response::builder()
            .header("transfer-encoding", "chunked")
            .body(Body::from("x"))?;
        Ok(connection.send(response.into()).await?)
    }

    let response = answer(chunked, &TestHost::new());

    assert!(response.headers().is_empty());
}

#[test]
fn files_and_bytes_come_in_order() {
    async fn mixes(mut connection: Connection<Http>) -> Result {
        connection.send(Outbound::start(StatusCode::OK)).await?;
        connection.send(Outbound::chunk("<")).await?;
        let part = Outbound::ZeroCopySend {
            file: std::fs::File::open(env!("CARGO_MANIFEST_DIR"))?,
            offset: Some(1),
            count: None,
            more: true,
        };
        connection.send(part).await?;
        Ok(connection.send(Outbound::end(">")).await?)
    }
    let host = TestHost::offering(&[Feature::ZeroCopySend], true);

    let body = answer(mixes, &host).into_body();

    assert_eq!(exact(&body), None);
    assert_eq!(text(body), "<[Some(1) None]>");
    assert_eq!(host.failures(), Vec::<String>::new());
}

#[test]
fn file_at_a_path_is_the_whole_body() {
    async fn path(mut connection: Connection<Http>) -> Result {
        connection.send(Outbound::start(StatusCode::OK)).await?;
        Ok(connection.send(Outbound::PathSend("/srv/x".into())).await?)
    }
    let host = TestHost::offering(&[Feature::PathSend], true);

    assert_eq!(text(answer(path, &host).into_body()), "/srv/x");
}

#[test]
fn events_of_features_that_are_not_offered_are_refused_and_change_nothing() {
    async fn tries(mut connection: Connection<Http>) -> Result {
        let debug = Outbound::Debug(http::Extensions::new());
        let trailers = ResponseStart::new(StatusCode::OK).trailers();
        for event in [debug, trailers.into()] {
            let refused = connection.send(event).await.unwrap_err();
            assert!(matches!(refused, SendError::NotOffered(_)), "{refused:?}");
        }
        connection.send(Outbound::start(StatusCode::OK)).await?;
        let push = Outbound::Push {
            path: "/".into(),
            headers: HeaderMap::new(),
        };
        let part = Outbound::ZeroCopySend {
            file: std::fs::File::open(env!("CARGO_MANIFEST_DIR"))?,
            offset: None,
            count: None,
            more: false,
        };
        for event in [
            Outbound::EarlyHint { links: vec![] },
            push,
            Outbound::PathSend("/".into()),
            part,
        ] {
            let refused = connection.send(event).await.unwrap_err();
            assert!(matches!(refused, SendError::NotOffered(_)), "{refused:?}");
        }
        Ok(connection.send(Outbound::end("fine")).await?)
    }
    let host = TestHost::new();

    let response = answer(tries, &host);

    assert_eq!(host.failures(), Vec::<String>::new());
    assert_eq!(text(response.into_body()), "fine");
}

#[test]
fn file_that_the_host_cannot_open_changes_nothing() {
    async fn falls_back(mut connection: Connection<Http>) -> Result {
        connection.send(Outbound::start(StatusCode::OK)).await?;
        let refused = connection.send(Outbound::PathSend("/x".into())).await;
        assert!(matches!(
            refused,
            Err(SendError::NotOffered("http.response.pathsend"))
        ));
        Ok(connection.send(Outbound::end("instead")).await?)
    }
    let host = TestHost::offering(&[Feature::PathSend], false);

    let response = answer(falls_back, &host);

    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(text(response.into_body()), "instead");
}

#[test]
fn hints_that_are_offered_may_be_ignored() {
    async fn hints(mut connection: Connection<Http>) -> Result {
        connection.send(Outbound::start(StatusCode::OK)).await?;
        connection
            .send(Outbound::EarlyHint { links: vec![] })
            .await?;
        Ok(connection.send(Outbound::end("x")).await?)
    }
    let host = TestHost::offering(&[Feature::EarlyHint], false);

    assert_eq!(text(answer(hints, &host).into_body()), "x");
}

#[test]
fn disconnect_follows_a_response_that_has_been_taken() {
    async fn lingers(mut connection: Connection<Http>) -> Result {
        connection.send(Outbound::start(StatusCode::OK)).await?;
        connection.send(Outbound::end("x")).await?;
        while connection.receive().await != Some(Inbound::Disconnect) {}
        assert_eq!(connection.receive().await, Some(Inbound::Disconnect));
        let late = connection.send(Outbound::end("y")).await;
        assert!(matches!(late, Err(SendError::Closed)));
        Ok(())
    }
    let host = TestHost::new();
    let mut exchange = start(lingers, Body::empty(), &host);

    let mut body = ready(&mut exchange).into_body();
    assert_eq!(next(&mut body), data("x"));
    drop(body);

    assert_eq!(host.run_rest(), (1, 0));
    assert!(
        poll(&mut exchange).is_ready(),
        "a future polled again is no trap"
    );
}
