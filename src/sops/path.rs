//! [`TreePath`]: where in a file a value stands, as sops writes it: `["a"]["b"][0]`.

use std::fmt;

use super::store::json;
use super::tree::{List, ListItem, Map, Node, Tree};

/// A path to a value, from the root of the first document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TreePath(Vec<Step>);

/// One step of a [`TreePath`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// Into a map.
    Key(String),
    /// Into a list, from 0.
    Index(usize),
}

/// Why a path leads nowhere.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// The text is not a path.
    #[error("not a path; write keys and indices like [\"database\"][\"password\"][0]")]
    Malformed,
    /// A key or index is not there.
    #[error("there is no {step} in the file")]
    NotFound {
        /// The first step that leads nowhere.
        step: String,
    },
}

impl TreePath {
    /// A path from its steps.
    #[must_use]
    pub const fn new(steps: Vec<Step>) -> Self {
        Self(steps)
    }

    /// Reads sops' notation; single or double quotes around keys.
    ///
    /// # Errors
    /// [`PathError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let mut steps = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let inner = rest.strip_prefix('[').ok_or(PathError::Malformed)?;
            let (step, tail) = match inner.chars().next() {
                Some(quote @ ('"' | '\'')) => {
                    let end = closing_quote(inner, quote).ok_or(PathError::Malformed)?;
                    (Step::Key(unquote(&inner[..=end], quote)?), &inner[end + 1..])
                }
                _ => {
                    let end = inner.find(']').ok_or(PathError::Malformed)?;
                    (Step::Index(inner[..end].parse().map_err(|_| PathError::Malformed)?), &inner[end..])
                }
            };
            steps.push(step);
            rest = tail.strip_prefix(']').ok_or(PathError::Malformed)?;
        }
        Ok(Self(steps))
    }

    /// The steps.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The value at the path.
    ///
    /// # Errors
    /// [`PathError::NotFound`].
    pub fn find<'t>(&self, tree: &'t Tree) -> Result<&'t Node, PathError> {
        let (first, rest) = self.split()?;
        let root = tree.documents.first().ok_or_else(|| not_found(first))?;
        let mut node = step_into_map(root, first)?;
        for step in rest {
            node = match (node, step) {
                (Node::Alias(target), _) => step_into(target, step)?,
                _ => step_into(node, step)?,
            };
        }
        Ok(node)
    }

    /// Puts a value at the path and makes the maps on the way; an index may be one past the end of a list.
    ///
    /// # Errors
    /// [`PathError::NotFound`] when the way leads through a value that is no map or list.
    pub fn set(&self, tree: &mut Tree, value: Node) -> Result<(), PathError> {
        let (first, _) = self.split()?;
        let root = tree.documents.first_mut().ok_or_else(|| not_found(first))?;
        set_in_map(root, &self.0, value)
    }

    /// Removes the value at the path and returns it.
    ///
    /// # Errors
    /// [`PathError::NotFound`].
    pub fn unset(&self, tree: &mut Tree) -> Result<Node, PathError> {
        let (first, _) = self.split()?;
        let root = tree.documents.first_mut().ok_or_else(|| not_found(first))?;
        unset_in_map(root, &self.0)
    }

    fn split(&self) -> Result<(&Step, &[Step]), PathError> {
        self.0.split_first().ok_or(PathError::Malformed)
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| step.fmt(f))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "[{}]", serde_json::Value::from(key.as_str())),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

fn step_into<'t>(node: &'t Node, step: &Step) -> Result<&'t Node, PathError> {
    match (node, step) {
        (Node::Map(map), _) => step_into_map(map, step),
        (Node::List(list), Step::Index(index)) => list.values().nth(*index).ok_or_else(|| not_found(step)),
        (Node::Alias(target), _) => step_into(target, step),
        _ => Err(not_found(step)),
    }
}

fn step_into_map<'t>(map: &'t Map, step: &Step) -> Result<&'t Node, PathError> {
    match step {
        Step::Key(key) => map.get(key).ok_or_else(|| not_found(step)),
        Step::Index(_) => Err(not_found(step)),
    }
}

fn set_in_map(map: &mut Map, steps: &[Step], value: Node) -> Result<(), PathError> {
    match steps {
        [Step::Key(key)] => map.insert(key, value),
        [step @ Step::Key(key), rest @ ..] => match map.get_mut(key) {
            Some(node) => return set_in(node, rest, value, step),
            None => map.insert(key, build(rest, value)?),
        },
        [step @ Step::Index(_), ..] => return Err(not_found(step)),
        [] => return Err(PathError::Malformed),
    }
    Ok(())
}

