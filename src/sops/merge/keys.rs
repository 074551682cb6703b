//! Who can open the merged file, under which data key, and by which settings.

use super::MergeError;
use super::values::merge_map;
use crate::sops::cipher::CipherError;
use crate::sops::data_key::DataKey;
use crate::sops::foreign::{self, ForeignKey, ForeignName};
use crate::sops::metadata::{KeyGroup, Metadata, WrappedKey};
use crate::sops::ops::{Audience, DataKeyFate, EditError, EncryptError, wrap_age};
use crate::sops::plugin::Plugins;
use crate::sops::recipient::Recipient;
use crate::sops::tree::{Map, MapItem};

/// The metadata of one version, and its data key.
#[derive(Clone, Copy)]
pub(super) struct Sealed<'a> {
    pub(super) metadata: &'a Metadata,
    pub(super) key: &'a DataKey,
}

/// What the merged file is encrypted with.
pub(super) struct Keys {
    /// The metadata, still without its MAC.
    pub(super) metadata: Metadata,
    pub(super) key: DataKey,
    pub(super) fate: DataKeyFate,
}

/// The keys of one group, by their names.
#[derive(Clone, Debug, Default, PartialEq)]
struct Names {
    age: Vec<String>,
    foreign: Vec<ForeignName>,
}

/// Merges what the sides say about keys and settings.
pub(super) fn merge(base: Option<Sealed<'_>>, ours: Sealed<'_>, theirs: Sealed<'_>, plugins: &dyn Plugins) -> Result<Keys, MergeError> {
    let (old, mine, other) = (base.map(|base| names(base.metadata)), names(ours.metadata), names(theirs.metadata));
    let groups = merge_names(old.as_deref(), &mine, &other)?;
    let thresholds =
        [base.and_then(|base| base.metadata.shamir_threshold()), ours.metadata.shamir_threshold(), theirs.metadata.shamir_threshold()];
    let threshold = pick(&thresholds[0], &thresholds[1], &thresholds[2]).ok_or(MergeError::Keys)?;
    let chosen = chosen_side(base, ours, theirs);
    let locked_out = names(chosen.metadata).iter().zip(&groups).any(|(before, after)| before.iter().any(|name| !after.has(&name)));
    let (key, fate) = if locked_out && !same_key(ours.key, theirs.key) {
        // Whoever is left out by one side knows the data key of the other.
        (DataKey::generate().map_err(CipherError::Random)?, DataKeyFate::Replaced)
    } else {
        (chosen.key.clone(), DataKeyFate::Kept)
    };
    let mut metadata = settings(base, chosen, if std::ptr::eq(chosen.metadata, ours.metadata) { theirs } else { ours })?;
    let sides = [ours, theirs].map(|side| (side, same_key(side.key, &key)));
    let threshold = threshold.filter(|_| groups.len() > 1);
    let whole = sides.iter().find(|(side, fits)| {
        *fits && names(side.metadata) == groups && side.metadata.shamir_threshold().filter(|_| groups.len() > 1) == threshold
    });
    let wrapped = match whole {
        Some((side, _)) => side.metadata.key_groups().to_vec(),
        None => wrap_all(&groups, threshold, &key, &sides, plugins)?,
    };
    if wrapped != metadata.key_groups() || threshold != metadata.shamir_threshold() {
        metadata.set_keys(wrapped, threshold);
    }
    Ok(Keys { metadata, key, fate })
}

/// The side whose data key goes on: the one that drew a new one.
fn chosen_side<'a>(base: Option<Sealed<'a>>, ours: Sealed<'a>, theirs: Sealed<'a>) -> Sealed<'a> {
    let rotated_there = base.is_some_and(|base| same_key(base.key, ours.key)) && !same_key(ours.key, theirs.key);
    if rotated_there { theirs } else { ours }
}

pub(super) fn same_key(a: &DataKey, b: &DataKey) -> bool {
    a.expose() == b.expose()
}

/// The settings of the chosen side, with what the other one changed. Keys, MAC, time and version are not settings.
fn settings(base: Option<Sealed<'_>>, chosen: Sealed<'_>, other: Sealed<'_>) -> Result<Metadata, MergeError> {
    let only = |fields: &Map| {
        let is_setting = |item: &MapItem| matches!(item, MapItem::Entry(entry) if !is_own(&entry.key));
        Map { items: fields.items.iter().filter(|item| is_setting(item)).cloned().collect() }
    };
    let old = base.map(|base| only(base.metadata.fields())).unwrap_or_default();
    let (merged, clashes) = merge_map(&old, &only(chosen.metadata.fields()), &only(other.metadata.fields()));
    if let Some(clash) = clashes.first() {
        return Err(MergeError::Setting { place: clash.path.to_string() });
    }
    let mut fields = chosen.metadata.fields().clone();
    fields.items.retain(|item| !matches!(item, MapItem::Entry(entry) if !is_own(&entry.key) && merged.get(&entry.key).is_none()));
    merged.entries().for_each(|entry| fields.insert(&entry.key, entry.value.clone()));
    Metadata::parse(fields).map_err(MergeError::Metadata)
}

