//! Which trees lead to something wanted.

use foldhash::HashSet;

use super::attribute::{LINKS, Wanted};
use super::leads::Leads;
use super::links::Links;
use crate::source::object::{ObjectId, ObjectStore};

/// All trees that have something wanted in them, however deep. `None` if there are too many to be followed.
pub fn leading_trees(store: &ObjectStore, wanted: &Wanted) -> Option<HashSet<ObjectId>> {
    let links = Links::read(store, wanted, LINKS);
    let leads = Leads::of(&links, usize::MAX, LINKS);
    let leads_on = |list: u32| list < links.len() && !leads.list(list).is_empty();
    let trees = links.of_tree.iter().filter(|(_, list)| leads_on(**list)).map(|(id, _)| *id).collect();
    (!links.truncated && !leads.truncated).then_some(trees)
}
