//! What trees hold of what is wanted, numbered so that equal contents have equal numbers: a
//! commit's whole relevant content is one number.

use std::collections::HashMap;
use std::rc::Rc;

use super::leads::Leads;
use super::links::{Child, Leaf};

/// The number of no content.
pub(super) const EMPTY: u32 = 0;

/// What is below a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kid {
    /// Something wanted.
    Leaf(Leaf),
    /// A content, by its number.
    Node(u32),
}

/// Contents, each distinct one once.
pub(super) struct Contents<'a> {
    leads: &'a Leads,
    nodes: Vec<Rc<[(u32, Kid)]>>,
    known: HashMap<Rc<[(u32, Kid)]>, u32>,
    of_list: Vec<State>,
}

/// How far a list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    /// What it leads to is being numbered.
    Open,
    Known(u32),
}

impl<'a> Contents<'a> {
    /// Nothing is numbered yet.
    pub(super) fn new(leads: &'a Leads, lists: u32) -> Self {
        let empty: Rc<[(u32, Kid)]> = Rc::from([]);
        let known = HashMap::from([(Rc::clone(&empty), EMPTY)]);
        Self { leads, nodes: vec![empty], known, of_list: vec![State::New; lists as usize] }
    }

    /// The names and kids of a content, sorted.
    pub(super) fn kids(&self, node: u32) -> &[(u32, Kid)] {
        &self.nodes[node as usize]
    }

    /// The contents below a name; more than one only in a malformed tree.
    pub(super) fn below(&self, node: u32, name: u32) -> impl Iterator<Item = u32> {
        let kids = self.kids(node);
        let first = kids.partition_point(|&(other, _)| other < name);
        let of_name = kids[first..].iter().take_while(move |(other, _)| *other == name);
        of_name.filter_map(|(_, kid)| if let Kid::Node(node) = kid { Some(*node) } else { None })
    }

    /// The number of what a tree with this list of links holds. Depth costs no stack: trees can be
    /// nested as deep as their author likes.
    pub(super) fn number(&mut self, list: u32) -> u32 {
        let mut open = vec![list];
        while let Some(&list) = open.last() {
            match self.of_list[list as usize] {
                State::New => {
                    self.of_list[list as usize] = State::Open;
                    let trees = self
                        .leads
                        .list(list)
                        .iter()
                        .filter_map(|(_, child)| if let Child::Tree(list) = child { Some(*list) } else { None });
                    open.extend(trees.filter(|list| self.of_list[*list as usize] == State::New));
                }
                State::Open => {
                    self.of_list[list as usize] = State::Known(self.built(list));
                    open.pop();
                }
                State::Known(_) => _ = open.pop(),
            }
        }
        self.known(list)
    }

    fn known(&self, list: u32) -> u32 {
        match self.of_list[list as usize] {
            State::Known(node) => node,
            // Only where objects are not what their names say can a tree hold itself.
            State::New | State::Open => EMPTY,
        }
    }

    fn built(&mut self, list: u32) -> u32 {
        let kid = |&(name, child): &(u32, Child)| match child {
            Child::Leaf(leaf) => Some((name, Kid::Leaf(leaf))),
            Child::Tree(list) => Some((name, Kid::Node(self.known(list)))).filter(|(_, kid)| *kid != Kid::Node(EMPTY)),
        };
        let mut kids: Vec<(u32, Kid)> = self.leads.list(list).iter().filter_map(kid).collect();
        kids.sort_unstable();
        kids.dedup();
        if let Some(&node) = self.known.get(kids.as_slice()) {
            return node;
        }
        let node = self.nodes.len() as u32;
        let kids: Rc<[(u32, Kid)]> = kids.into();
        self.nodes.push(Rc::clone(&kids));
        self.known.insert(kids, node);
        node
    }
}
