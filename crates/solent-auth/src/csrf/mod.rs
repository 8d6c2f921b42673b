//! Requests that a page of another site made a browser send.
