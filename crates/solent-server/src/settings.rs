//! Everything that can be set, with the default of each.

use std::time::Duration;

use solent_spec::request::IPV6_PREFIX;

use crate::ProxyProtocolConfig;

/// The settings of a [`Server`](crate::Server).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
#[must_use]
pub struct ServerConfig {
    /// Limits on what HTTP clients may do.
    pub http: HttpLimits,
    /// Limits on connections.
    pub connections: ConnectionLimits,
    /// Limits on, and behaviour of, WebSockets.
    pub websocket: WebSocketConfig,
    /// How the server ends.
    pub drain: DrainConfig,
    /// Which peers introduce their clients by the PROXY protocol. Default: none is.
    pub proxy_protocol: Option<ProxyProtocolConfig>,
    /// The mount point of the application behind a proxy, ASGI's `root_path`. Default: none.
    pub root_path: String,
    /// The value of the `Server` response header. Default: none is sent.
    pub server_header: Option<String>,
}

impl ServerConfig {
    /// Sets [`http`](Self::http).
    pub fn http(mut self, limits: HttpLimits) -> Self {
        self.http = limits;
        self
    }

    /// Sets [`connections`](Self::connections).
    pub fn connections(mut self, limits: ConnectionLimits) -> Self {
        self.connections = limits;
        self
    }

    /// Sets [`websocket`](Self::websocket).
    pub fn websocket(mut self, config: WebSocketConfig) -> Self {
        self.websocket = config;
        self
    }

    /// Sets [`drain`](Self::drain).
    pub fn drain(mut self, config: DrainConfig) -> Self {
        self.drain = config;
        self
    }

    /// Sets [`proxy_protocol`](Self::proxy_protocol).
    pub fn proxy_protocol(mut self, config: impl Into<Option<ProxyProtocolConfig>>) -> Self {
        self.proxy_protocol = config.into();
        self
    }

    /// Sets [`root_path`](Self::root_path). A trailing slash is dropped.
    pub fn root_path(mut self, root_path: impl Into<String>) -> Self {
        self.root_path = root_path.into().trim_end_matches('/').to_owned();
        self
    }

    /// Sets [`server_header`](Self::server_header).
    pub fn server_header(mut self, value: impl Into<Option<String>>) -> Self {
        self.server_header = value.into();
        self
    }
}

/// Limits on what an HTTP client may do. Each has the answer that RFC 9110 or RFC 6585 names.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct HttpLimits {
    /// Headers of a request; more are answered with 431. Default: 100. At most [16,384](Self::MOST_HEADERS), whatever is
    /// set: so many a map of headers holds.
    pub headers: usize,
    /// Bytes of a request's line and headers together, with the empty line that ends them; more are answered with 431.
    /// Default: 32 KiB.
    pub head: usize,
    /// Bytes of a request target; more are answered with 414. Default: 8 KiB. At most 65,534, whatever is set.
    pub target: usize,
    /// Bytes of a request body; more are answered with 413. Default: 4 MiB.
    pub body: u64,
    /// From a connection's first moment, or a request's first byte, until its head is complete; then 408. Default: 10
    /// seconds.
    pub head_timeout: Duration,
    /// How long a connection may be idle between two requests. Default: 75 seconds.
    pub keep_alive: Duration,
    /// How long a client may pause while it sends a body that the application waits for; then 408. Default: 30 seconds.
    pub body_timeout: Duration,
    /// Bytes a second that a client has to send of a body on average while the application waits for it; a client that
    /// falls behind by [`body_timeout`](Self::body_timeout) gets 408. 0 allows any pace. Default: 500.
    pub body_rate: u64,
    /// Bytes of request bodies that are held at a time for all clients together; a body that does not fit is refused
    /// with 503. Default: 256 MiB.
    ///
    /// Counted are bodies that come in more than one piece, from the arrival of each piece until the response is complete;
    /// of one body 4 MiB at most, so that large uploads may pass through.
    pub bodies: usize,
    /// The same for one IPv4 address, or one IPv6 network ([`ConnectionLimits::ipv6_prefix`]); then 429. Default: 32 MiB. Clients over loopback and
    /// Unix sockets, which usually are a proxy, count for [`bodies`](Self::bodies) alone.
    pub bodies_per_address: usize,
    /// How long the application may take to send something to a client that has closed its own direction, but may still
    /// read; then the client counts as gone. A client that has reset the connection is gone within a second. Default: 10
    /// seconds.
    ///
    /// A client that closes as a whole looks the same over TCP until something is sent to it, so it is noticed after this
    /// time or at the next write. Over a Unix socket it is noticed within a second.
    pub half_close: Duration,
    /// How long a client may go without reading any of its response. Default: 30 seconds.
    pub write_timeout: Duration,
    /// How long the server goes on reading what a client sends after a response that came before the whole request was
    /// read. It drops what it reads. Without that the system would reset the connection, and the client might lose the
    /// response. Zero closes at once. Default: 5 seconds.
    pub linger: Duration,
    /// How many bytes are read so at the most. Default: 16 MiB.
    pub linger_bytes: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            headers: 100,
            head: 32 * 1024,
            target: 8 * 1024,
            body: 4 * 1024 * 1024,
            head_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            body_timeout: Duration::from_secs(30),
            body_rate: 500,
            bodies: 256 * 1024 * 1024,
            bodies_per_address: 32 * 1024 * 1024,
            half_close: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            linger: Duration::from_secs(5),
            linger_bytes: 16 * 1024 * 1024,
        }
    }
}

