//! What the commands of a baseline have in common: which file and which repository they are about, the key, the scans, and how
//! an entry is made of a finding.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use jiff::civil::Date;

use super::book::Book;
use crate::baseline::{Baseline, Entry};
use crate::cli::Exit;
use crate::cli::environment::{configuration_file, day, fingerprint_key, folder_of, git_dir, today};
use crate::cli::error::CliError;
use crate::cli::nameable::Nameable;
use crate::cli::rotate::person;
use crate::cli::settings::{Settings, missing_key};
use crate::cli::ui::Ui;
use crate::cli::what::{What, note_unread};
use crate::file::{self, Access};
use crate::finding::{Allowlist, Finding, FingerprintKey, InlineAllow, Occurrence};
use crate::migrate::listed::with_lines;
use crate::rule::Confidence;
use crate::scan::{Outcome, Progress, Request, scan};
use crate::source::SourceKind;

/// The largest `.gitattributes` that is changed, in bytes.
const LARGEST: u64 = 16 << 20;

/// Which baseline, and of which repository.
#[derive(Debug, clap::Args)]
pub(super) struct Subject {
    /// A repository, or a folder that is in none
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) path: PathBuf,

    /// Use this baseline instead of .sopup-baseline beside .sopup.yaml
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    #[command(flatten)]
    what: What,
}

/// What new entries say.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Say {
    /// Why these secrets are accepted, for those who read this later
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<String>,

    /// The last day on which they are, as 2027-01-31
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub(super) expires: Option<Date>,

    /// Who says so [default: user.name and user.email of git]
    #[arg(long, value_name = "NAME")]
    pub(super) who: Option<String>,
}

/// Which secrets a scan gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Those that `sopup scan` reports.
    Reported,
    /// All that are there: doubtful and accepted ones too.
    Present,
}

/// What a scan gave.
pub(super) struct Scanned {
    pub(super) request: Request,
    pub(super) outcome: Outcome,
    /// How sure `sopup scan` must be to report something.
    pub(super) threshold: Confidence,
}

/// The key of fingerprints.
pub(super) enum Key {
    /// Everybody has it.
    Shared,
    /// It was made just now, and is to be kept.
    Made(String),
}

impl Subject {
    /// The file.
    pub(super) fn book(&self) -> Result<Book, CliError> {
        Book::find(self.baseline.as_deref(), &self.what.config_choice(&self.path))?
            .ok_or_else(|| CliError::new("`--no-repo-config` leaves out the baseline of the repository", "name a file with `--baseline`"))
    }

    /// Fails where nobody could commit the file.
    pub(super) fn refuse_bare(&self) -> Result<(), CliError> {
        let bare = self.baseline.is_none() && git_dir(&self.path).is_ok_and(|git| git.work_tree().is_none());
        if !bare {
            return Ok(());
        }
        let message = format!("{} is a bare repository, which has no files that a baseline could be among", self.path.display());
        Err(CliError::new(message, "create it in a clone and commit it there, or name a file with `--baseline`"))
    }

    /// The baseline, which must be there, if the key is there that its fingerprints were made with.
    pub(super) fn baseline(&self, book: &Book) -> Result<Baseline, CliError> {
        let baseline = book.needed()?;
        let (config, _) = self.what.configuration(&self.path)?;
        book.check_key(&baseline, fingerprint_key(config.fingerprint_key.as_deref())?.as_ref())?;
        Ok(baseline)
    }

    /// The key for a new baseline.
    pub(super) fn key(&self) -> Result<Key, CliError> {
        let (config, _) = self.what.configuration(&self.path)?;
        Ok(missing_key(&config)?.map_or(Key::Shared, Key::Made))
    }

    /// Keeps a key that was made.
    pub(super) fn keep(&self, key: &Key, ui: &Ui) -> Result<(), CliError> {
        let Key::Made(key) = key else { return Ok(()) };
        let file = self.what.config_file().map_or_else(|| configuration_file(&self.path), |file| Ok(file.to_path_buf()))?;
        let settings = Settings { file: &file, by_hand: "add a `fingerprint_key` to it by hand: a random text of 16 characters or more" };
        let edit = |before: &str, _: &_| Ok((with_lines(before, &format!("fingerprint_key: {key}\n")), ()));
        settings.change(edit, |read, ()| read.fingerprint_key.as_ref() == Some(key))?;
        ui.note(&format!("`fingerprint_key` was added to {}: it names the secrets, for everybody who has the file", file.display()));
        Ok(())
    }

