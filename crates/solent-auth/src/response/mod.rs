//! What is done before the first event of a response.
