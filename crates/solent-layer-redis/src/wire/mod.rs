//! What is shared with channels_redis: keys, names, shards and payloads.
