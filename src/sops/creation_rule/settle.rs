//! What YAML says a map holds: aliases replaced by what they stand for, merge keys (`<<`) carried out.

use super::ConfigError;
use crate::sops::tree::{List, ListItem, Map, Node, Scalar};

const MERGE: &str = "<<";

/// The map without aliases, merge keys and comments. Its own keys count before merged ones, earlier maps before later ones.
pub(super) fn settled(map: &Map) -> Result<Map, ConfigError> {
    let (mut own, mut merged) = (Map::default(), Vec::new());
    for entry in map.entries() {
        let value = settled_node(&entry.value)?;
        if entry.key == MERGE { merge_sources(value, &mut merged)? } else { own.insert(&entry.key, value) }
    }
    for source in merged {
        for entry in source.entries() {
            if own.get(&entry.key).is_none() {
                own.insert(&entry.key, entry.value.clone());
            }
        }
    }
    Ok(own)
}

fn settled_node(node: &Node) -> Result<Node, ConfigError> {
    Ok(match node {
        Node::Alias(target) => settled_node(target)?,
        Node::Map(map) => Node::Map(settled(map)?),
        Node::List(list) => {
            let values = list.values().map(|node| settled_node(node).map(ListItem::Value));
            Node::List(List { items: values.collect::<Result<_, _>>()? })
        }
        Node::Scalar(_) => node.clone(),
    })
}

fn merge_sources(value: Node, merged: &mut Vec<Map>) -> Result<(), ConfigError> {
    match value {
        Node::Map(map) => merged.push(map),
        Node::List(list) => {
            for node in list.values().cloned().collect::<Vec<_>>() {
                merge_sources(node, merged)?;
            }
        }
        _ => return Err(ConfigError::Field { place: "a merge key".to_owned(), field: MERGE }),
    }
    Ok(())
}

/// Whether something below the node is used elsewhere through an alias.
pub(super) fn is_lent(node: &Node, targets: &[&Node]) -> bool {
    targets.contains(&node)
        || match node {
            Node::Map(map) => map.entries().any(|entry| is_lent(&entry.value, targets)),
            Node::List(list) => list.values().any(|value| is_lent(value, targets)),
            Node::Alias(_) | Node::Scalar(_) => false,
        }
}

/// All that aliases stand for.
pub(super) fn alias_targets<'n>(node: &'n Node, found: &mut Vec<&'n Node>) {
    match node {
        Node::Alias(target) => found.push(target),
        Node::Map(map) => map.entries().for_each(|entry| alias_targets(&entry.value, found)),
        Node::List(list) => list.values().for_each(|value| alias_targets(value, found)),
        Node::Scalar(_) => {}
    }
}

/// A boolean as go-yaml reads it where one is expected: the words of YAML 1.1 count too.
pub(super) fn boolean(node: &Node) -> Option<bool> {
    if let Node::Scalar(Scalar::Bool(on)) = node {
        return Some(*on);
    }
    match node.as_str()? {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}
