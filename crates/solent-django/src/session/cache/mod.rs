//! `django.contrib.sessions.backends.cache`, with Django's Redis cache.

mod location;
mod redis_cache;
mod serializer;
mod sessions;

pub use self::{
    location::InvalidLocation, redis_cache::RedisCache, serializer::CacheSerializer,
    sessions::CacheSessions,
};
