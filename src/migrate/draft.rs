//! [`Draft`]: a plan in the making. Rewriters ask it for places in stores and hand it their steps.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::cluster::{self, Cluster};
use super::file::{Site, SourceFile, folder_of};
use super::known::{is_distinct, is_telling};
use super::layout::Folders;
use super::plan::{Action, Decision, Entry, EntryId, Place, Plan, Readers, Shape, Step, Store};
use super::project::{Projects, common_folders};
use super::repo::Repo;
use super::slugs::Slugs;
use super::vault::{Vault, VaultError};
pub(super) use super::verdict::Verdict;
use super::{KubernetesStyle, Settings, naming};
use crate::detect::Hints;
use crate::secret::Secret;
use crate::sops::store::Format;
use crate::text::shell_word;

/// A plan in the making.
pub(super) struct Draft<'a> {
    /// What there is so far.
    pub plan: Plan,
    /// The repository.
    pub repo: &'a Repo,
    /// What names must not show.
    pub slugs: Slugs,
    /// Secrets of CI systems, by system and name.
    pub claimed: HashMap<String, Secret>,
    /// Entries that no store takes.
    refused: HashSet<EntryId>,
    settings: &'a Settings<'a>,
    owners: HashMap<String, String>,
    existing: HashMap<String, Option<Vault>>,
    values: HashMap<Secret, Vec<EntryId>>,
    /// What programs read from their environment, by name.
    variables: BTreeMap<String, Secret>,
    projects: Projects,
    cluster: OnceCell<Cluster>,
    folders: Folders,
}

impl<'a> Draft<'a> {
    /// An empty plan.
    pub(super) fn new(repo: &'a Repo, settings: &'a Settings<'a>) -> Self {
        Self {
            plan: Plan::default(),
            repo,
            slugs: Slugs::default(),
            claimed: HashMap::new(),
            refused: HashSet::new(),
            settings,
            owners: HashMap::new(),
            existing: HashMap::new(),
            values: HashMap::new(),
            variables: BTreeMap::new(),
            projects: Projects::default(),
            cluster: OnceCell::new(),
            folders: Folders::default(),
        }
    }

    /// How Secrets reach the cluster.
    pub(super) fn cluster(&self) -> &Cluster {
        self.cluster.get_or_init(|| cluster::survey(self.repo, self.settings.kubernetes))
    }

    /// The same in a word; never [`KubernetesStyle::Auto`].
    pub(super) fn kubernetes(&self) -> KubernetesStyle {
        self.cluster().style
    }

    /// The plan, with what there is to know about the cluster if something goes there.
    pub(super) fn finish(mut self) -> Plan {
        self.plan.notes.extend(self.cluster.into_inner().unwrap_or_default().notes);
        self.plan
    }

    /// The store at a path, or at one like it if that is taken: by another owner, or by a file that cannot be
    /// extended. `stem` and `suffix` make up the path.
    pub(super) fn store(&mut self, stem: &str, suffix: &str, shape: &Shape, owner: &str) -> usize {
        let mut number = 1;
        loop {
            let path = if number == 1 { format!("{stem}{suffix}") } else { format!("{stem}-{number}{suffix}") };
            if let Some(at) = self.usable(&path, shape, owner) {
                return at;
            }
            number += 1;
        }
    }

    fn usable(&mut self, path: &str, shape: &Shape, owner: &str) -> Option<usize> {
        if let Some(at) = self.plan.stores.iter().position(|store| store.path == path) {
            let same = self.owners.get(path).is_some_and(|known| known == owner) && self.plan.stores[at].shape == *shape;
            return same.then_some(at);
        }
        if self.repo.exists(path) {
            let vault = self.open(path);
            let fits = matches!(&vault, Ok(vault) if vault.shape() == *shape);
            if !fits {
                let why = match vault {
                    Ok(_) => "it is for something else".to_owned(),
                    Err(error) => error.to_string(),
                };
                self.plan.notes.push(format!("{path} is not extended: {why}"));
                return None;
            }
            self.existing.insert(path.to_owned(), vault.ok());
        }
        self.owners.insert(path.to_owned(), owner.to_owned());
        self.plan.stores.push(Store { path: path.to_owned(), format: Format::from_path(path), shape: shape.clone(), entries: Vec::new() });
        Some(self.plan.stores.len() - 1)
    }

    /// Whether a path is that of a file, or of one that is planned.
    pub(super) fn is_taken(&self, path: &str) -> bool {
        let mut planned = self.plan.steps.iter().flat_map(|step| &step.actions).map(Action::file);
        self.repo.exists(path) || self.plan.stores.iter().any(|store| store.path == path) || planned.any(|file| file == path)
    }

