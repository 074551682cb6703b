//! [`Desk`]: a working tree with its ledger, as commands read and change it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::Exit;
use crate::cli::environment::{folder_of, git_dir, new_key};
use crate::cli::error::CliError;
use crate::cli::migrate::setup::{policy, refused};
use crate::cli::sops::doctor::{Examined, examined};
use crate::cli::sops::keys::Keys;
use crate::cli::sops::now;
use crate::cli::ui::Ui;
use crate::file::{Access, Disk as _, FileError, Held, PATIENCE, RealDisk, create, read};
use crate::finding::{Fingerprint, FingerprintKey};
use crate::ledger::{FILE, KEY_FIELD, KEY_FILE, Ledger, OWNER_FILES, Owners, Stores, form, key_of};
use crate::migrate::{Change, ChangeError, Repo, Tools, new_store};
use crate::secret::Secret;
use crate::sops::plugin::NoPlugins;
use crate::source::refs::GitDirError;

/// The largest key file and CODEOWNERS.
const LARGEST: u64 = 4 << 20;

/// Which repository a command is about.
#[derive(Debug, clap::Args)]
pub(super) struct RepoArg {
    /// The repository
    #[arg(long, value_name = "DIR", default_value = ".")]
    repo: PathBuf,
}

impl RepoArg {
    pub(super) fn desk(&self) -> Result<Desk, CliError> {
        Desk::of(&self.repo)
    }
}

/// A working tree with its ledger.
pub(in crate::cli) struct Desk {
    /// The top of the working tree, links resolved.
    pub(in crate::cli) top: PathBuf,
}

impl Desk {
    /// The working tree that holds a path; the folder itself outside of a repository.
    pub(in crate::cli) fn of(path: &Path) -> Result<Self, CliError> {
        let folder = folder_of(path)?;
        let top = match git_dir(folder) {
            Ok(git) => git
                .work_tree()
                .map(Path::to_path_buf)
                .ok_or_else(|| CliError::new("the repository has no working tree to keep a ledger in", "run it in a clone that has one"))?,
            Err(GitDirError::NotFound(_)) => folder.to_path_buf(),
            Err(error) => return Err(error.into()),
        };
        let top = top.canonicalize().map_err(|source| unreadable(&top.display().to_string(), &source))?;
        Ok(Self { top })
    }

    /// The ledger, if there is one.
    pub(in crate::cli) fn ledger(&self) -> Result<Option<Ledger>, CliError> {
        self.bytes(FILE, form::LARGEST)?.map(|bytes| parse(&bytes)).transpose()
    }

    /// The ledger, which must be there.
    pub(super) fn needed(&self) -> Result<Ledger, CliError> {
        self.ledger()?.ok_or_else(no_ledger)
    }

    /// Changes the ledger; of two sopups one waits. It is made if it is not there.
    pub(super) fn change<T>(&self, edit: impl FnOnce(&mut Ledger) -> Result<T, CliError>) -> Result<T, CliError> {
        self.make_folder()?;
        let path = self.top.join(FILE);
        let Some(_) = self.bytes(FILE, form::LARGEST)? else {
            let mut ledger = Ledger::default();
            let told = edit(&mut ledger)?;
            create(&path, form::print(&ledger).as_bytes(), Access::KeptOrShared)?;
            return Ok(told);
        };
        let mut held = Held::take(&path, PATIENCE)?;
        let before = held.read(form::LARGEST)?;
        let mut ledger = parse(&before)?;
        let told = edit(&mut ledger)?;
        let after = form::print(&ledger);
        if after.as_bytes() != before.as_slice() {
            held.replace(after.as_bytes(), Access::KeptOrShared)?;
        }
        Ok(told)
    }

    /// The key of the ledger's fingerprints; `None` if there is no file of it.
    pub(in crate::cli) fn key(&self, keys: &mut Keys, ui: &Ui) -> Result<Option<FingerprintKey>, CliError> {
        let Some(bytes) = self.bytes(KEY_FILE, LARGEST)? else { return Ok(None) };
        keys.open(ui, |keyring| key_of(&bytes, keyring)).map(Some).map_err(|error| error.of(KEY_FILE).exiting(Exit::Incomplete))
    }

    /// The same, where there is a ledger: its fingerprints mean nothing without it.
    pub(in crate::cli) fn needed_key(&self, keys: &mut Keys, ui: &Ui) -> Result<FingerprintKey, CliError> {
        self.key(keys, ui)?.ok_or_else(key_is_gone)
    }

