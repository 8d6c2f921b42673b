//! Who may use an application.
