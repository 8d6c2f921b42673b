use solent_test_servers::{RedisSentinels, ServerError};

#[tokio::test]
async fn replica_is_promoted_when_the_master_is_killed() -> Result<(), ServerError> {
    let sentinels = RedisSentinels::builder()
        .password("se \"cret")
        .start()
        .await?;
    assert_eq!(sentinels.urls().len(), 3);
    assert_eq!(sentinels.servers().len(), 2);
    let old = sentinels.master().await?;
    assert_eq!(old.port(), sentinels.servers()[0].port());
    old.command(&["SET", "kept", "yes"]).await?;
    assert_eq!(old.command(&["WAIT", "1", "0"]).await?, "1");

    let new = sentinels.fail_over().await?;

    assert_ne!(new.port(), old.port());
    assert_eq!(old.pid(), None);
    assert_eq!(new.command(&["GET", "kept"]).await?, "yes");
    new.command(&["SET", "written", "too"]).await?;
    assert_eq!(sentinels.master().await?.port(), new.port());
    Ok(())
}

#[tokio::test]
async fn one_sentinel_is_enough() -> Result<(), ServerError> {
    let sentinels = RedisSentinels::builder().sentinels(1).start().await?;

    let new = sentinels.fail_over().await?;

    assert_eq!(new.port(), sentinels.servers()[1].port());
    let said = sentinels.sentinels()[0]
        .command(&[
            "SENTINEL",
            "GET-MASTER-ADDR-BY-NAME",
            sentinels.master_name(),
        ])
        .await?;
    assert_eq!(said, format!("127.0.0.1\n{}", new.port()));
    Ok(())
}
