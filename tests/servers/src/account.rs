//! Somebody else, to run a server as that refuses to run as root.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

use super::ServerError;

/// A user of this machine, and the group it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Account {
    user: u32,
    group: u32,
}

impl Account {
    /// Nobody if `folder`, which we made, is not root's; otherwise it is given to the first of `users` that there is.
    pub(super) fn instead_of_root(
        program: &'static str,
        users: &'static [&'static str],
        folder: &Path,
    ) -> Result<Option<Self>, ServerError> {
        let made_by = fs::metadata(folder)
            .map_err(ServerError::io("see who we are"))?
            .uid();
        if made_by != 0 {
            return Ok(None);
        }
        let account = users
            .iter()
            .find_map(|user| Self::of(user))
            .ok_or(ServerError::Root { program, users })?;
        chown(folder, Some(account.user), Some(account.group))
            .map_err(ServerError::io("give the server its folder"))?;
        Ok(Some(account))
    }

    fn of(user: &str) -> Option<Self> {
        Some(Self {
            user: id("-u", user)?,
            group: id("-g", user)?,
        })
    }

    /// Makes `command` run as this user, in no other group.
    pub(super) fn runs(self, command: &mut Command) {
        command.uid(self.user).gid(self.group);
    }
}

/// A number of a user's, as `id` tells it.
fn id(which: &str, user: &str) -> Option<u32> {
    let output = Command::new("id").args([which, "--", user]).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    said.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::Account;

    #[test]
    fn users_that_there_are_are_told_from_others() {
        assert_eq!(Account::of("root"), Some(Account { user: 0, group: 0 }));
        assert_eq!(Account::of("no-such-user-here"), None);
    }
}
