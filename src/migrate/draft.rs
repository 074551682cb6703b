//! [`Draft`]: a plan in the making. Rewriters ask it for places in stores and hand it their steps.

use std::cell::OnceCell;
use std::collections::HashMap;

use super::cluster::{self, Cluster};
use super::file::{Site, SourceFile};
use super::plan::{Action, Applicability, Decision, Entry, EntryId, Place, Plan, Readers, Shape, Step, Store};
use super::policy::Policy;
use super::repo::Repo;
use super::vault::{Vault, VaultError};
use super::{KubernetesStyle, Settings, naming};
use crate::secret::Secret;
use crate::sops::store::Format;

/// A plan in the making.
pub struct Draft<'a> {
    /// What there is so far.
    pub plan: Plan,
    /// The repository.
    pub repo: &'a Repo,
    settings: &'a Settings<'a>,
    owners: HashMap<String, String>,
    existing: HashMap<String, Option<Vault>>,
    values: HashMap<Secret, EntryId>,
    cluster: OnceCell<Cluster>,
    folder: OnceCell<&'static str>,
}

/// How sure a step is and why.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// How sure it is.
    pub applicability: Applicability,
    /// What to know about it.
    pub reason: String,
}

impl Verdict {
    /// Nothing else has to change.
    pub fn safe(reason: impl Into<String>) -> Self {
        Self { applicability: Applicability::Safe, reason: reason.into() }
    }

    /// Something else has to change.
    pub fn review(reason: impl Into<String>) -> Self {
        Self { applicability: Applicability::NeedsReview, reason: reason.into() }
    }
}

impl<'a> Draft<'a> {
    /// An empty plan.
    pub fn new(repo: &'a Repo, settings: &'a Settings<'a>) -> Self {
        Self {
            plan: Plan::default(),
            repo,
            settings,
            owners: HashMap::new(),
            existing: HashMap::new(),
            values: HashMap::new(),
            cluster: OnceCell::new(),
            folder: OnceCell::new(),
        }
    }

