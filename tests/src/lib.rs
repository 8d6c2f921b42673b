//! Promises of Solent that span crates.
//!
//! The tests are in `it/`; the documents of the repository that show code are compiled here.

/// The program of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// The programs of the tutorial.
#[cfg(doctest)]
#[doc = include_str!("../../docs/tutorial.md")]
pub struct Tutorial;

/// The programs of the guide to workers.
#[cfg(doctest)]
#[doc = include_str!("../../docs/workers.md")]
pub struct Workers;

/// The programs of the guide for Django.
#[cfg(doctest)]
#[doc = include_str!("../../docs/django.md")]
pub struct Django;

/// The programs of the guide to accounts.
#[cfg(doctest)]
#[doc = include_str!("../../docs/accounts.md")]
pub struct Accounts;

/// What the guide to operations shows.
#[cfg(doctest)]
#[doc = include_str!("../../docs/operations.md")]
pub struct Operations;
