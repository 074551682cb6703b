//! [`DataKey`]: the key that encrypts one file's values, and its division among key groups.
//!
//! One group: every key of the group encrypts the whole data key. More groups: the key is split by Shamir's scheme
//! and each group's keys encrypt one share. Wrapping for one recipient is in [`super::recipient`], opening in
//! [`super::keyring`].

use std::fmt;

use zeroize::Zeroizing;

use super::shamir::{self, ShamirError, Share};

/// Length of a data key in bytes.
pub const DATA_KEY_LEN: usize = 32;

/// The 32-byte AES key of one file. Not printable, wiped on drop.
#[derive(Clone)]
pub struct DataKey(Zeroizing<[u8; DATA_KEY_LEN]>);

impl DataKey {
    /// Draws a new key.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut key = Zeroizing::new([0; DATA_KEY_LEN]);
        getrandom::fill(&mut *key)?;
        Ok(Self(key))
    }

    /// Takes a key from bytes; `None` when there are not 32 of them.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        <[u8; DATA_KEY_LEN]>::try_from(bytes).ok().map(|key| Self(Zeroizing::new(key)))
    }

    /// The key's bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8; DATA_KEY_LEN] {
        &self.0
    }

    /// What each of `groups` key groups encrypts: the key itself for one group, Shamir shares for more.
    /// `threshold` defaults to all groups.
    ///
    /// # Errors
    /// [`ShamirError`] when the threshold is not possible or no random bytes are to be had.
    pub fn shares(&self, groups: usize, threshold: Option<usize>) -> Result<Vec<Share>, ShamirError> {
        if groups == 1 {
            return Ok(vec![Zeroizing::new(self.0.to_vec())]);
        }
        shamir::split(&*self.0, groups, threshold.unwrap_or(groups))
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(..)")
    }
}
