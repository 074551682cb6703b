//! `sopup init`: a first `.sops.yaml`, and a key if there is none.

use std::fs;
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use super::keys::{Keys, default_key_file, variable};
use super::now;
use super::rules::FILE_NAME;
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::file::{Access, FileError, Held, PATIENCE, create, private_folder};
use crate::sops::creation_rule::{Config, recipient_list};
use crate::sops::recipient::Recipient;
use crate::source::read_index;
use crate::source::refs::GitDir;

/// Write a first .sops.yaml, which says what is encrypted for whom
///
/// Asks who can decrypt, and makes an age key if you have none. The key is kept outside of the repository, where sops and
/// sopup find it, readable by you alone; it is never shown.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup init                                             asks
  sopup init --generate-key                              with a new key of your own
  sopup init --age age1…,age1…                           for people and machines you know
  sopup init --age age1… --path-regex '^k8s/.*secret.*\\.yaml$' --encrypted-regex '^(data|stringData)$'")]
pub(in crate::cli) struct Args {
    /// The folder; without, the top of the repository
    path: Option<PathBuf>,

    /// Who can decrypt: age recipients, separated by commas
    #[arg(short, long, value_name = "RECIPIENTS")]
    age: Option<String>,

    /// Make a new age key and let it decrypt
    #[arg(long)]
    generate_key: bool,

    /// Which files are to be encrypted
    #[arg(long, value_name = "REGEX", default_value = r"\.(enc|sops)\.(ya?ml|json|env|ini)$")]
    path_regex: String,

    /// Encrypt values below keys that match, and no others
    #[arg(long, value_name = "REGEX")]
    encrypted_regex: Option<String>,
}

pub(in crate::cli) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let repository = GitDir::discover(args.path.as_deref().unwrap_or(Path::new("."))).ok();
    let top = repository.as_ref().and_then(|repository| repository.work_tree());
    let folder = args.path.clone().or_else(|| top.map(Path::to_path_buf)).unwrap_or_else(|| PathBuf::from("."));
    let target = folder.join(FILE_NAME);
    if fs::symlink_metadata(&target).is_ok() {
        return Err(CliError::new(
            format!("{} exists already", target.display()),
            "add a rule to it by hand, then run `sopup updatekeys` on files it is to cover",
        ));
    }
    // The text is proven before a key is made for it.
    let draft = |recipients: &[Recipient]| text(args, recipients, repository.as_ref());
    prove(&draft(&[]))?;
    let recipients = recipients(args, top.unwrap_or(&folder), ui)?;
    let text = draft(&recipients);
    prove(&text)?;
    create(&target, text.as_bytes(), Access::KeptOrShared)?;
    ui.note(&format!("{} says: files that match `{}` are encrypted for", target.display(), args.path_regex));
    recipients.iter().for_each(|recipient| ui.note(&format!("  {}", recipient.as_str())));
    if recipients.len() == 1 {
        ui.note("if that one key is lost, so is everything encrypted; name a second one, kept elsewhere, under `age:`");
    }
    let attributes = fs::read_to_string(folder.join(".gitattributes")).unwrap_or_default();
    if !attributes.contains("*.env") {
        ui.note("put `*.env text eol=lf` into .gitattributes: other line ends break encrypted .env files");
    }
    ui.note("next: `sopup edit prod.enc.yaml` makes a first encrypted file");
    Ok(Exit::Clean)
}

/// From the options, or by asking.
/// Whether every rule of a configuration can be used.
fn prove(text: &str) -> Result<(), CliError> {
    match Config::parse(text.as_bytes())?.faults().next() {
        Some(fault) => Err(fault.into()),
        None => Ok(()),
    }
}

fn recipients(args: &Args, repository: &Path, ui: &Ui) -> Result<Vec<Recipient>, CliError> {
    let mut recipients = args.age.as_deref().map(recipient_list).transpose()?.unwrap_or_default();
    if args.generate_key {
        recipients.push(generate_key(repository, ui)?);
    }
    if !recipients.is_empty() {
        return Ok(recipients);
    }
    let keys = Keys::find();
    let own = keys.keyring().recipients().next();
    let question = match own {
        Some(own) => format!("Who can decrypt? Recipients (age1…, ssh-ed25519 …) with commas between them, or Enter for your key {own}:"),
        None => {
            "Who can decrypt? Recipients (age1…, ssh-ed25519 …) with commas between them, or Enter to make a key of your own:".to_owned()
        }
    };
    let Some(answer) = ui.ask(&question) else {
        return Err(CliError::new("there are no recipients, and nobody to ask", "name them with `--age`, or say `--generate-key`"));
    };
    match (answer.as_str(), own) {
        ("", Some(own)) => Ok(vec![Recipient::parse(own)?]),
        ("", None) => Ok(vec![generate_key(repository, ui)?]),
        (answer, _) => Ok(recipient_list(answer)?),
    }
}

