//! The layer from outside.

// Which types may cross threads.
mod auto_traits;
// What the layer does beyond the promises of the trait: groups of thousands, races, sweeping.
mod beyond;
// What a mailbox takes, and that all of it is given back.
mod memory;

// The promises of every layer.
mod promises;

use solent_layer::{ChannelLayer, ChannelName, Delivery, GroupName, Mailbox, Message};
use solent_layer_memory::{MemoryConfig, MemoryLayer};

fn group(name: &str) -> GroupName {
    name.parse().unwrap()
}

fn channel(name: &str) -> ChannelName {
    name.parse().unwrap()
}

/// A message that carries a number.
fn number(number: usize) -> Message {
    Message::ready(number.to_string())
}

/// The messages that wait.
async fn waiting(mailbox: &mut Mailbox) -> Vec<Message> {
    let mut messages = Vec::new();
    while !mailbox.is_empty() {
        if let Some(Delivery::Message(message)) = mailbox.recv().await {
            messages.push(message);
        }
    }
    messages
}
