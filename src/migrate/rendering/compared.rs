//! [`compared`]: the kustomizations that a migration touches, rendered without it and with it.

use std::collections::{BTreeMap, BTreeSet};

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::copy::{Files, Tree, gather};
use super::graph::Graph;
use super::{Comparison, Plain, Rendering, compare};
use crate::migrate::change::Change;
use crate::migrate::file::SourceFiles;
use crate::migrate::plan::Plan;
use crate::migrate::proof::chosen_sites;
use crate::migrate::repo::Repo;
use crate::secret::Secret;
use crate::sops::keyring::Keyring;

/// Kustomizations that are rendered at most.
const MOST: usize = 64;

/// What renders kustomizations.
pub trait Renderer: Sync {
    /// What the kustomization of a folder renders to, from these files alone; `name` is one for the copy of them.
    ///
    /// # Errors
    /// Why it does not.
    fn render(&self, name: &str, files: &Files, folder: &str) -> Result<Rendering, Failure>;
}

/// Why there is no rendering, for people to read.
#[derive(Debug, Clone)]
pub enum Failure {
    /// It was not rendered.
    NotTried(String),
    /// The program failed on it.
    Broken(String),
}

impl Failure {
    fn why(&self) -> &str {
        let (Self::NotTried(why) | Self::Broken(why)) = self;
        why
    }
}

/// What the comparisons of all kustomizations that a migration touches found.
#[derive(Debug, Default)]
pub struct Compared {
    /// Kustomizations in which nothing differs.
    pub same: usize,
    /// What differs: the kustomization and what it is.
    pub differences: Vec<(String, String)>,
    /// Kustomizations that were not compared, and why.
    pub not_compared: Vec<(String, String)>,
    /// What the kustomizations that differ are made of, before and after.
    pub files: BTreeMap<String, BTreeSet<String>>,
}

/// A rendering, and the files that it is of.
type Rendered = (Result<Rendering, Failure>, BTreeSet<String>);

/// Renders the kustomizations that a migration would touch, without it and with it; `None` if there are none.
pub(in crate::migrate) fn compared<'r>(
    changes: &[Change],
    (plan, files): (&Plan, &SourceFiles),
    (repo, keyring): (&Repo, &Keyring),
    open: impl FnOnce() -> Result<Box<dyn Renderer + 'r>, String>,
) -> Option<Compared> {
    let mut texts: BTreeMap<&str, &str> = repo.manifests().iter().collect();
    let new = changes.iter().filter_map(|change| Some((change.path.as_str(), std::str::from_utf8(&change.after).ok()?)));
    texts.extend(new);
    let graph = Graph::new(texts.into_iter(), &|path| repo.beyond_links(path));
    let folders: Vec<String> = graph.roots(changes.iter().map(|change| change.path.as_str())).into_iter().collect();
    if folders.is_empty() {
        return None;
    }
    let (renderer, top) = (open().map_err(Failure::NotTried), repo.top.as_path());
    let (as_is, planned) = (BTreeMap::new(), changes.iter().map(|change| (change.path.as_str(), change.after.as_slice())).collect());
    let render = |at: usize, name: &str, planned: &BTreeMap<&str, &[u8]>| -> Rendered {
        let renderer = match &renderer {
            Err(why) => return (Err(why.clone()), BTreeSet::new()),
            Ok(_) if at >= MOST => return (Err(Failure::NotTried(format!("more than {MOST} are not rendered"))), BTreeSet::new()),
            Ok(renderer) => renderer,
        };
        match gather(Tree { top, planned }, &folders[at]) {
            Ok(files) => (renderer.render(&format!("{name}-{at}"), &files, &folders[at]), files.into_keys().collect()),
            Err(why) => (Err(Failure::NotTried(why)), BTreeSet::new()),
        }
    };
    let both = |at: usize| (render(at, "before", &as_is), render(at, "after", &planned));
    let rendered: Vec<(Rendered, Rendered)> = (0..folders.len()).into_par_iter().map(both).collect();
    let moved: BTreeSet<Secret> = chosen_sites(plan, files).flat_map(|site| [site.secret.clone(), site.value()]).collect();
    Some(Compared::of(&folders, rendered, &Plain::of(changes, keyring), &moved.iter().collect()))
}

impl Compared {
    fn of(folders: &[String], rendered: Vec<(Rendered, Rendered)>, plain: &Plain, moved: &BTreeSet<&Secret>) -> Self {
        let mut compared = Self::default();
        for (folder, ((before, old), (after, new))) in folders.iter().zip(rendered) {
            let name = if folder.is_empty() { "." } else { folder };
            let known = compared.differences.len();
            match (before, after) {
                (Ok(before), Ok(after)) => compared.add(name, compare(&before, &after, plain, moved)),
                (Ok(_), Err(Failure::Broken(why))) => {
                    compared.differences.push((name.to_owned(), format!("it does not render any more: {}", clean(&why, moved))));
                }
                (Err(failure), _) | (_, Err(failure)) => compared.not_compared.push((name.to_owned(), clean(failure.why(), moved))),
            }
            if compared.differences.len() > known {
                compared.files.insert(name.to_owned(), old.into_iter().chain(new).collect());
            }
        }
        compared
    }

    fn add(&mut self, name: &str, found: Comparison) {
        match (found.different.is_empty(), found.elsewhere.first()) {
            (true, None) => self.same += 1,
            (true, Some(place)) => self.not_compared.push((name.to_owned(), place.clone())),
            (false, _) => self.differences.extend(found.different.into_iter().map(|found| (name.to_owned(), found))),
        }
    }
}

/// What a program said, if it shows no secret.
fn clean(said: &str, moved: &BTreeSet<&Secret>) -> String {
    const LONGEST: usize = 300;
    let shows = moved.iter().any(|secret| memchr::memmem::find(said.as_bytes(), secret.expose()).is_some());
    if shows { "what it said shows a secret".to_owned() } else { said.chars().take(LONGEST).collect() }
}