impl HttpLimits {
    /// The most headers of a request, whatever is [set](Self::headers).
    pub const MOST_HEADERS: usize = 16_384;

    /// Sets [`headers`](Self::headers).
    pub fn headers(mut self, count: usize) -> Self {
        self.headers = count;
        self
    }

    /// Sets [`head`](Self::head).
    pub fn head(mut self, bytes: usize) -> Self {
        self.head = bytes;
        self
    }

    /// Sets [`target`](Self::target).
    pub fn target(mut self, bytes: usize) -> Self {
        self.target = bytes;
        self
    }

    /// Sets [`body`](Self::body).
    pub fn body(mut self, bytes: u64) -> Self {
        self.body = bytes;
        self
    }

    /// Sets [`head_timeout`](Self::head_timeout).
    pub fn head_timeout(mut self, timeout: Duration) -> Self {
        self.head_timeout = timeout;
        self
    }

    /// Sets [`keep_alive`](Self::keep_alive).
    pub fn keep_alive(mut self, timeout: Duration) -> Self {
        self.keep_alive = timeout;
        self
    }

    /// Sets [`body_timeout`](Self::body_timeout).
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.body_timeout = timeout;
        self
    }

    /// Sets [`body_rate`](Self::body_rate).
    pub fn body_rate(mut self, bytes_per_second: u64) -> Self {
        self.body_rate = bytes_per_second;
        self
    }

    /// Sets [`bodies`](Self::bodies).
    pub fn bodies(mut self, bytes: usize) -> Self {
        self.bodies = bytes;
        self
    }

    /// Sets [`bodies_per_address`](Self::bodies_per_address).
    pub fn bodies_per_address(mut self, bytes: usize) -> Self {
        self.bodies_per_address = bytes;
        self
    }

    /// Sets [`linger`](Self::linger).
    pub fn linger(mut self, time: Duration) -> Self {
        self.linger = time;
        self
    }

    /// Sets [`linger_bytes`](Self::linger_bytes).
    pub fn linger_bytes(mut self, bytes: usize) -> Self {
        self.linger_bytes = bytes;
        self
    }

    /// Sets [`half_close`](Self::half_close).
    pub fn half_close(mut self, timeout: Duration) -> Self {
        self.half_close = timeout;
        self
    }

    /// Sets [`write_timeout`](Self::write_timeout).
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.write_timeout = timeout;
        self
    }
}

/// Limits on connections.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct ConnectionLimits {
    /// Open connections in all; one more is answered with 503. Default: 100,000.
    pub total: usize,
    /// Open connections from one client's address, an IPv4 address or an IPv6 network; one more is answered with 429.
    /// Default: 1,024.
    ///
    /// Connections over loopback and Unix sockets are not counted: they are usually a proxy's, and stand for all of its clients. Those
    /// of a proxy that introduces its clients ([`ServerConfig::proxy_protocol`]) count for the clients.
    pub per_address: usize,
    /// The first bits of an IPv6 address that make the network. Default: 64, what a client is usually given.
    pub ipv6_prefix: u8,
    /// The listen backlog. Default: 4,096, which the system may lower.
    pub backlog: u32,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            total: 100_000,
            per_address: 1_024,
            ipv6_prefix: IPV6_PREFIX,
            backlog: 4_096,
        }
    }
}

impl ConnectionLimits {
    /// Sets [`total`](Self::total).
    pub fn total(mut self, count: usize) -> Self {
        self.total = count;
        self
    }

    /// Sets [`per_address`](Self::per_address).
    pub fn per_address(mut self, count: usize) -> Self {
        self.per_address = count;
        self
    }

