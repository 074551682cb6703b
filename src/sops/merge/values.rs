//! Three versions of values, merged key by key. Comments and the order of keys decide nothing here.

use std::collections::HashMap;

use zeroize::Zeroizing;

use super::sequence::{self, Piece};
use crate::secret::Secret;
use crate::sops::path::{Step, TreePath};
use crate::sops::tree::{Comment, Entry, List, ListItem, Map, MapItem, Node, Scalar, Tree};

/// A place that both sides changed, each in another way.
#[derive(Clone, Debug)]
pub struct Clash {
    /// The document of the file, from 0; only YAML has several.
    pub document: usize,
    /// The place.
    pub path: TreePath,
    /// What the sides did there.
    pub kind: ClashKind,
}

/// What the sides did to a place that both changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClashKind {
    /// Each set a value of its own.
    Values,
    /// Ours removed what theirs changed.
    RemovedHere,
    /// Ours changed what theirs removed.
    RemovedThere,
}

/// Where keys go that theirs added.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NewKeys {
    /// Behind the key that they follow in theirs.
    InPlace,
    /// At the end of their map: where stores put them into a text.
    AtEnd,
}

/// The merged values, with those of ours where both sides differ; `None` if the sides have different numbers of documents.
pub(super) fn merge(base: &Tree, ours: &Tree, theirs: &Tree, new_keys: NewKeys) -> Option<(Tree, Vec<Clash>)> {
    let counts = [base, ours, theirs].map(|tree| tree.documents.len());
    if counts[1] != counts[2] {
        let same = |a: &Tree, b: &Tree| {
            a.documents.len() == b.documents.len() && a.documents.iter().zip(&b.documents).all(|(a, b)| same_map(a, b))
        };
        return match (same(base, ours), same(base, theirs)) {
            (true, _) => Some((theirs.clone(), Vec::new())),
            (_, true) => Some((ours.clone(), Vec::new())),
            _ => None,
        };
    }
    let nothing = Map::default();
    let mut merger = Merger { new_keys, document: 0, path: Vec::new(), clashes: Vec::new() };
    let mut documents = Vec::new();
    for (at, (mine, other)) in ours.documents.iter().zip(&theirs.documents).enumerate() {
        merger.document = at;
        let old = if counts[0] == counts[1] { &base.documents[at] } else { &nothing };
        documents.push(merger.map(old, mine, other));
    }
    Some((Tree { documents }, merger.clashes))
}

/// The same for one map, whose values are settings.
pub(super) fn merge_map(base: &Map, ours: &Map, theirs: &Map) -> (Map, Vec<Clash>) {
    let mut merger = Merger { new_keys: NewKeys::InPlace, document: 0, path: Vec::new(), clashes: Vec::new() };
    (merger.map(base, ours, theirs), merger.clashes)
}

/// Whether two trees hold the same values below the same keys.
pub(super) fn same_tree(a: &Tree, b: &Tree) -> bool {
    a.documents.len() == b.documents.len() && a.documents.iter().zip(&b.documents).all(|(a, b)| same_map(a, b))
}

struct Merger {
    new_keys: NewKeys,
    document: usize,
    path: Vec<Step>,
    clashes: Vec<Clash>,
}

impl Merger {
    fn map(&mut self, base: &Map, ours: &Map, theirs: &Map) -> Map {
        let [old, mine, other] = [base, ours, theirs].map(by_key);
        let mut merged = Map::default();
        for item in &ours.items {
            match item {
                MapItem::Comment(comment) => merged.items.push(MapItem::Comment(comment.clone())),
                MapItem::Entry(Entry { key, value }) => {
                    let value =
                        self.at(Step::Key(key.clone()), [old.get(key.as_str()).copied(), Some(value), other.get(key.as_str()).copied()]);
                    merged.items.extend(value.map(|value| MapItem::Entry(Entry { key: key.clone(), value })));
                }
            }
        }
        let mut before: Option<&str> = None;
        for Entry { key, value } in theirs.entries() {
            if !mine.contains_key(key.as_str()) {
                let value = self.at(Step::Key(key.clone()), [old.get(key.as_str()).copied(), None, Some(value)]);
                if let Some(value) = value {
                    let at = match self.new_keys {
                        NewKeys::AtEnd => merged.items.len(),
                        NewKeys::InPlace => behind(&merged, before, |key| mine.contains_key(key) && !other.contains_key(key)),
                    };
                    merged.items.insert(at, MapItem::Entry(Entry { key: key.clone(), value }));
                }
            }
            before = Some(key);
        }
        merged
    }

