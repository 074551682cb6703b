//! Names of files, folders, refs and notes without the values, and with the new names of commits.

use std::collections::HashSet;

use super::edit::{Entry, REPLACEMENT};
use crate::sought::Sought;
use crate::source::object::ObjectId;
use crate::text::spliced;

/// A name without values; `None` if it has none.
pub(super) fn cleaned(name: &[u8], sought: &Sought) -> Option<Vec<u8>> {
    let hits = sought.hits(name);
    if hits.is_empty() {
        return None;
    }
    Some(spliced(name, hits.into_iter().map(|hit| hit.span), |_, _| REPLACEMENT.into()))
}

/// Takes values out of the names of entries; none gets the name of another. Whether any changed.
pub(super) fn clean(entries: &mut [Entry], sought: &Sought) -> bool {
    let mut taken: HashSet<Vec<u8>> = entries.iter().map(|entry| entry.name.clone()).collect();
    let mut changed = false;
    for entry in entries {
        if let Some(name) = cleaned(&entry.name, sought) {
            entry.name = free(&name, |name| taken.contains(name));
            taken.insert(entry.name.clone());
            changed = true;
        }
    }
    changed
}

/// The name, with a number behind it if it is taken.
pub(super) fn free(name: &[u8], taken: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let numbered = (2..).map(|number: u32| [name, format!("-{number}").as_bytes()].concat());
    std::iter::once(name.to_vec()).chain(numbered).find(|name| !taken(name)).expect("numbers do not end")
}

/// The new name of a file that is named after an object, the folders above it in `before`.
pub(super) fn after_object(before: &[u8], name: &[u8], new: impl Fn(&ObjectId) -> Option<ObjectId>) -> Option<String> {
    let id = ObjectId::from_hex(&[before, name].concat())?;
    Some(new(&id)?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use crate::source::object::{HashKind, ObjectKind};

    #[test]
    fn names_stay_apart() {
        let sought = Sought::new(&[Secret::new("gR4nite-Falcon-27".into()), Secret::new("Walrus88Timber".into())]);
        let id = HashKind::Sha1.id_of(ObjectKind::Blob, b"");
        let entry = |name: &str| Entry { mode: b"100644".to_vec(), name: name.into(), id };
        let mut all = [entry("REMOVED.txt"), entry("gR4nite-Falcon-27.txt"), entry("Walrus88Timber.txt"), entry("x")];
        assert!(clean(&mut all, &sought));
        let names: Vec<_> = all.iter().map(|entry| String::from_utf8_lossy(&entry.name).into_owned()).collect();
        assert_eq!(names, ["REMOVED.txt", "REMOVED.txt-2", "REMOVED.txt-3", "x"]);
        assert!(!clean(&mut all, &sought));
    }
}
