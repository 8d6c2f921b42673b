//! What is found in a scope, and what to do where it is not.

use std::sync::Arc;

use solent_auth::{Auth, AuthConfig, AuthError, AuthScope, AuthStack, Require, Ticket, Tickets};
use solent_session::{Identity, Session};
use solent_spec::{
    http::HttpScope,
    request::{Link, Listener},
};

use super::site::{People, Person};

#[test]
fn scope_outside_a_stack_says_what_to_do() {
    let request = http::Request::new(()).into_parts().0;
    let link = Link::new(None, Arc::new(Listener::new(None, Vec::new())));
    let scope = HttpScope::new(request, link).unwrap();

    let missing = scope.auth::<Person>().unwrap_err();
    assert_eq!(
        missing.to_string(),
        "scope has no user of this type, put the application inside an AuthStack"
    );
    assert!(scope.session().is_err());
    assert!(scope.user::<Person>().is_none());
    assert!(scope.cookies().get("sessionid").is_none());
}

#[tokio::test]
async fn user_with_a_token_has_no_session_to_log_in_to() {
    let people = People::new("people");
    let auth = Auth::from_token(people.get("ann").unwrap());

    assert_eq!(auth.identity().id().as_deref(), Some("ann"));
    assert!(auth.session().is_none());
    assert!(auth.recheck().await.unwrap().is_some());
    let login = auth.login(people.get("bob").unwrap()).await;
    assert!(matches!(login, Err(AuthError::NoSession)), "{login:?}");
    let ticket = auth.login_ticket(people.get("bob").unwrap()).await;
    assert!(matches!(ticket, Err(AuthError::NoSession)), "{ticket:?}");

    auth.logout().await.unwrap();
    assert!(auth.user().await.unwrap().is_none());
    assert_eq!(auth.identity().id(), None);
}

#[test]
fn public_types_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + Unpin>() {}

    shared::<Auth<Person>>();
    shared::<AuthConfig>();
    shared::<AuthError>();
    shared::<AuthStack<Person>>();
    shared::<Identity>();
    shared::<Require<fn(&solent_auth::Asked<'_>) -> bool>>();
    shared::<Session>();
    shared::<Ticket>();
    shared::<Tickets<Person>>();
}
