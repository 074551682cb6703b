//! What decides the report of a repository: as long as its [`state`] is the same, an earlier report still holds.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use hmac::Mac as _;
use jiff::civil::Date;
use sha2::Sha256;

use crate::cli::environment::{KEY_VARIABLE, today};
use crate::cli::error::CliError;
use crate::cli::{Command, Exit, parse, scan};
use crate::rule::{Confidence, builtin};
use crate::scan::rules_digest;
use crate::source::refs::GitDir;
use crate::text::hex;

/// Scans as they are asked for, wherever.
pub(super) struct Asked {
    args: scan::Args,
    /// What sopup itself brings.
    rules: String,
}

impl Asked {
    /// What options for `sopup scan` mean. Wrong ones are told.
    pub(super) fn of(options: &[OsString]) -> Result<Self, Exit> {
        let words = ["sopup", "scan", "--format", "json"].map(OsString::from);
        let cli = parse([&words[..], options].concat())?;
        let Command::Scan(mut args) = cli.command else { return Err(Exit::Usage) };
        // Neither changes a report.
        (args.what.jobs, args.what.memory) = (0, None);
        Ok(Self { args: *args, rules: rules_digest(&builtin(), Confidence::Low) })
    }

    /// What the refs of a bare repository lead to, and how it is scanned, as a keyed hash; `None` if it may change without that.
    pub(super) fn state(&self, git: &GitDir, dir: &Path) -> Option<String> {
        let refs = git.refs();
        if git.work_tree().is_some() || !refs.skipped.is_empty() {
            return None;
        }
        let mut mac = keyed()?;
        let mut add = |part: &[u8]| {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        };
        add(env!("CARGO_PKG_VERSION").as_bytes());
        add(self.rules.as_bytes());
        add(self.args.deciding().as_bytes());
        for file in self.files(dir)? {
            add(&file);
        }
        // What a fetch leaves tells nothing new if the refs lead there, too.
        let ids: BTreeSet<_> = refs.items.iter().filter(|one| !one.is_leftover()).map(|one| one.id).collect();
        for one in refs.items.iter().filter(|one| !one.is_leftover() || !ids.contains(&one.id)) {
            add(&one.name);
            add(format!("{:?} {:?}", one.id, one.symbolic).as_bytes());
        }
        Some(hex(mac.finalize().into_bytes()))
    }

    /// What stands in the rules, configurations and the baseline that count for a repository.
    fn files(&self, dir: &Path) -> Option<Vec<Vec<u8>>> {
        let args = &self.args;
        let paths = || {
            let baseline = args.baseline.file(&args.what.config_choice(dir))?;
            Ok::<_, CliError>(args.what.files(dir)?.into_iter().chain(baseline))
        };
        paths().ok()?.map(|path| fs::read(path).ok().map(with_days)).collect()
    }
}

/// Which objects a repository has of its own, as a keyed hash of the names and lengths of their files; `None` if it borrows more.
pub(super) fn objects(git: &GitDir) -> Option<String> {
    let root = git.objects();
    if root.join("info/alternates").exists() {
        return None;
    }
    let mut files = Vec::new();
    for folder in fs::read_dir(&root).ok()? {
        let folder = folder.ok()?;
        let name = folder.file_name();
        if name == "pack" || name.len() == 2 {
            for file in fs::read_dir(folder.path()).ok()? {
                let file = file.ok()?;
                files.push((name.clone(), file.file_name(), file.metadata().ok()?.len()));
            }
        }
    }
    files.sort();
    let mut mac = keyed()?;
    for (folder, name, length) in files {
        mac.update(format!("{folder:?}/{name:?} {length}\n").as_bytes());
    }
    Some(hex(mac.finalize().into_bytes()))
}

/// A text, and of each day in it, on which an entry may end, whether it has come.
fn with_days(mut text: Vec<u8>) -> Vec<u8> {
    let shown = String::from_utf8_lossy(&text).into_owned();
    let words = shown.split(|character: char| !character.is_ascii_digit() && character != '-');
    let days = words.filter_map(|word| word.parse::<Date>().ok());
    text.extend(days.map(|day| day.cmp(&today()) as u8));
    text
}

/// What stands for the key, so that results with different ones are not taken for one.
pub(super) fn key() -> Option<String> {
    let mut mac = keyed()?;
    mac.update(b"sopup fleet key");
    Some(hex(&mac.finalize().into_bytes()[..8]))
}

fn keyed() -> Option<hmac::Hmac<Sha256>> {
    let key = std::env::var_os(KEY_VARIABLE)?;
    <hmac::Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key.as_encoded_bytes()).ok()
}
