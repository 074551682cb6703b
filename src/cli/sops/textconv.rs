//! `sopup textconv`: a SOPS file as a diff shows it.

use std::fmt::Write as _;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::file::{InputType, read, store};
use super::keys::Keys;
use crate::cli::Exit;
use crate::cli::environment::kept_key;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::finding::FingerprintKey;
use crate::report::safe;
use crate::secret::Secret;
use crate::sops::mac::MacScope;
use crate::sops::metadata::Metadata;
use crate::sops::ops::{self, Opened};
use crate::sops::store::{Store, Style};
use crate::sops::tree::{Comment, List, ListItem, Map, MapItem, Node, Scalar, Text, Tree};
use crate::source::object::{HashKind, ObjectKind};

/// Print a SOPS file so that `git diff` shows which values changed, and not the values
///
/// Each encrypted value is replaced by a mark; equal values in one place have equal marks. Marks are made with a key of your
/// own, so that nobody can guess values from them. Below stand the recipients and the settings of the file. A file that is not
/// encrypted, or that no key at hand opens, is printed as it is, and of a binary one its length and name in git.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup merge-driver install     makes `git diff` and `git log -p` use it
  sopup textconv prod.enc.yaml")]
pub(in crate::cli) struct Args {
    /// The file
    file: PathBuf,

    /// Print the values themselves
    #[arg(long)]
    show_secrets: bool,

    #[command(flatten)]
    input_type: InputType,
}

pub(in crate::cli) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let bytes = read(&args.file)?;
    let store = store(args.input_type.of(&args.file), Style::default());
    let shown = ops::open(&*store, &bytes, Keys::find().keyring()).ok().and_then(|opened| show(&*store, opened, args.show_secrets));
    match shown {
        Some(shown) => ui.print_bytes(&shown)?,
        // git takes whatever is printed here for text.
        None if is_binary(&bytes) => {
            ui.print_bytes(format!("(binary, {} bytes, {})\n", bytes.len(), HashKind::Sha1.id_of(ObjectKind::Blob, &bytes)).as_bytes())?
        }
        None => ui.print_bytes(&bytes)?,
    }
    Ok(Exit::Clean)
}

/// Whether git takes a file for binary.
fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(8000).any(|byte| *byte == 0)
}

/// A decrypted file as a diff shows it.
fn show(store: &dyn Store, mut opened: Opened, show_secrets: bool) -> Option<Zeroizing<Vec<u8>>> {
    // Where no key can be kept, marks at least tell versions under one data key apart.
    let key = kept_key().map_or_else(|| opened.key.expose().to_vec(), |key| key.to_vec());
    let mut marks = Marks { key: FingerprintKey::new(key)?, path: Vec::new() };
    let keys = about_keys(&opened, &marks);
    if !show_secrets {
        marks.tree(&opened.source.tree, &mut opened.tree);
    }
    let mut text = Zeroizing::new(store.write(&opened.tree, None, Some(&opened.source)).ok()?);
    if !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    text.extend_from_slice(keys.as_bytes());
    Some(text)
}

/// Lines about who can open a file, and by which settings.
fn about_keys(opened: &Opened, marks: &Marks) -> String {
    let metadata: &Metadata = &opened.metadata;
    let mut lines = Vec::new();
    for (at, group) in metadata.key_groups().iter().enumerate() {
        let of = if metadata.key_groups().len() > 1 { format!("key group {}: ", at + 1) } else { String::new() };
        lines.extend(group.age.iter().map(|key| format!("{of}for {}", key.recipient)));
        lines.extend(group.foreign.iter().map(|key| format!("{of}for {}", key.name)));
    }
    lines.extend(metadata.shamir_threshold().map(|needed| format!("{needed} key groups needed")));
    let (field, value) = metadata.selector().to_field();
    lines.push(format!("{field}: {value}"));
    if metadata.mac_scope() == MacScope::EncryptedOnly {
        lines.push("mac_only_encrypted: true".to_owned());
    }
    lines.push(format!("data key {}", marks.of("data key", opened.key.expose())));
    if let Err(error) = &opened.mac {
        lines.push(error.to_string());
    }
    lines.iter().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "# sops: {}", safe::line(line));
        text
    })
}

/// Puts marks in the place of values.
struct Marks {
    key: FingerprintKey,
    path: Vec<String>,
}

/// Hexadecimal digits of a mark.
const DIGITS: usize = 12;

impl Marks {
    /// The mark of a value.
    fn of(&self, kind: &str, plain: &[u8]) -> String {
        let mut text = format!("{}\0{kind}\0", self.path.join("\0")).into_bytes();
        text.extend_from_slice(plain);
        let fingerprint = self.key.fingerprint(&Secret::new(text)).to_string();
        format!("(hidden {})", &fingerprint[..DIGITS])
    }

    /// Both trees have the same shape; what differs was encrypted.
    fn tree(&mut self, sealed: &Tree, plain: &mut Tree) {
        sealed.documents.iter().zip(&mut plain.documents).for_each(|(sealed, plain)| self.map(sealed, plain));
    }

    fn map(&mut self, sealed: &Map, plain: &mut Map) {
        for pair in sealed.items.iter().zip(&mut plain.items) {
            match pair {
                (MapItem::Comment(sealed), MapItem::Comment(plain)) => self.comment(sealed, plain),
                (MapItem::Entry(sealed), MapItem::Entry(plain)) => {
                    self.path.push(sealed.key.clone());
                    self.node(&sealed.value, &mut plain.value);
                    self.path.pop();
                }
                _ => {}
            }
        }
    }

    fn list(&mut self, sealed: &List, plain: &mut List) {
        for pair in sealed.items.iter().zip(&mut plain.items) {
            match pair {
                (ListItem::Comment(sealed), ListItem::Comment(plain)) => self.comment(sealed, plain),
                (ListItem::Value(sealed), ListItem::Value(plain)) => self.node(sealed, plain),
                _ => {}
            }
        }
    }

    fn node(&mut self, sealed: &Node, plain: &mut Node) {
        match (sealed, plain) {
            (Node::Map(sealed), Node::Map(plain)) => self.map(sealed, plain),
            (Node::List(sealed), Node::List(plain)) => self.list(sealed, plain),
            (Node::Scalar(sealed), Node::Scalar(plain)) if sealed != plain => {
                let kind = plain.value_type().map_or("null", |kind| kind.name());
                *plain = Scalar::Text(Text::from(self.of(kind, &plain.to_bytes()).as_str()));
            }
            _ => {}
        }
    }

    fn comment(&self, sealed: &Comment, plain: &mut Comment) {
        if sealed != plain {
            plain.0 = Text::from(format!(" {}", self.of("comment", plain.0.expose())).as_str());
        }
    }
}