    /// A new key, and the file that keeps it; not yet written.
    pub(in crate::cli) fn new_key(&self, age: Option<&str>, keys: &Keys) -> Result<(FingerprintKey, Change), CliError> {
        if self.ledger()?.is_some() {
            return Err(key_is_gone());
        }
        let repo = Repo::open(&self.top)?;
        let (policy, now) = (policy(age, &repo)?, now());
        let tools = Tools { policy: &policy, keyring: keys.keyring(), plugins: &NoPlugins, now: &now };
        let text = new_key();
        let change = new_store(KEY_FILE, KEY_FIELD, Secret::new(text.clone().into_bytes()), tools).map_err(|error| {
            let hint = "`sopup init` writes a .sops.yaml that names who can open new SOPS files; nothing was changed";
            if keys.keyring().is_empty() || matches!(error, ChangeError::NoRecipients(_)) {
                return CliError::new(format!("{KEY_FILE}: {error}"), hint).exiting(Exit::Refused);
            }
            refused(&error)
        })?;
        Ok((FingerprintKey::new(text.into_bytes()).expect("a key made here is long enough"), change))
    }

    /// Writes a new key.
    pub(super) fn keep(&self, change: &Change) -> Result<(), CliError> {
        self.make_folder()?;
        Ok(create(&self.top.join(&change.path), &change.after, Access::KeptOrShared)?)
    }

    /// Who owns which files.
    pub(in crate::cli) fn owners(&self) -> Result<Owners, CliError> {
        for place in OWNER_FILES {
            if let Some(bytes) = self.bytes(place, LARGEST)? {
                return Ok(Owners::parse(&bytes));
            }
        }
        Ok(Owners::default())
    }

    /// All SOPS files of the working tree.
    pub(in crate::cli) fn sops_files(&self) -> Result<Examined, CliError> {
        examined(&self.top, None)
    }

    /// What they hold of some leaked values.
    pub(in crate::cli) fn stores(&self, keys: &Keys, key: &FingerprintKey, wanted: &BTreeSet<Fingerprint>) -> Result<Stores, CliError> {
        Ok(stores_of(&self.sops_files()?, keys, key, wanted))
    }

    /// The bytes of a regular file; no link is followed.
    fn bytes(&self, file: &str, limit: u64) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, CliError> {
        let path = self.top.join(file);
        let folder = path.parent().unwrap_or(&self.top);
        if fs::symlink_metadata(folder).is_ok_and(|about| !about.is_dir()) {
            return Err(FileError::Link(folder.to_path_buf()).into());
        }
        if fs::symlink_metadata(&path).is_ok_and(|about| about.len() > limit) {
            return Err(FileError::TooLarge { path, limit }.into());
        }
        Ok(read(&path, &RealDisk)?)
    }

    fn make_folder(&self) -> Result<(), CliError> {
        let folder = self.top.join(FILE).parent().unwrap_or(&self.top).to_path_buf();
        RealDisk.make_folder(&folder, Access::KeptOrShared).map_err(|source| FileError::Io { action: "make", path: folder, source }.into())
    }
}

fn key_is_gone() -> CliError {
    CliError::new(format!("{KEY_FILE} is gone"), "restore it from an older version: the ledger's fingerprints were made with it")
        .exiting(Exit::Incomplete)
}

pub(super) fn no_ledger() -> CliError {
    CliError::new(format!("there is no {FILE}"), "`sopup rotate record` makes one of what a scan finds")
}

/// What SOPS files hold of some leaked values.
pub(in crate::cli) fn stores_of(examined: &Examined, keys: &Keys, key: &FingerprintKey, wanted: &BTreeSet<Fingerprint>) -> Stores {
    let files = examined.files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()));
    Stores::read(files, keys.keyring(), key, wanted)
}

fn parse(bytes: &[u8]) -> Result<Ledger, CliError> {
    form::parse(bytes)
        .map_err(|error| CliError::new(format!("{FILE}:{}: {}", error.line, error.message), "correct that line, or restore the file"))
}

fn unreadable(what: &str, error: &std::io::Error) -> CliError {
    CliError::new(format!("cannot read {what}: {error}"), "name a folder that exists and that you can read")
}

/// The entry whose id begins so.
pub(super) fn find(ledger: &Ledger, prefix: &str) -> Result<Fingerprint, CliError> {
    match ledger.beginning(prefix).as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(CliError::new(format!("no entry has the id {prefix}"), "`sopup rotate list` shows all ids")),
        several => Err(CliError::new(format!("{} entries have ids that begin with {prefix}", several.len()), "write more of the id")),
    }
}
