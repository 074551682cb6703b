//! Which values are to be taken out.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::cli::choice::Choice;
use crate::cli::error::CliError;
use crate::cli::sops::doctor;
use crate::cli::sops::keys::Keys;
use crate::cli::ui::Ui;
use crate::cli::verify::KnownValues;
use crate::cli::what::What;
use crate::finding::Finding;
use crate::scan::{Progress, Scope, scan};
use crate::secret::Secret;
use crate::sought;
use crate::source::SourceKind;

/// The largest file of values.
const LARGEST: u64 = 64 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct ValueArgs {
    /// Take out the values of this file, one a line, and no others; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "only")]
    values_from: Vec<PathBuf>,

    /// Take out the values of SOPS files that your identities open, too
    #[arg(long)]
    stores: bool,

    #[command(flatten)]
    choice: Choice,

    #[command(flatten)]
    pub(super) what: What,
}

/// Values, and what they may be called.
#[derive(Default)]
pub(super) struct Chosen {
    pub(super) values: Vec<Secret>,
    pub(super) labels: Vec<String>,
    /// Too short to be told from what stands there by chance.
    pub(super) short: usize,
    /// Identifiers that are left out unless `--identifiers` asks for them.
    pub(super) identifiers: usize,
}

/// What a scan finds in the history.
struct Found {
    /// Values, and what they may be called.
    values: Vec<(Secret, String)>,
    /// Identifiers that nobody asked for.
    identifiers: usize,
}

impl ValueArgs {
    pub(super) fn choose(&self, path: &Path, ui: &Ui) -> Result<Chosen, CliError> {
        let mut all: BTreeMap<Secret, String> = BTreeMap::new();
        for file in &self.values_from {
            let name = if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
            for (number, line) in (1..).zip(read(file)?.split(|&byte| byte == b'\n')) {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                if !line.is_empty() {
                    all.entry(Secret::new(line.to_vec())).or_insert_with(|| format!("line {number} of {name}"));
                }
            }
        }
        let mut identifiers = 0;
        if self.values_from.is_empty() {
            let found = self.found(path, ui)?;
            identifiers = found.identifiers;
            all.extend(found.values);
        }
        if self.stores {
            let (request, _) = self.what.everything(path)?;
            let keys = Keys::find();
            let known = KnownValues::of(&doctor::examined(path, Some(&keys))?, &keys, &request.rules);
            if let Some(file) = known.closed.first() {
                return Err(CliError::new(format!("no identity opens {file}"), "name one with SOPS_AGE_KEY_FILE, or leave `--stores` out"));
            }
            for (value, places) in known.values.into_iter().zip(known.kept_in) {
                all.entry(value).or_insert_with(|| places.join(" and "));
            }
        }
        let before = all.len();
        all.retain(|value, _| value.expose().len() >= sought::SHORTEST);
        let short = before - all.len();
        if all.is_empty() {
            return Err(CliError::new(
                match short {
                    0 if identifiers > 0 => {
                        format!("there is no secret to take out; {identifiers} in the history are identifiers, such as account numbers")
                    }
                    0 => "there is no value to take out: a scan finds none in the history".to_owned(),
                    count => {
                        format!("the only values ({count}) are shorter than {} characters and stand anywhere by chance", sought::SHORTEST)
                    }
                },
                if short == 0 && identifiers > 0 {
                    "`--identifiers` takes those out; `--values-from FILE` names values"
                } else {
                    "name values with `--values-from FILE`, or lower the bar with `--min-confidence low`"
                },
            ));
        }
        let (values, labels) = all.into_iter().unzip();
        Ok(Chosen { values, labels, short, identifiers })
    }

    /// What a scan finds in the history.
    fn found(&self, path: &Path, ui: &Ui) -> Result<Found, CliError> {
        let (mut request, _) = self.what.everything(path)?;
        if let Scope::Repository { files, .. } = &mut request.scope {
            *files = None;
        }
        let progress = Progress::default();
        let outcome = ui.watched(&progress, || scan(&request, &progress))?;
        if let Some(skip) = outcome.skipped.first() {
            return Err(super::incomplete(&format!("{}: {}", skip.what, skip.reason)));
        }
        let stored = |finding: &&Finding| finding.occurrences.iter().any(|place| place.origin.source != SourceKind::Git);
        let (chosen, rest): (Vec<&Finding>, Vec<&Finding>) =
            outcome.findings.iter().filter(stored).partition(|finding| self.choice.is_asked(finding));
        let named = |finding: &Finding| format!("{}, fingerprint {}", finding.rule.name, finding.fingerprint);
        let values = chosen.into_iter().map(|finding| (finding.secret.clone(), named(finding))).collect();
        Ok(Found { values, identifiers: rest.into_iter().filter(|finding| self.choice.passes_over(finding)).count() })
    }
}

fn read(file: &Path) -> Result<Zeroizing<Vec<u8>>, CliError> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(LARGEST).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|opened| opened.take(LARGEST).read_to_end(&mut bytes))
    };
    read.map_err(|error| CliError::new(format!("cannot read {}: {error}", file.display()), "name a file with one value a line"))?;
    Ok(bytes)
}
