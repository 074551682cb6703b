//! [`Journal`]: what a migration is about to change, kept in the git directory until long after, so that it can be
//! finished or undone. Old and new bytes of every file are encrypted to the recipients of the stores.
//!
//! A journal is a folder with `payload.json` (a SOPS file in sops' binary form, so that `sops decrypt` opens it too)
//! and `journal.json` (names and states, no secret, no unkeyed hash). The latter comes last and by a rename: a folder
//! without it stands for a migration that changed nothing.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::change::{Change, Tools};
use super::policy::NoRecipients;
use crate::file::{Access, Disk, FileError, clear_drafts, create_on, put_on, read};
use crate::sops::crypt::CommentPolicy;
use crate::sops::doctor::looks_encrypted;
use crate::sops::mac::MacScope;
use crate::sops::ops::{self, AlteredNumbers, DecryptError, EncryptError, MacCheck, NothingSelected};
use crate::sops::store::{Format, Limits, Style};
use crate::text::hex;

const SCHEMA: &str = "sopup.journal/v1";
const HEAD: &str = "journal.json";
const PAYLOAD: &str = "payload.json";

/// How far a migration got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Files may be old or new; it is to be finished or undone.
    Applying,
    /// All files are new.
    Applied,
    /// Files may be new or old; they are on their way back.
    Undoing,
    /// All files are old.
    Undone,
}

/// A journal on disk.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    head: HeadV1,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct HeadV1 {
    schema: String,
    id: String,
    /// Migrations of a repository are counted from 1: clocks go backwards, and two migrations may have one second.
    number: u64,
    created: String,
    state: State,
    files: Vec<FileV1>,
    folders: Vec<String>,
}

/// A file of a journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FileV1 {
    /// Relative to the top of the repository.
    pub path: String,
    /// Keyed hash of the old bytes; `None` if there was no file.
    pub before: Option<String>,
    /// Keyed hash of the new bytes.
    pub after: String,
}

/// The encrypted part: the key of the hashes, old and new bytes.
pub struct Payload {
    key: Zeroizing<Vec<u8>>,
    files: Vec<Versions>,
}

/// Old and new bytes of a file.
pub struct Versions {
    /// `None` if there was no file.
    pub before: Option<Zeroizing<Vec<u8>>>,
    /// The new bytes.
    pub after: Zeroizing<Vec<u8>>,
}

#[derive(Serialize, Deserialize)]
struct PayloadV1 {
    key: Zeroizing<String>,
    files: Vec<VersionsV1>,
}

#[derive(Serialize, Deserialize)]
struct VersionsV1 {
    before: Option<Zeroizing<String>>,
    after: Zeroizing<String>,
}

