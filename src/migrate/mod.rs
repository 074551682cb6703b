//! Moves secrets from where they were found into SOPS files, and leaves references behind.
//!
//! The story: [`survey`] reads the files that findings are in; [`plan`] asks the rewriters ([`rewrite`]) what
//! would take each secret's place and where it would go; [`change::changes`] makes the new bytes and decrypts every
//! store again; [`proof::prove`] scans the result before anything is written; [`apply::apply`] writes it, journalled.
//! Only `apply`, `journal` and `disk` write files.

pub mod apply;
#[cfg(test)]
mod apply_tests;
pub mod change;
pub mod disk;
pub mod draft;
pub mod file;
pub mod journal;
pub mod naming;
mod outline;
pub mod plan;
pub mod plan_file;
pub mod policy;
pub mod preflight;
pub mod proof;
pub mod render;
pub mod repo;
mod rewrite;
pub mod store_check;
mod vault;

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::sops::keyring::Keyring;
use draft::Draft;
use file::{SourceFile, sites};
use plan::Plan;
use policy::Policy;
use repo::Repo;

/// What planning goes by.
pub struct Settings<'a> {
    /// Who may open stores.
    pub policy: &'a Policy,
    /// Opens stores that exist.
    pub keyring: &'a Keyring,
}

/// The files that hold secrets, by path. `below` is the path of the scanned folder: empty, or ending in `/`.
pub fn survey(findings: &[Finding], repo: &Repo, below: &str) -> BTreeMap<String, SourceFile> {
    let mut files = BTreeMap::new();
    for (path, sites) in sites(findings) {
        let path = format!("{below}{path}");
        if let Some(bytes) = repo.read(&path) {
            let sites = sites.into_iter().filter(|site| site.span.end <= bytes.len()).collect();
            files.insert(path.clone(), SourceFile::new(path, bytes, sites));
        }
    }
    files
}

/// What a migration of these files would do.
pub fn plan(files: &BTreeMap<String, SourceFile>, repo: &Repo, settings: &Settings<'_>) -> Plan {
    let mut draft = Draft::new(repo, settings);
    rewrite::all(files, &mut draft);
    let mut plan = draft.plan;
    plan.steps.sort_by(|a, b| (&a.file, a.places.first().map(|p| p.span)).cmp(&(&b.file, b.places.first().map(|p| p.span))));
    plan.notes.sort();
    plan.notes.dedup();
    plan
}
