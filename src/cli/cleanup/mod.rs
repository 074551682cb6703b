//! `sopup cleanup`: the way from a first scan to the proof, step by step. Each step is a command of its own, which is run
//! here in the same process.

mod facts;
mod memory;
mod step;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::ValueEnum as _;
use owo_colors::OwoColorize as _;

use super::Exit;
use super::environment::git_dir;
use super::error::CliError;
use super::ui::Ui;
use super::verify;
use crate::report::safe;
use crate::source::refs::GitDir;
use crate::text::shell_word;
use facts::Facts;
use memory::Memory;
use step::{Progress, Step, words};

/// Clean up a repository that holds secrets, step by step: scan, migrate, plan, rotate, purge, verify
///
/// Says where the repository stands, explains the next step, and runs its command if you want it to. How far a step is
/// comes from the repository itself: what a scan finds, what the ledger says, whether a purge waits to be ended. So it can
/// be left and taken up at any time. Without a terminal it prints the steps and the next command, and ends with 1 while
/// something is left.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup cleanup                  begin, or go on
  sopup cleanup --status         where it stands
  sopup cleanup --step plan      one step
  sopup cleanup --restart        forget what was looked at, and begin again")]
pub(super) struct Args {
    /// The repository
    #[arg(default_value = ".", value_name = "PATH")]
    path: PathBuf,

    /// Say where it stands, and ask nothing
    #[arg(long, conflicts_with = "step")]
    status: bool,

    /// Do this step, whether it is done or not
    #[arg(long, value_enum, value_name = "STEP")]
    step: Option<Step>,

    /// Forget which findings were looked at and which were in a plan; nothing else changes
    #[arg(long)]
    restart: bool,
}

/// Runs other commands.
type Commands<'a> = &'a dyn Fn(Vec<OsString>) -> Exit;

/// A clean-up.
struct Cleanup<'a> {
    args: &'a Args,
    git: GitDir,
    ui: &'a Ui,
    commands: Commands<'a>,
}

/// What somebody wants.
enum Wish {
    Run,
    Skip,
    Quit,
}

pub(super) fn run(args: &Args, ui: &Ui, commands: Commands<'_>) -> Result<Exit, CliError> {
    let cleanup = Cleanup { args, git: git_dir(&args.path)?, ui, commands };
    if cleanup.git.work_tree().is_none() {
        return Err(CliError::new("the repository has no working tree to clean up", "run it in a clone that has one"));
    }
    if args.restart {
        Memory::remove(&cleanup.git)?;
    }
    if let Some(step) = args.step {
        return cleanup.only(step);
    }
    let facts = cleanup.facts()?;
    let all = cleanup.progress(&facts)?;
    if args.status || !ui.has_somebody() {
        cleanup.show(&all, None)?;
        return Ok(exit(&all, &facts));
    }
    cleanup.guide()
}

