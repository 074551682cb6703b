//! The values of SOPS files: they are to stand nowhere else.

use std::collections::BTreeMap;

use crate::cli::sops::doctor::Examined;
use crate::cli::sops::keys::Keys;
use crate::detect::{Hints, detect};
use crate::rule::RuleSet;
use crate::rule::lexicon::USERS;
use crate::secret::Secret;
use crate::sops::crypt;
use crate::sops::mac::Protection;
use crate::sops::ops;
use crate::sops::store::{Format, Limits, Style};
use crate::sops::tree::Scalar;
use crate::sought;

/// Values with where they are kept.
#[derive(Default)]
pub(in crate::cli) struct KnownValues {
    /// Each once.
    pub(in crate::cli) values: Vec<Secret>,
    /// Of each value its places in SOPS files.
    pub(in crate::cli) kept_in: Vec<Vec<String>>,
    /// Files that no key at hand opens.
    pub(in crate::cli) closed: Vec<String>,
    /// Values that stand anywhere by chance.
    pub(in crate::cli) passed_over: usize,
}

impl KnownValues {
    /// Those of all files that can be opened.
    pub(in crate::cli) fn of(examined: &Examined, keys: &Keys, rules: &RuleSet) -> Self {
        let mut known = Self::default();
        let mut by_value: BTreeMap<Secret, Vec<String>> = BTreeMap::new();
        for (path, bytes) in &examined.files {
            let store = Format::from_path(path).store(Limits::default(), Style::default());
            let Ok(opened) = ops::open(&*store, bytes, keys.keyring()) else {
                known.closed.push(path.clone());
                continue;
            };
            crypt::inspect(&opened.tree.documents, opened.metadata.selector(), &mut |keys, value, protection| {
                let bytes = match value {
                    Scalar::Text(_) if protection == Protection::Encrypted => value.to_bytes(),
                    _ => return,
                };
                let (name, value) = (keys.last().map_or("", String::as_str), Secret::new(bytes.to_vec()));
                if is_telling(name, &value, rules) {
                    by_value.entry(value).or_default().push(format!("{path} {}", keys.join(".")));
                } else if !value.expose().is_empty() {
                    known.passed_over += 1;
                }
            });
        }
        (known.values, known.kept_in) = by_value.into_iter().unzip();
        known
    }
}

/// Whether a value is a secret and hardly stands anywhere by chance. An encrypted file also holds names of hosts and users.
fn is_telling(name: &str, secret: &Secret, rules: &RuleSet) -> bool {
    let value = secret.expose();
    if sought::is_common(value) {
        return false;
    }
    let is_secret = |text: &[u8]| !detect(text, Hints::NONE, rules).is_empty();
    // `MONGODB_BACKUP_USER`: of a user only what is a secret by its own looks.
    if USERS.ends(name.to_lowercase().as_bytes()) {
        return is_secret(value);
    }
    let assigned = [name.as_bytes(), b"=\"", value, b"\"\n"].concat();
    is_secret(value) || is_secret(&assigned) || is_secret(&[b"password=\"", value, b"\"\n"].concat())
}
