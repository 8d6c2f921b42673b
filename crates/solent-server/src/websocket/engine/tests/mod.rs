//! The engine as a whole, against a client made for the purpose and against tungstenite.

/// Compression, with every agreement.
mod compression;
/// Against tungstenite, byte for byte.
mod differential;
/// A client that sends what it is told to.
mod peer;
/// Messages in any fragments and any pieces.
mod round_trip;
/// What is refused, and with which code.
mod rules;