/// Makes an age key where sops looks for it, beside keys that may be there.
fn generate_key(repository: &Path, ui: &Ui) -> Result<Recipient, CliError> {
    let named = variable("SOPS_AGE_KEY_FILE").filter(|path| !path.is_empty()).map(PathBuf::from);
    let path = named
        .or_else(default_key_file)
        .ok_or_else(|| CliError::new("there is no home directory for a key", "name a file with SOPS_AGE_KEY_FILE"))?;
    let path = std::path::absolute(&path).unwrap_or(path);
    let folder = path.parent().unwrap_or(Path::new("/"));
    let real = folder.ancestors().find_map(|folder| folder.canonicalize().ok());
    let inside = real.zip(repository.canonicalize().ok()).is_some_and(|(folder, top)| folder.starts_with(top));
    if inside {
        return Err(CliError::new(
            format!("{} is inside the repository, where a key does not belong", path.display()),
            "name a file outside of it with SOPS_AGE_KEY_FILE",
        ));
    }
    private_folder(folder).map_err(|error| {
        CliError::new(format!("cannot make {}: {error}", folder.display()), "name another place with SOPS_AGE_KEY_FILE")
    })?;
    let identity = age::x25519::Identity::generate();
    let recipient = Recipient::parse(&identity.to_public().to_string())?;
    let lines = Zeroizing::new(format!(
        "# created: {}\n# public key: {}\n{}\n",
        now().as_str(),
        recipient.as_str(),
        identity.to_string().expose_secret()
    ));
    match create(&path, lines.as_bytes(), Access::Private) {
        Err(FileError::Exists(_)) => append(&path, &lines)?,
        done => done?,
    }
    ui.note(&format!("a new key is in {}; keep a copy in a safe place, for instance a password manager", path.display()));
    Ok(recipient)
}

fn append(path: &Path, lines: &str) -> Result<(), CliError> {
    let mut held = Held::take(path, PATIENCE)?;
    let mut all = held.read(1 << 20)?;
    if all.starts_with(b"age-encryption.org/") || all.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----") {
        return Err(CliError::new(
            format!("{} is protected by a passphrase, so nothing can be added to it", path.display()),
            "use the key in it: `sopup init --age RECIPIENT`, or name another file with SOPS_AGE_KEY_FILE",
        ));
    }
    if !all.is_empty() && !all.ends_with(b"\n") {
        all.push(b'\n');
    }
    all.extend_from_slice(lines.as_bytes());
    Ok(held.replace_plain_text(&all, Access::Private)?)
}

fn text(args: &Args, recipients: &[Recipient], repository: Option<&GitDir>) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let mut text = "# Which files sopup and sops encrypt, and who can decrypt them.\ncreation_rules:\n".to_owned();
    text.push_str(&format!("  - path_regex: {}\n", quoted(&args.path_regex)));
    if let Some(regex) = &args.encrypted_regex {
        text.push_str(&format!("    encrypted_regex: {}\n", quoted(regex)));
    }
    let list: Vec<&str> = recipients.iter().map(Recipient::as_str).collect();
    text.push_str(&format!("    age: >-\n      {}\n", list.join(",\n      ")));
    text.push_str(&format!("stores:\n  yaml:\n    indent: {}\n", repository.and_then(usual_indent).unwrap_or(2)));
    text
}

/// How the repository's YAML files are indented, by their majority. sops changes every line of a file with another
/// indentation than it is told.
fn usual_indent(repository: &GitDir) -> Option<usize> {
    let top = repository.work_tree()?;
    let index = read_index(&repository.index(), repository.hash()).ok()?;
    let paths = index.into_iter().filter_map(|entry| String::from_utf8(entry.path).ok());
    let yaml = paths.filter(|path| path.ends_with(".yaml") || path.ends_with(".yml")).take(500);
    let mut votes = [0usize; 9];
    for path in yaml {
        let file = top.join(path);
        if !fs::symlink_metadata(&file).is_ok_and(|metadata| metadata.is_file() && metadata.len() < 1 << 20) {
            continue;
        }
        if let Some(vote) = fs::read_to_string(file).ok().as_deref().and_then(first_indent).and_then(|width| votes.get_mut(width)) {
            *vote += 1;
        }
    }
    let (width, count) = votes.into_iter().enumerate().max_by_key(|(width, count)| (*count, usize::MAX - width))?;
    (count > 0).then_some(width)
}

/// Blanks before the first key below another.
fn first_indent(text: &str) -> Option<usize> {
    let blanks = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let mut above: Option<usize> = None;
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with(['#', '-'])) {
        match above {
            Some(above) if blanks(line) > above => return Some(blanks(line) - above),
            _ => above = line.trim_end().ends_with(':').then(|| blanks(line)),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_indent_is_that_of_a_key_below_a_key() {
        assert_eq!(first_indent("# c\na: 1\nb:\n    c: d\n  e: f\n"), Some(4));
        assert_eq!(first_indent("a:\n- x\n- y\nb:\n\n  c: d\n"), Some(2));
        assert_eq!(first_indent("a: 1\nb: |\n"), None);
    }
}