    /// Sets [`ipv6_prefix`](Self::ipv6_prefix). More than 128 is 128.
    pub fn ipv6_prefix(mut self, bits: u8) -> Self {
        self.ipv6_prefix = bits;
        self
    }

    /// Sets [`backlog`](Self::backlog).
    pub fn backlog(mut self, count: u32) -> Self {
        self.backlog = count;
        self
    }
}

/// Limits on, and behaviour of, WebSockets.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct WebSocketConfig {
    /// Bytes of one frame's payload; more closes with 1009. Default: 1 MiB.
    pub max_frame: usize,
    /// Bytes of one message, reassembled and inflated; more closes with 1009. Default: 1 MiB.
    pub max_message: usize,
    /// Bytes of output that may wait for a client that does not read; at more, ready frames for it are dropped and
    /// counted. Default: 1 MiB.
    pub max_unsent: usize,
    /// Bytes of messages that wait while the application is busy: in a long handler, or waiting for a client that does not
    /// read. Up to that the server goes on reading, so that pings are answered and a close is noticed; beyond it, input stays
    /// in the system's buffers, TCP slows the client down, and its silence is not held against it. Each message counts 64
    /// bytes more than it has, and the one that reaches the limit still fits. Default: 64 KiB.
    pub max_unread: usize,
    /// Control frames, and fragments of fewer than 16 bytes, of one client for each second, on average over ten seconds; more
    /// closes with 1008. Default: 100.
    pub control_frames: usize,
    /// Until the application has accepted or refused the handshake; then 503. Default: 10 seconds.
    pub handshake_timeout: Duration,
    /// Silence after which the server sends a ping. `None` sends none. Default: 20 seconds.
    ///
    /// A client that reads what waits for it is not silent. Time in which the server's process stood still does not count,
    /// here and for the timeouts below.
    pub ping_interval: Option<Duration>,
    /// Silence, from the moment a ping has left, at which the connection counts as lost (code 1006); a second more for each 4
    /// KiB that the client may have to read before it sees the ping. Default: 20 seconds.
    pub ping_timeout: Duration,
    /// How long a client that is being closed may go without reading anything of what is left, and then without answering
    /// the close frame. Default: 5 seconds.
    pub close_timeout: Duration,
    /// How long a client may go without reading any of its output. On Linux the system gives up on a client whose system
    /// acknowledges nothing for twice as long, also while nothing is read of it. Default: 30 seconds.
    pub write_timeout: Duration,
    /// Compression (permessage-deflate, RFC 7692). `None` never agrees to it. Default: agreed without context takeover.
    pub deflate: Option<DeflateConfig>,
}

impl Default for WebSocketConfig {
    fn default() -> Self {
        Self {
            max_frame: 1024 * 1024,
            max_message: 1024 * 1024,
            max_unsent: 1024 * 1024,
            max_unread: 64 * 1024,
            control_frames: 100,
            handshake_timeout: Duration::from_secs(10),
            ping_interval: Some(Duration::from_secs(20)),
            ping_timeout: Duration::from_secs(20),
            close_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(30),
            deflate: Some(DeflateConfig::default()),
        }
    }
}

impl WebSocketConfig {
    /// Sets [`max_frame`](Self::max_frame) and [`max_message`](Self::max_message).
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.max_frame = bytes;
        self.max_message = bytes;
        self
    }

    /// Sets [`max_frame`](Self::max_frame) alone.
    pub fn max_frame(mut self, bytes: usize) -> Self {
        self.max_frame = bytes;
        self
    }

    /// Sets [`max_unsent`](Self::max_unsent).
    pub fn max_unsent(mut self, bytes: usize) -> Self {
        self.max_unsent = bytes;
        self
    }

    /// Sets [`max_unread`](Self::max_unread).
    pub fn max_unread(mut self, bytes: usize) -> Self {
        self.max_unread = bytes;
        self
    }

    /// Sets [`control_frames`](Self::control_frames); [`usize::MAX`] is no limit.
    pub fn control_frames(mut self, per_second: usize) -> Self {
        self.control_frames = per_second;
        self
    }

    /// Sets [`handshake_timeout`](Self::handshake_timeout).
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    /// Sets [`ping_interval`](Self::ping_interval).
    pub fn ping_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.ping_interval = interval.into();
        self
    }

    /// Sets [`ping_timeout`](Self::ping_timeout).
    pub fn ping_timeout(mut self, timeout: Duration) -> Self {
        self.ping_timeout = timeout;
        self
    }

    /// Sets [`close_timeout`](Self::close_timeout).
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.close_timeout = timeout;
        self
    }

    /// Sets [`write_timeout`](Self::write_timeout).
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.write_timeout = timeout;
        self
    }

    /// Sets [`deflate`](Self::deflate).
    pub fn deflate(mut self, config: impl Into<Option<DeflateConfig>>) -> Self {
        self.deflate = config.into();
        self
    }
}