    /// A scan of everything, without a baseline.
    pub(super) fn scan(&self, reach: Reach, key: &Key, ui: &Ui) -> Result<Scanned, CliError> {
        let (mut request, _) = self.what.everything(&self.path)?;
        let threshold = request.min_confidence;
        if reach == Reach::Present {
            request.min_confidence = Confidence::Low;
            request.inline = InlineAllow::Ignored;
            request.allow = Allowlist::default();
        }
        if let Key::Made(text) = key {
            let key = FingerprintKey::new(text.clone().into_bytes()).expect("a key made here is long enough");
            request.key = LazyLock::new(Box::new(|| key));
        }
        let progress = Progress::default();
        let outcome = ui.watched(&progress, || scan(&request, &progress))?;
        note_unread(&outcome, ui);
        Ok(Scanned { request, outcome, threshold })
    }

    /// Whoever was named, else the user as git knows them.
    pub(super) fn person(&self, named: Option<&str>) -> Result<String, CliError> {
        person(named, folder_of(&self.path)?)
    }
}

impl Say {
    /// Refuses what would be of no use, before anything is read.
    pub(super) fn check(&self) -> Result<(), CliError> {
        match self.expires {
            Some(day) if day < today() => {
                Err(CliError::new(format!("{day} has passed: the entries would not count"), "name a day to come, or leave `--expires` out"))
            }
            _ => Ok(()),
        }
    }

    /// Refuses texts that hold something that was found.
    pub(super) fn refuse_secrets(&self, by: &str, names: &Nameable<'_>) -> Result<(), CliError> {
        names.refuse_secrets(self.reason.as_deref().into_iter().chain([by]))
    }

    /// The entry of a finding.
    pub(super) fn entry(&self, finding: &Finding, names: &Nameable<'_>, by: &str) -> Entry {
        let place = place(&finding.occurrences[0], names);
        let mut entry = Entry::new(finding.fingerprint.clone(), finding.rule.id, place, by, today());
        (entry.reason, entry.expires) = (self.reason.clone(), self.expires);
        entry
    }
}

/// How a command ends that scanned.
pub(super) fn ended(outcome: &Outcome) -> Exit {
    if outcome.is_complete() { Exit::Clean } else { Exit::Incomplete }
}

/// A place as `sopup explain` takes it.
fn place(at: &Occurrence, names: &Nameable<'_>) -> String {
    let path = names.name(&at.origin.path);
    let commit = at.sighting.as_ref().and_then(|sighting| sighting.commit.as_ref());
    let commit = commit.filter(|_| at.origin.source == SourceKind::History);
    let before = commit.map(|commit| format!("{}:", &commit.id[..commit.id.len().min(12)])).unwrap_or_default();
    format!("{before}{path}:{}", at.start.line)
}

/// Lets git keep the lines of both sides when branches that changed the baseline are merged. Whoever wrote rules for the file
/// is not overruled.
pub(super) fn merge_by_union(book: &Book, ui: &Ui) -> Result<(), CliError> {
    let Some((folder, name)) = book.path.parent().zip(book.path.file_name().and_then(|name| name.to_str())) else { return Ok(()) };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    if git_dir(folder).is_err() || !is_plain {
        return Ok(());
    }
    let file = folder.join(".gitattributes");
    let is_added = file::change(&file, LARGEST, Access::KeptOrShared, |before| {
        let before = before.unwrap_or_default();
        let text = String::from_utf8_lossy(before);
        let has_rules = text.lines().any(|line| line.split_whitespace().next() == Some(name));
        let after = if has_rules { before.to_vec() } else { with_lines(&text, &format!("{name} merge=union\n")).into_bytes() };
        Ok::<_, CliError>((after, !has_rules))
    })?;
    if is_added {
        ui.note(&format!("`{name} merge=union` was added to {}: branches that both add entries merge without a conflict", file.display()));
    }
    Ok(())
}
