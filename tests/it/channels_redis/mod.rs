//! Python and Rust on one Redis.

// Two processes, one of each language, and what they say to each other.
mod peer;
mod scene;
mod value;

// What both layers promise.
mod direct;
mod group;
mod settings;

// What only the queue layer has.
mod queue;

// Many messages at once, and Redis that goes away.
mod away;
mod burst;
mod frozen;
mod load;
mod outage;

// A Django project, and sockets that Solent holds.
mod django;

// The guide for Django.
mod guide;
