//! What runs in Redis in one piece.
//!
//! Every key is declared, and all keys of one call are in one place of a cluster.

use std::sync::LazyLock;

use crate::link::Script;

/// Appends a message if there is room. Key: the channel's. Arguments: the score that has expired, the capacity, the score,
/// the payload, the expiry in seconds. Answers whether there was room.
pub(super) static SEND: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, ARGV[1])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
  return 0
end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1",
    )
});

/// Appends a message to each of several channels where there is room. Keys: the channels'. Arguments: the score that has
/// expired, the score, the expiry in seconds, and for each key its capacity and payload. Answers the numbers of those
/// without room, from 0, and of those whose key is something else.
pub(super) static SEND_EACH: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local full = {}
for i, key in ipairs(KEYS) do
  local purged = redis.pcall('ZREMRANGEBYSCORE', key, 0, ARGV[1])
  if type(purged) == 'table' and purged.err or redis.call('ZCARD', key) >= tonumber(ARGV[2 * i + 2]) then
    full[#full + 1] = i - 1
  else
    redis.call('ZADD', key, ARGV[2], ARGV[2 * i + 3])
    redis.call('EXPIRE', key, ARGV[3])
  end
end
return full",
    )
});

/// Removes members whose score has not changed. Key: the group's. Arguments: score and member, in turns.
pub(super) static REMOVE_UNCHANGED: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "for i = 1, #ARGV, 2 do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i + 1])
  if score and tonumber(score) == tonumber(ARGV[i]) then
    redis.call('ZREM', KEYS[1], ARGV[i + 1])
  end
end
return 0",
    )
});

/// Moves messages back to their channel, those that are still where they were. Keys: the channel's, and the set they are
/// in. Arguments: the expiry in seconds, how many bytes a member has before its payload, and the members. Answers how many
/// were moved.
pub(super) static RESTORE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local moved = 0
for i = 3, #ARGV do
  local score = redis.call('ZSCORE', KEYS[2], ARGV[i])
  if score then
    redis.call('ZREM', KEYS[2], ARGV[i])
    redis.call('ZADD', KEYS[1], score, string.sub(ARGV[i], ARGV[2] + 1))
    redis.call('EXPIRE', KEYS[1], ARGV[1])
    moved = moved + 1
  end
end
return moved",
    )
});