/// Why a journal cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk refuses.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of it cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not what a journal looks like.
    #[error("{0} is not a journal that this version of sopup reads")]
    Malformed(PathBuf),
    /// Nobody could open it.
    #[error(transparent)]
    NoRecipients(#[from] NoRecipients),
    /// The old bytes cannot be encrypted.
    #[error("the journal cannot be encrypted: {0}")]
    Encrypt(#[from] Box<EncryptError>),
    /// The old bytes cannot be decrypted.
    #[error("the journal cannot be decrypted: {0}")]
    Decrypt(#[from] Box<DecryptError>),
    /// There is no journal of this id, or none at all.
    #[error("there is no migration {0} to go back to")]
    NoSuch(String),
}

/// Where the journals of a repository are.
pub(super) fn folder(git_dir: &Path) -> PathBuf {
    git_dir.join("sopup").join("journal")
}

/// All journals, oldest first. Folders without a head are drafts of migrations that changed nothing; they are
/// removed.
///
/// # Errors
/// [`JournalError`].
pub fn all(git_dir: &Path, disk: &dyn Disk) -> Result<Vec<Journal>, JournalError> {
    let parent = folder(git_dir);
    let entries = match std::fs::read_dir(&parent) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(JournalError::Io { path: parent, source }),
    };
    let mut journals = Vec::new();
    for entry in entries {
        let folder = entry.map_err(at(&parent))?.path();
        match read(&folder.join(HEAD), disk)? {
            Some(bytes) => {
                let head: HeadV1 = serde_json::from_slice(&bytes).map_err(|_| JournalError::Malformed(folder.clone()))?;
                if head.schema != SCHEMA {
                    return Err(JournalError::Malformed(folder));
                }
                journals.push(Journal { folder, head });
            }
            None => discard(&folder, disk),
        }
    }
    journals.sort_by_key(|journal| journal.head.number);
    Ok(journals)
}

fn discard(folder: &Path, disk: &dyn Disk) {
    let _ = clear_drafts(folder, disk);
    for name in [HEAD, PAYLOAD] {
        let _ = disk.remove(&folder.join(name));
    }
    let _ = disk.remove_folder(folder);
}

/// Waits until the names in a folder are on the disk.
fn sync(folder: &Path, disk: &dyn Disk) -> io::Result<()> {
    #[cfg(unix)]
    disk.sync(&std::fs::File::open(folder)?)?;
    let _ = (folder, disk);
    Ok(())
}

fn at(path: &Path) -> impl Fn(io::Error) -> JournalError + use<> {
    let path = path.to_path_buf();
    move |source| JournalError::Io { path: path.clone(), source }
}

impl Journal {
    /// Writes a journal for changes that are about to be made; once this returns, they can be finished or undone
    /// whatever happens.
    ///
    /// # Errors
    /// [`JournalError`]; nothing of it stays then.
    pub fn write(
        git_dir: &Path,
        changes: &[Change],
        folders: Vec<String>,
        tools: Tools<'_>,
        disk: &dyn Disk,
    ) -> Result<(Self, Payload), JournalError> {
        let number = 1 + all(git_dir, disk)?.last().map_or(0, |last| last.head.number);
        let mut random = [0; 38];
        getrandom::fill(&mut random).map_err(|error| JournalError::Io { path: git_dir.to_path_buf(), source: io::Error::other(error) })?;
        let id = hex(&random[32..]);
        let files = changes.iter().map(|change| Versions { before: change.before.clone(), after: change.after.clone() }).collect();
        let payload = Payload { key: Zeroizing::new(random[..32].to_vec()), files };
        let files = changes.iter().zip(&payload.files).map(|(change, versions)| FileV1 {
            path: change.path.clone(),
            before: versions.before.as_ref().map(|bytes| payload.mac(bytes)),
            after: payload.mac(&versions.after),
        });
        let head = HeadV1 {
            schema: SCHEMA.to_owned(),
            id: id.clone(),
            number,
            created: tools.now.as_str().to_owned(),
            state: State::Applying,
            files: files.collect(),
            folders,
        };
        let journal = Self { folder: folder(git_dir).join(&id), head };
        let written = journal.store(git_dir, &payload, tools, disk);
        if written.is_err() {
            discard(&journal.folder, disk);
        }
        written.map(|()| (journal, payload))
    }

    fn store(&self, git_dir: &Path, payload: &Payload, tools: Tools<'_>, disk: &dyn Disk) -> Result<(), JournalError> {
        let encrypted = payload.encrypt(tools)?;
        // What cannot be decrypted again would be no help.
        Payload::decrypt(&encrypted, tools)?;
        let parent = folder(git_dir);
        for folder in [&git_dir.join("sopup"), &parent, &self.folder] {
            disk.make_folder(folder, Access::Private).map_err(at(folder))?;
        }
        create_on(&self.folder.join(PAYLOAD), &encrypted, Access::Private, disk)?;
        self.write_head(disk)?;
        for folder in [&parent, &git_dir.join("sopup"), git_dir] {
            sync(folder, disk).map_err(at(folder))?;
        }
        Ok(())
    }

    fn write_head(&self, disk: &dyn Disk) -> Result<(), JournalError> {
        let file = self.folder.join(HEAD);
        let text = serde_json::to_vec_pretty(&self.head).map_err(|_| JournalError::Malformed(file.clone()))?;
        clear_drafts(&self.folder, disk)?;
        Ok(put_on(&file, &text, Access::Private, disk)?)
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.head.id
    }

    /// How far it got.
    pub fn state(&self) -> State {
        self.head.state
    }

    /// Whether it was begun, or its undoing, and did not come to its end.
    pub fn is_open(&self) -> bool {
        matches!(self.state(), State::Applying | State::Undoing)
    }

    /// Its files in the order in which they change.
    pub fn files(&self) -> &[FileV1] {
        &self.head.files
    }

    /// Folders that it made.
    pub fn folders(&self) -> &[String] {
        &self.head.folders
    }

    /// Records how far it got.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn advance(&mut self, state: State, disk: &dyn Disk) -> Result<(), JournalError> {
        self.head.state = state;
        self.write_head(disk)
    }

    /// Whether a file is as this migration left it; `payload` is that of this journal.
    pub fn left(&self, payload: &Payload, path: &str, bytes: &[u8]) -> bool {
        self.files().iter().any(|file| file.path == path && file.after == payload.mac(bytes))
    }

    /// Opens the encrypted part.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn payload(&self, tools: Tools<'_>, disk: &dyn Disk) -> Result<Payload, JournalError> {
        let file = self.folder.join(PAYLOAD);
        let bytes = read(&file, disk)?.ok_or_else(|| JournalError::Malformed(self.folder.clone()))?;
        let payload = Payload::decrypt(&bytes, tools)?;
        if payload.files.len() == self.head.files.len() { Ok(payload) } else { Err(JournalError::Malformed(self.folder.clone())) }
    }
}

