//! `sopup verify`: one page that says whether a repository is clean, each line with its evidence.

mod known;
mod page;
mod rotated;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::{Parser as _, ValueEnum};

use super::Exit;
use super::error::CliError;
use super::sops::doctor::{self, Examined};
use super::sops::keys::Keys;
use super::ui::Ui;
use super::what::What;
use crate::finding::{Finding, Occurrence, Suppression};
use crate::report::{Context, Covered, Layout, Names, Show, View, in_history, places, plural, position};
use crate::rule::Kind;
use crate::scan::{Outcome, Progress, scan};
use crate::sops::doctor::{Problem, State as FileState, Weight};
use crate::sought::Sought;
use crate::source::Sighting;
pub(super) use known::KnownValues;
use page::{Evidence, Line, Page, State};
use rotated::Rotation;

/// Prove that a repository is clean: no plain secret, no known value, every SOPS file sound
///
/// Each line of the page names its evidence and the command that mends it. What is searched: the files, the index, every
/// object of the repository whether anything leads to it or not, messages, names, refs, reflogs, stashes, linked working
/// trees and the texts of the git directory. The values of all SOPS files that your identities open are sought there as
/// well, as they are, in base64 and hexadecimal, percent-encoded, escaped, in UTF-16, wrapped, and inside archives.
///
/// Exit code 0 means that every line holds; 1 that one does not; 3 that something could not be checked.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup verify                               the repository here
  sopup verify --without-keys                in CI that has no identity
  sopup verify --format markdown             for a pull request
  sopup verify --only secrets,known          some lines alone")]
pub(super) struct Args {
    /// The top of a repository, or any folder
    #[arg(default_value = ".", value_name = "PATH")]
    path: PathBuf,

    /// Check these lines alone
    #[arg(long, value_enum, value_name = "LINE", value_delimiter = ',')]
    only: Vec<Check>,

    /// Do not look for identities; what needs one is left out of the verdict
    #[arg(long)]
    without_keys: bool,

    /// Form of the page
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,

    #[command(flatten)]
    what: What,
}

/// A line of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Check {
    /// No plain secret is found
    Secrets,
    /// No value of a SOPS file stands anywhere else
    Known,
    /// Every SOPS file is sound
    Stores,
    /// Every file that is to be encrypted is
    Encrypted,
    /// Every credential of the ledger is replaced
    Rotated,
    /// Everything was read
    Complete,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// One document, `sopup.verify/v1`
    Json,
    /// For a pull request
    Markdown,
}

/// Options that nobody typed.
#[derive(Debug, clap::Parser)]
struct Usual {
    #[command(flatten)]
    args: Args,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    judged(args, ui, |page| {
        let mut out = ui.stdout();
        match args.format {
            Format::Human => page.human(&mut out)?,
            Format::Json => page.json(&mut out)?,
            Format::Markdown => page.markdown(&mut out)?,
        }
        Ok(out.flush()?)
    })
}

/// How `sopup verify` of a repository would end.
pub(super) fn verdict(path: &Path, ui: &Ui) -> Result<Exit, CliError> {
    let usual = Usual::parse_from(["sopup"]).args;
    judged(&Args { path: path.to_path_buf(), ..usual }, ui, |_| Ok(()))
}

/// Judges a repository, and hands over the page.
fn judged(args: &Args, ui: &Ui, tell: impl FnOnce(&Page<'_>) -> Result<(), CliError>) -> Result<Exit, CliError> {
    let (begun, started) = (jiff::Timestamp::now(), Instant::now());
    let mut keys = (!args.without_keys).then(Keys::find);
    let examined = doctor::examined(&args.path, keys.as_ref())?;
    let (mut request, head) = args.what.everything(&args.path)?;
    let known = keys.as_ref().map(|keys| KnownValues::of(&examined, keys, &request.rules)).unwrap_or_default();
    let rotation = Rotation::of(&args.path, &examined, keys.as_mut(), ui)?;
    let sought = Arc::new(Sought::new(&known.values));
    if !known.values.is_empty() {
        request.rules = request.rules.seeking(sought.clone());
    }
    let progress = Progress::default();
    let outcome = ui.watched(&progress, || scan(&request, &progress))?;
    let root = args.path.to_string_lossy();
    let context = Context {
        root: &root,
        head: head.as_deref(),
        begun,
        elapsed: started.elapsed(),
        secrets: Show::Masked,
        covered: Covered::default(),
        layout: Layout::default(),
    };
    let checked =
        Checked { args, examined: &examined, known: &known, sought: &sought, rotation: &rotation, outcome: &outcome, context: &context };
    let asked = |check: &Check| args.only.is_empty() || args.only.contains(check);
    let lines = Check::value_variants().iter().filter(|check| asked(check)).map(|&check| checked.line(check)).collect();
    let page = Page { root: &root, head: head.as_deref(), lines, elapsed: context.elapsed };
    tell(&page)?;
    Ok(page.exit())
}

/// What there is to judge by.
struct Checked<'a> {
    args: &'a Args,
    examined: &'a Examined,
    known: &'a KnownValues,
    sought: &'a Sought,
    rotation: &'a Rotation,
    outcome: &'a Outcome,
    context: &'a Context<'a>,
}

