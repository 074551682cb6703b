//! Who can open a file: what would change, told before anybody is given a key, and the change itself.

use super::edit::{checked, is_wanted, kept_foreign_keys, recipients, rewrap, rotate_to};
use super::{Audience, EditError, Editor, wrap};
use crate::sops::foreign::ForeignName;
use crate::sops::metadata::{KeyGroup, Metadata, WrappedKey};
use crate::sops::store::Store;

/// What `update_keys` did.
#[derive(Debug)]
pub struct KeyUpdate {
    /// The new file; `None` if it names the right keys already.
    pub file: Option<Vec<u8>>,
    /// Who comes in and who goes out.
    pub change: KeyChange,
}

/// Who comes in and who goes out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyChange {
    /// Recipients that could not open the file before.
    pub added: Vec<String>,
    /// Recipients that could open the file before. They may have kept the old data key.
    pub removed: Vec<String>,
    /// Whether the values are put under a new data key.
    pub data_key: DataKeyFate,
    /// Whether the data key is handed to sops, which has the services of keys that are not of age encrypt it.
    pub needs_service: bool,
}

/// What became of the data key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DataKeyFate {
    /// It is the same: whoever kept it can read what is written later.
    Kept,
    /// It was replaced, and all values were encrypted anew.
    Replaced,
}

/// What a removal of recipients does to the data key.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnRemoval {
    /// Draw a new one.
    #[default]
    Rotate,
    /// Keep it, as sops does.
    Keep,
}

/// What `update_keys` would change, without encrypting for anybody; `None` if the file names the right keys already.
///
/// # Errors
/// [`EditError`].
pub fn key_change(
    store: &dyn Store,
    bytes: &[u8],
    audience: &Audience,
    on_removal: OnRemoval,
    editor: &Editor<'_>,
) -> Result<Option<KeyChange>, EditError> {
    let opened = checked(store, bytes, editor)?;
    let (change, is_same) = compared(&opened.metadata, audience, on_removal, editor)?;
    Ok((!is_same).then_some(change))
}

/// Makes `audience` the ones who can open the file. Kept recipients keep their wrapped key.
///
/// # Errors
/// [`EditError`].
pub fn update_keys(
    store: &dyn Store,
    bytes: &[u8],
    audience: &Audience,
    on_removal: OnRemoval,
    editor: &Editor<'_>,
) -> Result<KeyUpdate, EditError> {
    let mut opened = checked(store, bytes, editor)?;
    let (change, is_same) = compared(&opened.metadata, audience, on_removal, editor)?;
    if is_same {
        return Ok(KeyUpdate { file: None, change });
    }
    if change.data_key == DataKeyFate::Replaced {
        let file = rotate_to(store, opened, audience, editor)?;
        return Ok(KeyUpdate { file: Some(file), change });
    }
    let mut kept = kept_foreign_keys(&opened.metadata, audience);
    let threshold = audience.shamir_threshold.filter(|_| audience.groups.len() > 1);
    if change.needs_service {
        // Keys that the file has stay as they are.
        let mut groups = wrap(&opened.key, audience, editor.plugins).map_err(Box::new)?;
        if let ([group], [old]) = (groups.as_mut_slice(), opened.metadata.key_groups()) {
            keep_wrapped(&mut group.age, old);
            for key in &mut group.foreign {
                if let Some(known) = kept.iter().find(|known| known.name.is_same(&key.name)) {
                    key.clone_from(known);
                }
            }
        }
        opened.metadata.set_keys(groups, threshold);
        let file = store.write(&opened.source.tree, Some(&opened.metadata), Some(&opened.source))?;
        return Ok(KeyUpdate { file: Some(file), change });
    }
    if splits(&opened.metadata, audience) {
        // New shares of the data key would have to be wrapped for them.
        kept.first().map_or(Ok(()), |key| Err(EditError::ForeignKey { name: key.name.clone() }))?;
    }
    let mut groups = rewrap(&opened.key, audience, &kept, editor)?;
    if let ([group], [old]) = (groups.as_mut_slice(), opened.metadata.key_groups()) {
        keep_wrapped(&mut group.age, old);
        group.foreign.append(&mut kept);
    }
    opened.metadata.set_keys(groups, threshold);
    // Values and MAC stay as they are.
    let file = store.write(&opened.source.tree, Some(&opened.metadata), Some(&opened.source))?;
    Ok(KeyUpdate { file: Some(file), change })
}

/// What changes, and whether that is nothing.
fn compared(metadata: &Metadata, audience: &Audience, on_removal: OnRemoval, editor: &Editor<'_>) -> Result<(KeyChange, bool), EditError> {
    let groups = metadata.key_groups();
    let missing = missing_foreign_keys(groups, audience);
    let by_service = editor.plugins.key_service().is_some() && audience.rule.is_some();
    if !missing.is_empty() && !by_service {
        return Err(EditError::CannotAdd { names: missing });
    }
    let before = recipients(groups);
    let after: Vec<Vec<String>> = audience.groups.iter().map(|group| group.iter().map(|r| r.as_str().to_owned()).collect()).collect();
    let fresh = |from: &[Vec<String>], to: &[Vec<String>]| -> Vec<String> {
        let known: Vec<&String> = from.iter().flatten().collect();
        to.iter().flatten().filter(|recipient| !known.contains(recipient)).cloned().collect()
    };
    let (mut added, mut removed) = (fresh(&before, &after), fresh(&after, &before));
    added.extend(missing.iter().map(ForeignName::to_string));
    let foreign_removed: Vec<String> = groups
        .iter()
        .enumerate()
        .flat_map(|(at, group)| group.foreign.iter().filter(move |key| !is_wanted(audience, at, &key.name)))
        .map(|key| key.name.to_string())
        .collect();
    let same_foreign = foreign_removed.is_empty() && missing.is_empty();
    removed.extend(foreign_removed);
    let threshold = audience.shamir_threshold.filter(|_| after.len() > 1);
    let same_threshold = after.len() < 2 || metadata.shamir_threshold() == Some(threshold.unwrap_or(after.len()));
    let is_same = before == after && same_foreign && same_threshold;
    let is_replaced = !removed.is_empty() && on_removal == OnRemoval::Rotate;
    let has_kept = !kept_foreign_keys(metadata, audience).is_empty();
    let needs_service = by_service && (!missing.is_empty() || has_kept && (is_replaced || splits(metadata, audience)));
    let data_key = if is_replaced { DataKeyFate::Replaced } else { DataKeyFate::Kept };
    Ok((KeyChange { added, removed, data_key, needs_service }, is_same))
}

/// Whether the data key is split among groups, before or after.
fn splits(metadata: &Metadata, audience: &Audience) -> bool {
    metadata.key_groups().len() > 1 || audience.groups.len() > 1
}

/// The keys of other kinds that the audience names and the file lacks.
fn missing_foreign_keys(groups: &[KeyGroup], audience: &Audience) -> Vec<ForeignName> {
    let has = |at: usize, name: &ForeignName| groups.get(at).is_some_and(|group| group.foreign.iter().any(|key| key.name.is_same(name)));
    let wanted = audience.foreign.iter().enumerate().flat_map(|(at, names)| names.iter().map(move |name| (at, name)));
    wanted.filter(|(at, name)| !has(*at, name)).map(|(_, name)| name.clone()).collect()
}

fn keep_wrapped(group: &mut [WrappedKey], old: &KeyGroup) {
    for key in group {
        if let Some(known) = old.age.iter().find(|known| known.recipient == key.recipient) {
            key.armor.clone_from(&known.armor);
        }
    }
}
