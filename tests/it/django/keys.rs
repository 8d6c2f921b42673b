//! Applications that have another secret key than the project.

use std::time::Duration;

use anyhow::Result;
use http::StatusCode;
use serde_json::json;
use solent_django::signing::SecretKeys;

use super::{
    known::Here,
    scene::{Engine, SECRET_KEY},
    sockets::Sockets,
};

const OTHER: &str = "what another project signs with";

pub(super) async fn another_secret_key_knows_nobody((scene, _): &Here<'_>) -> Result<()> {
    let mut browser = scene.login("ada").await?;
    let keys = SecretKeys::new(OTHER)?;
    let sockets = Sockets::with(scene, keys, Duration::ZERO).await?;

    assert_eq!(sockets.connect(&browser).await?.who, json!({"id": null}));
    let who = browser.json(&sockets.page("/whoami/")).await?;
    assert_eq!(who, json!({"id": null}));

    // The mistake of ours has cost nobody their session, nor its cookie.
    assert_eq!(scene.whoami(&mut browser).await?["name"], scene.name("ada"));
    Ok(())
}

pub(super) async fn page_with_another_secret_key_does_not_replace_the_session(
    (scene, _): &Here<'_>,
) -> Result<()> {
    if scene.engine == Engine::Cache {
        // Nothing is signed there.
        return Ok(());
    }
    let mut browser = scene.login("ada").await?;
    let before = browser.session().map(str::to_owned);
    let keys = SecretKeys::new(OTHER)?;
    let sockets = Sockets::with(scene, keys, Duration::ZERO).await?;

    let page = sockets.page("/remember/");
    let page = browser.post_json(&page, &json!({"here": 1})).await?;

    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert_eq!(browser.session().map(str::to_owned), before);
    assert_eq!(scene.whoami(&mut browser).await?["name"], scene.name("ada"));
    Ok(())
}

pub(super) async fn former_secret_keys_are_believed((scene, _): &Here<'_>) -> Result<()> {
    let mut browser = scene.login("ada").await?;
    let keys = SecretKeys::new(OTHER)?.fallbacks([SECRET_KEY])?;
    let sockets = Sockets::with(scene, keys, Duration::ZERO).await?;

    let socket = sockets.connect(&browser).await?;

    assert_eq!(socket.who["name"], scene.name("ada"));
    assert_eq!(scene.whoami(&mut browser).await?["name"], scene.name("ada"));
    Ok(())
}