impl Checked<'_> {
    fn line(&self, check: Check) -> Line {
        match check {
            Check::Secrets => self.secrets(),
            Check::Known => self.known(),
            Check::Stores => self.stores(),
            Check::Encrypted => self.encrypted(),
            Check::Rotated => self.rotated(),
            Check::Complete => self.complete(),
        }
    }

    fn secrets(&self) -> Line {
        let findings: Vec<&Finding> = self.outcome.findings.iter().filter(|finding| !finding.is_known_only()).collect();
        let mut evidence: Vec<Evidence> = Vec::new();
        for finding in &findings {
            let entry = self.rotation.named(&finding.secret);
            evidence.extend(places(finding).into_iter().map(|place| Evidence {
                place: self.place(place.at),
                text: format!("{}, fingerprint {}{entry}{}", finding.rule.name, finding.fingerprint, self.past(place.past)),
            }));
        }
        let seen = self.outcome.seen;
        let texts = format!("{} and {} read", plural(seen.files, "file", "files"), plural(seen.blobs, "blob", "blobs"));
        let count = findings.len() as u64;
        let what = if count == 0 { texts } else { format!("{} found", plural(count, "secret", "secrets")) };
        Line {
            check: Check::Secrets,
            state: State::of(count == 0),
            summary: format!("{what}{}", self.allowed()),
            mend: mend(&findings),
            evidence,
        }
    }

    /// What was found and is accepted, which is never silent.
    fn allowed(&self) -> String {
        let inline = self.outcome.allowed_inline;
        let entries = self.outcome.suppressions.iter().filter(|entry| entry.used > 0);
        let told = |entry: &Suppression| match entry.entry {
            0 => format!("{} by {}", entry.used, entry.reason),
            number => format!("{} by allow entry {number} ({})", entry.used, entry.reason),
        };
        let mut all: Vec<String> = entries.map(told).collect();
        if inline > 0 {
            all.push(format!("{inline} by `sopup:allow`"));
        }
        if self.outcome.left_out > 0 {
            all.push(format!("{} left out by .sopupignore", self.outcome.left_out));
        }
        if all.is_empty() { String::new() } else { format!("; accepted: {}", all.join(", ")) }
    }

    fn known(&self) -> Line {
        let mut evidence = Vec::new();
        let mut standing = BTreeSet::new();
        let mut found = Vec::new();
        for finding in &self.outcome.findings {
            let Some((value, spelling)) = self.sought.identify(finding.secret.expose()) else { continue };
            standing.insert(value);
            found.push(finding);
            let entry = self.rotation.named(&self.known.values[value]);
            evidence.extend(places(finding).into_iter().map(|place| Evidence {
                place: self.place(place.at),
                text: format!("the value of {}, {spelling}{entry}{}", self.known.kept_in[value].join(" and "), self.past(place.past)),
            }));
        }
        let closed = self.closed();
        let values = plural(self.known.values.len() as u64, "value of SOPS files", "values of SOPS files");
        let passed = match self.known.passed_over {
            0 => String::new(),
            count => format!("; {} too short or too common to be sought", plural(count as u64, "value is", "values are")),
        };
        let state = match (evidence.is_empty(), closed.is_empty()) {
            (false, _) => State::Fails,
            (true, true) => State::Holds,
            (true, false) => self.unkeyed(),
        };
        let summary = match (state, self.examined.files.len()) {
            (State::Fails, _) => format!("{} of {values} also in plain text", standing.len()),
            (State::Unchecked | State::LeftOut, _) => {
                format!("not checked for {}: no identity opens them", plural(closed.len() as u64, "SOPS file", "SOPS files"))
            }
            (_, 0) => "there is no SOPS file".to_owned(),
            _ => format!("{values} sought in every spelling{passed}"),
        };
        let mend = match state {
            State::Fails => mend(&found),
            State::Unchecked => Some("name an identity with SOPS_AGE_KEY_FILE, or accept this with --without-keys".to_owned()),
            _ => None,
        };
        if evidence.is_empty() {
            evidence = closed.into_iter().map(|path| Evidence { place: path, text: "not opened".to_owned() }).collect();
        }
        Line { check: Check::Known, state, summary, evidence, mend }
    }

    /// SOPS files that were not opened.
    fn closed(&self) -> Vec<String> {
        if self.args.without_keys {
            return self.examined.files.iter().map(|(path, _)| path.clone()).collect();
        }
        self.known.closed.clone()
    }

    fn unkeyed(&self) -> State {
        if self.args.without_keys { State::LeftOut } else { State::Unchecked }
    }

    fn stores(&self) -> Line {
        let report = &self.examined.report;
        let errors = |problem: &&Problem| problem.weight() == Weight::Error && !is_plain(problem);
        let mut evidence: Vec<Evidence> = Vec::new();
        for file in &report.files {
            let problems = file.problems.iter().filter(errors);
            evidence.extend(problems.map(|problem| Evidence { place: file.path.clone(), text: problem.to_string() }));
        }
        let advice = report.advice.iter().filter(|advice| advice.weight == Weight::Error);
        evidence.extend(advice.map(|advice| Evidence { place: advice.path.clone(), text: advice.text.clone() }));
        let closed = if self.args.without_keys { self.closed().len() } else { report.count_in(FileState::Closed) };
        let state = match (evidence.is_empty(), closed) {
            (false, _) => State::Fails,
            (true, 0) => State::Holds,
            (true, _) => self.unkeyed(),
        };
        let files = plural(report.encrypted() as u64, "SOPS file", "SOPS files");
        let (summary, mend) = match state {
            State::Fails => (
                format!("{} in {files}", plural(evidence.len() as u64, "error", "errors")),
                Some("sopup doctor (names each error), sopup updatekeys FILE for recipients".to_owned()),
            ),
            State::Holds => (format!("{files} examined"), None),
            State::Unchecked | State::LeftOut => (
                format!("{files} examined without opening {closed}, so not their MACs"),
                (state == State::Unchecked)
                    .then(|| "name an identity with SOPS_AGE_KEY_FILE, or accept this with --without-keys".to_owned()),
            ),
        };
        Line { check: Check::Stores, state, summary, evidence, mend }
    }

    fn encrypted(&self) -> Line {
        let mut evidence: Vec<Evidence> = Vec::new();
        for file in &self.examined.report.files {
            let problems = file.problems.iter().filter(|problem| is_plain(problem));
            evidence.extend(problems.map(|problem| Evidence { place: file.path.clone(), text: problem.to_string() }));
        }
        let summary = match evidence.len() as u64 {
            0 => "no file that a creation rule or its name says is encrypted is plain".to_owned(),
            count => plural(count, "file that is to be encrypted is plain", "files that are to be encrypted are plain"),
        };
        let mend = evidence.first().map(|_| "sopup encrypt -i FILE".to_owned());
        Line { check: Check::Encrypted, state: State::of(evidence.is_empty()), summary, evidence, mend }
    }

    fn complete(&self) -> Line {
        let names = Names::of(self.outcome, Show::Masked);
        let skips = self.outcome.skipped.iter().map(|skip| (names.masked(&skip.what).into_owned(), skip.reason.to_string()));
        let all: BTreeSet<(String, String)> = skips.chain(self.examined.report.skipped.iter().cloned()).collect();
        let evidence: Vec<Evidence> = all.into_iter().map(|(place, text)| Evidence { place, text }).collect();
        let state = if evidence.is_empty() { State::Holds } else { State::Unchecked };
        let summary = match evidence.len() as u64 {
            0 => "all of it could be read".to_owned(),
            count => format!("{} could not be read", plural(count, "item", "items")),
        };
        let mend = (state == State::Unchecked).then(|| "see to it that these can be read, then verify again".to_owned());
        Line { check: Check::Complete, state, summary, evidence, mend }
    }

    fn place(&self, occurrence: &Occurrence) -> String {
        position(occurrence, &View { context: self.context, names: Names::of(self.outcome, Show::Masked) })
    }

    fn past(&self, sighting: Option<&Sighting>) -> String {
        let names = Names::of(self.outcome, Show::Masked);
        sighting.map(|sighting| format!("; {}", in_history(sighting, &names))).unwrap_or_default()
    }
}

/// Files are mended by moving what they hold, the history by taking it out.
fn mend(findings: &[&Finding]) -> Option<String> {
    let is_here = |finding: &&&Finding| finding.occurrences.iter().any(|place| place.sighting.is_none());
    let is_past = |finding: &&&Finding| finding.occurrences.iter().any(|place| place.sighting.is_some());
    let here = findings.iter().filter(is_here).count();
    // Those are passed over unless somebody asks for them.
    let identifiers = findings.iter().filter(is_past).any(|finding| finding.rule.kind == Kind::Identifier);
    let purge = if identifiers { "sopup purge plan --identifiers" } else { "sopup purge plan" };
    let past = findings.iter().any(|finding| is_past(&finding)).then_some(purge);
    match (here, past) {
        (0, None) => None,
        (0, Some(purge)) => Some(purge.to_owned()),
        (_, None) => Some("sopup migrate".to_owned()),
        (here, Some(purge)) if here == findings.len() => Some(format!("sopup migrate, then {purge} for the history")),
        (here, Some(purge)) => Some(format!("sopup migrate for the {here} that files still hold, then {purge} for the history")),
    }
}

fn is_plain(problem: &Problem) -> bool {
    matches!(problem, Problem::NotEncrypted | Problem::PlainStore)
}
