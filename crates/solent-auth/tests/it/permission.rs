use std::borrow::Cow;

use http::{HeaderValue, StatusCode};
use solent_auth::{
    Asked, Auth, AuthError, AuthUser, BackendError, Check, authenticated, permission, require,
};
use solent_spec::{
    BoxApplication, Connection, Http, HttpProtocol, Middleware, RequestScope, Result, WebSocket,
    http::Outbound as HttpOutbound,
    request::Feature,
    websocket::{Inbound, Outbound},
};
use solent_testing::{HttpCommunicator, TestRequest, WebSocketCommunicator};

struct Person {
    name: &'static str,
    permissions: &'static [&'static str],
}

impl AuthUser for Person {
    fn id(&self) -> Cow<'_, str> {
        self.name.into()
    }

    fn has_permission(&self, permission: &str) -> bool {
        self.permissions.contains(&permission)
    }
}

const ANN: Person = Person {
    name: "ann",
    permissions: &["chat.moderate"],
};
const BOB: Person = Person {
    name: "bob",
    permissions: &[],
};

/// Says who is there.
struct As(fn() -> Option<Person>);

impl Middleware for As {
    fn wrap<P: HttpProtocol>(&self, inner: BoxApplication<P>) -> BoxApplication<P> {
        let who = self.0;
        BoxApplication::new(move |mut connection: Connection<P>| {
            let link = connection.scope_mut().link_mut();
            if let Some(person) = who() {
                let auth = Auth::from_token(person);
                link.insert(auth.identity().clone());
                link.insert(auth);
            }
            inner.call(connection)
        })
    }
}

async fn page(mut connection: Connection<Http>) -> Result {
    Ok(connection.send(HttpOutbound::text("inside")).await?)
}

async fn socket(mut connection: Connection<WebSocket>) -> Result {
    assert_eq!(connection.receive().await, Some(Inbound::Connect));
    connection.send(Outbound::accept()).await?;
    while connection.receive().await.is_some() {}
    Ok(())
}