/// How the server agrees to permessage-deflate (RFC 7692).
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct DeflateConfig {
    /// Messages of fewer bytes are sent as they are. Default: 256.
    pub min_size: usize,
    /// The compression level, 1 (fast) to 9 (small). Default: 1, which on text is within a few per cent of the others.
    pub level: u32,
    /// Whether the server may keep its compression context from one message to the next, where the client allows it.
    /// Costs about 300 KB for each connection. Default: no; one compressor serves all connections of a thread.
    pub server_context_takeover: bool,
    /// Whether clients may keep theirs. Costs about 50 KB for each connection. Default: no.
    pub client_context_takeover: bool,
    /// The largest window the server compresses with, 9 to 15 bits. Default: 15.
    pub server_max_window_bits: u8,
}

impl Default for DeflateConfig {
    fn default() -> Self {
        Self {
            min_size: 256,
            level: 1,
            server_context_takeover: false,
            client_context_takeover: false,
            server_max_window_bits: 15,
        }
    }
}

impl DeflateConfig {
    /// Sets [`min_size`](Self::min_size).
    pub fn min_size(mut self, bytes: usize) -> Self {
        self.min_size = bytes;
        self
    }

    /// Sets [`level`](Self::level).
    pub fn level(mut self, level: u32) -> Self {
        self.level = level;
        self
    }

    /// Sets [`server_context_takeover`](Self::server_context_takeover).
    pub fn server_context_takeover(mut self, allowed: bool) -> Self {
        self.server_context_takeover = allowed;
        self
    }

    /// Sets [`client_context_takeover`](Self::client_context_takeover).
    pub fn client_context_takeover(mut self, allowed: bool) -> Self {
        self.client_context_takeover = allowed;
        self
    }

    /// Sets [`server_max_window_bits`](Self::server_max_window_bits).
    pub fn server_max_window_bits(mut self, bits: u8) -> Self {
        self.server_max_window_bits = bits;
        self
    }
}

/// How the server ends: it stops accepting, finishes requests, closes WebSockets with code 1001, and gives up at the
/// deadline.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct DrainConfig {
    /// Over how long the closing of WebSockets is spread, so that clients do not all come back at once. Default: 5
    /// seconds; shorter where there are few, and at most half of the time until the deadline.
    pub spread: Duration,
    /// How long an application may take to begin a response; then its client gets 503 with `Retry-After`. Default: 10
    /// seconds. An application that knows of the drain ([`Link::draining`](solent_spec::request::Link::draining)) ends
    /// its long polls sooner.
    pub requests: Duration,
    /// How long responses without a length may go on, such as server-sent events; then they are cut off. Default: 5
    /// seconds. Responses with a length, such as downloads, may go on until the [`deadline`](Self::deadline).
    pub streams: Duration,
    /// How long an application may go on that has been told that its connection is over: by
    /// `Disconnect`, or since nothing can be sent any more. Then its future is dropped, with a
    /// warning that names its route. It holds in the drain only, where such an application would
    /// hold up the end until the [`deadline`](Self::deadline). Consumers that run `disconnect` keep
    /// running it. Default: 5 seconds.
    pub applications: Duration,
    /// When what is still open is cut off. Every `disconnect` has been run by then, or is run at once. Default: 30
    /// seconds.
    pub deadline: Duration,
}

impl Default for DrainConfig {
    fn default() -> Self {
        Self {
            spread: Duration::from_secs(5),
            requests: Duration::from_secs(10),
            streams: Duration::from_secs(5),
            applications: Duration::from_secs(5),
            deadline: Duration::from_secs(30),
        }
    }
}

impl DrainConfig {
    /// Sets [`spread`](Self::spread).
    pub fn spread(mut self, spread: Duration) -> Self {
        self.spread = spread;
        self
    }

    /// Sets [`requests`](Self::requests).
    pub fn requests(mut self, grace: Duration) -> Self {
        self.requests = grace;
        self
    }

    /// Sets [`streams`](Self::streams).
    pub fn streams(mut self, grace: Duration) -> Self {
        self.streams = grace;
        self
    }

    /// Sets [`applications`](Self::applications).
    pub fn applications(mut self, grace: Duration) -> Self {
        self.applications = grace;
        self
    }

    /// Sets [`deadline`](Self::deadline).
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}
