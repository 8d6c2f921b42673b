use std::{
    convert::Infallible,
    num::NonZeroUsize,
    sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    time::Duration,
};

use solent_spec::{Connection, Protocol, Result, SendError};
use solent_testing::{AnyOrder, Communicator, CommunicatorConfig, CommunicatorError, Rules};
use tokio::time::{self, Instant};

/// Numbers there, text back.
struct Numbers;

impl Protocol for Numbers {
    const NAME: &'static str = "numbers";
    type Scope = &'static str;
    type Inbound = u32;
    type Outbound = String;
    type Direct = Infallible;
}

async fn echo(mut connection: Connection<Numbers>) -> Result {
    while let Some(number) = connection.receive().await {
        connection.send(number.to_string()).await?;
    }
    Ok(())
}

/// Answers each number with three texts, as a response is a start and two bodies.
async fn thrice(mut connection: Connection<Numbers>) -> Result {
    while let Some(number) = connection.receive().await {
        for part in 0..3 {
            connection.send(format!("{number}.{part}")).await?;
        }
    }
    Ok(())
}

async fn silent(mut connection: Connection<Numbers>) -> Result {
    while connection.receive().await.is_some() {}
    Ok(())
}

fn start(
    application: impl solent_spec::Application<Numbers>,
    config: CommunicatorConfig,
) -> Communicator<Numbers> {
    Communicator::with_rules(application, "scope", AnyOrder, config)
}

