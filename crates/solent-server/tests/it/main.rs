//! The server from outside: sockets on one side, applications on the other.

// What the tests are made of: a server that runs, bytes to and from it, WebSocket frames on top of those, and what the
// log was told.
mod frames;
mod served;
mod wire;

// Requests and responses, bodies, and connections that are used again.
mod http;

// What a proxy says of its client before the client's own bytes.
mod proxy;

// Where the server listens, and what connections know of it.
mod bind;

// Start-up and shutdown of the application.
mod lifespan;

// Applications that fail before, amid or after an answer.
mod failure;

// What an application says about its own response.
mod response;

// Bodies that cannot be had, and when that is known.
mod first_piece;

// Responses that leave before the whole request has come.
mod linger;

// Clients that close their own direction, and those that are gone.
mod half_close;

// The end of a server.
mod drain;

// What a client may not do, and what becomes of it.
mod limits;

// Requests and handshakes that are none, as tables.
mod malformed;

// Clients that do not read.
mod slow;

// The public types, as far as threads are concerned.
mod send_sync;

// WebSockets: messages, pings, the closing handshake and what breaks it.
mod websocket;

// permessage-deflate, as clients see it.
mod deflate;

// Applications that are busy while their clients go on.
mod busy;

// Clients that would have a thread for themselves.
mod fair;
