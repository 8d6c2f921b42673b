//! Sockets whose user is not logged in any more.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use solent_django::signing::SecretKeys;

use super::{
    known::Here,
    scene::{Engine, PASSWORD, SECRET_KEY, Scene},
    sockets::Sockets,
};

/// How often an application looks again that nobody tells anything.
pub(super) const INTERVAL: Duration = Duration::from_millis(200);

/// An application that looks again and again.
pub(super) async fn watchful(scene: &Scene) -> Result<Sockets> {
    let keys = SecretKeys::new(SECRET_KEY)?;
    Sockets::with(scene, keys, INTERVAL).await
}

/// The application here looks at sessions only when it is told to.
pub(super) async fn logout_at_django_closes_the_sockets_of_the_session_at_once(
    (scene, sockets): &Here<'_>,
) -> Result<()> {
    let mut browser = scene.login("ada").await?;
    let (first, second) = (
        sockets.connect(&browser).await?,
        sockets.connect(&browser).await?,
    );
    let other = scene.login_elsewhere("ada").await?;
    let mut stays = sockets.connect(&other).await?;

    browser.logout(&scene.django(), false).await?;

    first.closed().await.context("the first")?;
    second.closed().await.context("the second")?;
    assert!(stays.may("auth.view_group").await?, "another session");
    Ok(())
}

pub(super) async fn logout_without_a_word_closes_them_within_the_interval(
    (scene, _): &Here<'_>,
) -> Result<()> {
    let sockets = watchful(scene).await?;
    let mut browser = scene.login("ada").await?;
    let copy = browser.clone();
    let mut socket = sockets.connect(&browser).await?;
    let other = scene.login_elsewhere("ada").await?;
    let mut stays = sockets.connect(&other).await?;

    browser.logout(&scene.django(), true).await?;

    if scene.engine == Engine::SignedCookies {
        // Nobody can see that a session in a cookie is over: it is good wherever there is a copy.
        assert_eq!(sockets.connect(&copy).await?.who["name"], scene.name("ada"));
        assert!(socket.may("auth.view_group").await?);
    } else {
        socket.closed().await?;
    }
    assert!(stays.may("auth.view_group").await?, "another session");
    Ok(())
}

pub(super) async fn changed_password_closes_the_other_sockets_of_the_user_and_keeps_the_own(
    (scene, sockets): &Here<'_>,
) -> Result<()> {
    let mut here = scene.login("dan").await?;
    let there = scene.login_elsewhere("dan").await?;
    let (mut one, two) = (
        sockets.connect(&here).await?,
        sockets.connect(&there).await?,
    );
    let ada = scene.login("ada").await?;
    let mut stays = sockets.connect(&ada).await?;

    here.change_password(&scene.django(), PASSWORD, "the next one")
        .await?;

    two.closed().await.context("another session")?;
    one.may("auth.view_group").await.context("the own socket")?;
    let again = sockets.connect(&here).await?;
    assert_eq!(again.who["name"], scene.name("dan"));
    assert_eq!(sockets.connect(&there).await?.who, json!({"id": null}));
    assert!(stays.may("auth.view_group").await?, "another user");

    // It knows which session is its own by now.
    here.logout(&scene.django(), false).await?;
    one.closed()
        .await
        .context("the own socket after a logout")?;
    Ok(())
}

pub(super) async fn somebody_else_who_logs_in_closes_the_sockets_of_the_session_at_once(
    (scene, sockets): &Here<'_>,
) -> Result<()> {
    let mut browser = scene.login("ada").await?;
    let socket = sockets.connect(&browser).await?;

    browser
        .login(&scene.django(), &scene.name("fay"), PASSWORD)
        .await?;

    socket.closed().await?;
    assert_eq!(
        sockets.connect(&browser).await?.who["name"],
        scene.name("fay")
    );
    Ok(())
}

pub(super) async fn deactivated_user_is_gone_within_the_interval(
    (scene, _): &Here<'_>,
) -> Result<()> {
    let sockets = watchful(scene).await?;
    let browser = scene.login("fay").await?;
    let socket = sockets.connect(&browser).await?;
    assert_eq!(socket.who["name"], scene.name("fay"));

    let (table, column) = (scene.model.table(), scene.model.username());
    let name = scene.name("fay");
    let sql = format!("UPDATE {table} SET is_active = false WHERE {column} = '{name}'");
    scene.rows(&sql).await?;

    socket.closed().await?;
    assert_eq!(sockets.connect(&browser).await?.who, json!({"id": null}));
    Ok(())
}
