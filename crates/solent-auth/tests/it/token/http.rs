//! Requests.

use std::time::Duration;

use http::StatusCode;
use solent_auth::{Auth, TokenConfig, TokenSource, Tokens};
use solent_edge::{CrossSite, Origins};
use solent_session::Identity;
use solent_spec::{
    BoxApplication, Connection, Http, Middleware, RequestScope, Result,
    http::{Outbound, ResponseStart},
};
use solent_test_servers::Log;
use solent_testing::{HttpCommunicator, TestRequest};

use super::person::{Person, Sesame, bearer, get};
use crate::open::{exchange, handshake};

fn tokens() -> Tokens<Sesame> {
    Tokens::new(Sesame::default())
}

fn required() -> Tokens<Sesame> {
    tokens().config(TokenConfig::default().required(true))
}

#[tokio::test(start_paused = true)]
async fn user_is_who_the_token_says() {
    assert_eq!(get(&tokens(), bearer("ann")).await.text().unwrap(), "ann");
    assert_eq!(get(&required(), bearer("ann")).await.text().unwrap(), "ann");
}

#[tokio::test(start_paused = true)]
async fn request_without_a_token_is_nobodys() {
    assert_eq!(get(&tokens(), "/").await.text().unwrap(), "nobody");
}

#[tokio::test(start_paused = true)]
async fn user_of_another_type_outside_stays_known() {
    struct Other;
    impl solent_auth::AuthUser for Other {
        fn id(&self) -> std::borrow::Cow<'_, str> {
            "other".into()
        }
    }
    let inside = tokens().wrap(BoxApplication::new(
        async |mut connection: Connection<Http>| {
            let id = connection
                .scope()
                .state::<Identity>()
                .and_then(Identity::id);
            Ok(connection.send(Outbound::text(format!("{id:?}"))).await?)
        },
    ));
    let outside = BoxApplication::new(move |mut connection: Connection<Http>| {
        let auth = Auth::from_token(Other);
        connection
            .scope_mut()
            .link_mut()
            .insert(auth.identity().clone());
        inside.call(connection)
    });
    let mut client = HttpCommunicator::start(outside, "/").unwrap();

    let answer = client.response().await.unwrap();

    assert_eq!(answer.text(), Ok("Some(\"other\")"));
}

#[tokio::test(start_paused = true)]
async fn bad_token_is_nobodys_and_told_to_the_log() {
    let log = Log::new();
    for (token, why) in [
        ("bad/s3cret", "it is not good"),
        ("two words", "it is not clearly one token"),
    ] {
        assert_eq!(
            get(&tokens(), bearer(token)).await.text().unwrap(),
            "nobody"
        );
        assert!(log.text().contains(why), "{}", log.text());
    }
    assert!(!log.text().contains("s3cret"));
}

#[tokio::test(start_paused = true)]
async fn token_that_has_expired_is_no_good() {
    assert_eq!(
        get(&tokens(), bearer("ann~0")).await.text().unwrap(),
        "nobody"
    );
}

#[tokio::test(start_paused = true)]
async fn token_that_is_used_up_is_no_good_again() {
    let tokens = tokens();
    assert_eq!(get(&tokens, bearer("once")).await.text().unwrap(), "once");
    assert_eq!(get(&tokens, bearer("once")).await.text().unwrap(), "nobody");
}

#[tokio::test(start_paused = true)]
async fn required_token_is_asked_for() {
    let missing = get(&required(), "/").await;
    assert_eq!(missing.status, StatusCode::UNAUTHORIZED);
    assert_eq!(missing.header("www-authenticate"), Some("Bearer"));

    let bad = get(&required(), bearer("bad")).await;
    assert_eq!(bad.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        bad.header("www-authenticate"),
        Some("Bearer error=\"invalid_token\"")
    );

    assert_eq!(handshake(&required(), "/").await, StatusCode::UNAUTHORIZED);
    assert_eq!(
        handshake(&required(), bearer("bad")).await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        handshake(&required(), bearer("ann")).await,
        StatusCode::SWITCHING_PROTOCOLS
    );
}

#[tokio::test(start_paused = true)]
async fn verifier_that_cannot_tell_lets_nobody_in() {
    let tokens = tokens().config(TokenConfig::default().verify_timeout(Duration::from_secs(1)));
    for token in ["down", "slow"] {
        let response = get(&tokens, bearer(token)).await;
        assert_eq!(response.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            handshake(&tokens, bearer(token)).await,
            StatusCode::SERVICE_UNAVAILABLE
        );
    }
}

#[tokio::test(start_paused = true)]
async fn oversized_token_is_not_verified() {
    let verifier = Sesame::default();
    let tokens = Tokens::new(verifier.clone()).config(TokenConfig::default().max_len(10));

    assert_eq!(
        get(&tokens, bearer("x/12345678")).await.text().unwrap(),
        "x/12345678"
    );
    assert_eq!(
        get(&tokens, bearer("x/123456789")).await.text().unwrap(),
        "nobody"
    );

    assert_eq!(verifier.asked(), ["x/12345678"]);
}

