//! Logins that a browser learns of later.

use std::time::Duration;

use serde_json::json;
use solent_auth::AuthStack;
use solent_layer::DynLayer;
use solent_layer_memory::MemoryLayer;
use solent_session::{CookieSecret, CookieStore, SessionKey};
use solent_testing::{TestRequest, TestResponse};

use super::{
    applications::{Server, cookie_key},
    site::{People, Site},
};

async fn exchange(server: &Server, ticket: &str, key: Option<&SessionKey>) -> TestResponse {
    let request = TestRequest::post("/ticket/").body(ticket.to_owned());
    server.send(request, key).await
}

#[tokio::test(start_paused = true)]
async fn browser_exchanges_the_ticket_for_the_login() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let mut socket = server.connect(None).await;

    let ticket = socket.say("ticket ann").await;
    assert_eq!(
        socket.say("").await,
        "ann",
        "the socket is logged in at once"
    );
    let response = exchange(&server, &ticket, None).await;

    assert_eq!(response.status, 204);
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let key = cookie_key(&response.headers).expect("a cookie");
    assert_eq!(server.who(Some(&key)).await, "ann");
    assert_eq!(site.people.logins(), 1);
}

#[tokio::test(start_paused = true)]
async fn ticket_is_good_once() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let ticket = server.connect(None).await.say("ticket ann").await;

    assert_eq!(exchange(&server, &ticket, None).await.status, 204);

    let again = exchange(&server, &ticket, None).await;
    assert_eq!(again.status, 403);
    assert_eq!(again.header("set-cookie"), None);
}

#[tokio::test(start_paused = true)]
async fn ticket_that_one_process_took_is_no_good_at_another() {
    let site = Site::new();
    let (one, other) = (
        Server::new(&site.stack(), &site.people),
        Server::new(&site.stack(), &site.people),
    );
    let ticket = one.connect(None).await.say("ticket ann").await;

    assert_eq!(other.get("", None).await.status, 200);
    assert_eq!(exchange(&other, &ticket, None).await.status, 204);

    assert_eq!(exchange(&one, &ticket, None).await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn ticket_is_good_once_where_cookies_hold_the_sessions() {
    let people = People::new("people");
    let secret = CookieSecret::new([7; 32]).unwrap();
    let stack = AuthStack::new(CookieStore::encrypted(secret), people.clone());
    let server = Server::new(&stack, &people);
    let ticket = server.connect(None).await.say("ticket ann").await;

    let response = exchange(&server, &ticket, None).await;
    let key = cookie_key(&response.headers).expect("a cookie");
    assert_eq!(server.who(Some(&key)).await, "ann");

    assert_eq!(exchange(&server, &ticket, None).await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn ticket_is_good_for_a_short_while() {
    let site = Site::new();
    let config = solent_auth::AuthConfig::default().ticket_age(Duration::ZERO);
    let server = Server::new(&site.stack().config(config), &site.people);
    let ticket = server.connect(None).await.say("ticket ann").await;

    assert_eq!(exchange(&server, &ticket, None).await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn ticket_is_no_session_and_a_session_is_no_ticket() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let ticket = server.connect(None).await.say("ticket ann").await;

    let as_cookie = SessionKey::parse(&ticket).unwrap();
    assert_eq!(server.who(Some(&as_cookie)).await, "nobody");
    let key = site.session_of("bob").await;
    assert_eq!(exchange(&server, key.as_str(), None).await.status, 403);
    let forged = site.session(json!({ "_login_ticket": "?" })).await;
    assert_eq!(exchange(&server, forged.as_str(), None).await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn socket_and_browser_share_the_session_from_then_on() {
    let site = Site::new();
    let layer = DynLayer::new(MemoryLayer::default());
    let server = Server::new(&site.stack(), &site.people).layer(&layer);
    let mut socket = server.connect(None).await;
    let ticket = socket.say("ticket ann").await;
    let response = exchange(&server, &ticket, None).await;
    let key = cookie_key(&response.headers).expect("a cookie");

    assert_eq!(server.get("put green", Some(&key)).await.status, 200);
    socket
        .0
        .receive_nothing_for(Duration::from_secs(300))
        .await
        .unwrap();
    assert_eq!(socket.say("").await, "ann");

    server.get("logout", Some(&key)).await;
    assert_eq!(socket.closed().await, 4401);
}

#[tokio::test(start_paused = true)]
async fn what_the_browser_had_is_kept_and_its_old_key_has_nothing() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let before = site.session(json!({ "basket": [1] })).await;
    let mut socket = server.connect(Some(&before)).await;

    let ticket = socket.say("ticket ann").await;
    assert!(
        site.store.row(&before).await.is_some(),
        "until the exchange"
    );
    let response = exchange(&server, &ticket, Some(&before)).await;

    let key = cookie_key(&response.headers).expect("a cookie");
    assert_ne!(key, before);
    assert_eq!(site.store.row(&before).await, None);
    assert_eq!(site.store.row(&key).await.unwrap()["basket"], json!([1]));
}

#[tokio::test(start_paused = true)]
async fn ticket_of_another_user_takes_nothing_along() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let anns = site.session_of("ann").await;
    let mut socket = server.connect(Some(&anns)).await;

    let ticket = socket.say("ticket bob").await;
    let response = exchange(&server, &ticket, Some(&anns)).await;

    let key = cookie_key(&response.headers).expect("a cookie");
    assert!(!site.store.row(&key).await.unwrap().contains_key("colour"));
    assert_eq!(server.who(Some(&key)).await, "bob");
}

#[tokio::test(start_paused = true)]
async fn nonsense_is_refused_and_json_is_understood() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let key = site.session_of("ann").await;
    for (body, status) in [
        (String::new(), 403),
        ("short".to_owned(), 403),
        ("x".repeat(32), 403),
        ("\u{0}".repeat(40), 403),
        ("{\"ticket\": 7}".to_owned(), 400),
        ("{".to_owned(), 400),
        ("x".repeat(9000), 413),
    ] {
        let response = exchange(&server, &body, Some(&key)).await;
        assert_eq!(response.status, status, "{body:.40}");
    }
    assert_eq!(
        server.who(Some(&key)).await,
        "ann",
        "the session is as it was"
    );

    let get = server.send(TestRequest::get("/ticket/"), None).await;
    assert_eq!(
        (get.status.as_u16(), get.header("allow")),
        (405, Some("POST"))
    );
    let evil = TestRequest::post("/ticket/").header("sec-fetch-site", "cross-site");
    assert_eq!(server.send(evil, None).await.status, 403);

    let ticket = server.connect(None).await.say("ticket ann").await;
    let request = TestRequest::post("/ticket/").json(&json!({ "ticket": ticket }));
    assert_eq!(server.send(request, None).await.status, 204);
}