    fn open(&self, path: &str) -> Result<Vault, VaultError> {
        let bytes = self.repo.read(path).ok_or(VaultError::NotAFile)?;
        Vault::open(path, &bytes, self.settings.keyring)
    }

    /// Puts a value under a key of a store; under a key like it if another value stands there.
    pub(super) fn put(&mut self, store: usize, key: &[&str], value: &Secret) -> EntryId {
        self.put_for(Readers::Programs, store, key, value)
    }

    fn put_for(&mut self, readers: Readers, store: usize, key: &[&str], value: &Secret) -> EntryId {
        let shows = |part: &&str| self.slugs.is_shown(part);
        let refused = readers == Readers::Programs && key.iter().any(shows);
        let key: Vec<&str> = key.iter().map(|part| if shows(part) { "secret" } else { part }).collect();
        // sops writes a line end in dotenv as `\n`, so what has those two characters would come back as another value.
        let altered = self.plan.stores[store].format == Format::Dotenv && memchr::memmem::find(value.expose(), b"\\n").is_some();
        if !refused && !altered && self.takes_names_like(store, &key) {
            for path in numbered(&key).take(MOST_NAMES) {
                if let Some(id) = self.try_put(readers, store, path, value) {
                    return id;
                }
            }
        }
        let path = key.into_iter().map(str::to_owned).collect();
        let entries = &mut self.plan.stores[store].entries;
        entries.push(Entry { path, value: value.clone(), readers });
        let id = EntryId { store, entry: entries.len() - 1 };
        self.refused.insert(id);
        id
    }

    /// Whether a store would encrypt what stands under a key or one like it.
    fn takes_names_like(&self, store: usize, key: &[&str]) -> bool {
        let vault = self.existing.get(&self.plan.stores[store].path).and_then(Option::as_ref);
        vault.is_none_or(|vault| numbered(key).take(1 + 2 * key.len()).any(|path| vault.seals(&path)))
    }

    fn try_put(&mut self, readers: Readers, at: usize, path: Vec<String>, value: &Secret) -> Option<EntryId> {
        let store = &mut self.plan.stores[at];
        if store.shape == Shape::Keys && is_reserved(&path, store.format) {
            return None;
        }
        let below = |a: &[String], b: &[String]| a.len() < b.len() && b.starts_with(a);
        let is_refused = |entry: usize| self.refused.contains(&EntryId { store: at, entry });
        let mut known = store.entries.iter().enumerate().filter(|(entry, _)| !is_refused(*entry));
        if known.clone().any(|(_, known)| below(&known.path, &path) || below(&path, &known.path)) {
            return None;
        }
        if let Some((entry, _)) = known.find(|(_, known)| known.path == path) {
            return (store.entries[entry].value == *value).then_some(EntryId { store: at, entry });
        }
        if let Some(vault) = self.existing.get(&store.path).and_then(Option::as_ref)
            && !vault.takes(&path, value)
        {
            return None;
        }
        // What is set for one program may be seen by another.
        if let [name] = path.as_slice()
            && store.format == Format::Dotenv
        {
            self.variables.entry(name.clone()).or_insert_with(|| value.clone());
        }
        store.entries.push(Entry { path, value: value.clone(), readers });
        let id = EntryId { store: at, entry: store.entries.len() - 1 };
        self.values.entry(value.clone()).or_default().push(id);
        Some(id)
    }

    /// Whether a value can stand under exactly this key.
    pub(super) fn fits(&self, store: usize, key: &[&str], value: &Secret) -> bool {
        let store = &self.plan.stores[store];
        let known = store.entries.iter().find(|entry| entry.path.iter().map(String::as_str).eq(key.iter().copied()));
        let path: Vec<String> = key.iter().map(|part| (*part).to_owned()).collect();
        let vault = self.existing.get(&store.path).and_then(Option::as_ref);
        known.is_none_or(|entry| entry.value == *value) && vault.is_none_or(|vault| vault.takes(&path, value))
    }

    /// An entry that any file may refer to: one that holds the value already, else a new one where somebody wants it
    /// or in the store of the file's environment.
    pub(super) fn shared(&mut self, file: &SourceFile, key: &[&str], value: &Secret) -> EntryId {
        if let Some(id) = self.nearest(file, key, value) {
            return id;
        }
        if let Some(wish) = self.settings.wishes.of(value, self.settings.key) {
            let store = self.store(&wish.stem, &wish.suffix, &Shape::Keys, "shared");
            let key: Vec<&str> = wish.key.iter().map(String::as_str).collect();
            return self.put_for(Readers::References, store, &key, value);
        }
        let stage = naming::stage(&file.path).unwrap_or("shared");
        let folder = self.folders.of(self.settings.layout, &file.path, self.repo, &self.projects);
        let store = self.store(&format!("{folder}/{stage}"), ".enc.yaml", &Shape::Keys, "shared");
        self.put_for(Readers::References, store, key, value)
    }

