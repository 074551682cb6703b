//! Metadata for formats without nesting: `age[0].enc` becomes `age__list_0__map_enc`, line feeds become `\n`.
//!
//! Source: sops' `stores/flatten.go`, measured on sops 3.11.

use std::collections::BTreeMap;

use crate::sops::tree::{Entry, List, ListItem, Map, MapItem, Node, Scalar};

const MAP: &str = "__map_";
const LIST: &str = "__list_";
/// The longest list that a flattened index may ask for.
const MAX_INDEX: usize = 10_000;
const MAX_DEPTH: usize = 16;

/// Flattens a metadata block into sorted pairs; null is left out.
pub(super) fn flatten(fields: &Map) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for entry in fields.entries() {
        flatten_node(&entry.key, &entry.value, &mut out);
    }
    out
}

/// Builds the metadata block from flat pairs. `None` if the names contradict one another.
pub(super) fn unflatten<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Option<Map> {
    let mut root = Branch::default();
    for (name, value) in pairs {
        let steps = steps(name)?;
        let mut branch = &mut root;
        for step in steps {
            branch = branch.children.entry(step).or_default();
        }
        branch.value = Some(value.replace("\\n", "\n"));
    }
    match root.into_node() {
        Node::Map(map) => Some(map),
        _ => None,
    }
}

fn flatten_node(name: &str, node: &Node, out: &mut BTreeMap<String, String>) {
    match node {
        Node::Map(map) => map.entries().for_each(|entry| flatten_node(&format!("{name}{MAP}{}", entry.key), &entry.value, out)),
        Node::List(list) => {
            for (at, value) in list.values().enumerate() {
                flatten_node(&format!("{name}{LIST}{at}"), value, out);
            }
        }
        Node::Alias(target) => flatten_node(name, target, out),
        Node::Scalar(Scalar::Null) => {}
        Node::Scalar(Scalar::Bool(value)) => {
            out.insert(name.to_owned(), value.to_string());
        }
        Node::Scalar(scalar) => {
            let text = String::from_utf8_lossy(&scalar.to_bytes()).replace('\n', "\\n");
            out.insert(name.to_owned(), text);
        }
    }
}

#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Step {
    Key(String),
    Index(usize),
}

#[derive(Default)]
struct Branch {
    value: Option<String>,
    children: BTreeMap<Step, Branch>,
}

impl Branch {
    fn into_node(self) -> Node {
        if let Some(value) = self.value {
            return Node::text(&value);
        }
        let is_list = !self.children.is_empty() && self.children.keys().all(|step| matches!(step, Step::Index(_)));
        if is_list {
            let items = self.children.into_values().map(|child| ListItem::Value(child.into_node()));
            return Node::List(List { items: items.collect() });
        }
        let mut map = Map::default();
        for (step, child) in self.children {
            if let Step::Key(key) = step {
                map.items.push(MapItem::Entry(Entry { key, value: child.into_node() }));
            }
        }
        Node::Map(map)
    }
}

fn steps(name: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = name;
    let mut make: fn(&str) -> Option<Step> = |text| Some(Step::Key(text.to_owned()));
    loop {
        let next = [rest.find(MAP), rest.find(LIST)].into_iter().flatten().min();
        let end = next.unwrap_or(rest.len());
        steps.push(make(&rest[..end])?);
        if next.is_none() {
            return Some(steps);
        }
        if steps.len() > MAX_DEPTH {
            return None;
        }
        rest = &rest[end..];
        if let Some(after) = rest.strip_prefix(MAP) {
            rest = after;
            make = |text| Some(Step::Key(text.to_owned()));
        } else {
            rest = rest.strip_prefix(LIST)?;
            make = |text| text.parse().ok().filter(|at| *at < MAX_INDEX).map(Step::Index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_and_back() {
        let pairs = [
            ("age__list_0__map_enc", "a\\nb"),
            ("age__list_0__map_recipient", "age1x"),
            ("age__list_1__map_recipient", "age1y"),
            ("key_groups__list_0__map_age__list_0__map_enc", "z"),
            ("version", "3.11.0"),
        ];
        let map = unflatten(pairs.into_iter()).expect("unflattens");
        let flat = flatten(&map);
        let expected: BTreeMap<String, String> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(flat, expected);
    }
}
