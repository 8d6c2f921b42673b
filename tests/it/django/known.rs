use anyhow::{Context, Result};
use http::StatusCode;
use serde_json::json;

use super::{browser::Browser, scene::Scene, sockets::Sockets};

/// What the promises are tried in: the project, and our application beside it.
pub(super) type Here<'a> = (&'a Scene, &'a Sockets);

pub(super) async fn who_logs_in_at_django_is_known_to_the_socket(
    (scene, sockets): &Here<'_>,
) -> Result<()> {
    let mut browser = scene.login("ada").await?;

    let socket = sockets.connect(&browser).await?;

    let expected = json!({
        "id": scene.key("ada")?,
        "name": scene.name("ada"),
        "groups": ["editors"],
        "permissions": ["auth.change_group", "auth.view_group"],
    });
    assert_eq!(socket.who, expected);
    assert_eq!(scene.whoami(&mut browser).await?, expected);
    assert_eq!(browser.json(&sockets.page("/whoami/")).await?, expected);
    Ok(())
}

pub(super) async fn nobody_is_nobody((scene, sockets): &Here<'_>) -> Result<()> {
    let mut stranger = Browser::default();
    // A session of somebody who has not logged in.
    let remember = scene.page("/session/remember/");
    let mut visitor = Browser::default();
    visitor.post_json(&remember, &json!({"basket": 1})).await?;
    visitor.session().context("no session")?;
    let mut gone = scene.login("ada").await?;
    gone.logout(&scene.django(), true).await?;

    for browser in [&mut stranger, &mut visitor, &mut gone] {
        let before = browser.cookies.clone();
        assert_eq!(sockets.connect(browser).await?.who, json!({"id": null}));
        let who = browser.json(&sockets.page("/whoami/")).await?;
        assert_eq!(who, json!({"id": null}));
        assert_eq!(browser.cookies, before, "a cookie was set");
    }
    Ok(())
}

pub(super) async fn pages_of_other_sites_are_refused((scene, sockets): &Here<'_>) -> Result<()> {
    let browser = scene.login("ada").await?;

    for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        let status = sockets.refusal(origin, &browser).await?;
        assert_eq!(status, StatusCode::FORBIDDEN, "{origin}");
    }
    let same = sockets.page("");
    let socket = sockets.connect_from(&same, &browser).await?;
    assert_eq!(socket.who["name"], scene.name("ada"));
    Ok(())
}

pub(super) async fn who_may_do_what_is_the_same_on_both_sides(
    (scene, sockets): &Here<'_>,
) -> Result<()> {
    let mut all = scene.login("bob").await?;
    let everything = scene.whoami(&mut all).await?["permissions"].clone();
    let everything: Vec<String> = serde_json::from_value(everything)?;
    assert!(everything.len() >= 16, "{everything:?}");

    for user in ["ada", "bob", "eve"] {
        let mut browser = match user {
            // Her password has been changed.
            "eve" => {
                let mut browser = Browser::default();
                let django = scene.django();
                browser
                    .login(&django, &scene.name("eve"), "another one")
                    .await?;
                browser
            }
            user => scene.login(user).await?,
        };
        let who = scene.whoami(&mut browser).await?;
        let django: Vec<String> = serde_json::from_value(who["permissions"].clone())?;
        let mut socket = sockets.connect(&browser).await?;
        assert_eq!(socket.who["groups"], who["groups"]);
        for permission in &everything {
            let expected = django.contains(permission);
            assert_eq!(
                socket.may(permission).await?,
                expected,
                "{user} {permission}"
            );
        }
    }
    Ok(())
}
