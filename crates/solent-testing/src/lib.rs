//! Communicators, a live server and the layer conformance kit of Solent

pub mod conformance;
