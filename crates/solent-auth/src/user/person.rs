//! What a user is.

use std::borrow::Cow;

/// A user of yours, as far as logins and permissions are concerned.
///
/// ```
/// use std::borrow::Cow;
///
/// use solent_auth::AuthUser;
///
/// struct Member {
///     number: u64,
///     moderator: bool,
/// }
///
/// impl AuthUser for Member {
///     fn id(&self) -> Cow<'_, str> {
///         self.number.to_string().into()
///     }
///
///     fn has_permission(&self, permission: &str) -> bool {
///         self.moderator && permission == "chat.delete_message"
///     }
/// }
/// # assert_eq!(Member { number: 7, moderator: true }.id(), "7");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a user",
    note = "implement `AuthUser` for it: an `id`, and `has_permission` where there are permissions"
)]
pub trait AuthUser: Send + Sync + 'static {
    /// What tells the user from all others and never changes: a primary key. It is stored in the user's sessions.
    fn id(&self) -> Cow<'_, str>;

    /// Whether the user may do what `permission` names, such as `"chat.delete_message"`. By default no user may.
    fn has_permission(&self, permission: &str) -> bool {
        let _ = permission;
        false
    }
}
