//! Who it is.

use serde_json::json;
use solent_auth::{AuthConfig, OnFailure};
use solent_test_servers::Log;
use solent_testing::TestRequest;

use super::{
    applications::Server,
    site::{People, Site},
};

#[tokio::test(start_paused = true)]
async fn anonymous_connection_costs_no_access_to_any_store() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);

    assert_eq!(server.who(None).await, "nobody");
    assert_eq!(server.connect(None).await.say("").await, "nobody");

    assert_eq!((site.store.accesses(), site.people.finds()), ((0, 0), 0));
}

#[tokio::test(start_paused = true)]
async fn login_costs_one_read_of_the_session_and_one_of_the_user() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let key = site.session_of("ann").await;

    assert_eq!(server.who(Some(&key)).await, "ann");
    assert_eq!((site.store.accesses(), site.people.finds()), ((1, 0), 1));

    let mut socket = server.connect(Some(&key)).await;
    assert_eq!(socket.say("").await, "ann");
    assert_eq!(socket.say("identity").await, "Some(\"ann\")");
    assert_eq!(socket.say("colour").await, "blue");
    assert_eq!((site.store.accesses(), site.people.finds()), ((2, 0), 2));
}

#[tokio::test(start_paused = true)]
async fn lazy_stack_reads_nothing_before_somebody_asks() {
    let site = Site::new();
    let server = Server::new(&site.stack().lazy(), &site.people);
    let key = site.session_of("ann").await;

    let mut socket = server.open("stay", Some(&key)).await.0;
    assert_eq!(socket.say("identity").await, "None");
    assert_eq!((site.store.accesses(), site.people.finds()), ((0, 0), 0));

    assert_eq!(socket.say("").await, "ann");
    assert_eq!(socket.say("identity").await, "Some(\"ann\")");
    assert_eq!((site.store.accesses(), site.people.finds()), ((1, 0), 1));
}

/// The matrix of Channels' `get_user`, without its defects: a key of former days is good, and no session is deleted because
/// it could not be verified.
#[tokio::test(start_paused = true)]
async fn session_is_whose_it_says_and_stays_as_it_is() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let login = |id: serde_json::Value, backend: &str, hash: serde_json::Value| json!({ "_auth_user_id": id, "_auth_user_backend": backend, "_auth_user_hash": hash });
    for (session, expected) in [
        (login("ann".into(), "people", "new-key:first".into()), "ann"),
        (login("ann".into(), "people", "old-key:first".into()), "ann"),
        (
            login("ann".into(), "people", "new-key:other".into()),
            "nobody",
        ),
        (login("ann".into(), "people", json!(null)), "nobody"),
        (
            login("eve".into(), "people", "new-key:first".into()),
            "nobody",
        ),
        (
            login("ann".into(), "others", "new-key:first".into()),
            "nobody",
        ),
        (
            login("?".into(), "people", "new-key:first".into()),
            "nobody",
        ),
        (login(json!(7), "people", "new-key:first".into()), "nobody"),
        (login(json!({}), "people", "new-key:first".into()), "nobody"),
        (json!({ "_auth_user_id": "ann" }), "nobody"),
        (
            json!({ "_auth_user_id": "ann", "_auth_user_backend": "people" }),
            "nobody",
        ),
        (json!({ "_auth_user_backend": "people" }), "nobody"),
        (
            json!({ "_auth_user_id": "ann", "_auth_user_backend": ["people"] }),
            "nobody",
        ),
        (json!({}), "nobody"),
    ] {
        let key = site.session(session.clone()).await;

        assert_eq!(server.who(Some(&key)).await, expected, "{session}");
        let mut socket = server.connect(Some(&key)).await;
        assert_eq!(socket.say("").await, expected, "{session}");

        let row = site.store.row(&key).await.map(serde_json::Value::Object);
        assert_eq!(row, Some(session));
    }
}