impl Cleanup<'_> {
    fn facts(&self) -> Result<Facts, CliError> {
        Facts::of(&self.args.path, &Memory::read(&self.git)?, self.ui)
    }

    /// How far all steps are. The proof is made only when nothing else is left.
    fn progress(&self, facts: &Facts) -> Result<Vec<Progress>, CliError> {
        let mut all: Vec<Progress> = Step::value_variants().iter().map(|step| step.progress(facts)).collect();
        let is_open = all.iter().any(|one| !one.is_done && one.step != Step::Verify);
        for one in all.iter_mut().filter(|one| one.step == Step::Verify) {
            if is_open || facts.unread > 0 {
                one.waits = true;
                one.summary = if is_open { "when the others are done" } else { "something could not be read" }.to_owned();
                continue;
            }
            let exit = verify::verdict(&self.args.path, self.ui)?;
            one.is_done = exit == Exit::Clean;
            one.summary = match exit {
                Exit::Clean => "the repository is clean",
                Exit::Incomplete => "not everything could be checked",
                _ => "the repository is not clean",
            }
            .to_owned();
        }
        Ok(all)
    }

    /// All steps with their state, and what comes next, of this step or of the first that is left.
    fn show(&self, all: &[Progress], current: Option<&Progress>) -> io::Result<()> {
        let mut out = self.ui.stdout();
        for (number, one) in (1..).zip(all) {
            let mark = match (one.is_done, one.waits) {
                (true, _) => "✓".green().bold().to_string(),
                (false, false) => "✗".red().bold().to_string(),
                (false, true) => "-".cyan().bold().to_string(),
            };
            writeln!(out, "{mark} {number}. {:<8} {}", one.step.name(), safe::line(&one.summary))?;
        }
        match current.or(all.iter().find(|one| !one.is_done)) {
            Some(one) => {
                writeln!(out, "\n{}", one.step.explanation())?;
                writeln!(out, "{} {}", "Next:".bold(), safe::line(&self.command(one)))?;
            }
            None => {
                writeln!(out, "\nThis repository is clean. `sopup hook install` keeps it so, and `sopup verify --without-keys` in CI.")?
            }
        }
        out.flush()
    }

    fn command(&self, one: &Progress) -> String {
        let words = words(one.step, &one.next, &self.args.path);
        ["sopup".to_owned()].into_iter().chain(words.iter().map(|word| shell_word(word))).collect::<Vec<_>>().join(" ")
    }

    /// Goes through what is left.
    fn guide(&self) -> Result<Exit, CliError> {
        for &step in Step::value_variants() {
            loop {
                let facts = self.facts()?;
                let all = self.progress(&facts)?;
                let Some(one) = all.iter().find(|one| one.step == step).filter(|one| !one.is_done) else { break };
                if one.waits {
                    break;
                }
                self.show(&all, Some(one))?;
                match self.ask(one) {
                    Wish::Run => _ = self.perform(one, &facts)?,
                    Wish::Skip => break,
                    Wish::Quit => return Ok(exit(&all, &facts)),
                }
            }
        }
        let facts = self.facts()?;
        let all = self.progress(&facts)?;
        self.show(&all, None)?;
        Ok(exit(&all, &facts))
    }

    fn ask(&self, one: &Progress) -> Wish {
        let question = format!("{}: [r]un that, [s]kip the step for now, [q]uit?", one.step.name());
        loop {
            match self.ui.ask(&question).as_deref() {
                Some("r" | "run") => return Wish::Run,
                Some("s" | "skip") => return Wish::Skip,
                Some("q" | "quit") | None => return Wish::Quit,
                Some(_) => {}
            }
        }
    }

    /// One step, because it was named.
    fn only(&self, step: Step) -> Result<Exit, CliError> {
        let facts = self.facts()?;
        let mut one = step.progress(&facts);
        if one.is_done && one.next.is_empty() {
            self.ui.note(&format!("{} is done: {}", step.name(), one.summary));
            return Ok(Exit::Clean);
        }
        if step == Step::Verify {
            one.summary.clear();
        }
        self.ui.note(step.explanation());
        self.perform(&one, &facts)
    }

    /// Runs the command of a step. What is shown is remembered.
    fn perform(&self, one: &Progress, facts: &Facts) -> Result<Exit, CliError> {
        let mut next = one.next.clone();
        if one.step.is_destructive() && next.first() == Some(&"purge") {
            self.confirm(&next)?;
            // It was asked here.
            next.extend(next.contains(&"finish").then_some("--yes"));
        }
        let is_shown = match one.step {
            Step::Scan => {
                next = vec!["scan"];
                true
            }
            Step::Plan => {
                next = ["purge", "plan"].into_iter().chain(facts.identifiers.then_some("--identifiers")).collect();
                true
            }
            _ => false,
        };
        let words = words(one.step, &next, &self.args.path);
        let exit = (self.commands)(words.into_iter().map(OsString::from).collect());
        if is_shown && matches!(exit, Exit::Clean | Exit::Findings) {
            let mut memory = Memory::read(&self.git)?;
            match one.step {
                Step::Scan => memory.looked.extend(facts.all.iter().cloned()),
                _ => memory.planned.extend(facts.stored.iter().cloned()),
            }
            memory.write(&self.git)?;
        }
        Ok(exit)
    }

    /// A word has to be typed before the history changes.
    fn confirm(&self, next: &[&str]) -> Result<(), CliError> {
        let (what, word) = if next.contains(&"finish") {
            ("The old history is removed for good; push the new one first.", "remove")
        } else {
            ("All commits from the first value on get new names; `sopup purge restore` takes it back.", "rewrite")
        };
        let refused = |why: &str, hint: &str| CliError::new(why, hint).exiting(Exit::Refused);
        let by_hand = format!("run `sopup {}` yourself", next.join(" "));
        match self.ui.ask(&format!("{what} Type `{word}` to go on:")) {
            Some(answer) if answer == word => Ok(()),
            Some(_) => Err(refused("nothing was changed", "the word has to be typed as it is; run `sopup cleanup` again")),
            None => Err(refused("there is nobody to ask", &by_hand)),
        }
    }
}

fn exit(all: &[Progress], facts: &Facts) -> Exit {
    if facts.unread > 0 {
        Exit::Incomplete
    } else if all.iter().all(|one| one.is_done) {
        Exit::Clean
    } else {
        Exit::Findings
    }
}