/// Whether a field of the metadata is that of one version of the file.
fn is_own(field: &str) -> bool {
    ["age", "key_groups", "shamir_threshold", "lastmodified", "mac", "version"].contains(&field) || foreign::KINDS.contains(&field)
}

impl Names {
    fn iter(&self) -> impl Iterator<Item = Name<'_>> {
        self.age.iter().map(|name| Name::Age(name)).chain(self.foreign.iter().map(Name::Foreign))
    }

    fn has(&self, name: &Name<'_>) -> bool {
        match name {
            Name::Age(name) => self.age.iter().any(|known| known == name),
            Name::Foreign(name) => self.foreign.iter().any(|known| known.is_same(name)),
        }
    }
}

enum Name<'a> {
    Age(&'a str),
    Foreign(&'a ForeignName),
}

fn names(metadata: &Metadata) -> Vec<Names> {
    let of = |group: &KeyGroup| Names {
        age: group.age.iter().map(|key| key.recipient.clone()).collect(),
        foreign: group.foreign.iter().map(|key| key.name.clone()).collect(),
    };
    metadata.key_groups().iter().map(of).collect()
}

/// The keys of both sides, without those that either removed.
fn merge_names(base: Option<&[Names]>, ours: &[Names], theirs: &[Names]) -> Result<Vec<Names>, MergeError> {
    if ours.len() != theirs.len() {
        let base = base.ok_or(MergeError::Keys)?;
        return match (base == ours, base == theirs) {
            (true, _) => Ok(theirs.to_vec()),
            (_, true) => Ok(ours.to_vec()),
            _ => Err(MergeError::Keys),
        };
    }
    let nobody = Names::default();
    let old = |at: usize| base.filter(|base| base.len() == ours.len()).map_or(&nobody, |base| &base[at]);
    let group = |(at, (ours, theirs)): (usize, (&Names, &Names))| {
        let old = old(at);
        let stays = |name: &Name<'_>| theirs.has(name) || !old.has(name);
        let is_new = |name: &Name<'_>| !ours.has(name) && !old.has(name);
        let mut merged = Names {
            age: ours.age.iter().filter(|name| stays(&Name::Age(name))).cloned().collect(),
            foreign: ours.foreign.iter().filter(|name| stays(&Name::Foreign(name))).cloned().collect(),
        };
        merged.age.extend(theirs.age.iter().filter(|name| is_new(&Name::Age(name))).cloned());
        merged.foreign.extend(theirs.foreign.iter().filter(|name| is_new(&Name::Foreign(name))).cloned());
        merged
    };
    let merged: Vec<Names> = ours.iter().zip(theirs).enumerate().map(group).collect();
    if merged.iter().any(|group| group.iter().next().is_none()) { Err(MergeError::Keys) } else { Ok(merged) }
}

/// The data key for everybody. Keys that a side wrapped already are taken over; others are wrapped here, if they are of age.
fn wrap_all(
    groups: &[Names],
    threshold: Option<usize>,
    key: &DataKey,
    sides: &[(Sealed<'_>, bool)],
    plugins: &dyn Plugins,
) -> Result<Vec<KeyGroup>, MergeError> {
    let cannot = |name: &ForeignName| MergeError::from(EditError::ForeignKey { name: name.clone() });
    let [group] = groups else {
        // Shares of the data key are drawn together.
        if let Some(name) = groups.iter().find_map(|group| group.foreign.first()) {
            return Err(cannot(name));
        }
        let parsed = groups.iter().map(|group| group.age.iter().map(|name| Recipient::parse(name)).collect());
        let groups = parsed.collect::<Result<_, _>>().map_err(EditError::from)?;
        let audience = Audience { groups, shamir_threshold: threshold, ..Audience::default() };
        return Ok(wrap_age(key, &audience, plugins).map_err(|error| EditError::Keys(Box::new(error)))?);
    };
    let known: Vec<&KeyGroup> = sides
        .iter()
        .filter(|(side, fits)| *fits && side.metadata.key_groups().len() == 1)
        .flat_map(|(side, _)| side.metadata.key_groups())
        .collect();
    let age = |name: &String| match known.iter().flat_map(|group| &group.age).find(|key| key.recipient == *name) {
        Some(key) => Ok(key.clone()),
        None => {
            let wrapped = Recipient::parse(name).and_then(|recipient| recipient.wrap(key.expose(), plugins));
            let armor = wrapped.map_err(|error| EditError::Keys(Box::new(EncryptError::from(error))))?;
            Ok(WrappedKey { recipient: name.clone(), armor })
        }
    };
    let other = |name: &ForeignName| -> Result<ForeignKey, MergeError> {
        let known = known.iter().flat_map(|group| &group.foreign).find(|key| key.name.is_same(name));
        known.cloned().ok_or_else(|| cannot(name))
    };
    let age = group.age.iter().map(age).collect::<Result<_, MergeError>>()?;
    Ok(vec![KeyGroup { age, foreign: group.foreign.iter().map(other).collect::<Result<_, _>>()? }])
}

/// What one side changed; `None` if both did, each in another way.
fn pick<T: PartialEq + Clone>(base: &T, ours: &T, theirs: &T) -> Option<T> {
    if ours == theirs || base == theirs {
        Some(ours.clone())
    } else if base == ours {
        Some(theirs.clone())
    } else {
        None
    }
}
