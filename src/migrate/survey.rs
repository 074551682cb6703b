//! [`survey`]: the files that hold secrets, and the findings that no file can be edited for. Each finding of a scan is in
//! one of the two.

use std::collections::BTreeMap;

use super::draft::{Verdict, place};
use super::file::{Site, SourceFile, SourceFiles, is_sealed, sites};
use super::plan::{Place, Step};
use super::repo::Repo;
use crate::finding::{Finding, sops_metadata};
use crate::source::SourceKind;
use crate::text::Span;

/// What a scan found, as planning sees it.
pub(super) struct Survey {
    /// The files that hold secrets, by path.
    pub files: SourceFiles,
    /// Places that are no bytes of a file which sopup could edit.
    pub elsewhere: Vec<Elsewhere>,
}

/// Places that stay as they are.
#[derive(Debug)]
pub(super) struct Elsewhere {
    /// As a scan names it.
    pub path: String,
    /// The places.
    pub places: Vec<Place>,
    /// What found no edit, in plans.
    pub kind: &'static str,
    /// Why, and what a person can do.
    pub reason: &'static str,
}

const UNREAD: &str = "no regular file that could be read again: move the value by hand";
const SEALED: &str = "it stands in what sops encrypted, where it is there by chance: a false alarm";
const METADATA: &str = "it stands in the metadata of a SOPS file, which must stay as sops wrote it or nobody can decrypt the file";
const CHANGED: &str = "the file changed while it was read: migrate again";

impl Survey {
    /// How many places there are whose value is not dismissed.
    pub(super) fn count(&self, is_dismissed: impl Fn(&crate::finding::Fingerprint) -> bool) -> usize {
        let sites = self.files.values().flat_map(|file| &file.sites).map(|site| &site.fingerprint);
        let places = self.elsewhere.iter().flat_map(|elsewhere| &elsewhere.places).map(|place| &place.fingerprint);
        sites.chain(places).filter(|fingerprint| !is_dismissed(fingerprint)).count()
    }

    /// The steps that say what was found elsewhere.
    pub(super) fn leftovers(&self) -> impl Iterator<Item = Step> {
        self.elsewhere
            .iter()
            .map(|elsewhere| Step::new(&elsewhere.path, elsewhere.kind, elsewhere.places.clone(), Verdict::manual(elsewhere.reason)))
    }
}

/// Reads the files that findings are in. `further` are places that no finding names; `below` is the path of the scanned
/// folder: empty, or ending in `/`.
pub(super) fn survey(findings: &[Finding], further: Vec<(String, Site)>, repo: &Repo, below: &str) -> Survey {
    let mut survey = Survey { files: BTreeMap::new(), elsewhere: of_other_sources(findings, below) };
    let mut by_file = sites(findings);
    for (path, site) in further {
        by_file.entry(path).or_default().push(site);
    }
    for (path, sites) in by_file {
        let path = format!("{below}{path}");
        let mut leave = |sites: &[Site], kind, reason| {
            if !sites.is_empty() {
                let places = sites.iter().map(place).collect();
                survey.elsewhere.push(Elsewhere { path: path.clone(), places, kind, reason });
            }
        };
        let Some(bytes) = repo.read(&path) else {
            leave(&sites, "unread", UNREAD);
            continue;
        };
        let (there, gone): (Vec<Site>, Vec<Site>) = sites.into_iter().partition(|site| site.span.end <= bytes.len());
        let (sealed, plain): (Vec<Site>, Vec<Site>) = there.into_iter().partition(|site| is_sealed(&bytes, site.span));
        let own = sops_metadata(&bytes);
        let is_own = |site: &Site| own.iter().any(|block| block.start <= site.span.start && site.span.end <= block.end);
        let (metadata, plain): (Vec<Site>, Vec<Site>) = plain.into_iter().partition(is_own);
        leave(&gone, "unread", CHANGED);
        leave(&metadata, "metadata", METADATA);
        leave(&sealed, "ciphertext", SEALED);
        if !plain.is_empty() {
            survey.files.insert(path.clone(), SourceFile::new(path, bytes, plain));
        }
    }
    survey
}

/// Findings in archives, names and the like, by place and kind.
fn of_other_sources(findings: &[Finding], below: &str) -> Vec<Elsewhere> {
    let mut found = BTreeMap::<(String, SourceKind), Vec<Place>>::new();
    for finding in findings {
        for occurrence in finding.occurrences.iter().filter(|occurrence| occurrence.origin.source != SourceKind::Worktree) {
            let at = |byte: u64| usize::try_from(byte).unwrap_or(usize::MAX);
            let place = Place {
                span: Span::new(at(occurrence.bytes.start), at(occurrence.bytes.end)),
                line: occurrence.start.line,
                fingerprint: finding.fingerprint.clone(),
                redacted: finding.secret.redacted(),
                rule: finding.rule.id,
                severity: finding.severity,
                confidence: finding.confidence,
            };
            found.entry((format!("{below}{}", occurrence.origin.path), occurrence.origin.source)).or_default().push(place);
        }
    }
    let elsewhere = |((path, source), places)| {
        let (kind, reason) = of_source(source);
        Elsewhere { path, places, kind, reason }
    };
    found.into_iter().map(elsewhere).collect()
}

fn of_source(source: SourceKind) -> (&'static str, &'static str) {
    match source {
        SourceKind::Archive => ("archive", "inside an archive: unpack it, migrate, and pack it anew, or remove it"),
        SourceKind::Path => ("path", "in the name of a file: rename it by hand"),
        _ => ("other-source", "in no file of the working tree: change it by hand"),
    }
}