    /// The variable of the environment from which a program reads a value: one environment may be that of several programs, so no
    /// other value of the repository has the name. `whose` goes before it if one has.
    pub(super) fn variable(&mut self, wanted: &str, whose: &str, value: &Secret) -> String {
        let mut of_value = self.variables.iter().filter(|(_, known)| *known == value).map(|(name, _)| name);
        if let Some(known) = of_value.find(|name| is_telling(value) || name.as_str() == wanted) {
            return known.clone();
        }
        let is_free = |name: &String| self.variables.get(name).is_none_or(|known| known == value);
        let name = naming::variables(wanted, whose).find(is_free).unwrap_or_else(|| wanted.to_owned());
        self.variables.insert(name.clone(), value.clone());
        name
    }

    /// The entry with a value that is nearest to a file, in a store of its own project. A value that many things have by
    /// chance must also be called the same, in a store of the folder or of one above it.
    fn nearest(&self, file: &SourceFile, key: &[&str], value: &Secret) -> Option<EntryId> {
        let named = |id: &EntryId| {
            let (store, entry) = self.plan.entry(*id);
            let slugs = |name: Option<&str>| name.map(naming::slug);
            let same_name = slugs(entry.path.last().map(String::as_str)) == slugs(key.last().copied());
            let folder = folder_of(&store.path);
            let of_folder = !folder.is_empty() && file.folder().starts_with(folder);
            let same_key = entry.path.iter().map(String::as_str).eq(key.iter().copied());
            is_telling(value) || same_name && (of_folder || same_key || folder == file.folder())
        };
        let fits = |path: &str| {
            let is_test = |path: &str| Hints::of_path(path).test;
            let for_tests = is_test(path) && !is_test(&file.path);
            // Production reads nothing of development.
            let stages = naming::stage(&file.path).zip(naming::stage(path));
            !for_tests && stages.is_none_or(|(own, other)| own == other) && self.projects.share(self.repo, &file.path, path)
        };
        // Below an element of a list, vals finds nothing.
        let is_reached = |id: &EntryId| !matches!(self.plan.stores[id.store].shape, Shape::SopsSecret { .. });
        let ids = self.values.get(value)?.iter().copied().filter(|id| is_reached(id) && fits(self.path_of(id.store)) && named(id));
        ids.max_by_key(|id| {
            let path = self.path_of(id.store);
            (common_folders(&file.path, path), Reverse(path.matches('/').count()), Reverse(*id))
        })
    }

    /// The entry of a store that has a value already, if the two can hardly be the same by chance.
    pub(super) fn same_in(&self, store: usize, value: &Secret) -> Option<EntryId> {
        let ids = self.values.get(value).filter(|_| is_distinct(value))?;
        ids.iter().copied().find(|id| id.store == store)
    }

    /// The new store that a rewriter made for another file of the same folder, if it has these values and no others.
    pub(super) fn of_neighbour(&self, rewriter: &str, file: &SourceFile, values: &[&Secret]) -> Option<usize> {
        let made = |owner: &String| {
            *owner != file.path
                && folder_of(owner) == file.folder()
                && self.plan.steps.iter().any(|step| step.rewriter == rewriter && step.file == *owner)
        };
        let has_all = |store: usize| values.iter().all(|value| self.same_in(store, value).is_some());
        let mut stores = self.plan.stores.iter().enumerate().filter(|(_, store)| !self.existing.contains_key(&store.path));
        let no_others = |store: &Store| store.entries.iter().all(|entry| values.contains(&&entry.value));
        let fits = |at: usize, store: &Store| has_all(at) && no_others(store) && self.owners.get(&store.path).is_some_and(made);
        stores.find(|(at, store)| !values.is_empty() && fits(*at, store)).map(|(at, _)| at)
    }

