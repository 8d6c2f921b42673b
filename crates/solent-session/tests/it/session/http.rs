//! Sessions and HTTP responses.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, Response, StatusCode};
use solent_session::{
    Expiry, SameSite, Secure, Session, SessionConfig, SessionKey, SessionStore, Sessions,
};
use solent_spec::{
    Application, Body, BoxApplication, Connection, Http, Middleware, Result,
    http::{Outbound, ResponseStart},
};
use solent_test_servers::Log;
use solent_testing::{HttpCommunicator, TestRequest, TestResponse};

use super::probe::Probe;

fn session(connection: &Connection<Http>) -> Session {
    Session::of(connection.scope()).expect("it came through the middleware")
}

async fn respond(mut connection: Connection<Http>, status: u16) -> Result {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(status)?;
    Ok(connection.send(response.into()).await?)
}

/// Sends a request, with a session cookie if there is a key, and returns the response.
async fn exchange(
    sessions: &Sessions,
    key: Option<&SessionKey>,
    application: impl Application<Http>,
) -> Result<TestResponse> {
    let mut request = TestRequest::get("/");
    if let Some(key) = key {
        request = request.header("cookie", format!("sessionid={}", key.as_str()));
    }
    let application = sessions.wrap(BoxApplication::new(application));
    let mut client = HttpCommunicator::start(application, request)?;
    let response = client.response().await?;
    client.wait().await?;
    Ok(response)
}

fn set_cookies(headers: &HeaderMap) -> Vec<&str> {
    let values = headers.get_all("set-cookie").iter();
    values.map(|value| value.to_str().unwrap()).collect()
}

fn told_key(response: &TestResponse) -> SessionKey {
    let cookies = set_cookies(&response.headers);
    let [cookie] = cookies[..] else {
        panic!("{cookies:?}")
    };
    let value = cookie.strip_prefix("sessionid=").unwrap();
    SessionKey::parse(value.split(';').next().unwrap()).unwrap()
}

const REMOVAL: &str = "sessionid=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Max-Age=0; Path=/; SameSite=Lax";

