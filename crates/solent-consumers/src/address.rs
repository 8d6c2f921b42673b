//! A channel whose events have a type.

use std::{fmt, marker::PhantomData, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use solent_layer::{ChannelName, NameError};
use solent_spec::{BoxError, Result};

/// A channel that events of the type `E` are sent to: a consumer's own, or one that workers listen on. Cheap to clone.
///
/// Events can carry it: it is the channel's name as a string, so that another process, or a Python worker, can answer.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use solent_consumers::Address;
///
/// #[derive(Serialize, Deserialize)]
/// enum Report { Done }
///
/// #[derive(Serialize, Deserialize)]
/// struct Job { image: u64, reply: Address<Report> }
///
/// let thumbnails: Address<Job> = Address::new("thumbnails")?;
/// # Ok::<(), solent_spec::BoxError>(())
/// ```
pub struct Address<E: ?Sized> {
    name: ChannelName,
    event: PhantomData<fn(&E)>,
}

impl<E: ?Sized> Address<E> {
    /// The channel called `name`.
    ///
    /// # Errors
    ///
    /// [`NameError`] for a name that breaks the rules of [`ChannelName`].
    pub fn new(name: impl AsRef<str>) -> Result<Self, NameError> {
        name.as_ref().parse()
    }

    /// The channel's name.
    pub fn name(&self) -> &ChannelName {
        &self.name
    }
}

impl<E: ?Sized> From<ChannelName> for Address<E> {
    fn from(name: ChannelName) -> Self {
        Self {
            name,
            event: PhantomData,
        }
    }
}

impl<E: ?Sized> FromStr for Address<E> {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        Ok(name.parse::<ChannelName>()?.into())
    }
}

impl<E: ?Sized> TryFrom<&str> for Address<E> {
    type Error = BoxError;

    fn try_from(name: &str) -> Result<Self> {
        Ok(name.parse()?)
    }
}

impl<E: ?Sized> Serialize for Address<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.name)
    }
}

impl<'de, E: ?Sized> Deserialize<'de> for Address<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

impl<E: ?Sized> Clone for Address<E> {
    fn clone(&self) -> Self {
        self.name.clone().into()
    }
}

impl<E: ?Sized> PartialEq for Address<E> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl<E: ?Sized> Eq for Address<E> {}

impl<E: ?Sized> fmt::Display for Address<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

impl<E: ?Sized> fmt::Debug for Address<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.name)
    }
}
