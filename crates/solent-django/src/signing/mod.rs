//! What django.core.signing signs.
