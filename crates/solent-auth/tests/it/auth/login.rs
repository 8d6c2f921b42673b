//! Logging in and out.

use serde_json::json;
use solent_session::{SessionConfig, SessionKey};
use solent_testing::TestRequest;

use super::{
    applications::{Server, cookie_key},
    site::{People, Site},
};

#[tokio::test(start_paused = true)]
async fn login_stores_the_three_marks_and_the_browser_has_the_key() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);

    let response = server.get("login ann", None).await;

    assert_eq!(response.text(), Ok("ann"));
    let key = cookie_key(&response.headers).expect("a cookie");
    let row = site.store.row(&key).await.unwrap();
    assert_eq!(
        serde_json::Value::Object(row),
        json!({ "_auth_user_id": "ann", "_auth_user_backend": "people", "_auth_user_hash": "new-key:first" })
    );
    assert_eq!(server.who(Some(&key)).await, "ann");
    assert_eq!(site.people.logins(), 1);
}

#[tokio::test(start_paused = true)]
async fn login_before_the_accept_sets_the_cookie_with_it() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);

    let (mut socket, accepted) = server.open("login ann", None).await;

    assert_eq!(socket.say("").await, "ann");
    let key = cookie_key(&accepted.headers).expect("a cookie");
    assert_eq!(server.who(Some(&key)).await, "ann");
}

/// Whoever planted a session key at the user's browser must not have the user's login.
#[tokio::test(start_paused = true)]
async fn login_moves_the_session_to_a_new_key() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let planted = site.session(json!({ "basket": [1, 2] })).await;

    let response = server.get("login ann", Some(&planted)).await;

    let key = cookie_key(&response.headers).expect("a cookie");
    assert_ne!(key, planted);
    assert_eq!(
        site.store.row(&planted).await,
        None,
        "the old key has nothing"
    );
    assert_eq!(server.who(Some(&planted)).await, "nobody");
    let row = site.store.row(&key).await.unwrap();
    assert_eq!(row["basket"], json!([1, 2]), "what was in it stays");
}

/// Whoever planted the session may know its secret, and would make forms with it that pass for the user's.
#[tokio::test(start_paused = true)]
async fn login_replaces_the_csrf_secret_of_the_session() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let known = "a".repeat(32);

    let planted = site.session(json!({ "_csrftoken": known })).await;
    let response = server.get("login ann", Some(&planted)).await;
    let key = cookie_key(&response.headers).expect("a cookie");
    let row = site.store.row(&key).await.unwrap();
    let secret = row["_csrftoken"].as_str().expect("a secret");
    assert_eq!(secret.len(), known.len());
    assert_ne!(secret, known);

    let planted = site.session(json!({ "_csrftoken": known })).await;
    let mut socket = server.connect(Some(&planted)).await;
    let ticket = socket.say("ticket ann").await;
    let redeem = TestRequest::post("/ticket/").body(ticket);
    let response = server.send(redeem, None).await;
    let key = cookie_key(&response.headers).expect("a cookie");
    let row = site.store.row(&key).await.unwrap();
    assert_ne!(row["_csrftoken"], json!(known));
}

/// The old key is gone, so the browser has to have the new one.
#[tokio::test(start_paused = true)]
async fn login_whose_page_fails_is_a_login() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let key = site.session(json!({ "basket": 1 })).await;

    let response = server.get("login-and-fail ann", Some(&key)).await;

    assert_eq!(response.status, http::StatusCode::INTERNAL_SERVER_ERROR);
    let new = cookie_key(&response.headers).expect("a cookie");
    assert_eq!(server.who(Some(&new)).await, "ann");
}

#[tokio::test(start_paused = true)]
async fn key_that_no_store_issued_is_not_taken_over() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let invented = SessionKey::parse("attackerattackerattackerattacker").unwrap();

    let response = server.get("login ann", Some(&invented)).await;

    assert_ne!(cookie_key(&response.headers), Some(invented.clone()));
    assert_eq!(site.store.row(&invented).await, None);
}

#[tokio::test(start_paused = true)]
async fn another_user_finds_nothing_of_the_first_one() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let key = site.session_of("ann").await;

    let response = server.get("login bob", Some(&key)).await;

    assert_eq!(response.text(), Ok("bob"));
    let new = cookie_key(&response.headers).expect("a cookie");
    assert_eq!(site.store.row(&key).await, None);
    let row = site.store.row(&new).await.unwrap();
    assert_eq!(
        (&row["_auth_user_id"], row.get("colour")),
        (&json!("bob"), None)
    );
}

