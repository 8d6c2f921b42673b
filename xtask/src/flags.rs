//! What may be typed after `cargo xtask`.

xflags::xflags! {
    /// The chores of the Solent workspace.
    cmd xtask {
        /// Print what would be done, and change nothing.
        optional --dry-run

        /// Run every test: servers, then doc tests, then everything else.
        cmd test {
            /// Names to filter tests by.
            repeated filter: String
        }
        /// Find or install the programs that tests drive: Redis, PostgreSQL, and Python with what it imports.
        cmd servers {}
        /// Check the formatting, and clippy's opinion.
        cmd lint {}
        /// Build the documentation; a warning is an error.
        cmd docs {}
        /// Check the house rules.
        cmd tidy {}
        /// Serve the demonstration. What follows `--` is passed on to it.
        cmd demo {
            /// Arguments of the demonstration, such as `-- --bind 127.0.0.1:8000`.
            repeated arguments: String
        }
        /// Run servers, lint, tidy, docs and test, as a pull request is judged.
        cmd ci {}
        /// Set a version, date the changelog, verify the packages, commit and tag.
        cmd release {
            /// The version to release, such as 0.2.0.
            required version: String
        }
    }
}

impl Xtask {
    /// Every chore and its flags, in words.
    pub(crate) fn help() -> &'static str {
        Self::HELP_
    }
}
