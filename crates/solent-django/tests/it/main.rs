//! solent-django from outside.
