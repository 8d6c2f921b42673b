//! How a user's sockets are reached.

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use solent_layer::{ChannelLayer, GroupName, GroupReport, Message, SendError};

/// What a user's sockets understand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub(crate) enum Notice {
    /// Close the sockets of the user, or only those of a session.
    #[serde(rename = "auth.logout")]
    Logout {
        /// The fingerprint of the session.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<String>,
    },
    /// The session has another key from now on.
    #[serde(rename = "auth.moved")]
    Moved {
        /// The fingerprint of the key that it had.
        session: String,
        /// The new key, [sealed](super::sealed_key) with the old one.
        to: String,
    },
    /// Look again whether the user is still logged in.
    #[serde(rename = "auth.check")]
    Check,
}

/// The group that every open socket of a user is in: `auth_user_` and the id.
///
/// An id with other characters than a group's name may have, or one that is too long for it, is replaced with the first 32
/// hexadecimal digits of its SHA-256.
#[expect(
    clippy::missing_panics_doc,
    reason = "a prefix and hexadecimal digits make a name"
)]
pub fn user_group(id: &str) -> GroupName {
    const PREFIX: &str = "auth_user_";
    format!("{PREFIX}{id}").parse().unwrap_or_else(|_| {
        let mut name = String::from(PREFIX);
        for byte in &Sha256::digest(id)[..16] {
            let _ = write!(name, "{byte:02x}");
        }
        name.parse()
            .expect("a prefix and hexadecimal digits make a name")
    })
}

/// Closes every open socket of a user, on all processes that share `layer`: what a group message
/// `{"type": "auth.logout"}` to [`user_group`] does.
///
/// Their sessions stay: a client may connect again unless those are ended as well.
///
/// # Errors
///
/// The layer's.
///
/// # Cancel safety
///
/// As the layer's `group_send`.
pub async fn close_user(layer: &impl ChannelLayer, id: &str) -> Result<GroupReport, SendError> {
    tell(layer, id, Notice::Logout { session: None }).await
}

/// Makes every open socket of a user look at once whether the user is still logged in, on all processes that share
/// `layer`: what a group message `{"type": "auth.check"}` to [`user_group`] does.
///
/// # Errors
///
/// The layer's.
///
/// # Cancel safety
///
/// As the layer's `group_send`.
pub async fn check_user(layer: &impl ChannelLayer, id: &str) -> Result<GroupReport, SendError> {
    tell(layer, id, Notice::Check).await
}

pub(crate) async fn tell(
    layer: &impl ChannelLayer,
    id: &str,
    notice: Notice,
) -> Result<GroupReport, SendError> {
    let message = Message::encode(&notice).expect("a notice is a map of strings");
    layer.group_send(&user_group(id), message).await
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_ids_can_be_read_in_the_name_of_the_group() {
        assert_eq!(user_group("42").as_str(), "auth_user_42");
        assert_eq!(
            user_group("7c9e6679-7425-40de-944b-e07fc1f90ae7").as_str(),
            "auth_user_7c9e6679-7425-40de-944b-e07fc1f90ae7"
        );
        assert_eq!(user_group("a.b_c").as_str(), "auth_user_a.b_c");
    }

    #[test]
    fn every_other_id_has_a_group_of_its_own() {
        assert_eq!(
            user_group("ann@example.org").as_str(),
            "auth_user_438c4c7afe600cdf1e455c369bec76dc"
        );
        let long = "7".repeat(90);
        assert_ne!(user_group(&long), user_group(&"7".repeat(91)));
        assert_ne!(user_group("a b"), user_group("a_b"));
        assert_eq!(user_group("").as_str(), "auth_user_");
    }

    #[test]
    fn notices_are_the_plain_maps_of_the_documentation() {
        let encoded = |notice| Message::encode(&notice).unwrap().encoded().clone();

        assert_eq!(
            &encoded(Notice::Logout { session: None })[..],
            b"\x81\xa4type\xabauth.logout"
        );
        assert_eq!(
            &encoded(Notice::Logout {
                session: Some("ab".into())
            })[..],
            b"\x82\xa4type\xabauth.logout\xa7session\xa2ab"
        );
        assert_eq!(&encoded(Notice::Check)[..], b"\x81\xa4type\xaaauth.check");
    }

    proptest! {
        #[test]
        fn every_id_has_a_group(id: String) {
            let group = user_group(&id);

            prop_assert!(group.as_str().starts_with("auth_user_"));
        }
    }
}
