//! [`Wishes`]: where people want values to go instead of where sopup would put them. They are for values that any file
//! may refer to; a value that a program reads from its environment, say, keeps its name.

use std::collections::BTreeMap;

use crate::finding::{Fingerprint, FingerprintKey};
use crate::secret::Secret;
use crate::sops::store::Format;

/// The store and key that a value is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Relative to the top of the repository, without its suffix.
    pub stem: String,
    /// `.yaml`, `.sops.env` and the like.
    pub suffix: String,
    /// Keys from the root of the store.
    pub key: Vec<String>,
}

/// Why a value cannot go where somebody wants it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WishError {
    /// The path leads out of the repository or is none.
    #[error("`{0}` is no path of a file below the top of the repository")]
    Path(String),
    /// sops would store it as a whole.
    #[error("`{0}` would not be a store with keys: its name must end in .yaml, .yml, .json or .env")]
    Format(String),
    /// The key has an empty part, or several in a format that has no levels.
    #[error("`{0}` is no key for such a store")]
    Key(String),
}

impl Wish {
    /// A path, and keys with dots between them.
    ///
    /// # Errors
    /// [`WishError`].
    pub fn new(store: &str, key: &str) -> Result<Self, WishError> {
        let inside = store.split('/').all(|part| !matches!(part, "" | "." | ".." | ".git"));
        if !inside || store.contains(['\\', '\n', '\r', '\0']) {
            return Err(WishError::Path(store.to_owned()));
        }
        let format = Format::from_path(store);
        if !matches!(format, Format::Yaml | Format::Json | Format::Dotenv) {
            return Err(WishError::Format(store.to_owned()));
        }
        let word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        let variable = |key: &str| word(key) && !key.contains('-') && !key.starts_with(|c: char| c.is_ascii_digit());
        let fits = if format == Format::Dotenv { variable(key) } else { key.split('.').all(word) };
        // sops leaves values plain under keys that end like this, and keeps its own notes under the others.
        let taken = key.split('.').any(|part| part.ends_with("_unencrypted")) || key == "sops" || key.starts_with("sops_");
        if !fits || taken {
            return Err(WishError::Key(key.to_owned()));
        }
        let name = store.rfind('/').map_or(0, |at| at + 1);
        let at = name + store[name..].find('.').unwrap_or(0);
        let key = key.split('.').map(str::to_owned).collect();
        Ok(Self { stem: store[..at].to_owned(), suffix: store[at..].to_owned(), key })
    }
}

/// What people want, by value.
#[derive(Debug, Default, Clone)]
pub struct Wishes(BTreeMap<Fingerprint, Wish>);

impl Wishes {
    /// Takes a wish, in the place of an earlier one for the same value.
    pub fn insert(&mut self, value: Fingerprint, wish: Wish) {
        self.0.insert(value, wish);
    }

    /// Whether nobody wants anything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The wish for a value.
    pub fn of(&self, value: &Secret, key: &FingerprintKey) -> Option<&Wish> {
        if self.0.is_empty() { None } else { self.0.get(&key.fingerprint(value)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_paths_below_the_top_and_keys_that_sops_encrypts() {
        let wish = Wish::new("secrets/prod.enc.yaml", "db.password").expect("is one");
        assert_eq!((wish.stem.as_str(), wish.suffix.as_str()), ("secrets/prod", ".enc.yaml"));
        assert_eq!(wish.key, ["db", "password"]);
        assert!(Wish::new("prod.sops.env", "DB_PASSWORD").is_ok());
        for (store, key) in [
            ("../prod.enc.yaml", "a"),
            ("/etc/prod.yaml", "a"),
            (".git/prod.yaml", "a"),
            ("prod.toml", "a"),
            ("prod.env", "a.b"),
            ("prod.env", "1A"),
            ("prod.yaml", "a..b"),
            ("prod.yaml", "a_unencrypted"),
            ("prod.yaml", "sops"),
            ("prod.yaml", "a b"),
        ] {
            assert!(Wish::new(store, key).is_err(), "{store} {key}");
        }
    }
}
