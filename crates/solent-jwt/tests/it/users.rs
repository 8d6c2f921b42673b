//! Users whose tokens are JSON Web Tokens.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use solent_auth::{Auth, AuthUser, BackendError, TokenVerifier, Tokens, UserBackend};
use solent_jwt::{Algorithm, Claims, FindUser, JwtConfig, JwtUser, JwtVerifier};
use solent_spec::{
    BoxApplication, Connection, Http, Middleware, RequestScope, Result, http::Outbound,
};
use solent_test_servers::Log;
use solent_testing::{HttpCommunicator, TestRequest};

use super::sign::{key, token};

fn verifier() -> JwtVerifier {
    JwtVerifier::new(key(Algorithm::Hs256), JwtConfig::default())
}

fn seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// A token that is good in real time, which the verifier goes by.
fn signed(mut claims: Value) -> String {
    claims["exp"] = (seconds() + 60).into();
    token(Algorithm::Hs256, &claims)
}

async fn whoami(mut connection: Connection<Http>) -> Result {
    let auth = connection
        .scope()
        .state::<Auth<JwtUser>>()
        .cloned()
        .ok_or("no tokens")?;
    let name = auth
        .known()
        .map_or("nobody".into(), |user| user.id().into_owned());
    Ok(connection.send(Outbound::text(name)).await?)
}

async fn ask(token: &str) -> String {
    let application = Tokens::new(verifier()).wrap(BoxApplication::<Http>::new(whoami));
    let request = TestRequest::get("/").header("authorization", format!("Bearer {token}"));
    let mut client = HttpCommunicator::start(application, request).unwrap();
    client.response().await.unwrap().text().unwrap().to_owned()
}

#[tokio::test]
async fn subject_of_a_good_token_is_logged_in() {
    assert_eq!(ask(&signed(json!({ "sub": "42" }))).await, "42");
}

#[tokio::test]
async fn token_that_is_no_good_is_nobodys_and_the_log_says_why() {
    let good = signed(json!({ "sub": "42" }));
    let expired = token(
        Algorithm::Hs256,
        &json!({ "sub": "42", "exp": seconds() - 3600 }),
    );
    let early = json!({ "sub": "42", "exp": seconds() + 60, "nbf": seconds() + 3600 });
    let early = token(Algorithm::Hs256, &early);
    let foreign = signed(json!({ "sub": "42", "aud": "mail" }));
    let resigned = {
        let (message, _) = good.rsplit_once('.').unwrap();
        let (_, signature) = expired.rsplit_once('.').unwrap();
        format!("{message}.{signature}")
    };
    let nameless = signed(json!({}));
    for (token, reason) in [
        (&good[..good.len() - 3], "signature is wrong"),
        (&*resigned, "signature is wrong"),
        (&*expired, "has expired"),
        (&*early, "not valid yet"),
        (&*foreign, "another audience"),
        (&*nameless, "names no user"),
        ("a.b.c", "not a JSON Web Token"),
        ("0paque", "not a JSON Web Token"),
    ] {
        let log = Log::new();
        assert_eq!(ask(token).await, "nobody", "{reason}");
        assert!(log.text().contains(reason), "{}", log.text());
        assert!(!log.text().contains(token), "{}", log.text());
    }
}

#[tokio::test]
async fn scopes_and_permissions_are_what_a_user_may_do() {
    let claims =
        json!({ "sub": "42", "scope": "chat.read chat.write", "permissions": ["room.open"] });
    let user = verifier()
        .verify(&signed(claims))
        .await
        .unwrap()
        .unwrap()
        .user;

    for (permission, may) in [
        ("chat.read", true),
        ("room.open", true),
        ("chat", false),
        ("room.close", false),
        ("", false),
    ] {
        assert_eq!(user.has_permission(permission), may, "{permission}");
    }
    assert_eq!(format!("{user:?}"), r#"JwtUser { id: "42", .. }"#);
}

#[tokio::test]
async fn token_is_good_for_its_leeway_longer() {
    let verified = verifier()
        .verify(&signed(json!({ "sub": "42" })))
        .await
        .unwrap()
        .unwrap();

    let left = verified
        .until
        .unwrap()
        .duration_since(SystemTime::now())
        .unwrap();
    assert!((80..=90).contains(&left.as_secs()), "{left:?}");
}

#[tokio::test]
async fn claim_has_to_be_the_wanted_one() {
    // Django's Simple JWT signs access and refresh tokens with one key.
    let config = JwtConfig::default().claim("token_type", "access");
    let verifier = JwtVerifier::new(key(Algorithm::Hs256), config);

    for (found, good) in [
        (json!("access"), true),
        (json!("refresh"), false),
        (json!(null), false),
    ] {
        let token = signed(json!({ "sub": "42", "token_type": found }));
        assert_eq!(verifier.verify(&token).await.unwrap().is_some(), good);
    }
}

#[tokio::test]
async fn function_makes_users_of_claims() {
    async fn admins(claims: Claims) -> Result<Option<Member>, BackendError> {
        let is_admin = claims.get("admin") == Some(&true.into());
        Ok(is_admin.then_some(Member(7)))
    }
    let verifier = verifier().users(admins);

    let admin = verifier
        .verify(&signed(json!({ "admin": true })))
        .await
        .unwrap();
    assert_eq!(admin.unwrap().user.id(), "7");
    assert!(
        verifier
            .verify(&signed(json!({ "sub": "7" })))
            .await
            .unwrap()
            .is_none()
    );
}

struct Member(u64);

impl AuthUser for Member {
    fn id(&self) -> Cow<'_, str> {
        self.0.to_string().into()
    }
}

/// The members, by number.
#[derive(Clone)]
struct Members(Arc<Mutex<Vec<u64>>>);

impl UserBackend for Members {
    type User = Member;

    fn name(&self) -> &str {
        "members"
    }

    async fn find(&self, id: &str) -> Result<Option<Member>, BackendError> {
        let Ok(number) = id.parse() else {
            return Ok(None);
        };
        let known = self.0.lock().unwrap().contains(&number);
        Ok(known.then_some(Member(number)))
    }
}

#[tokio::test]
async fn user_of_a_backend_is_found_by_a_claim() {
    let members = Members(Arc::new(Mutex::new(vec![7])));
    let by_subject = verifier().users(FindUser::new(members.clone()));
    let by_id = verifier().users(FindUser::new(members.clone()).claim("user_id"));

    for (claims, subject, id) in [
        (json!({ "sub": "7" }), true, false),
        (json!({ "sub": "8" }), false, false),
        (json!({ "sub": "seven" }), false, false),
        (json!({ "user_id": 7 }), false, true),
        (json!({ "user_id": "7" }), false, true),
        (json!({ "user_id": [7] }), false, false),
    ] {
        let token = signed(claims.clone());
        assert_eq!(
            by_subject.verify(&token).await.unwrap().is_some(),
            subject,
            "{claims}"
        );
        assert_eq!(
            by_id.verify(&token).await.unwrap().is_some(),
            id,
            "{claims}"
        );
    }

    assert!(by_id.holds(&Member(7)).await.unwrap());
    members.0.lock().unwrap().clear();
    assert!(!by_id.holds(&Member(7)).await.unwrap());
}