#[tokio::test(start_paused = true)]
async fn new_session_is_saved_and_told_in_one_cookie() -> Result {
    let probe = Probe::default();
    let sessions = Sessions::new(probe.clone());

    let response = exchange(&sessions, None, async |connection| {
        session(&connection).insert("color", "blue").await?;
        respond(connection, 200).await
    })
    .await?;

    let key = told_key(&response);
    assert_eq!(key.as_str().len(), 32);
    let cookie = set_cookies(&response.headers)[0];
    let (_, attributes) = cookie.split_once("; ").unwrap();
    assert!(attributes.starts_with("expires="), "{cookie}");
    assert!(
        attributes.ends_with(" GMT; HttpOnly; Max-Age=1209600; Path=/; SameSite=Lax"),
        "{cookie}"
    );
    assert_eq!(response.header("vary"), Some("Cookie"));
    assert_eq!(probe.memory().load(&key).await?.unwrap()["color"], "blue");
    assert_eq!(probe.counts(), (0, 1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn session_that_is_saved_explicitly_is_told_in_one_cookie() -> Result {
    let probe = Probe::default();

    let response = exchange(&Sessions::new(probe.clone()), None, async |connection| {
        let session = session(&connection);
        session.insert("color", "blue").await?;
        session.save().await?;
        respond(connection, 200).await
    })
    .await?;

    told_key(&response);
    assert_eq!(probe.counts(), (0, 1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn connection_that_does_not_look_costs_nothing() -> Result {
    let probe = Probe::default();
    let key = probe.with("color", "blue").await;
    let sessions = Sessions::new(probe.clone());

    for key in [None, Some(&key)] {
        let response = exchange(&sessions, key, |connection| respond(connection, 200)).await?;

        assert!(response.headers.is_empty(), "{:?}", response.headers);
        assert_eq!(probe.counts(), (0, 0));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn reading_costs_one_read_and_says_that_the_response_varies() -> Result {
    let probe = Probe::default();
    let key = probe.with("color", "blue").await;

    let response = exchange(
        &Sessions::new(probe.clone()),
        Some(&key),
        async |connection| {
            let session = session(&connection);
            assert_eq!(
                session.get::<String>("color").await?.as_deref(),
                Some("blue")
            );
            assert!(!session.contains("shape").await?);
            respond(connection, 200).await
        },
    )
    .await?;

    assert_eq!(response.header("vary"), Some("Cookie"));
    assert_eq!(set_cookies(&response.headers), [""; 0]);
    assert_eq!(probe.counts(), (1, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn vary_is_not_said_twice() -> Result {
    let response = exchange(
        &Sessions::new(Probe::default()),
        None,
        async |mut connection: Connection<Http>| {
            session(&connection).is_empty().await?;
            let mut response = Response::new(Body::empty());
            response.headers_mut().insert("vary", "Cookie".parse()?);
            connection.send(response.into()).await?;
            Ok(())
        },
    )
    .await?;

    assert_eq!(response.headers.get_all("vary").iter().count(), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn changed_session_keeps_its_key_and_is_renewed() -> Result {
    let probe = Probe::default();
    let key = probe.with("color", "blue").await;

    let response = exchange(
        &Sessions::new(probe.clone()),
        Some(&key),
        async |connection| {
            session(&connection).insert("color", "red").await?;
            respond(connection, 404).await
        },
    )
    .await?;

    assert_eq!(told_key(&response), key);
    assert_eq!(probe.memory().load(&key).await?.unwrap()["color"], "red");
    assert_eq!(probe.counts(), (1, 1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn nothing_is_saved_when_the_server_failed() -> Result {
    let probe = Probe::default();
    let key = probe.with("color", "blue").await;
    let sessions =
        Sessions::new(probe.clone()).config(SessionConfig::default().save_every_request(true));

    for status in [500, 503] {
        for key in [None, Some(&key)] {
            let response = exchange(&sessions, key, move |connection| async move {
                session(&connection).insert("color", "red").await?;
                respond(connection, status).await
            })
            .await?;

            assert_eq!(set_cookies(&response.headers), [""; 0], "{status}");
        }
    }
    assert_eq!(probe.memory().load(&key).await?.unwrap()["color"], "blue");
    assert_eq!(probe.memory().len(), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn key_that_was_cycled_is_told_even_when_the_server_failed() -> Result {
    let probe = Probe::default();
    let key = probe.with("color", "blue").await;

    let response = exchange(
        &Sessions::new(probe.clone()),
        Some(&key),
        async |connection| {
            session(&connection).cycle_key().await?;
            respond(connection, 500).await
        },
    )
    .await?;

    let told = told_key(&response);
    assert_ne!(told, key);
    assert!(probe.memory().load(&told).await?.is_some());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn flushed_session_leaves_neither_row_nor_cookie() -> Result {
    let probe = Probe::default();
    let key = probe.with("color", "blue").await;

    for config in [
        SessionConfig::default(),
        SessionConfig::default().save_every_request(true),
    ] {
        let sessions = Sessions::new(probe.clone()).config(config);
        let response = exchange(&sessions, Some(&key), async |connection| {
            session(&connection).flush().await?;
            respond(connection, 200).await
        })
        .await?;

        assert_eq!(set_cookies(&response.headers), [REMOVAL]);
        assert!(probe.memory().is_empty());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn session_that_was_emptied_is_not_kept() -> Result {
    let probe = Probe::default();
    let key = probe.with("color", "blue").await;

    let response = exchange(
        &Sessions::new(probe.clone()),
        Some(&key),
        async |connection| {
            session(&connection).remove("color").await?;
            respond(connection, 200).await
        },
    )
    .await?;

    assert_eq!(set_cookies(&response.headers), [REMOVAL]);
    assert!(probe.memory().is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn anonymous_requests_leave_no_rows_when_every_request_is_saved() -> Result {
    let probe = Probe::default();
    let config = SessionConfig::default().save_every_request(true);
    let sessions = Sessions::new(probe.clone()).config(config);

    let response = exchange(&sessions, None, async |connection| {
        session(&connection).is_empty().await?;
        respond(connection, 200).await
    })
    .await?;

    assert_eq!(set_cookies(&response.headers), [""; 0]);
    assert_eq!(probe.counts(), (0, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn every_request_renews_the_session_if_told_to() -> Result {
    let probe = Probe::default();
    let key = probe.with("color", "blue").await;
    let every =
        Sessions::new(probe.clone()).config(SessionConfig::default().save_every_request(true));
    let rolling = Sessions::new(probe.clone()).config(SessionConfig::default().rolling(true));

    let response = exchange(&every, Some(&key), |connection| respond(connection, 200)).await?;
    assert_eq!(told_key(&response), key);
    assert_eq!(probe.counts(), (1, 1));

    let response = exchange(&rolling, Some(&key), |connection| respond(connection, 200)).await?;
    assert_eq!(set_cookies(&response.headers), [""; 0]);
    assert_eq!(probe.counts(), (0, 0));

    let response = exchange(&rolling, Some(&key), async |connection| {
        session(&connection).contains("color").await?;
        respond(connection, 200).await
    })
    .await?;
    assert_eq!(told_key(&response), key);
    assert_eq!(probe.counts(), (1, 1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn forged_and_malformed_keys_are_no_session_and_cost_nobody_a_cookie() -> Result {
    let sessions = Sessions::new(Probe::default());
    let log = Log::new();
    let mut lines = 0;
    let long = "x".repeat(5000);
    for value in [
        "forged-key-12345",
        "short",
        "",
        "\"q\\\"uoted;\"",
        "a\\000b-octal-nul",
        "%00%00%00%00",
        &long,
    ] {
        let application =
            sessions.wrap(BoxApplication::new(async |connection: Connection<Http>| {
                assert!(session(&connection).is_empty().await?);
                respond(connection, 200).await
            }));
        let request = TestRequest::get("/").header("cookie", format!("sessionid={value}"));
        let mut client = HttpCommunicator::start(application, request)?;
        let response = client.response().await?;

        // It may be good for another application of the site.
        assert_eq!(set_cookies(&response.headers), [""; 0], "{value}");
        client.wait().await?;
        let text = log.text();
        assert!(text.lines().count() > lines, "nothing was told of {value}");
        assert!(value.is_empty() || !text.contains(value), "{text}");
        lines = text.lines().count();
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn session_deleted_behind_its_back_makes_a_400() -> Result {
    let probe = Probe::default();
    let key = probe.with("color", "blue").await;
    let store = probe.clone();
    let gone = key.clone();

    let application = move |connection: Connection<Http>| {
        let (store, gone) = (store.clone(), gone.clone());
        async move {
            session(&connection).insert("color", "red").await?;
            store.memory().delete(&gone).await?;
            respond(connection, 200).await
        }
    };
    let response = exchange(&Sessions::new(probe.clone()), Some(&key), application).await?;

    assert_eq!(response.status, 400);
    assert!(
        response
            .text()?
            .starts_with("The session was deleted before the request completed.")
    );
    assert!(probe.memory().is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn session_that_was_only_to_be_renewed_may_be_gone() -> Result {
    let probe = Probe::default();
    let key = probe.with("color", "blue").await;
    let sessions = Sessions::new(probe.clone()).config(SessionConfig::default().rolling(true));
    let (store, gone) = (probe.clone(), key.clone());

    let application = move |connection: Connection<Http>| {
        let (store, gone) = (store.clone(), gone.clone());
        async move {
            assert!(session(&connection).contains("color").await?);
            store.memory().delete(&gone).await?;
            respond(connection, 200).await
        }
    };
    let response = exchange(&sessions, Some(&key), application).await?;

    assert_eq!(response.status, 200);
    assert_eq!(set_cookies(&response.headers), [""; 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn response_whose_session_cannot_be_saved_becomes_a_503() -> Result {
    let probe = Probe::default();
    let sessions = Sessions::new(probe.clone());
    let store = probe.clone();
    let application = sessions.wrap(BoxApplication::new(
        move |mut connection: Connection<Http>| {
            let store = store.clone();
            async move {
                session(&connection).insert("color", "red").await?;
                store.set_down(true);
                connection
                    .send(ResponseStart::new(StatusCode::OK).into())
                    .await?;
                let late = connection.send(Outbound::end("you are logged in")).await;
                assert!(late.unwrap_err().is_closed());
                Ok(())
            }
        },
    ));
    let mut client = HttpCommunicator::start(application, "/")?;
    let response = client.response().await?;

    assert_eq!(response.status, 503);
    assert_eq!(response.text()?, "Service Unavailable");
    Ok(client.wait().await?)
}

#[tokio::test(start_paused = true)]
async fn cookie_is_as_the_settings_say() -> Result {
    let attributes = async |config: SessionConfig, expiry: Option<Expiry>| {
        let sessions = Sessions::new(Probe::default()).config(config);
        let response = exchange(&sessions, None, move |connection| async move {
            let session = session(&connection);
            session.insert("color", "blue").await?;
            session.set_expiry(expiry).await?;
            respond(connection, 200).await
        })
        .await?;
        let cookie = set_cookies(&response.headers)[0].to_owned();
        let kept = cookie
            .split("; ")
            .skip(1)
            .filter(|part| !part.starts_with("expires="));
        Result::<_>::Ok(kept.collect::<Vec<_>>().join("; "))
    };
    let config = SessionConfig::default;

    for (same_site, written) in [(SameSite::Strict, "Strict"), (SameSite::None, "None")] {
        assert_eq!(
            attributes(config().same_site(same_site), None).await?,
            format!("HttpOnly; Max-Age=1209600; Path=/; SameSite={written}")
        );
    }
    assert_eq!(
        attributes(
            config()
                .secure(Secure::Always)
                .domain(".example.com")
                .http_only(false)
                .path("/app/")
                .same_site(None),
            None
        )
        .await?,
        "Domain=.example.com; Max-Age=1209600; Path=/app/; Secure"
    );
    assert_eq!(
        attributes(config().expire_at_browser_close(true), None).await?,
        "HttpOnly; Path=/; SameSite=Lax"
    );
    assert_eq!(
        attributes(config(), Some(Expiry::BrowserClose)).await?,
        "HttpOnly; Path=/; SameSite=Lax"
    );
    assert_eq!(
        attributes(
            config().expire_at_browser_close(true),
            Some(Expiry::After(Duration::from_secs(300)))
        )
        .await?,
        "HttpOnly; Max-Age=300; Path=/; SameSite=Lax"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn settings_that_make_no_cookie_make_a_500() -> Result {
    let sessions =
        Sessions::new(Probe::default()).config(SessionConfig::default().cookie_name("a b"));

    let response = exchange(&sessions, None, async |connection| {
        session(&connection).insert("color", "blue").await?;
        respond(connection, 200).await
    })
    .await?;

    assert_eq!(response.status, 500);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn sessions_of_requests_at_the_same_time_are_apart() -> Result {
    let sessions = Sessions::new(Probe::default());
    let both = Arc::new(tokio::sync::Barrier::new(2));
    let application = sessions.wrap(BoxApplication::new(move |connection: Connection<Http>| {
        let both = Arc::clone(&both);
        async move {
            let session = session(&connection);
            assert!(session.is_empty().await?);
            both.wait().await;
            session.insert("color", "blue").await?;
            both.wait().await;
            assert_eq!(session.data().await?.len(), 1);
            respond(connection, 200).await
        }
    }));
    let mut one = HttpCommunicator::start(application.clone(), "/")?;
    let mut other = HttpCommunicator::start(application, "/")?;

    let (one, other) = tokio::join!(one.response(), other.response());

    assert_ne!(told_key(&one?), told_key(&other?));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn inside_another_the_session_is_that_of_the_outer_one() -> Result {
    let (outer, inner) = (Probe::default(), Probe::default());
    let nested = Sessions::new(inner.clone()).wrap(BoxApplication::new(
        async |connection: Connection<Http>| {
            session(&connection).insert("color", "blue").await?;
            respond(connection, 200).await
        },
    ));

    let response = exchange(&Sessions::new(outer.clone()), None, nested).await?;

    let key = told_key(&response);
    assert!(outer.memory().load(&key).await?.is_some());
    assert!(inner.memory().is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_changed_after_the_response_can_be_saved_explicitly() -> Result {
    let probe = Probe::default();
    let key = probe.with("color", "blue").await;

    exchange(
        &Sessions::new(probe.clone()),
        Some(&key),
        async |connection| {
            let session = session(&connection);
            respond(connection, 200).await?;
            session.insert("color", "red").await?;
            session.save().await?;
            Ok(())
        },
    )
    .await?;

    assert_eq!(probe.memory().load(&key).await?.unwrap()["color"], "red");
    Ok(())
}