    /// The rules for new stores.
    pub fn policy(&self) -> &'a Policy {
        self.settings.policy
    }

    /// How Secrets reach the cluster; never [`KubernetesStyle::Auto`].
    pub fn kubernetes(&self) -> KubernetesStyle {
        self.cluster.get_or_init(|| cluster::survey(self.repo, self.settings.kubernetes)).style
    }

    /// The plan, with what there is to know about the cluster if something goes there.
    pub fn finish(mut self) -> Plan {
        self.plan.notes.extend(self.cluster.into_inner().unwrap_or_default().notes);
        self.plan
    }

    /// The store at a path, or at one like it if that is taken: by another owner, or by a file that cannot be
    /// extended. `stem` and `suffix` make up the path.
    pub fn store(&mut self, stem: &str, suffix: &str, shape: &Shape, owner: &str) -> usize {
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
    pub fn is_taken(&self, path: &str) -> bool {
        let mut planned = self.plan.steps.iter().flat_map(|step| &step.actions).map(Action::file);
        self.repo.exists(path) || self.plan.stores.iter().any(|store| store.path == path) || planned.any(|file| file == path)
    }

    fn open(&self, path: &str) -> Result<Vault, VaultError> {
        let bytes = self.repo.read(path).ok_or(VaultError::NotAFile)?;
        Vault::open(path, &bytes, self.settings.keyring)
    }

    /// Puts a value under a key of a store; under a key like it if another value stands there.
    pub fn put(&mut self, store: usize, key: &[&str], value: &Secret) -> EntryId {
        self.put_for(Readers::Programs, store, key, value)
    }

    fn put_for(&mut self, readers: Readers, store: usize, key: &[&str], value: &Secret) -> EntryId {
        let mut number = 1;
        loop {
            let mut path: Vec<String> = key.iter().map(|part| (*part).to_owned()).collect();
            if let (Some(last), 2..) = (path.last_mut(), number) {
                last.push_str(&format!("_{number}"));
            }
            if let Some(id) = self.try_put(readers, store, path, value) {
                return id;
            }
            number += 1;
        }
    }

    fn try_put(&mut self, readers: Readers, at: usize, path: Vec<String>, value: &Secret) -> Option<EntryId> {
        let store = &mut self.plan.stores[at];
        let below = |a: &[String], b: &[String]| a.len() < b.len() && b.starts_with(a);
        if store.entries.iter().any(|known| below(&known.path, &path) || below(&path, &known.path)) {
            return None;
        }
        if let Some(entry) = store.entries.iter().position(|entry| entry.path == path) {
            return (store.entries[entry].value == *value).then_some(EntryId { store: at, entry });
        }
        if let Some(vault) = self.existing.get(&store.path).and_then(Option::as_ref)
            && !vault.takes(&path, value)
        {
            return None;
        }
        store.entries.push(Entry { path, value: value.clone(), readers });
        let id = EntryId { store: at, entry: store.entries.len() - 1 };
        self.values.entry(value.clone()).or_insert(id);
        Some(id)
    }

    /// Whether a value can stand under exactly this key.
    pub fn fits(&self, store: usize, key: &[&str], value: &Secret) -> bool {
        let store = &self.plan.stores[store];
        let known = store.entries.iter().find(|entry| entry.path.iter().map(String::as_str).eq(key.iter().copied()));
        let path: Vec<String> = key.iter().map(|part| (*part).to_owned()).collect();
        let vault = self.existing.get(&store.path).and_then(Option::as_ref);
        known.is_none_or(|entry| entry.value == *value) && vault.is_none_or(|vault| vault.takes(&path, value))
    }

    /// An entry that any file may refer to: one that holds the value already, else a new one where somebody wants it
    /// or in the store of the file's environment.
    pub fn shared(&mut self, file: &SourceFile, key: &[&str], value: &Secret) -> EntryId {
        let known = self.values.get(value).filter(|id| !naming::is_for_tests(self.path_of(id.store)) || naming::is_for_tests(&file.path));
        if let Some(id) = known {
            return *id;
        }
        if let Some(wish) = self.settings.wishes.of(value, self.settings.key) {
            let store = self.store(&wish.stem, &wish.suffix, &Shape::Keys, "shared");
            let key: Vec<&str> = wish.key.iter().map(String::as_str).collect();
            return self.put_for(Readers::References, store, &key, value);
        }
        let stage = naming::stage(&file.path).unwrap_or("shared");
        let folder = self.shared_folder();
        let store = self.store(&format!("{folder}/{stage}"), ".enc.yaml", &Shape::Keys, "shared");
        self.put_for(Readers::References, store, key, value)
    }

    /// The folder of shared stores: `secrets`, unless git ignores it.
    pub fn shared_folder(&self) -> &'static str {
        let usable = |folder: &&str| !self.repo.is_ignored(&format!("{folder}/shared.enc.yaml"));
        self.folder.get_or_init(|| ["secrets", "sops", "config/sops"].into_iter().find(usable).unwrap_or("secrets"))
    }

    /// Adds a step for some of a file's places.
    pub fn step(
        &mut self,
        rewriter: &'static str,
        file: &SourceFile,
        sites: &[&Site],
        verdict: Verdict,
        actions: Vec<Action>,
        entries: Vec<EntryId>,
    ) {
        self.plan.steps.push(Step {
            file: file.path.clone(),
            places: sites.iter().map(|site| place(site)).collect(),
            rewriter,
            applicability: verdict.applicability,
            reason: verdict.reason,
            actions,
            entries,
            decision: Decision::Open,
        });
    }

    /// Adds places that sopup has no edit for.
    pub fn manual(&mut self, rewriter: &'static str, file: &SourceFile, sites: &[&Site], reason: &str) {
        let verdict = Verdict { applicability: Applicability::Manual, reason: reason.to_owned() };
        self.step(rewriter, file, sites, verdict, Vec::new(), Vec::new());
    }

    /// How sops prints an entry.
    pub fn command(&self, id: EntryId) -> String {
        let (store, entry) = self.plan.entry(id);
        let path: String = entry.path.iter().map(|key| format!("[\"{key}\"]")).collect();
        format!("sops decrypt --extract '{path}' {}", store.path)
    }

    /// How vals and `sopup render` name an entry.
    pub fn uri(&self, id: EntryId) -> String {
        let (store, entry) = self.plan.entry(id);
        let format = if store.format == Format::Dotenv { "?format=dotenv" } else { "" };
        format!("ref+sops://{}{format}#/{}", store.path, entry.path.join("/"))
    }

    /// The path of a store.
    pub fn path_of(&self, store: usize) -> &str {
        &self.plan.stores[store].path
    }
}

fn place(site: &Site) -> Place {
    Place { span: site.span, line: site.line, fingerprint: site.fingerprint.clone(), redacted: site.secret.redacted(), rule: site.rule.id }
}
