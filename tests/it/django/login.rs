use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::{
    browser::Browser,
    scene::{Engine, PASSWORD, Scene},
};

/// How long a session lasts, in seconds.
const AGE: &str = "Max-Age=1209600";

pub(super) async fn wrong_password_makes_no_session(scene: &Scene) -> Result<()> {
    let mut browser = Browser::default();
    let (django, ada, gone) = (scene.django(), scene.name("ada"), scene.name("gone"));

    ensure!(!browser.login(&django, &ada, "wrong").await?);
    ensure!(!browser.login(&django, &gone, PASSWORD).await?);

    assert_eq!(browser.session(), None);
    assert_eq!(scene.whoami(&mut browser).await?, json!({"id": null}));
    Ok(())
}

pub(super) async fn login_makes_a_session_and_logout_ends_it(scene: &Scene) -> Result<()> {
    let mut browser = Browser::default();
    let fields = [("username", &*scene.name("ada")), ("password", PASSWORD)];
    let page = browser.submit(&scene.page("/login/"), &fields).await?;

    let line = page.set_cookie("sessionid").context("no cookie")?;
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", AGE] {
        ensure!(line.contains(attribute), "{line}");
    }
    let key = browser.session().context("no session")?.to_owned();
    assert!(is_stored(scene, &key).await?);
    let expected = json!({
        "id": scene.key("ada")?,
        "name": scene.name("ada"),
        "groups": ["editors"],
        "permissions": ["auth.change_group", "auth.view_group"],
    });
    assert_eq!(scene.whoami(&mut browser).await?, expected);

    browser.logout(&scene.django(), false).await?;

    assert_eq!(browser.session(), None);
    assert_eq!(scene.whoami(&mut browser).await?, json!({"id": null}));
    // A session in a cookie cannot be taken back.
    let remains = scene.engine == Engine::SignedCookies;
    assert_eq!(is_stored(scene, &key).await?, remains);
    Ok(())
}

pub(super) async fn session_remembers_and_forgets(scene: &Scene) -> Result<()> {
    let mut browser = scene.login("bob").await?;
    let (remember, session) = (scene.page("/session/remember/"), scene.page("/session/"));

    browser
        .post_json(&remember, &json!({"basket": [1, "grüße"]}))
        .await?;
    let full = browser.json(&session).await?;
    browser
        .post_json(&remember, &json!({"basket": null}))
        .await?;
    let empty = browser.json(&session).await?;

    assert_eq!(full["data"]["basket"], json!([1, "grüße"]));
    assert_eq!(full["data"]["_auth_user_id"], scene.key("bob")?);
    assert_eq!(empty["data"].get("basket"), None);
    Ok(())
}

pub(super) async fn changed_password_ends_other_sessions(scene: &Scene) -> Result<()> {
    let (mut here, mut there) = (scene.login("eve").await?, scene.login("eve").await?);
    let before = here.session().map(str::to_owned);

    here.change_password(&scene.django(), PASSWORD, "another one")
        .await?;

    assert_ne!(here.session().map(str::to_owned), before);
    assert_eq!(scene.whoami(&mut here).await?["name"], scene.name("eve"));
    assert_eq!(scene.whoami(&mut there).await?, json!({"id": null}));
    Ok(())
}

/// Whether a session is where it belongs, in the form that it has there.
pub(super) async fn is_stored(scene: &Scene, cookie: &str) -> Result<bool> {
    let signed = match scene.engine {
        Engine::SignedCookies => Some(cookie.to_owned()),
        _ => {
            ensure!(is_key(cookie), "{cookie}");
            stored(scene, cookie).await?
        }
    };
    let cached = match scene.engine {
        Engine::Cache => Some("cache"),
        Engine::CachedDb => Some("cached_db"),
        _ => None,
    };
    if let Some(engine) = cached {
        let name = format!(":1:django.contrib.sessions.{engine}{cookie}");
        let found = scene.redis.keys().await?.contains(&name);
        ensure!(engine == "cache" || found == signed.is_some(), "half of it");
        if engine == "cache" {
            return Ok(found);
        }
    }
    let Some(signed) = signed else {
        return Ok(false);
    };
    let parts: Vec<_> = signed.split(':').collect();
    let is_plain = |part: &str| {
        part.chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    };
    ensure!(
        parts.len() == 3
            && signed.starts_with('.')
            && is_plain(&parts[0][1..])
            && is_plain(parts[1])
            && is_plain(parts[2]),
        "{signed}"
    );
    Ok(true)
}

/// The signed data of a session, wherever there is such.
pub(super) async fn stored(scene: &Scene, key: &str) -> Result<Option<String>> {
    Ok(match scene.engine {
        Engine::Db | Engine::CachedDb => scene.row(key).await?.map(|(data, _)| data),
        Engine::File => std::fs::read_to_string(scene.file(key)).ok(),
        Engine::Cache | Engine::SignedCookies => None,
    })
}

fn is_key(key: &str) -> bool {
    key.len() == 32
        && key
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
}
