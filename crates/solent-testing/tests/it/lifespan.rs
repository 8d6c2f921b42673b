use solent_spec::{
    Connection, Lifespan, Result, SendError,
    lifespan::{Inbound, Outbound},
};
use solent_testing::{CommunicatorError, LifespanCommunicator};

#[tokio::test(start_paused = true)]
async fn application_starts_and_cleans_up() {
    async fn life(mut connection: Connection<Lifespan>) -> Result {
        assert_eq!(connection.receive().await, Some(Inbound::Startup));
        let mut state = http::Extensions::new();
        state.insert(7_u32);
        connection.send(Outbound::StartupComplete { state }).await?;
        assert_eq!(connection.receive().await, Some(Inbound::Shutdown));
        connection.send(Outbound::ShutdownComplete).await?;
        assert_eq!(connection.receive().await, None);
        Ok(())
    }
    let mut server = LifespanCommunicator::start(life);

    assert_eq!(server.startup().await.unwrap().get(), Some(&7_u32));
    server.events().receive_nothing().await.unwrap();
    server.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn application_that_refuses_to_start_says_why() {
    async fn refuses(mut connection: Connection<Lifespan>) -> Result {
        connection.receive().await;
        let message = "no database".into();
        connection.send(Outbound::StartupFailed { message }).await?;
        let refused = connection
            .send(Outbound::ShutdownComplete)
            .await
            .unwrap_err();
        assert!(matches!(refused, SendError::Closed));
        Ok(())
    }
    let mut server = LifespanCommunicator::start(refuses);

    let error = server.startup().await.unwrap_err();

    assert!(matches!(&error, CommunicatorError::Refused(message) if message == "no database"));
    server.events().wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn application_that_cannot_clean_up_says_why() {
    async fn fails(mut connection: Connection<Lifespan>) -> Result {
        connection.receive().await;
        let state = http::Extensions::new();
        connection.send(Outbound::StartupComplete { state }).await?;
        connection.receive().await;
        let message = "disk full".into();
        Ok(connection
            .send(Outbound::ShutdownFailed { message })
            .await?)
    }
    let mut server = LifespanCommunicator::start(fails);
    server.startup().await.unwrap();

    let error = server.shutdown().await.unwrap_err();

    assert!(matches!(error, CommunicatorError::Refused(message) if message == "disk full"));
}

#[tokio::test(start_paused = true)]
async fn shutdown_is_not_answered_before_it_is_asked() {
    async fn hasty(mut connection: Connection<Lifespan>) -> Result {
        connection.receive().await;
        let refused = connection
            .send(Outbound::ShutdownComplete)
            .await
            .unwrap_err();
        assert!(matches!(refused, SendError::Illegal(_)));
        let state = http::Extensions::new();
        connection.send(Outbound::StartupComplete { state }).await?;
        let refused = connection
            .send(Outbound::ShutdownComplete)
            .await
            .unwrap_err();
        assert!(matches!(refused, SendError::Illegal(_)));
        Ok(())
    }
    let mut server = LifespanCommunicator::start(hasty);

    server.startup().await.unwrap();

    server.events().wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn application_without_lifespan_is_told_from_one_that_refuses() {
    let mut fails = LifespanCommunicator::start(|_: Connection<Lifespan>| async {
        Err("unknown protocol".into())
    });
    let mut ends = LifespanCommunicator::start(|_: Connection<Lifespan>| async { Ok(()) });

    assert!(
        fails
            .startup()
            .await
            .unwrap_err()
            .application_error()
            .is_some()
    );
    assert!(matches!(
        ends.startup().await,
        Err(CommunicatorError::Ended(_))
    ));
}