impl Versions {
    /// Whether the migration made or extended a SOPS file that other files refer to.
    pub fn is_store(&self) -> bool {
        looks_encrypted(&self.after) && self.before.as_ref().is_none_or(|before| looks_encrypted(before))
    }
}

impl Payload {
    /// Old and new bytes, in the order of the journal's files.
    pub fn files(&self) -> &[Versions] {
        &self.files
    }

    /// The keyed hash of a file's bytes.
    pub fn mac(&self, bytes: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(bytes);
        hex(mac.finalize().into_bytes())
    }

    fn encrypt(&self, tools: Tools<'_>) -> Result<Vec<u8>, JournalError> {
        let encode = |bytes: &Zeroizing<Vec<u8>>| Zeroizing::new(STANDARD.encode(bytes));
        let versions = self.files.iter().map(|one| VersionsV1 { before: one.before.as_ref().map(encode), after: encode(&one.after) });
        let written = PayloadV1 { key: encode(&self.key), files: versions.collect() };
        let plain = Zeroizing::new(serde_json::to_vec(&written).map_err(|_| JournalError::Malformed(PathBuf::from(PAYLOAD)))?);
        let plan = ops::Plan {
            audience: tools.policy.scheme(PAYLOAD)?.audience,
            selector: None,
            mac_scope: MacScope::AllValues,
            comments: CommentPolicy::Encrypt,
            nothing_selected: NothingSelected::Refuse,
            altered_numbers: AlteredNumbers::Allow,
            now: tools.now.clone(),
        };
        Ok(ops::encrypt(&*format(), &plain, &plan, tools.plugins).map_err(Box::new)?)
    }

    fn decrypt(bytes: &[u8], tools: Tools<'_>) -> Result<Self, JournalError> {
        let plain = Zeroizing::new(ops::decrypt(&*format(), bytes, tools.keyring, MacCheck::Required).map_err(Box::new)?);
        let malformed = || JournalError::Malformed(PathBuf::from(PAYLOAD));
        let written: PayloadV1 = serde_json::from_slice(&plain).map_err(|_| malformed())?;
        let decode = |text: &Zeroizing<String>| STANDARD.decode(text.as_bytes()).map(Zeroizing::new).map_err(|_| malformed());
        let files = written.files.iter().map(|one| {
            let before = one.before.as_ref().map(decode).transpose()?;
            Ok(Versions { before, after: decode(&one.after)? })
        });
        Ok(Self { key: decode(&written.key)?, files: files.collect::<Result<_, JournalError>>()? })
    }
}

fn format() -> Box<dyn crate::sops::store::Store> {
    let limits = Limits { bytes: 4 << 30, ..Limits::default() };
    Format::Binary.store(limits, Style::default())
}
