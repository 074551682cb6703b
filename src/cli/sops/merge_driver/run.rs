//! One merge, as git asks for it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use zeroize::Zeroizing;

use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::cli::git::ask;
use crate::cli::sops::file::{hold, read, read_held, store};
use crate::cli::sops::keys::{Keys, NeedsKey};
use crate::cli::sops::now;
use crate::cli::sops::rules::ConfigArg;
use crate::cli::ui::Ui;
use crate::file::Access;
use crate::sops::doctor::looks_encrypted;
use crate::sops::keyring::OpenError;
use crate::sops::merge::{Clash, ClashKind, MergeError, Merged, Tools, Versions, merge};
use crate::sops::ops::DataKeyFate;
use crate::sops::plugin::ProgramPlugins;
use crate::sops::store::Format;
use crate::text::shell_word;

pub(super) fn run([base, ours, theirs]: [&Path; 3], path: &Path, config: &ConfigArg, ui: &Ui) -> Result<Exit, CliError> {
    let mut held = hold(ours)?;
    let (old, mine, other) = (read(base)?, read_held(&mut held)?, read(theirs)?);
    if ![&old, &mine, &other].into_iter().any(|bytes| looks_encrypted(bytes)) {
        drop(held);
        return merge_lines(base, ours, theirs);
    }
    let store = store(Format::from_path(&path.to_string_lossy()), config.style(path, ui)?);
    let versions = Versions { base: &old, ours: &mine, theirs: &other };
    let now = now();
    let merged = Keys::find().open(ui, |keyring| {
        let tools = Tools { keyring, plugins: &ProgramPlugins, now: &now };
        merge(&*store, versions, &tools)
    });
    let merged = match merged {
        Ok(merged) => merged,
        Err(error) => {
            ui.note(&format!("{} is left as it is in our version", path.display()));
            return Err(error.about(path).exiting(Exit::Findings));
        }
    };
    held.replace(&merged.file, Access::KeptOrShared)?;
    report(&merged, path, ui)
}

/// Says what the user has to know or to decide.
fn report(merged: &Merged, path: &Path, ui: &Ui) -> Result<Exit, CliError> {
    let shown = path.display();
    if merged.data_key == DataKeyFate::Replaced {
        ui.note(&format!("{shown} is under a new data key: one side removed a recipient who knows that of the other"));
    }
    if merged.lost_comments > 0 {
        ui.note(&format!("{shown}: comments of their version that are not in the result: {}", merged.lost_comments));
    }
    if merged.clashes.is_empty() {
        return Ok(Exit::Clean);
    }
    let list: Vec<String> = merged.clashes.iter().map(describe).collect();
    let error = CliError::new(
        format!("{shown}: both sides changed the same values, each in another way:\n{}", list.join("\n")),
        advice(&merged.clashes, path),
    );
    Err(error.exiting(Exit::Findings))
}

fn describe(clash: &Clash) -> String {
    let document = if clash.document > 0 { format!(" of document {}", clash.document + 1) } else { String::new() };
    let what = match clash.kind {
        ClashKind::Values => "",
        ClashKind::RemovedHere => " (removed in ours, changed in theirs)",
        ClashKind::RemovedThere => " (changed in ours, removed in theirs)",
    };
    format!("  {}{document}{what}", clash.path)
}

/// The commands that settle the conflicts.
fn advice(clashes: &[Clash], path: &Path) -> String {
    let file = shell_word(&path.to_string_lossy());
    let mut text = "all else is merged; here the file has our values. In the top folder of the repository:".to_owned();
    for clash in clashes.iter().filter(|clash| clash.document == 0) {
        let place = shell_word(&clash.path.to_string());
        text.push_str(&format!("\n  take theirs: sopup set --theirs {file} {place}\n  or another value: sopup set {file} {place}"));
    }
    if clashes.iter().any(|clash| clash.document > 0) {
        text.push_str(&format!("\n  documents after the first: sopup edit {file}"));
    }
    let staged = shell_word(&format!(":3:{}", path.display()));
    text.push_str(&format!("\n  see their version: git show {staged} | sopup decrypt --filename-override {file}"));
    text.push_str(&format!("\n  then: git add {file}"));
    text
}

/// What git does with files that are not encrypted.
fn merge_lines(base: &Path, ours: &Path, theirs: &Path) -> Result<Exit, CliError> {
    let mut git = Command::new("git");
    git.args(["merge-file", "--quiet", "-L", "ours", "-L", "base", "-L", "theirs", "--"]).args([ours, base, theirs]);
    let status = git
        .stdin(Stdio::null())
        .status()
        .map_err(|error| CliError::new(format!("cannot start git: {error}"), "install git, or put it on PATH"))?;
    match status.code() {
        Some(0) => Ok(Exit::Clean),
        // The number of conflicts.
        Some(1..=127) => Ok(Exit::Findings),
        _ => Err(CliError::new("git cannot merge the file", "it is left as it is in our version").exiting(Exit::Findings)),
    }
}

/// A version of a file that git keeps while a merge is not settled; `None` if that side has removed the file.
pub(in crate::cli) fn stage(number: u8, file: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, CliError> {
    version(&format!(":{number}"), file)
}

/// The file as the last commit has it; `None` without one.
pub(in crate::cli) fn committed(file: &Path) -> Option<Zeroizing<Vec<u8>>> {
    version("HEAD", file).ok().flatten()
}

fn version(of: &str, file: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, CliError> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = file.file_name().unwrap_or_default();
    let mut object = std::ffi::OsString::from(format!("{of}:./"));
    object.push(name);
    let words = [OsStr::new("cat-file"), OsStr::new("blob"), &object];
    Ok(ask(folder, words, b"")?.map(Zeroizing::new))
}

impl NeedsKey for MergeError {
    fn missing_key(&self) -> Option<&OpenError> {
        match self {
            Self::Open { source, .. } => source.missing_key(),
            _ => None,
        }
    }
}
