//! What happens here and is to be known there.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{
    browser::Browser,
    known::Here,
    login::is_stored,
    scene::{Engine, PASSWORD, Scene},
};

pub(super) async fn who_logs_in_here_is_known_to_django((scene, sockets): &Here<'_>) -> Result<()> {
    let mut browser = Browser::default();
    let (before, password) = columns(scene, "ada").await?;

    let who = sockets
        .login(&mut browser, &scene.name("ada"), PASSWORD)
        .await?;

    let key = browser.session().context("no session")?.to_owned();
    assert!(is_stored(scene, &key).await?);
    assert_eq!(who["name"], scene.name("ada"));
    assert_eq!(scene.whoami(&mut browser).await?, who);
    assert_eq!(browser.session(), Some(&*key), "Django has made another");
    let (after, same) = columns(scene, "ada").await?;
    assert_ne!(after, before, "the time of the login is not noted");
    assert_eq!(same, password, "the password was hashed anew");
    Ok(())
}

/// When the user has logged in last, and the password as it is stored.
async fn columns(scene: &Scene, user: &str) -> Result<(Value, Value)> {
    let (table, column) = (scene.model.table(), scene.model.username());
    let name = scene.name(user);
    let sql =
        format!("SELECT CAST(last_login AS text), password FROM {table} WHERE {column} = '{name}'");
    let row = scene.rows(&sql).await?.into_iter().next();
    let [last_login, password] = <[Value; 2]>::try_from(row.context("no such user")?)
        .ok()
        .context("two columns")?;
    Ok((last_login, password))
}

pub(super) async fn who_does_not_know_the_password_is_not_logged_in(
    (scene, sockets): &Here<'_>,
) -> Result<()> {
    let (ada, gone) = (scene.name("ada"), scene.name("gone"));
    for (name, password) in [
        (&*ada, "wrong"),
        (&*ada, ""),
        (&*gone, PASSWORD),
        ("nobody", PASSWORD),
        ("' OR 1=1 --", "' OR 1=1 --"),
        ("\0", PASSWORD),
    ] {
        let mut browser = Browser::default();

        let who = sockets.login(&mut browser, name, password).await?;

        assert_eq!(who, json!({"id": null}), "{name:?}");
        assert_eq!(browser.session(), None, "{name:?}");
    }
    Ok(())
}

pub(super) async fn who_logs_out_here_is_nobody_to_django(
    (scene, sockets): &Here<'_>,
) -> Result<()> {
    let mut browser = scene.login("ada").await?;
    let copy = browser.clone();
    let key = browser.session().context("no session")?.to_owned();
    let other = scene.login_elsewhere("ada").await?;
    let socket = sockets.connect(&browser).await?;
    let mut stays = sockets.connect(&other).await?;

    let who = sockets.logout(&mut browser).await?;

    assert_eq!(who, json!({"id": null}));
    assert_eq!(browser.session(), None);
    socket.closed().await.context("the session's socket")?;
    if scene.engine != Engine::SignedCookies {
        assert!(!is_stored(scene, &key).await?);
        assert_eq!(scene.whoami(&mut copy.clone()).await?, json!({"id": null}));
        assert_eq!(sockets.connect(&copy).await?.who, json!({"id": null}));
    }
    assert!(stays.may("auth.view_group").await?, "another session");
    Ok(())
}

pub(super) async fn session_is_one_for_both((scene, sockets): &Here<'_>) -> Result<()> {
    let mut browser = Browser::default();
    let odd = json!({"text": "grüße 中 😀", "numbers": [1, -0.5, null, true]});
    let remember = scene.page("/session/remember/");
    browser.post_json(&remember, &json!({"there": odd})).await?;

    // What nobody's session has is kept by whoever logs in with it.
    sockets
        .login(&mut browser, &scene.name("ada"), PASSWORD)
        .await?;
    let here = sockets
        .post(&mut browser, "/remember/", &json!({"here": odd}))
        .await?;
    let there = browser.json(&scene.page("/session/")).await?["data"].clone();
    browser.post_json(&remember, &json!({"here": null})).await?;
    let again = sockets.post(&mut browser, "/remember/", &json!({})).await?;

    assert_eq!(here["there"], odd);
    assert_eq!(there, here);
    assert_eq!(again["there"], odd);
    ensure!(again.get("here").is_none(), "{again}");
    assert_eq!(scene.whoami(&mut browser).await?["name"], scene.name("ada"));
    Ok(())
}
