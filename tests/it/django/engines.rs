use anyhow::{Context, Result};

use super::{
    away, ended, forged, keys, known, login, returned,
    scene::{Engine, Kind, Model, Scene},
    sockets::Sockets,
};

#[tokio::test]
async fn sessions_in_sqlite() -> Result<()> {
    promises(Engine::Db, Kind::Sqlite, Model::User).await
}

#[tokio::test]
async fn sessions_in_sqlite_of_users_with_uuids() -> Result<()> {
    promises(Engine::Db, Kind::Sqlite, Model::Member).await
}

#[tokio::test]
async fn sessions_in_postgres_of_users_with_uuids() -> Result<()> {
    promises(Engine::Db, Kind::Postgres, Model::Member).await
}

#[tokio::test]
async fn sessions_in_a_cache() -> Result<()> {
    promises(Engine::Cache, Kind::Sqlite, Model::User).await
}

#[tokio::test]
async fn sessions_in_postgres_and_a_cache() -> Result<()> {
    promises(Engine::CachedDb, Kind::Postgres, Model::User).await
}

#[tokio::test]
async fn sessions_in_files() -> Result<()> {
    promises(Engine::File, Kind::Sqlite, Model::User).await
}

#[tokio::test]
async fn sessions_in_cookies() -> Result<()> {
    promises(Engine::SignedCookies, Kind::Sqlite, Model::User).await
}

/// Keeps each promise in turn, in one scene, as it takes longest to set up.
macro_rules! keep {
    ($scene:ident: $($room:ident :: $promise:ident,)+) => {
        $($room::$promise($scene)
            .await
            .context(concat!("promise not kept: ", stringify!($promise)))?;)+
    };
}

async fn promises(engine: Engine, kind: Kind, model: Model) -> Result<()> {
    let scene = &Scene::start(engine, kind, model).await?;
    keep! { scene:
        login::wrong_password_makes_no_session,
        login::login_makes_a_session_and_logout_ends_it,
        login::session_remembers_and_forgets,
        login::changed_password_ends_other_sessions,
    }

    let here = &(scene, &Sockets::start(scene).await?);
    keep! { here:
        known::who_logs_in_at_django_is_known_to_the_socket,
        known::nobody_is_nobody,
        known::pages_of_other_sites_are_refused,
        known::who_may_do_what_is_the_same_on_both_sides,
        returned::who_logs_in_here_is_known_to_django,
        returned::who_does_not_know_the_password_is_not_logged_in,
        returned::who_logs_out_here_is_nobody_to_django,
        returned::session_is_one_for_both,
        forged::forged_cookies_are_nobodys,
        forged::tampered_sessions_are_nobodys,
        forged::expired_sessions_are_nobodys,
        keys::another_secret_key_knows_nobody,
        keys::page_with_another_secret_key_does_not_replace_the_session,
        keys::former_secret_keys_are_believed,
        ended::logout_at_django_closes_the_sockets_of_the_session_at_once,
        ended::logout_without_a_word_closes_them_within_the_interval,
        ended::changed_password_closes_the_other_sockets_of_the_user_and_keeps_the_own,
        ended::somebody_else_who_logs_in_closes_the_sockets_of_the_session_at_once,
        ended::deactivated_user_is_gone_within_the_interval,
        away::database_that_is_away_ends_nothing_and_is_no_reason_to_be_nobody,
    }
    Ok(())
}
