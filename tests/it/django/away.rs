//! Stores that go away for a while.

use anyhow::{Context, Result};
use http::StatusCode;
use serde_json::json;
use tokio::time::sleep;

use super::{
    browser::Browser,
    ended::{INTERVAL, watchful},
    known::Here,
    scene::Database,
};

pub(super) async fn database_that_is_away_ends_nothing_and_is_no_reason_to_be_nobody(
    (scene, _): &Here<'_>,
) -> Result<()> {
    let Database::Postgres(server) = &scene.database else {
        // There is nobody to stop.
        return Ok(());
    };
    let sockets = watchful(scene).await?;
    let browser = scene.login("ada").await?;
    let mut stays = sockets.connect(&browser).await?;
    server.stop().await?;

    let status = sockets.refusal(&scene.django(), &browser).await?;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    // Whoever has no session needs no store.
    let stranger = sockets.connect(&Browser::default()).await?;
    assert_eq!(stranger.who, json!({"id": null}));
    // Long enough to look several times.
    sleep(4 * INTERVAL).await;
    assert!(stays.may("auth.view_group").await?, "its socket");

    server.restart().await?;
    let again = sockets.connect(&browser).await.context("afterwards")?;
    assert_eq!(again.who["name"], scene.name("ada"));
    assert!(stays.may("auth.view_group").await?, "its socket");
    Ok(())
}
