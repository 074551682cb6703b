//! `sopup baseline audit`: a person goes through the entries and says what each is. Every answer is kept at once.

use std::collections::HashMap;
use std::io::{self, Write as _};

use super::book::Book;
use super::list;
use super::making::{Key, Reach, Subject, ended};
use crate::baseline::{Entry, Verdict};
use crate::cli::Exit;
use crate::cli::environment::today;
use crate::cli::error::CliError;
use crate::cli::nameable::Nameable;
use crate::cli::ui::Ui;
use crate::finding::{Finding, Fingerprint};
use crate::report::json::severity;
use crate::report::{plural, safe};

/// Go through the entries, on a terminal, and say of each whether it is real
///
/// Shows where each value stands now, masked. Answers: real, false alarm, to rotate, skip, back, quit; each is kept at once. The
/// verdict stands in the file; what it says changes nothing in a scan.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Also the entries that somebody has looked at
    #[arg(long)]
    all: bool,

    /// Who looks at them [default: user.name and user.email of git]
    #[arg(long, value_name = "NAME")]
    who: Option<String>,

    #[command(flatten)]
    subject: Subject,
}

/// What was said about an entry.
enum Answer {
    /// This.
    Verdict(Verdict, Option<String>),
    /// Nothing; the next one.
    Skip,
    /// The one before.
    Back,
    /// The same again.
    Again,
    /// No more.
    Quit,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    if !ui.has_somebody() {
        let hint = "run it on a terminal, with standard input and standard error connected to it; or write \"verdict\":\"real\", \
                    \"false-alarm\" or \"to-rotate\" into the lines of the baseline";
        return Err(CliError::new("there is nobody to ask", hint));
    }
    let book = args.subject.book()?;
    let baseline = args.subject.baseline(&book)?;
    let by = args.subject.person(args.who.as_deref())?;
    let present = args.subject.scan(Reach::Present, &Key::Shared, ui)?;
    let names = Nameable::of(&present.outcome);
    let found: HashMap<&Fingerprint, &Finding> = present.outcome.findings.iter().map(|finding| (&finding.fingerprint, finding)).collect();
    let entries: Vec<Entry> = baseline.entries().filter(|entry| args.all || entry.verdict.is_none()).cloned().collect();
    let mut said: Vec<Option<Verdict>> = entries.iter().map(|_| None).collect();
    let mut at = 0;
    while at < entries.len() {
        let entry = &entries[at];
        show(entry, found.get(&entry.id).copied(), (at + 1, entries.len()), said[at], ui)?;
        match ask(&names, ui) {
            Answer::Verdict(verdict, reason) => {
                keep(&book, &entry.id, verdict, reason, &by)?;
                said[at] = Some(verdict);
                at += 1;
            }
            Answer::Skip => at += 1,
            Answer::Back => at = at.saturating_sub(1),
            Answer::Again => {}
            Answer::Quit => break,
        }
    }
    let mut out = ui.stdout();
    let looked = said.iter().flatten().count();
    writeln!(out, "{}: {} with a verdict of today", safe::line(&book.path.to_string_lossy()), plural(looked as u64, "entry", "entries"))?;
    if said.contains(&Some(Verdict::ToRotate)) || said.contains(&Some(Verdict::Real)) {
        writeln!(out, "Next: `sopup rotate record` keeps track of what is to be replaced; `sopup migrate` moves it to SOPS files")?;
    }
    out.flush()?;
    Ok(ended(&present.outcome))
}

fn show(entry: &Entry, finding: Option<&Finding>, (number, all): (usize, usize), said: Option<Verdict>, ui: &Ui) -> io::Result<()> {
    let mut out = ui.stdout();
    let said = said.map(|verdict| format!(", {} just now", verdict.word())).unwrap_or_default();
    writeln!(out, "\n{number} of {all}{said}:")?;
    list::write(&mut out, entry, today())?;
    match finding {
        None => writeln!(out, "  its value is nowhere any more; `sopup baseline prune` removes such entries")?,
        Some(finding) => {
            let first = &finding.occurrences[0];
            let more = match finding.occurrences.len() {
                1 => String::new(),
                count => format!(", and {}", plural(count as u64 - 1, "more place", "more places")),
            };
            writeln!(out, "  {}: {}{more}", severity(finding.severity), finding.rule.name)?;
            let past = if first.sighting.is_some() { " (in history)" } else { "" };
            writeln!(out, "  {}:{}{past}: {}", safe::line(&first.origin.path), first.start.line, safe::line(&first.excerpt.text))?;
        }
    }
    out.flush()
}

fn ask(names: &Nameable<'_>, ui: &Ui) -> Answer {
    let Some(answer) = ui.ask("[r]eal, [f]alse alarm, to ro[t]ate, [s]kip, [b]ack, [q]uit?") else { return Answer::Quit };
    let verdict = match answer.as_str() {
        "r" => Verdict::Real,
        "t" => Verdict::ToRotate,
        "f" => Verdict::FalseAlarm,
        "s" => return Answer::Skip,
        "b" => return Answer::Back,
        "q" => return Answer::Quit,
        _ => return Answer::Again,
    };
    if verdict != Verdict::FalseAlarm {
        return Answer::Verdict(verdict, None);
    }
    let reason = ui.ask("Why is it no secret? (may be empty)").filter(|reason| !reason.is_empty());
    match names.refuse_secrets(reason.as_deref()) {
        Ok(()) => Answer::Verdict(verdict, reason),
        Err(error) => {
            ui.error(&error);
            Answer::Again
        }
    }
}

fn keep(book: &Book, id: &Fingerprint, verdict: Verdict, reason: Option<String>, by: &str) -> Result<(), CliError> {
    book.change(|baseline| {
        if let Some(entry) = baseline.get_mut(id) {
            (entry.verdict, entry.by, entry.date) = (Some(verdict), by.to_owned(), today());
            entry.reason = reason.or(entry.reason.take());
        }
    })
}