#[tokio::test(start_paused = true)]
async fn forged_cookie_is_nobody() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let key = site.session_of("ann").await;
    let key = key.as_str();
    let (long, changed) = ("x".repeat(5000), format!("{}x", &key[1..]));
    for value in [
        "",
        "short",
        "00000000000000000000000000000000",
        &changed,
        &key[..key.len() - 1],
        &format!("{key}{key}"),
        &key.to_uppercase(),
        "../../../etc/passwd",
        "\"' OR 1=1 --",
        "a=b; sessionid=",
        "é",
        &long,
    ] {
        let request = TestRequest::get("/").header("cookie", format!("sessionid={value}"));

        let response = server.send(request, None).await;

        assert_eq!(response.text(), Ok("nobody"), "{value:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_backend_finds_the_users_whose_sessions_name_it() {
    let site = Site::new();
    let others = People::new("others");
    others.remove("ann");
    let server = Server::new(&site.stack().backend(others.clone()), &site.people);
    let login = |id: &str, backend: &str| json!({ "_auth_user_id": id, "_auth_user_backend": backend, "_auth_user_hash": "new-key:first" });

    for (id, backend, expected) in [
        ("ann", "people", "ann"),
        ("ann", "others", "nobody"),
        ("bob", "others", "bob"),
        ("bob", "third", "nobody"),
    ] {
        let key = site.session(login(id, backend)).await;
        assert_eq!(server.who(Some(&key)).await, expected, "{id} of {backend}");
    }
    assert_eq!(site.people.finds(), 1, "only those asked that are named");
    assert_eq!(others.finds(), 2);
}

#[tokio::test(start_paused = true)]
async fn connection_is_refused_while_a_store_is_out_of_reach() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let key = site.session_of("ann").await;

    site.store.set_down(true);
    assert_eq!(server.get("", Some(&key)).await.status, 503);
    assert_eq!(server.refused(TestRequest::get("/"), Some(&key)).await, 503);
    assert_eq!(
        server.who(None).await,
        "nobody",
        "who shows no cookie needs no store"
    );

    site.store.set_down(false);
    site.people.set_down(true);
    assert_eq!(server.get("", Some(&key)).await.status, 503);

    site.people.set_down(false);
    assert_eq!(server.who(Some(&key)).await, "ann");
}

#[tokio::test(start_paused = true)]
async fn connection_is_nobodys_if_that_was_asked_for() {
    let site = Site::new();
    let config = AuthConfig::default().on_failure(OnFailure::Anonymous);
    let server = Server::new(&site.stack().config(config), &site.people);
    let key = site.session_of("ann").await;

    site.people.set_down(true);

    assert_eq!(server.who(Some(&key)).await, "nobody");
    assert!(site.store.row(&key).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn pages_of_other_sites_are_refused_and_trusted_ones_are_not() {
    let site = Site::new();
    let key = site.session_of("ann").await;
    let from = |method: fn(String) -> TestRequest, origin: &str| {
        method("/".to_owned())
            .header("host", "chat.example")
            .header("origin", origin)
    };

    let server = Server::new(&site.stack(), &site.people);
    let evil = from(TestRequest::get, "https://evil.example");
    assert_eq!(server.refused(evil, Some(&key)).await, 403);
    let evil = from(TestRequest::post, "https://evil.example");
    assert_eq!(server.send(evil, Some(&key)).await.status, 403);
    assert_eq!(site.store.accesses(), (0, 0));
    let own = from(TestRequest::post, "http://chat.example");
    assert_eq!(server.send(own, Some(&key)).await.text(), Ok("ann"));

    let trusting = Server::new(
        &site.stack().trust("https://evil.example").unwrap(),
        &site.people,
    );
    let trusted = from(TestRequest::post, "https://evil.example");
    assert_eq!(trusting.send(trusted, Some(&key)).await.text(), Ok("ann"));

    let open = Server::new(&site.stack().without_origin_checks(), &site.people);
    let evil = from(TestRequest::post, "https://evil.example");
    assert_eq!(open.send(evil, Some(&key)).await.text(), Ok("ann"));
}

#[tokio::test(start_paused = true)]
async fn outer_stack_knows_the_user_already() {
    use solent_spec::Middleware;

    let site = Site::new();
    let inner = Site::new();
    let page = solent_spec::BoxApplication::new(super::applications::page(&site.people));
    let nested = site.stack().wrap(inner.stack().wrap(page));
    let key = site.session_of("ann").await;

    let request = TestRequest::get("/").header("cookie", format!("sessionid={}", key.as_str()));
    let mut client = solent_testing::HttpCommunicator::start(nested, request).unwrap();

    assert_eq!(client.response().await.unwrap().text(), Ok("ann"));
    assert_eq!((inner.store.accesses(), inner.people.finds()), ((0, 0), 0));
}

#[tokio::test(start_paused = true)]
async fn response_says_that_it_depends_upon_the_cookie() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);

    let response = server.get("", None).await;

    assert_eq!(
        response.header("vary"),
        Some("Cookie"),
        "somebody looked who it is"
    );
    assert_eq!(response.header("set-cookie"), None);
}

#[tokio::test(start_paused = true)]
async fn log_names_no_secret() {
    let log = Log::new();
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let keys = [
        site.session_of("ann").await,
        site.session(json!({ "_auth_user_id": "ann", "_auth_user_backend": "people", "_auth_user_hash": "new-key:s3cret" })).await,
    ];

    for key in &keys {
        server.who(Some(key)).await;
        server.get("login bob", Some(key)).await;
        server.get("logout", Some(key)).await;
    }

    let text = log.text();
    assert!(text.contains("older than its user's password"), "{text}");
    for secret in [keys[0].as_str(), keys[1].as_str(), "s3cret", "new-key"] {
        assert!(!text.contains(secret), "{text}");
    }
}