    /// The folder at the top for what the whole repository shares.
    pub(super) fn shared_folder(&self) -> &'static str {
        self.folders.central(self.repo)
    }

    /// Adds a step for some of a file's places.
    pub(super) fn step(
        &mut self,
        rewriter: &'static str,
        file: &SourceFile,
        sites: &[&Site],
        verdict: Verdict,
        actions: Vec<Action>,
        entries: Vec<EntryId>,
    ) {
        match self.hindrance(&actions, &entries) {
            Some(why) => self.manual(rewriter, file, sites, &why),
            None => {
                let places = sites.iter().map(|site| place(site)).collect();
                self.plan.steps.push(Step { actions, entries, ..Step::new(&file.path, rewriter, places, verdict) });
            }
        }
    }

    /// Why a step cannot be as a rewriter wants it.
    fn hindrance(&self, actions: &[Action], entries: &[EntryId]) -> Option<String> {
        if let Some((action, why)) = actions.iter().find_map(|action| Some((action, self.repo.foreign_owner(action.file())?))) {
            return Some(format!("{} is {why}", action.file()));
        }
        if let Some(id) = entries.iter().find(|id| self.refused.contains(id)) {
            let path = self.path_of(id.store);
            return Some(format!("{path} has no name for it under which it would be encrypted: move it by hand, to a key that fits"));
        }
        let shows = |action: &Action| match action {
            Action::Splice { text, .. } | Action::Create { text, .. } => self.slugs.count(text.as_bytes()) > 0,
            Action::Append { line, .. } => self.slugs.count(line.as_bytes()) > 0,
            Action::Extract { .. } | Action::Encrypt { .. } => false,
        };
        actions.iter().any(shows).then(|| "what would take its place has a name that shows a secret: move it by hand".to_owned())
    }

    /// Adds places that sopup has no edit for.
    pub(super) fn manual(&mut self, rewriter: &'static str, file: &SourceFile, sites: &[&Site], reason: &str) {
        let places = sites.iter().map(|site| place(site)).collect();
        self.plan.steps.push(Step::new(&file.path, rewriter, places, Verdict::manual(reason)));
    }

    /// How sops prints an entry.
    pub(super) fn command(&self, id: EntryId) -> String {
        format!("sops decrypt --extract '{}' {}", self.extract(id), shell_word(&self.plan.entry(id).0.path))
    }

    /// What `sops decrypt --extract` takes for an entry.
    pub(super) fn extract(&self, id: EntryId) -> String {
        let (store, entry) = self.plan.entry(id);
        store.shape.locate(&entry.path).iter().map(ToString::to_string).collect()
    }

    /// How vals and `sopup render` name an entry.
    pub(super) fn uri(&self, id: EntryId) -> String {
        let (store, entry) = self.plan.entry(id);
        let format = if store.format == Format::Dotenv { "?format=dotenv" } else { "" };
        format!("ref+sops://{}{format}#/{}", store.path, store.shape.keys(&entry.path).join("/"))
    }

    /// The path of a store.
    pub(super) fn path_of(&self, store: usize) -> &str {
        &self.plan.stores[store].path
    }
}

impl Step {
    /// A step without edits.
    pub(super) fn new(file: &str, rewriter: &'static str, places: Vec<Place>, verdict: Verdict) -> Self {
        Self {
            file: file.to_owned(),
            places,
            rewriter,
            applicability: verdict.applicability,
            doubts: Vec::new(),
            reason: verdict.reason,
            actions: Vec::new(),
            entries: Vec::new(),
            decision: Decision::Open,
        }
    }
}

/// Names that are tried for one value.
const MOST_NAMES: usize = 100_000;

/// A key, then the same with numbers behind its parts, the last one first: something else may stand in the place of any.
fn numbered<'k>(key: &'k [&'k str]) -> impl Iterator<Item = Vec<String>> + 'k {
    let wanted = || key.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
    let with = move |number: usize, part: usize| {
        let mut path = wanted();
        path[part].push_str(&format!("_{number}"));
        path
    };
    let others = (2..).flat_map(move |number| (0..key.len()).rev().map(move |part| (number, part)));
    std::iter::once(wanted()).chain(others.map(move |(number, part)| with(number, part)))
}

/// Whether sops keeps its own notes under a key, or leaves what stands there plain.
fn is_reserved(path: &[String], format: Format) -> bool {
    let own = path.first().is_some_and(|first| first == "sops" || format == Format::Dotenv && first.starts_with("sops_"));
    own || path.iter().any(|part| part.ends_with("_unencrypted"))
}

pub(super) fn place(site: &Site) -> Place {
    Place {
        span: site.span,
        line: site.line,
        fingerprint: site.fingerprint.clone(),
        redacted: site.secret.redacted(),
        rule: site.rule.id,
        severity: site.rule.severity,
        confidence: site.confidence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_key_can_give_way() {
        let names: Vec<String> = numbered(&["grafana", "password"]).take(5).map(|path| path.join(".")).collect();
        let wanted = ["grafana.password", "grafana.password_2", "grafana_2.password", "grafana.password_3", "grafana_3.password"];
        assert_eq!(names, wanted);
    }

    #[test]
    fn what_sops_keeps_for_itself_is_no_name() {
        let path = |key: &str| key.split('.').map(str::to_owned).collect::<Vec<_>>();
        assert!(is_reserved(&path("sops.password"), Format::Yaml) && is_reserved(&path("a.b_unencrypted"), Format::Json));
        assert!(is_reserved(&path("sops_mac"), Format::Dotenv) && !is_reserved(&path("sops_mac"), Format::Yaml));
        assert!(!is_reserved(&path("a.sops"), Format::Yaml));
    }
}
