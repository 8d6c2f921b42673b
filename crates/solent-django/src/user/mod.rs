//! Users, groups and permissions of Django.