/// Else a cache might give the page of somebody to everybody.
#[tokio::test(start_paused = true)]
async fn page_that_depends_upon_whether_anybody_is_there_says_so() {
    let sessions = solent_session::Sessions::new(solent_session::MemoryStore::default());
    let inside = require(|asked: &Asked<'_>| !asked.is_somebody());
    let application = sessions.wrap(inside.wrap(BoxApplication::<Http>::new(page)));
    let mut client = HttpCommunicator::start(application, "/").unwrap();

    let response = client.response().await.unwrap();

    assert_eq!(response.status, StatusCode::OK);
    assert_eq!(response.header("vary"), Some("Cookie"));
}

async fn status_of_page(who: fn() -> Option<Person>, middleware: impl Middleware) -> StatusCode {
    let application = As(who).wrap(middleware.wrap(BoxApplication::<Http>::new(page)));
    let mut client = HttpCommunicator::start(application, "/room/").unwrap();
    client.response().await.unwrap().status
}

/// The status of a handshake; 101 if it is accepted.
async fn status_of_socket(
    who: fn() -> Option<Person>,
    middleware: impl Middleware,
    features: &[Feature],
) -> u16 {
    let application = As(who).wrap(middleware.wrap(BoxApplication::<WebSocket>::new(socket)));
    let request = TestRequest::get("/room/").features(features.to_vec());
    let mut client = WebSocketCommunicator::start(application, request).unwrap();
    match client.connect().await.unwrap() {
        solent_testing::Answer::Accepted(_) => 101,
        solent_testing::Answer::Rejected(rejection) => rejection.status(),
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_gets_401_and_somebody_without_permission_403() {
    let moderators = || require(permission::<Person>("chat.moderate"));

    assert_eq!(status_of_page(|| None, moderators()).await, 401);
    assert_eq!(status_of_page(|| Some(BOB), moderators()).await, 403);
    assert_eq!(status_of_page(|| Some(ANN), moderators()).await, 200);
}

#[tokio::test(start_paused = true)]
async fn handshake_is_refused_with_a_response_where_the_server_offers_it() {
    let moderators = || require(permission::<Person>("chat.moderate"));
    let offered = &[Feature::DenialResponse];

    assert_eq!(status_of_socket(|| None, moderators(), offered).await, 401);
    assert_eq!(
        status_of_socket(|| Some(BOB), moderators(), offered).await,
        403
    );
    assert_eq!(status_of_socket(|| None, moderators(), &[]).await, 403);
    assert_eq!(
        status_of_socket(|| Some(ANN), moderators(), offered).await,
        101
    );
}

#[tokio::test(start_paused = true)]
async fn checks_compose() {
    fn is_room(asked: &Asked<'_>) -> bool {
        asked.path() == "/room/" && asked.method() == http::Method::GET
    }
    let nowhere = |_: &Asked<'_>| false;
    let user = authenticated::<Person>;

    for (status, found) in [
        (200, status_of_page(|| Some(BOB), require(user())).await),
        (
            200,
            status_of_page(|| Some(BOB), require(user().and(is_room))).await,
        ),
        (
            403,
            status_of_page(|| Some(BOB), require(user().and(nowhere))).await,
        ),
        (
            200,
            status_of_page(|| None, require(user().or(is_room))).await,
        ),
        (
            401,
            status_of_page(|| None, require(user().or(nowhere))).await,
        ),
        (
            403,
            status_of_page(|| Some(BOB), require(user().not())).await,
        ),
        (
            200,
            status_of_page(|| None, require(user().not().and(is_room))).await,
        ),
    ] {
        assert_eq!(found, status);
    }
}

#[tokio::test(start_paused = true)]
async fn user_of_another_type_is_nobody() {
    struct Robot;
    impl AuthUser for Robot {
        fn id(&self) -> Cow<'_, str> {
            "robot".into()
        }
    }

    let status = status_of_page(|| Some(ANN), require(authenticated::<Robot>())).await;

    // Somebody is logged in, but nobody of the kind that is asked for.
    assert_eq!(status, 403);
}

#[tokio::test(start_paused = true)]
async fn check_without_an_answer_refuses_with_503() {
    struct Down;
    impl Check for Down {
        async fn check(&self, _: &Asked<'_>) -> Result<bool, AuthError> {
            Err(BackendError::new("database is away").into())
        }
    }

    assert_eq!(status_of_page(|| Some(ANN), require(Down)).await, 503);
    assert_eq!(status_of_page(|| Some(ANN), require(Down.not())).await, 503);
}

#[tokio::test(start_paused = true)]
async fn browser_without_login_is_sent_to_the_login_page() {
    let members = || require(authenticated::<Person>()).login_page("/login/?theme=dark");
    let wrapped = As(|| None).wrap(members().wrap(BoxApplication::<Http>::new(page)));

    let request = TestRequest::get("/room/%C3%A9?a=1&b=//evil.example");
    let mut client = HttpCommunicator::start(wrapped.clone(), request).unwrap();
    let response = client.response().await.unwrap();
    assert_eq!(response.status, 302);
    assert_eq!(
        response.header("location"),
        Some("/login/?theme=dark&next=/room/%25C3%25A9%3Fa%3D1%26b%3D//evil.example")
    );

    let mut client = HttpCommunicator::start(wrapped, TestRequest::post("/room/")).unwrap();
    assert_eq!(client.response().await.unwrap().status, 401);
    let denied = status_of_socket(|| None, members(), &[Feature::DenialResponse]).await;
    assert_eq!(denied, 401, "a WebSocket follows no redirect");
    assert_eq!(status_of_page(|| Some(BOB), members()).await, 200);
}

#[tokio::test(start_paused = true)]
async fn challenge_is_named_where_there_is_one() {
    let bearers = require(authenticated::<Person>()).challenge(HeaderValue::from_static("Bearer"));
    let application = bearers.wrap(BoxApplication::<Http>::new(page));

    let mut client = HttpCommunicator::start(application, "/").unwrap();

    let response = client.response().await.unwrap();
    assert_eq!(response.header("www-authenticate"), Some("Bearer"));
}
