//! What is remembered of a browser from one request to the next.
