use serde::{Deserialize, Serialize};
use solent_layer::{ChannelLayer, ChannelName, Delivery, DynLayer, Message};
use solent_layer_memory::MemoryLayer;
use solent_spec::{Channel, Connection, Result, channel::ChannelScope};
use solent_testing::{ChannelCommunicator, CommunicatorError};

#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type")]
enum Job {
    #[serde(rename = "square")]
    Square { n: u64, reply: String },
    #[serde(rename = "squared")]
    Squared { n: u64 },
}

async fn squares(mut connection: Connection<Channel>) -> Result {
    let layer: DynLayer = connection.scope().state.get().cloned().ok_or("no layer")?;
    while let Some(message) = connection.receive().await {
        if let Job::Square { n, reply } = &*message.decode()? {
            let reply: ChannelName = reply.parse()?;
            let squared = Message::encode(&Job::Squared { n: n * n })?;
            layer.send(&reply, squared).await?;
        }
    }
    Ok(())
}

fn scope(layer: &DynLayer) -> ChannelScope {
    let mut state = http::Extensions::new();
    state.insert(layer.clone());
    ChannelScope::new("squares").state(state)
}

#[tokio::test(start_paused = true)]
async fn worker_answers_through_the_layer() {
    let layer = DynLayer::new(MemoryLayer::default());
    let mut mailbox = layer.open("test").await.unwrap();
    let mut worker = ChannelCommunicator::start(squares, scope(&layer));
    let reply = mailbox.name().to_string();

    worker
        .send_event(&Job::Square { n: 7, reply })
        .await
        .unwrap();
    worker.settle().await;

    let Some(Delivery::Message(message)) = mailbox.recv().await else {
        panic!("an answer")
    };
    assert_eq!(*message.decode::<Job>().unwrap(), Job::Squared { n: 49 });
    worker.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn message_of_the_wrong_shape_ends_the_worker_with_its_error() {
    let layer = DynLayer::new(MemoryLayer::default());
    let mut worker = ChannelCommunicator::start(squares, scope(&layer));

    worker
        .send_event(&serde_json::json!({ "type": "cube" }))
        .await
        .unwrap();

    assert!(
        worker
            .wait()
            .await
            .unwrap_err()
            .application_error()
            .is_some()
    );
}

#[tokio::test(start_paused = true)]
async fn event_that_is_no_message_is_the_tests_mistake() {
    let layer = DynLayer::new(MemoryLayer::default());
    let mut worker = ChannelCommunicator::start(squares, scope(&layer));

    let error = worker.send_event("text").await.unwrap_err();

    assert!(matches!(error, CommunicatorError::Request(_)), "{error:?}");
    worker.end().await.unwrap();
}
