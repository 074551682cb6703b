//! `sopup render`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::Exit;
use super::environment::git_dir;
use super::error::CliError;
use super::output::write_file;
use super::sops::keys::Keys;
use super::ui::Ui;
use crate::file::Access;
use crate::migrate::{Reference, render};
use crate::secret::Secret;
use crate::sops::ops::{MacCheck, extract};
use crate::sops::path::{Step, TreePath};
use crate::sops::store::{Format, Limits, Style};
use crate::sops::tree::Node;

/// Print a file with its `ref+sops://` references resolved
///
/// The values come from SOPS files; their paths count from the top of the repository. What is printed holds secrets.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A file with references
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Write to a file, readable by you alone, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let unreadable = |error: std::io::Error| CliError::new(format!("cannot read {}: {error}", args.file.display()), "name a text file");
    let text = Zeroizing::new(std::fs::read_to_string(&args.file).map_err(unreadable)?);
    let top = top_of(&args.file);
    let keys = Keys::find();
    let mut files = HashMap::<String, Zeroizing<Vec<u8>>>::new();
    let mut resolve = |reference: &Reference| -> Result<Secret, String> {
        let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", reference.file);
        if !files.contains_key(&reference.file) {
            let bytes = std::fs::read(top.join(&reference.file)).map_err(|error| wrong(&error))?;
            files.insert(reference.file.clone(), Zeroizing::new(bytes));
        }
        let store = Format::from_path(&reference.file).store(Limits::default(), Style::default());
        let path = TreePath::new(reference.keys.iter().cloned().map(Step::Key).collect());
        match extract(&*store, &files[&reference.file], &path, keys.keyring(), MacCheck::Required) {
            Ok(Node::Scalar(scalar)) => Ok(Secret::new(scalar.to_bytes().to_vec())),
            Ok(_) => Err(wrong(&format!("{} is no single value", reference.keys.join(".")))),
            Err(error) => Err(wrong(&error)),
        }
    };
    let rendered = render(&args.file.to_string_lossy(), &text, &mut resolve)
        .map_err(|error| CliError::new(error.to_string(), "the values are decrypted with the identities that sops would use"))?;
    match &args.output {
        None => {
            ui.print_bytes(rendered.as_bytes())?;
        }
        Some(file) => {
            write_file(file, rendered.as_bytes(), Access::Private)?;
            ui.note(&format!("{} holds secrets now; keep it out of git", file.display()));
        }
    }
    Ok(Exit::Clean)
}

fn top_of(file: &Path) -> PathBuf {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let top = git_dir(folder).ok().and_then(|git| git.work_tree().map(Path::to_path_buf));
    top.unwrap_or_else(|| PathBuf::from("."))
}