#[tokio::test(start_paused = true)]
async fn protocol_of_ones_own_is_spoken() {
    let mut communicator = Communicator::start(echo, "scope");

    communicator.send_input(7).await.unwrap();

    assert_eq!(communicator.receive_output().await.unwrap(), "7");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_received_when_nothing_was_sent() {
    let mut communicator = Communicator::start(thrice, "scope");

    communicator.receive_nothing().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn receiving_nothing_takes_no_event() {
    let mut communicator = Communicator::start(thrice, "scope");
    communicator.send_input(1).await.unwrap();

    for part in ["1.0", "1.1", "1.2"] {
        let error = communicator.receive_nothing().await.unwrap_err();
        assert!(
            matches!(&error, CommunicatorError::Unexpected { got, .. } if got.contains(part)),
            "{error:?}"
        );
        assert_eq!(communicator.receive_output().await.unwrap(), part);
    }

    communicator.receive_nothing().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_takes_no_time_and_waits_for_what_the_application_spawns() {
    async fn relay(mut connection: Connection<Numbers>) -> Result {
        let (tx, mut rx) = tokio::sync::mpsc::channel(1);
        while let Some(number) = connection.receive().await {
            let tx = tx.clone();
            tokio::spawn(async move {
                for _ in 0..1000 {
                    tokio::task::yield_now().await;
                }
                tx.send(number).await
            });
            let number = rx.recv().await.unwrap();
            connection.send(number.to_string()).await?;
        }
        Ok(())
    }
    let began = std::time::Instant::now();
    let mut communicator = Communicator::start(relay, "scope");
    communicator
        .receive_nothing_for(Duration::from_secs(3600))
        .await
        .unwrap();

    communicator.send_input(1).await.unwrap();

    assert!(communicator.receive_nothing().await.is_err());
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn timers_of_the_application_go_off_in_time() {
    async fn ticker(mut connection: Connection<Numbers>) -> Result {
        time::sleep(Duration::from_secs(10)).await;
        Ok(connection.send("tick".into()).await?)
    }
    let mut communicator = Communicator::start(ticker, "scope");
    let began = Instant::now();

    communicator
        .receive_nothing_for(Duration::from_millis(9_990))
        .await
        .unwrap();

    assert_eq!(communicator.receive_output().await.unwrap(), "tick");
    assert_eq!(began.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn time_out_does_not_end_the_application() {
    let mut communicator = Communicator::start(echo, "scope");

    let error = communicator.receive_output().await.unwrap_err();
    communicator.send_input(2).await.unwrap();

    assert!(error.is_elapsed(), "{error:?}");
    assert_eq!(
        communicator.receive_output().await.unwrap(),
        "2",
        "the application goes on"
    );
}

#[tokio::test(start_paused = true)]
async fn time_out_of_a_wait_does_not_end_the_application() {
    let mut communicator = Communicator::start(echo, "scope");

    assert!(communicator.wait().await.unwrap_err().is_elapsed());

    communicator.send_input(3).await.unwrap();
    assert_eq!(communicator.receive_output().await.unwrap(), "3");
}

#[tokio::test(start_paused = true)]
async fn error_of_the_application_comes_after_what_it_sent() {
    async fn fails(mut connection: Connection<Numbers>) -> Result {
        connection.send("one".into()).await?;
        connection.send("two".into()).await?;
        Err("the disk is full".into())
    }
    let mut communicator = Communicator::start(fails, "scope");
    communicator.settle().await;

    assert_eq!(communicator.receive_output().await.unwrap(), "one");
    assert_eq!(communicator.receive_output().await.unwrap(), "two");
    for _ in 0..2 {
        let error = communicator.receive_output().await.unwrap_err();
        let error = error.application_error().unwrap();
        assert_eq!(error.to_string(), "the disk is full");
    }
    for error in [
        communicator.send_input(1).await.unwrap_err(),
        communicator.receive_nothing().await.unwrap_err(),
        communicator.wait().await.unwrap_err(),
        communicator.stop().await.unwrap_err(),
    ] {
        assert!(error.application_error().is_some(), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn error_of_the_application_can_be_told_by_its_type() {
    #[derive(Debug, thiserror::Error)]
    #[error("no room {0}")]
    struct NoRoom(u32);

    let mut communicator = Communicator::start(
        |_: Connection<Numbers>| async { Err(NoRoom(7).into()) },
        "scope",
    );

    let error = communicator.wait().await.unwrap_err();

    let error = error.application_error().unwrap();
    assert_eq!(error.downcast_ref::<NoRoom>().unwrap().0, 7);
}

#[tokio::test(start_paused = true)]
async fn panic_of_the_application_is_told() {
    async fn panics(mut connection: Connection<Numbers>) -> Result {
        match connection.receive().await {
            Some(number) => panic!("number {number}"),
            None => Ok(()),
        }
    }
    let mut communicator = Communicator::start(panics, "scope");
    communicator.send_input(13).await.unwrap();

    let error = communicator.receive_output().await.unwrap_err();

    assert!(
        matches!(&error, CommunicatorError::Panicked(message) if message == "number 13"),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn application_that_ended_well_gives_and_takes_nothing() {
    let mut communicator = Communicator::start(|_: Connection<Numbers>| async { Ok(()) }, "scope");

    communicator.receive_nothing().await.unwrap();

    for error in [
        communicator.receive_output().await.unwrap_err(),
        communicator.send_input(1).await.unwrap_err(),
    ] {
        assert!(matches!(error, CommunicatorError::Ended(_)), "{error:?}");
    }
    communicator.wait().await.unwrap();
    communicator.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn application_starts_at_once_and_without_the_tests_context() {
    tokio::task_local! { static INSIDE: u32; }
    static STARTED: AtomicBool = AtomicBool::new(false);
    async fn looks(_: Connection<Numbers>) -> Result {
        assert!(INSIDE.try_with(|_| ()).is_err());
        STARTED.store(true, SeqCst);
        Ok(())
    }

    INSIDE
        .scope(1, async {
            let communicator = Communicator::start(looks, "scope");
            communicator.settle().await;
            communicator.stop().await.unwrap();
        })
        .await;

    assert!(STARTED.load(SeqCst));
}

#[tokio::test(start_paused = true)]
async fn stop_ends_the_application_where_it_is() {
    static DROPPED: AtomicBool = AtomicBool::new(false);
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {
            DROPPED.store(true, SeqCst);
        }
    }
    async fn hangs(_connection: Connection<Numbers>) -> Result {
        let _guard = Guard;
        std::future::pending().await
    }
    let communicator = Communicator::start(hangs, "scope");
    communicator.settle().await;

    communicator.stop().await.unwrap();

    assert!(DROPPED.load(SeqCst));
}

#[tokio::test(start_paused = true)]
async fn dropping_is_leaving() {
    static GOODBYES: AtomicU32 = AtomicU32::new(0);
    async fn polite(mut connection: Connection<Numbers>) -> Result {
        while connection.receive().await.is_some() {}
        let refused = connection.send("goodbye".into()).await.unwrap_err();
        assert!(matches!(refused, SendError::Closed));
        GOODBYES.fetch_add(1, SeqCst);
        Err(refused.into())
    }
    let communicator = Communicator::start(polite, "scope");

    drop(communicator);
    time::sleep(Duration::from_millis(1)).await;

    assert_eq!(GOODBYES.load(SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn application_that_ends_since_its_client_is_gone_has_ended_well() {
    async fn writes(mut connection: Connection<Numbers>) -> Result {
        loop {
            connection.send("more".into()).await?;
            time::sleep(Duration::from_secs(1)).await;
        }
    }
    let mut communicator = Communicator::start(writes, "scope");
    communicator.receive_output().await.unwrap();

    communicator.leave();

    communicator.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn end_of_input_comes_after_the_input() {
    let mut communicator = Communicator::start(echo, "scope");
    communicator.send_input(1).await.unwrap();
    communicator.send_input(2).await.unwrap();

    communicator.end_input();
    communicator.wait().await.unwrap();

    assert_eq!(communicator.receive_output().await.unwrap(), "1");
    assert_eq!(communicator.receive_output().await.unwrap(), "2");
}

#[tokio::test(start_paused = true)]
async fn application_waits_for_a_test_that_does_not_read() {
    static SENT: AtomicU32 = AtomicU32::new(0);
    async fn flood(mut connection: Connection<Numbers>) -> Result {
        loop {
            connection.send("x".into()).await?;
            SENT.fetch_add(1, SeqCst);
        }
    }
    let capacity = NonZeroUsize::new(3).unwrap();
    let mut communicator = start(flood, CommunicatorConfig::default().capacity(capacity));

    communicator.settle().await;
    assert_eq!(SENT.load(SeqCst), 3);

    communicator.receive_output().await.unwrap();
    communicator.settle().await;
    assert_eq!(SENT.load(SeqCst), 4);
}

#[tokio::test(start_paused = true)]
async fn application_that_never_flushes_overflows() {
    async fn feeds(mut connection: Connection<Numbers>) -> Result {
        loop {
            if let Err(error) = connection.feed("x".into()) {
                assert!(matches!(error, SendError::Overflow));
                return Err("overflow".into());
            }
        }
    }
    let capacity = NonZeroUsize::new(3).unwrap();
    let mut communicator = start(feeds, CommunicatorConfig::default().capacity(capacity));

    let error = communicator.wait().await.unwrap_err();

    assert_eq!(error.application_error().unwrap().to_string(), "overflow");
}

#[tokio::test(start_paused = true)]
async fn test_waits_for_an_application_that_does_not_read() {
    async fn deaf(_connection: Connection<Numbers>) -> Result {
        std::future::pending().await
    }
    let capacity = NonZeroUsize::new(2).unwrap();
    let mut communicator = start(deaf, CommunicatorConfig::default().capacity(capacity));
    communicator.send_input(1).await.unwrap();
    communicator.send_input(2).await.unwrap();

    let error = communicator.send_input(3).await.unwrap_err();

    assert!(error.is_elapsed(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn rules_refuse_what_the_protocol_does_not_allow() {
    struct OneWord;
    impl Rules<Numbers> for OneWord {
        fn sent(&mut self, event: &String) -> Result<(), SendError> {
            match event.contains(' ') {
                true => Err(SendError::Illegal("one word at a time")),
                false => Ok(()),
            }
        }
    }
    async fn talks(mut connection: Connection<Numbers>) -> Result {
        let refused = connection.send("two words".into()).await.unwrap_err();
        connection
            .send(format!("{}!", refused.to_string().replace(' ', "-")))
            .await?;
        Ok(())
    }
    let mut communicator =
        Communicator::with_rules(talks, "scope", OneWord, CommunicatorConfig::default());

    let output = communicator.receive_output().await.unwrap();

    assert_eq!(output, "one-word-at-a-time!");
}

#[tokio::test]
async fn running_clock_will_do_as_well() {
    let config = CommunicatorConfig::default().quiet(Duration::from_millis(5));
    let mut communicator = start(silent, config);

    communicator.receive_nothing().await.unwrap();
    communicator.end_input();

    communicator.wait().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_threads_lose_nothing() {
    let mut communicator = Communicator::start(echo, "scope");
    for number in 0..5_000 {
        communicator.send_input(number).await.unwrap();
        assert_eq!(
            communicator.receive_output().await.unwrap(),
            number.to_string()
        );
    }
}
