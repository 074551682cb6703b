//! What a scan finds in a document that is being edited, by the configuration that counts for its file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::cli::baseline::{BaselineArgs, Book};
use crate::cli::environment::{configuration_file, configuration_of, gitleaks_beside};
use crate::cli::error::CliError;
use crate::cli::paths::prefix;
use crate::cli::what::What;
use crate::finding::Finding;
use crate::scan::{Progress, Request, Scope, scan};
use crate::source::{Ignores, Respect};

/// Scans documents; what does not change from one to the next is kept.
pub(in crate::cli) struct Scanner<'a> {
    what: &'a What,
    baseline: BaselineArgs,
    known: HashMap<PathBuf, Kept>,
}

/// The request for files that one configuration counts for.
struct Kept {
    request: Request,
    stamps: Vec<Stamp>,
}

/// A file that decides what is found, and what it was when it was read.
type Stamp = (PathBuf, Option<(SystemTime, u64)>);

impl<'a> Scanner<'a> {
    pub(in crate::cli) fn new(what: &'a What) -> Self {
        Self { what, baseline: BaselineArgs::default(), known: HashMap::new() }
    }

    /// Where `.sopup.yaml` is, or would be, for a file.
    ///
    /// # Errors
    /// Its folder cannot be read.
    pub(super) fn settings(&self, file: &Path) -> Result<PathBuf, CliError> {
        self.what.config_file().map_or_else(|| configuration_file(file), |file| Ok(file.to_path_buf()))
    }

    /// Findings in the text of a file, which need not be the one on the disk.
    ///
    /// # Errors
    /// The configuration that counts cannot be used.
    pub(in crate::cli) fn findings(&mut self, file: &Path, text: &str) -> Result<Vec<Finding>, CliError> {
        // An editor may have files open that were never written, in folders that are not there yet.
        let beside = file.ancestors().skip(1).find(|folder| folder.is_dir()).unwrap_or(Path::new(".")).to_path_buf();
        let settings = self.settings(&beside)?;
        if self.known.get(&settings).is_none_or(|kept| kept.stamps.iter().any(|(path, before)| stamp(path) != *before)) {
            let kept = self.prepare(&beside)?;
            self.known.insert(settings.clone(), kept);
        }
        let kept = self.known.get_mut(&settings).expect("it was put there");
        let top = settings.parent().unwrap_or(Path::new("."));
        let rest = file.strip_prefix(&beside).unwrap_or(file).components().map(|part| part.as_os_str().to_string_lossy());
        let path = format!("{}{}", prefix(top, &beside).unwrap_or_default(), rest.collect::<Vec<_>>().join("/"));
        if self.what.respect() == Respect::Yes && Ignores::new(top, None, Respect::Yes).leaves_out_name(&path) {
            return Ok(Vec::new());
        }
        kept.request.scope = Scope::Text { name: path, bytes: text.as_bytes().to_vec() };
        Ok(scan(&kept.request, &Progress::default())?.findings)
    }

    fn prepare(&self, beside: &Path) -> Result<Kept, CliError> {
        let choice = self.what.config_choice(beside);
        let configured = configuration_of(&choice)?;
        let book = Book::find(None, &choice)?;
        let mut files: Vec<PathBuf> = vec![self.settings(beside)?];
        files.extend(configured.iter().cloned());
        files.extend(book.map(|book| book.path));
        // Read before what they decide, so that a change in between is seen.
        let mut stamps: Vec<Stamp> = files.into_iter().map(|file| (file.clone(), stamp(&file))).collect();
        let (config, _) = self.what.configuration(beside)?;
        if let Some(file) = configured.as_deref().map(|path| gitleaks_beside(&config, path)).transpose()?.flatten() {
            stamps.push((file.clone(), stamp(&file)));
        }
        let baseline = self.baseline.in_force(&choice, &config)?;
        let scope = Scope::Text { name: String::new(), bytes: Vec::new() };
        let request = Request { baseline, ..self.what.request(config, scope, None, String::new())? };
        Ok(Kept { request, stamps })
    }
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let about = std::fs::metadata(path).ok()?;
    Some((about.modified().ok()?, about.len()))
}