    /// One place in its three versions.
    fn at(&mut self, step: Step, [base, ours, theirs]: [Option<&Node>; 3]) -> Option<Node> {
        if same(ours, theirs) || same(base, theirs) {
            return ours.cloned();
        }
        if same(base, ours) {
            return theirs.cloned();
        }
        self.path.push(step);
        let merged = self.both_changed(base, ours, theirs);
        self.path.pop();
        merged
    }

    fn both_changed(&mut self, base: Option<&Node>, ours: Option<&Node>, theirs: Option<&Node>) -> Option<Node> {
        let (Some(mine), Some(other)) = (ours, theirs) else {
            self.clash(if ours.is_none() { ClashKind::RemovedHere } else { ClashKind::RemovedThere });
            return ours.cloned();
        };
        if let (Some(mine), Some(other)) = (mine.as_map(), other.as_map()) {
            let nothing = Map::default();
            return Some(Node::Map(self.map(base.and_then(Node::as_map).unwrap_or(&nothing), mine, other)));
        }
        if let (Some(old), Some(mine), Some(other)) = (base.and_then(Node::as_list), mine.as_list(), other.as_list()) {
            return Some(Node::List(self.list(old, mine, other)));
        }
        self.clash(ClashKind::Values);
        ours.cloned()
    }

    fn list(&mut self, base: &List, ours: &List, theirs: &List) -> List {
        let mut names = HashMap::new();
        let [old, mine, other] = [base, ours, theirs].map(Units::of);
        let [old_names, mine_names, other_names] = [&old, &mine, &other].map(|units| units.names(&mut names));
        let pieces = sequence::merge(&old_names, &mine_names, &other_names);
        let (clashes, mut merged) = (self.clashes.len(), List::default());
        for piece in pieces {
            match piece {
                Piece::Ours(range) => mine.copy(range, &mut merged),
                Piece::Theirs(range) => other.copy(range, &mut merged),
                Piece::Both { base, ours, theirs } if base.len() == ours.len() && ours.len() == theirs.len() => {
                    for ((at, mine_at), other_at) in base.zip(ours).zip(theirs) {
                        let place = merged.values().count();
                        let versions = [Some(old.0[at].1), Some(mine.0[mine_at].1), Some(other.0[other_at].1)];
                        let value = self.at(Step::Index(place), versions);
                        merged.items.extend(mine.0[mine_at].0.iter().map(|comment| ListItem::Comment((*comment).clone())));
                        merged.items.extend(value.map(ListItem::Value));
                    }
                }
                // Which of them comes first cannot be told.
                Piece::Both { .. } => {
                    self.clashes.truncate(clashes);
                    self.clash(ClashKind::Values);
                    return ours.clone();
                }
            }
        }
        let trailing = ours.items.iter().rev().take_while(|item| matches!(item, ListItem::Comment(_)));
        let trailing: Vec<ListItem> = trailing.cloned().collect();
        merged.items.extend(trailing.into_iter().rev());
        merged
    }

    fn clash(&mut self, kind: ClashKind) {
        self.clashes.push(Clash { document: self.document, path: TreePath::new(self.path.clone()), kind });
    }
}

/// The items of a list, each with the comments before it.
struct Units<'a>(Vec<(Vec<&'a Comment>, &'a Node)>);