fn set_in(node: &mut Node, steps: &[Step], value: Node, here: &Step) -> Result<(), PathError> {
    match (node, steps) {
        (Node::Map(map), _) => set_in_map(map, steps, value),
        (Node::List(list), [step @ Step::Index(index), rest @ ..]) => {
            let count = list.values().count();
            match (list.get_mut(*index), rest) {
                (Some(slot), []) => *slot = value,
                (Some(slot), _) => return set_in(slot, rest, value, step),
                (None, _) if *index == count => list.items.push(ListItem::Value(build(rest, value)?)),
                (None, _) => return Err(not_found(step)),
            }
            Ok(())
        }
        _ => Err(not_found(steps.first().unwrap_or(here))),
    }
}

/// The maps and lists that a new path needs.
fn build(steps: &[Step], value: Node) -> Result<Node, PathError> {
    match steps {
        [] => Ok(value),
        [Step::Key(key), rest @ ..] => {
            let mut map = Map::default();
            map.insert(key, build(rest, value)?);
            Ok(Node::Map(map))
        }
        [Step::Index(0), rest @ ..] => Ok(Node::List(List { items: vec![ListItem::Value(build(rest, value)?)] })),
        [step, ..] => Err(not_found(step)),
    }
}

fn unset_in_map(map: &mut Map, steps: &[Step]) -> Result<Node, PathError> {
    match steps {
        [step @ Step::Key(key)] => map.remove(key).ok_or_else(|| not_found(step)),
        [step @ Step::Key(key), rest @ ..] => unset_in(map.get_mut(key).ok_or_else(|| not_found(step))?, rest),
        [step, ..] => Err(not_found(step)),
        [] => Err(PathError::Malformed),
    }
}

fn unset_in(node: &mut Node, steps: &[Step]) -> Result<Node, PathError> {
    let first = steps.first().ok_or(PathError::Malformed)?;
    match (node, steps) {
        (Node::Map(map), _) => unset_in_map(map, steps),
        (Node::List(list), [Step::Index(index)]) => {
            let positions = list.items.iter().enumerate().filter(|(_, item)| matches!(item, ListItem::Value(_)));
            let at = positions.map(|(at, _)| at).nth(*index).ok_or_else(|| not_found(first))?;
            match list.items.remove(at) {
                ListItem::Value(node) => Ok(node),
                ListItem::Comment(_) => Err(not_found(first)),
            }
        }
        (Node::List(list), [Step::Index(index), rest @ ..]) => unset_in(list.get_mut(*index).ok_or_else(|| not_found(first))?, rest),
        _ => Err(not_found(first)),
    }
}

fn not_found(step: &Step) -> PathError {
    PathError::NotFound { step: step.to_string() }
}

/// The offset of the quote that ends a key; `text` starts with the opening one.
fn closing_quote(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            c if c == quote => return Some(at),
            _ => {}
        }
    }
    None
}

fn unquote(quoted: &str, quote: char) -> Result<String, PathError> {
    if quote == '\'' {
        return Ok(quoted.trim_matches('\'').to_owned());
    }
    let node = json::parse_value(quoted).map_err(|_| PathError::Malformed)?;
    node.as_str().map(str::to_owned).ok_or(PathError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_sops_reads_them() {
        let path = TreePath::parse(r#"["a"]['b c'][0]["q\"]"]"#).expect("parses");
        let key = |k: &str| Step::Key(k.to_owned());
        assert_eq!(path.steps(), [key("a"), key("b c"), Step::Index(0), key("q\"]")]);
        for bad in ["a", "[a]", "[\"a\"", "[\"a\"]x", "[-1]"] {
            assert!(TreePath::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn set_makes_the_way_and_unset_removes() {
        let mut tree = Tree { documents: vec![Map::default()] };
        let path = TreePath::parse(r#"["a"]["l"][0]"#).expect("parses");
        path.set(&mut tree, Node::text("v")).expect("sets");
        assert_eq!(path.find(&tree).ok().and_then(Node::as_str), Some("v"));
        assert!(TreePath::parse(r#"["a"]["l"][2]"#).expect("parses").set(&mut tree, Node::text("w")).is_err());
        path.unset(&mut tree).expect("unsets");
        assert!(path.find(&tree).is_err());
    }
}
