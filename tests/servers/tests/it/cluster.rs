use solent_test_servers::{RedisCluster, RedisServer, ServerError};

/// A key whose slot, 12,182, is the last of three masters' to serve.
const LAST: &str = "foo";

async fn set(node: &RedisServer, key: &str) -> Result<String, ServerError> {
    node.command(&["SET", key, "1"]).await
}

#[tokio::test]
async fn three_masters_share_the_slots() -> Result<(), ServerError> {
    let cluster = RedisCluster::start(3).await?;
    assert_eq!(cluster.urls().len(), 3);
    let [first, _, last] = cluster.nodes() else {
        panic!("three nodes");
    };

    assert_eq!(set(last, LAST).await?, "OK");
    let moved = set(first, LAST).await.unwrap_err().to_string();
    assert!(
        moved.contains(&format!("MOVED 12182 127.0.0.1:{}", last.port())),
        "{moved}"
    );

    // Without a replica, the slots of the last are nobody's until it is back.
    cluster.take_away(2).await?;
    assert_eq!(last.pid(), None);
    let down = set(first, LAST).await.unwrap_err().to_string();
    assert!(down.contains("CLUSTERDOWN"), "{down}");
    cluster.bring_back(2).await?;
    assert_eq!(set(last, LAST).await?, "OK");
    Ok(())
}

#[tokio::test]
async fn replica_takes_over_from_a_master_that_is_taken_away() -> Result<(), ServerError> {
    let cluster = RedisCluster::builder()
        .replicas()
        .password("secret")
        .start()
        .await?;
    assert_eq!(cluster.nodes().len(), 6);

    cluster.take_away(2).await?;

    assert_eq!(set(&cluster.nodes()[5], LAST).await?, "OK");
    cluster.bring_back(2).await?;
    let role = cluster.nodes()[2].command(&["ROLE"]).await?;
    assert!(role.starts_with("slave"), "{role}");
    Ok(())
}