#[tokio::test(start_paused = true)]
async fn first_source_that_has_a_token_counts() {
    let tokens = tokens().from([
        TokenSource::query("token"),
        TokenSource::Bearer,
        TokenSource::cookie("jwt"),
    ]);
    let request = |target: &str| {
        TestRequest::get(target)
            .header("authorization", "Bearer ann")
            .header("cookie", "jwt=eve")
    };

    assert_eq!(
        get(&tokens, request("/?token=bob")).await.text().unwrap(),
        "bob"
    );
    assert_eq!(get(&tokens, request("/")).await.text().unwrap(), "ann");
    assert_eq!(
        get(&tokens, request("/?token=bad")).await.text().unwrap(),
        "nobody"
    );
    let cookie = TestRequest::get("/").header("cookie", "jwt=eve");
    assert_eq!(get(&tokens, cookie).await.text().unwrap(), "eve");
}

#[tokio::test(start_paused = true)]
async fn token_in_a_url_is_not_logged_and_its_response_not_shared() {
    let log = Log::new();
    let tokens = tokens().from([TokenSource::query("token")]);

    let response = get(&tokens, "/?token=ann/s3cret").await;
    assert_eq!(response.header("cache-control"), Some("private"));
    get(&tokens, "/?token=bad/s3cret").await;
    get(&tokens, "/?token=s3cret&token=s3cret").await;

    assert!(log.text().contains("refused a token"));
    assert!(!log.text().contains("s3cret"), "{}", log.text());
}

#[tokio::test(start_paused = true)]
async fn application_says_itself_who_may_keep_a_response() {
    async fn keep(mut connection: Connection<Http>) -> Result {
        let kept = http::HeaderValue::from_static("no-store");
        let start = ResponseStart::new(StatusCode::OK).header(http::header::CACHE_CONTROL, kept);
        connection.feed(start.into())?;
        Ok(connection.send(Outbound::end("")).await?)
    }
    let tokens = tokens().from([TokenSource::query("token")]);
    let application = tokens.wrap(BoxApplication::<Http>::new(keep));
    let mut client = HttpCommunicator::start(application, "/?token=ann").unwrap();

    let response = client.response().await.unwrap();

    assert_eq!(response.header("cache-control"), Some("no-store"));
}

#[tokio::test(start_paused = true)]
async fn cookie_counts_only_for_pages_of_the_host() {
    let tokens = tokens().from([TokenSource::cookie("jwt")]);
    let from = |origin: &str| {
        TestRequest::post("https://example.org/")
            .header("cookie", "jwt=ann")
            .header("origin", origin)
    };
    let open = |origin: &str| {
        TestRequest::get("wss://example.org/")
            .header("cookie", "jwt=ann")
            .header("origin", origin)
    };

    for (origin, status) in [("https://example.org", 200), ("https://evil.example", 403)] {
        assert_eq!(exchange(&tokens, from(origin)).await, status);
    }
    for (origin, status) in [("https://example.org", 101), ("https://evil.example", 403)] {
        assert_eq!(handshake(&tokens, open(origin)).await, status);
    }
    let trusting = tokens
        .origins(Origins::new(["https://evil.example"]).unwrap())
        .cross_site(CrossSite::new().trust("https://evil.example").unwrap());
    assert_eq!(exchange(&trusting, from("https://evil.example")).await, 200);
    assert_eq!(
        handshake(&trusting, open("https://evil.example")).await,
        101
    );
}

#[tokio::test(start_paused = true)]
async fn page_of_another_host_may_use_a_token_that_no_browser_sends_by_itself() {
    let tokens = tokens().from([TokenSource::Bearer, TokenSource::query("token")]);
    let open = |request: TestRequest| request.header("origin", "https://other.example");

    assert_eq!(handshake(&tokens, open(bearer("ann"))).await, 101);
    assert_eq!(
        handshake(&tokens, open(TestRequest::get("/?token=ann"))).await,
        101
    );
}

#[tokio::test(start_paused = true)]
async fn who_is_logged_in_outside_stays_so_without_a_token() {
    let person = get_person().await;
    let auth = Auth::from_token(person);
    let request = || TestRequest::get("/").state(auth.clone());

    assert_eq!(get(&tokens(), request()).await.text().unwrap(), "eve");
    let with_token = request().header("authorization", "Bearer ann");
    assert_eq!(get(&tokens(), with_token).await.text().unwrap(), "ann");
}

async fn get_person() -> Person {
    use solent_auth::TokenVerifier;
    Sesame::default().verify("eve").await.unwrap().unwrap().user
}

#[tokio::test(start_paused = true)]
async fn streamed_response_ends_with_its_token() {
    async fn stream(mut connection: Connection<Http>) -> Result {
        connection.feed(Outbound::start(StatusCode::OK))?;
        loop {
            connection.send(Outbound::chunk("tick")).await?;
            let gone = connection.receive();
            // The request's body, then the end.
            let _ = tokio::time::timeout(Duration::from_secs(20), gone).await;
            if connection.send(Outbound::chunk("")).await.is_err() {
                return Ok(());
            }
        }
    }
    let application = tokens().wrap(BoxApplication::<Http>::new(stream));
    let mut client = HttpCommunicator::start(application, bearer("ann~3")).unwrap();

    assert_eq!(client.chunk().await.unwrap().unwrap(), "tick");
    while let Some(chunk) = client.chunk().await.unwrap() {
        assert_eq!(chunk, "tick");
    }
    client.wait().await.unwrap();
}