#[tokio::test(start_paused = true)]
async fn same_user_keeps_the_session_unless_the_password_changed() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let key = site.session_of("ann").await;

    let response = server.get("login ann", Some(&key)).await;
    assert_eq!(
        cookie_key(&response.headers).as_ref(),
        Some(&key),
        "its cookie lasts longer"
    );
    assert!(site.store.row(&key).await.unwrap().contains_key("colour"));

    site.people.set_password("ann", "second");
    let response = server.get("login ann", Some(&key)).await;
    let new = cookie_key(&response.headers).expect("a cookie");
    assert_eq!(site.store.row(&key).await, None);
    assert_eq!(
        site.store.row(&new).await.unwrap()["_auth_user_hash"],
        "new-key:second"
    );
}

#[tokio::test(start_paused = true)]
async fn logout_deletes_the_session_and_the_cookie() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let key = site.session_of("ann").await;

    let response = server.get("logout", Some(&key)).await;

    assert_eq!(response.text(), Ok("nobody"));
    assert_eq!(site.store.row(&key).await, None);
    let cookie = response.header("set-cookie").expect("a removal");
    assert!(cookie.contains("Max-Age=0"), "{cookie}");
    assert_eq!(server.who(Some(&key)).await, "nobody");
}

#[tokio::test(start_paused = true)]
async fn logout_of_nobody_changes_nothing() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);

    let response = server.get("logout", None).await;

    assert_eq!(response.text(), Ok("nobody"));
    assert_eq!(response.header("set-cookie"), None);
    assert_eq!(site.store.accesses(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn open_socket_says_that_a_login_there_takes_a_ticket() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let key = site.session_of("bob").await;

    let mut socket = server.connect(Some(&key)).await;

    let answer = socket.say("login ann").await;
    assert!(answer.contains("login ticket"), "{answer}");
    assert_eq!(socket.say("").await, "bob", "nothing has changed");
    assert!(site.store.row(&key).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn socket_that_logs_out_stays_open_and_is_nobodys() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let key = site.session_of("ann").await;
    let mut socket = server.connect(Some(&key)).await;

    assert_eq!(socket.say("logout").await, "nobody");

    assert_eq!(socket.say("identity").await, "None");
    assert_eq!(site.store.row(&key).await, None);
    socket
        .0
        .receive_nothing_for(std::time::Duration::from_secs(300))
        .await
        .unwrap();
    assert_eq!(socket.say("").await, "nobody");
}

#[tokio::test(start_paused = true)]
async fn login_has_to_name_one_of_several_backends() {
    let site = Site::new();
    let stack = site.stack().backend(People::new("others"));
    let server = Server::new(&stack, &site.people);

    let answer = server.get("login ann", None).await;
    assert!(answer.text().unwrap().contains("login_with"), "{answer:?}");
    let answer = server.get("login-with third", None).await;
    assert!(answer.text().unwrap().contains("\"third\""), "{answer:?}");

    let response = server.get("login-with others", None).await;
    let key = cookie_key(&response.headers).expect("a cookie");
    let row = site.store.row(&key).await.unwrap();
    assert_eq!(row["_auth_user_backend"], "others");
}

#[tokio::test(start_paused = true)]
async fn failed_login_leaves_nobody_logged_in_by_half() {
    let site = Site::new();
    let server = Server::new(&site.stack(), &site.people);
    let mut socket = server.open("stay", None).await.0;

    site.store.set_down(true);

    let response = server.get("login ann", None).await;
    assert!(
        response.text().unwrap_or_default().starts_with("error"),
        "{response:?}"
    );
    assert!(socket.say("ticket ann").await.starts_with("error"));
    assert_eq!(socket.say("").await, "nobody");
}

#[tokio::test(start_paused = true)]
async fn cookie_has_the_attributes_that_keep_it_safe() {
    let site = Site::new();
    let stack = site
        .stack()
        .sessions(SessionConfig::default().cookie_name("chat"));
    let server = Server::new(&stack, &site.people);

    let response = server.get("login ann", None).await;

    let cookie = response.header("set-cookie").unwrap();
    assert!(cookie.starts_with("chat="), "{cookie}");
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=1209600"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
}
