//! What is so: what scans find, what the ledger says, what a purge left. Steps are judged by this, not by what was done.

use std::collections::BTreeSet;
use std::path::Path;

use clap::Parser;

use super::memory::Memory;
use crate::cli::environment::git_dir;
use crate::cli::error::CliError;
use crate::cli::purge::unended;
use crate::cli::rotate::Desk;
use crate::cli::sops::keys::Keys;
use crate::cli::ui::Ui;
use crate::cli::what::What;
use crate::finding::Finding;
use crate::rule::Kind;
use crate::scan::{Outcome, Progress, Request, Scope, scan};
use crate::sought;
use crate::source::SourceKind;

/// The options of a scan that nobody typed.
#[derive(Debug, Parser)]
struct Usual {
    #[command(flatten)]
    what: What,
}

/// What is so.
pub(super) struct Facts {
    /// Values in files.
    pub(super) in_files: usize,
    /// Values in the history.
    pub(super) in_history: usize,
    /// Of these, values that a purge cannot tell from what stands there by chance.
    pub(super) too_short: usize,
    /// Whether some of them are identifiers, which are purged only if that is said.
    pub(super) identifiers: bool,
    /// Values that nobody has looked at.
    pub(super) unseen: usize,
    /// Values of the history that no plan has shown.
    pub(super) unplanned: usize,
    /// Things that could not be read.
    pub(super) unread: usize,
    pub(super) ledger: Ledger,
    /// Whether a purge in place waits to be ended.
    pub(super) is_purged: bool,
    /// Whether `.sops.yaml` is there.
    pub(super) has_recipients: bool,
    /// By which the values are remembered.
    pub(super) all: BTreeSet<String>,
    pub(super) stored: BTreeSet<String>,
}

/// What the ledger says.
pub(super) enum Ledger {
    /// There is none.
    Missing,
    /// How many credentials it has, how many of them are not replaced, and how many that were found it lacks, if its key can
    /// be opened.
    There { entries: usize, open: usize, lacking: Option<usize> },
}

impl Facts {
    pub(super) fn of(path: &Path, memory: &Memory, ui: &Ui) -> Result<Self, CliError> {
        let what = Usual::parse_from(["sopup"]).what;
        let (request, _) = what.everything(path)?;
        let git = git_dir(path)?;
        let top = git.work_tree().unwrap_or(git.path()).to_path_buf();
        let files = searched(&Request { scope: Scope::worktree(top.clone(), what.respect(), what.jobs), ..request }, ui)?;
        let (mut request, _) = what.everything(path)?;
        if let Scope::Repository { files, .. } = &mut request.scope {
            *files = None;
        }
        let history = searched(&request, ui)?;
        let is_stored = |finding: &&Finding| finding.occurrences.iter().any(|place| place.origin.source != SourceKind::Git);
        let stored: Vec<&Finding> = history.findings.iter().filter(is_stored).collect();
        let found: Vec<&Finding> = files.findings.iter().chain(stored.iter().copied()).collect();
        let names = |findings: &[&Finding]| findings.iter().map(|finding| finding.fingerprint.to_string()).collect::<BTreeSet<_>>();
        let (all, stored_names) = (names(&found), names(&stored));
        Ok(Self {
            in_files: files.findings.len(),
            in_history: stored.len(),
            too_short: stored.iter().filter(|finding| finding.secret.expose().len() < sought::SHORTEST).count(),
            identifiers: stored.iter().any(|finding| finding.rule.kind == Kind::Identifier),
            unseen: all.difference(&memory.looked).count(),
            unplanned: stored_names.difference(&memory.planned).count(),
            unread: files.skipped.len() + history.skipped.len(),
            ledger: ledger(path, &found, ui)?,
            is_purged: unended(&git)?,
            has_recipients: top.join(".sops.yaml").is_file(),
            all,
            stored: stored_names,
        })
    }
}

fn searched(request: &Request, ui: &Ui) -> Result<Outcome, CliError> {
    let progress = Progress::default();
    Ok(ui.watched(&progress, || scan(request, &progress))?)
}

fn ledger(path: &Path, found: &[&Finding], ui: &Ui) -> Result<Ledger, CliError> {
    let desk = Desk::of(path)?;
    let Some(ledger) = desk.ledger()? else { return Ok(Ledger::Missing) };
    let key = desk.needed_key(&mut Keys::find(), ui).ok();
    let lacking = key.map(|key| {
        // Identifiers are recorded only if that is said.
        let secrets = found.iter().filter(|finding| finding.rule.kind != Kind::Identifier);
        let ids: BTreeSet<_> = secrets.map(|finding| key.fingerprint(&finding.secret)).collect();
        ids.iter().filter(|id| ledger.get(id).is_none()).count()
    });
    let open = ledger.entries().filter(|entry| !entry.state.is_rotated()).count();
    Ok(Ledger::There { entries: ledger.entries().count(), open, lacking })
}
