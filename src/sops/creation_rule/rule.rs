//! One creation rule: its paths, its keys, its selector.

use super::settle::boolean;
use super::{ConfigError, CreationRule, is_null};
use crate::sops::foreign::{self, ForeignName};
use crate::sops::mac::MacScope;
use crate::sops::ops::Audience;
use crate::sops::recipient::{Recipient, RecipientError};
use crate::sops::selector::{Pattern, PatternError, Selector};
use crate::sops::tree::{Map, Node, Scalar};

/// For which paths a rule is; `None` is for all.
pub(super) fn path_regex(map: &Map, place: &str) -> Result<Option<Pattern>, ConfigError> {
    let found = text(map, "path_regex", place)?.filter(|regex| !regex.is_empty());
    let compiled = found.map(|regex| Pattern::new(&regex)).transpose();
    compiled.map_err(|PatternError::Invalid { reason, .. }| ConfigError::PathPattern { place: place.to_owned(), reason })
}

/// What a rule says about the files it is for.
pub(super) fn read(map: &Map, place: &str, path_regex: Option<Pattern>) -> Result<CreationRule, ConfigError> {
    let wrong = |field| ConfigError::Field { place: place.to_owned(), field };
    let mac_scope = match map.get("mac_only_encrypted").filter(|node| !is_null(node)) {
        None => MacScope::AllValues,
        Some(node) => match boolean(node).ok_or_else(|| wrong("mac_only_encrypted"))? {
            true => MacScope::EncryptedOnly,
            false => MacScope::AllValues,
        },
    };
    let shamir_threshold = match map.get("shamir_threshold") {
        None | Some(Node::Scalar(Scalar::Null | Scalar::Int(0))) => None,
        Some(Node::Scalar(Scalar::Int(number))) => usize::try_from(*number).ok(),
        #[expect(clippy::cast_possible_truncation, reason = "go-yaml cuts the fraction off")]
        Some(Node::Scalar(Scalar::Float(number))) => usize::try_from(*number as i64).ok().filter(|number| *number > 0),
        Some(_) => return Err(wrong("shamir_threshold")),
    };
    let (groups, foreign) = groups(map, place)?;
    let audience = Audience { groups, foreign, shamir_threshold, rule: Some(map.clone()) };
    Ok(CreationRule { path_regex, audience, selector: selector(map, place)?, mac_scope })
}

fn selector(map: &Map, place: &str) -> Result<Option<Selector>, ConfigError> {
    let mut selector = None;
    for field in Selector::FIELDS {
        let Some(value) = text(map, field, place)?.filter(|value| !value.is_empty()) else { continue };
        if selector.is_some() {
            return Err(ConfigError::ManySelectors { place: place.to_owned() });
        }
        selector = Selector::from_field(field, &value).map_err(|source| ConfigError::Pattern { place: place.to_owned(), source })?;
    }
    Ok(selector)
}

type Groups = (Vec<Vec<Recipient>>, Vec<Vec<ForeignName>>);

/// The key groups of a rule; keys beside `key_groups` are ignored by sops when there are groups.
fn groups(map: &Map, place: &str) -> Result<Groups, ConfigError> {
    let wrong = || ConfigError::Field { place: place.to_owned(), field: "key_groups" };
    let listed = match map.get("key_groups").filter(|node| !is_null(node)) {
        None => Vec::new(),
        Some(node) => node.as_list().ok_or_else(wrong)?.values().filter(|node| !is_null(node)).collect(),
    };
    if listed.is_empty() {
        let age = recipients(map.get("age"), place)?;
        return Ok((vec![age], vec![foreign::named_by(map)]));
    }
    let (mut groups, mut foreign) = (Vec::new(), Vec::new());
    for node in listed {
        let (age, others) = group(node.as_map().ok_or_else(wrong)?, place)?;
        groups.push(age);
        foreign.push(others);
    }
    Ok((groups, foreign))
}

fn group(map: &Map, place: &str) -> Result<(Vec<Recipient>, Vec<ForeignName>), ConfigError> {
    for field in LISTS {
        if map.get(field).is_some_and(|node| !is_null(node) && node.as_list().is_none()) {
            return Err(ConfigError::Field { place: place.to_owned(), field });
        }
    }
    let (mut age, mut foreign) = (recipients(map.get("age"), place)?, foreign::named_by(map));
    let merged = map.get("merge").and_then(Node::as_list);
    for node in merged.iter().flat_map(|list| list.values()) {
        let inner = node.as_map().ok_or_else(|| ConfigError::Field { place: place.to_owned(), field: "merge" })?;
        let (more_age, more_foreign) = group(inner, place)?;
        let new_age: Vec<_> = more_age.into_iter().filter(|recipient| !age.contains(recipient)).collect();
        age.extend(new_age);
        let new_foreign: Vec<_> = more_foreign.into_iter().filter(|name| !foreign.iter().any(|known| known.is_same(name))).collect();
        foreign.extend(new_foreign);
    }
    Ok((age, foreign))
}

/// What a key group names in lists; a rule takes texts with commas too.
const LISTS: [&str; 8] = ["age", "pgp", "kms", "gcp_kms", "hckms", "azure_keyvault", "hc_vault", "merge"];

/// `age:` is a text with commas or a list of such.
fn recipients(node: Option<&Node>, place: &str) -> Result<Vec<Recipient>, ConfigError> {
    let wrong = || ConfigError::AgeKeys { place: place.to_owned() };
    let texts: Vec<&str> = match node {
        None | Some(Node::Scalar(Scalar::Null)) => Vec::new(),
        Some(Node::List(list)) => list.values().map(|node| node.as_str().ok_or_else(wrong)).collect::<Result<_, _>>()?,
        Some(node) => vec![node.as_str().ok_or_else(wrong)?],
    };
    recipient_list(&texts.join(",")).map_err(|source| ConfigError::Recipient { place: place.to_owned(), source })
}

/// Reads a list of recipients as in `--age` or `SOPS_AGE_RECIPIENTS`: commas, blanks and line feeds around them.
///
/// # Errors
/// [`RecipientError`] for the first bad one.
pub fn recipient_list(text: &str) -> Result<Vec<Recipient>, RecipientError> {
    text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(Recipient::parse).collect()
}

/// A text; numbers, booleans and times are texts too where one is expected.
fn text(map: &Map, field: &'static str, place: &str) -> Result<Option<String>, ConfigError> {
    match map.get(field) {
        None => Ok(None),
        Some(node) if is_null(node) => Ok(None),
        Some(Node::Scalar(scalar)) if !matches!(scalar, Scalar::Text(_)) => {
            Ok(Some(String::from_utf8_lossy(&scalar.to_plain_text()).into_owned()))
        }
        Some(node) => node.as_str().map(|text| Some(text.to_owned())).ok_or_else(|| ConfigError::Field { place: place.to_owned(), field }),
    }
}