impl<'a> Units<'a> {
    fn of(list: &'a List) -> Self {
        let (mut units, mut comments) = (Vec::new(), Vec::new());
        for item in &list.items {
            match item {
                ListItem::Comment(comment) => comments.push(comment),
                ListItem::Value(node) => units.push((std::mem::take(&mut comments), node)),
            }
        }
        Self(units)
    }

    /// Equal items have equal numbers.
    fn names(&self, known: &mut HashMap<Secret, usize>) -> Vec<usize> {
        let mut name = |node: &Node| {
            let mut spelled = Vec::new();
            spell(node, &mut spelled);
            let next = known.len();
            *known.entry(Secret::new(spelled)).or_insert(next)
        };
        self.0.iter().map(|(_, node)| name(node)).collect()
    }

    fn copy(&self, range: std::ops::Range<usize>, to: &mut List) {
        for (comments, node) in &self.0[range] {
            to.items.extend(comments.iter().map(|comment| ListItem::Comment((*comment).clone())));
            to.items.push(ListItem::Value((*node).clone()));
        }
    }
}

fn by_key(map: &Map) -> HashMap<&str, &Node> {
    map.entries().map(|entry| (entry.key.as_str(), &entry.value)).collect()
}

/// The place behind a key, and behind what ours alone has there.
fn behind(map: &Map, key: Option<&str>, is_ours_alone: impl Fn(&str) -> bool) -> usize {
    let is_it = |item: &MapItem| matches!(item, MapItem::Entry(entry) if Some(entry.key.as_str()) == key);
    let start = match key {
        None => 0,
        Some(_) => map.items.iter().position(is_it).map_or(map.items.len(), |at| at + 1),
    };
    let more = map.items[start..].iter().take_while(|item| matches!(item, MapItem::Entry(entry) if is_ours_alone(&entry.key)));
    start + more.count()
}

fn same(a: Option<&Node>, b: Option<&Node>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => same_node(a, b),
        _ => false,
    }
}

fn same_map(a: &Map, b: &Map) -> bool {
    let other = by_key(b);
    a.entries().count() == b.entries().count()
        && a.entries().all(|entry| other.get(entry.key.as_str()).is_some_and(|node| same_node(&entry.value, node)))
}

fn same_node(a: &Node, b: &Node) -> bool {
    let (mut one, mut two) = (Zeroizing::new(Vec::new()), Zeroizing::new(Vec::new()));
    match (a, b) {
        (Node::Scalar(a), Node::Scalar(b)) => {
            spell_scalar(a, &mut one);
            spell_scalar(b, &mut two);
            one == two
        }
        (Node::Alias(a), b) => same_node(a, b),
        (a, Node::Alias(b)) => same_node(a, b),
        (Node::Map(a), Node::Map(b)) => same_map(a, b),
        (Node::List(a), Node::List(b)) => {
            a.values().count() == b.values().count() && a.values().zip(b.values()).all(|(a, b)| same_node(a, b))
        }
        _ => false,
    }
}

/// A text that only equal nodes have.
fn spell(node: &Node, out: &mut Vec<u8>) {
    match node {
        Node::Alias(target) => spell(target, out),
        Node::Scalar(scalar) => spell_scalar(scalar, out),
        Node::List(list) => {
            out.push(b'[');
            list.values().for_each(|value| spell(value, out));
            out.push(b']');
        }
        Node::Map(map) => {
            let mut entries: Vec<&Entry> = map.entries().collect();
            entries.sort_by(|a, b| a.key.cmp(&b.key));
            out.push(b'{');
            for entry in entries {
                spell_bytes(entry.key.as_bytes(), out);
                spell(&entry.value, out);
            }
            out.push(b'}');
        }
    }
}

fn spell_scalar(scalar: &Scalar, out: &mut Vec<u8>) {
    out.extend_from_slice(scalar.value_type().map_or("null", |kind| kind.name()).as_bytes());
    spell_bytes(&scalar.to_bytes(), out);
}

fn spell_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(bytes);
}
