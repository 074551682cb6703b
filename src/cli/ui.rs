//! Everything that reaches the terminal goes through here: colours where they are wanted, errors,
//! and a progress line for what takes longer than a second.

use std::io::{self, BufRead as _, BufWriter, IsTerminal as _, Write};
use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice as Choice};
use clap::ColorChoice;
use indicatif::{ProgressBar, ProgressStyle};
use owo_colors::OwoColorize as _;

use super::error::CliError;
use crate::report::safe;
use crate::scan::Progress;
use crate::secret::Secret;

/// Standard output and standard error, with the user's wishes about colour.
pub(super) struct Ui {
    color: Choice,
    /// Whether only findings and errors are said.
    quiet: bool,
}

impl Ui {
    pub(super) fn new(color: ColorChoice) -> Self {
        let color = match color {
            ColorChoice::Auto => Choice::Auto,
            ColorChoice::Always => Choice::Always,
            ColorChoice::Never => Choice::Never,
        };
        Self { color, quiet: false }
    }

    /// The same, which says only what was found or went wrong, if that is asked for.
    pub(super) fn quiet(self, quiet: bool) -> Self {
        Self { quiet, ..self }
    }

    /// Whether there is somebody to see how far something got.
    fn shows_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Whether only that is said.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Standard output; styles are taken out where they do not belong.
    pub(super) fn stdout(&self) -> impl Write + use<> {
        BufWriter::new(WhileRead(AutoStream::new(io::stdout(), self.color)))
    }

    /// Where a command says what it did; nowhere if only what was found or went wrong is to be said.
    pub(super) fn told(&self) -> Box<dyn Write> {
        if self.quiet { Box::new(io::sink()) } else { Box::new(self.stdout()) }
    }

    /// Whether standard output shows links: a terminal with styles that is not a dumb one.
    pub(super) fn has_links(&self) -> bool {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let has_styles = AutoStream::new(io::stdout(), self.color).current_choice() != Choice::Never;
        io::stdout().is_terminal() && has_styles && !is_dumb
    }

    /// Standard error, likewise.
    pub(super) fn stderr(&self) -> impl Write + use<> {
        BufWriter::new(AutoStream::new(io::stderr(), self.color))
    }

    /// What happened and what to try.
    pub(super) fn error(&self, error: &CliError) {
        let mut out = self.stderr();
        let _ = writeln!(out, "{} {}", "error:".red().bold(), lines(&error.to_string()));
        if let Some(hint) = error.hint() {
            let _ = writeln!(out, " {} {}", "hint:".cyan().bold(), lines(hint));
        }
        let _ = out.flush();
    }

    /// Something worth knowing that does not stop the command.
    pub(super) fn note(&self, note: &str) {
        if self.quiet {
            return;
        }
        let mut out = self.stderr();
        let _ = writeln!(out, "{} {}", "note:".cyan().bold(), lines(note));
        let _ = out.flush();
    }

    /// Bytes as they are: values may hold what a terminal would obey, and nothing may be taken out of them.
    pub(super) fn print_bytes(&self, bytes: &[u8]) -> io::Result<()> {
        let mut out = WhileRead(io::stdout().lock());
        out.write_all(bytes)?;
        out.flush()
    }

    /// Whether there is somebody to answer questions.
    pub(super) fn has_somebody(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks a question; `None` if there is nobody to answer.
    pub(super) fn ask(&self, question: &str) -> Option<String> {
        if !self.has_somebody() {
            return None;
        }
        let mut out = self.stderr();
        let _ = write!(out, "{} ", lines(question)).and_then(|()| out.flush());
        let mut answer = String::new();
        match io::stdin().lock().read_line(&mut answer) {
            Ok(length) if length > 0 => Some(answer.trim().to_owned()),
            _ => None,
        }
    }

    /// Asks on the terminal for something that is not to be seen; `None` if there is nobody to answer.
    pub(super) fn ask_secret(&self, question: &str) -> Option<Secret> {
        let answer = rpassword::prompt_password(lines(question)).ok()?;
        Some(Secret::new(answer.into_bytes()))
    }

    /// Runs `work`; if it takes more than a second on a terminal, shows how far it got.
    /// Ctrl-C ends it with the exit code of shells, and a word on a terminal; what is watched only reads.
    pub(super) fn watched<T>(&self, progress: &Progress, work: impl FnOnce() -> T) -> T {
        #[cfg(unix)]
        let _until_done = self.end_when_interrupted();
        if !self.shows_progress() {
            return work();
        }
        let done = (Mutex::new(false), Condvar::new());
        std::thread::scope(|scope| {
            // Without a thread for it there is no progress to see.
            let _ = std::thread::Builder::new().spawn_scoped(scope, || show(progress, &done));
            let result = work();
            *done.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
            done.1.notify_all();
            result
        })
    }
}

/// Whether Ctrl-C ends the program as it ends others. What heeds a signal once keeps the system from doing so.
#[cfg(unix)]
static ENDS_AS_USUAL: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(true);

#[cfg(unix)]
impl Ui {
    fn end_when_interrupted(&self) -> Option<Interruptions> {
        use signal_hook::consts::SIGINT;
        use signal_hook::flag;
        static AT_OTHER_TIMES: std::sync::Once = std::sync::Once::new();
        AT_OTHER_TIMES.call_once(|| _ = flag::register_conditional_default(SIGINT, &ENDS_AS_USUAL));
        let heeded = if self.shows_progress() {
            let mut signals = signal_hook::iterator::Signals::new([SIGINT]).ok()?;
            let (handle, color) = (signals.handle(), self.color);
            let wait = move || {
                if signals.forever().next().is_some() {
                    let said = b"interrupted: what was being read was not read to its end, and nothing was changed by it\n";
                    let _ = Self { color, quiet: false }.stderr().write_all(said);
                    super::exit::now(super::exit::INTERRUPTED);
                }
            };
            // Without a thread for it the signal ends the program as usual.
            std::thread::Builder::new().spawn(wait).ok()?;
            Interruptions::Says(handle)
        } else {
            let always = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
            Interruptions::Ends(flag::register_conditional_shutdown(SIGINT, super::exit::INTERRUPTED, always).ok()?)
        };
        ENDS_AS_USUAL.store(false, Ordering::SeqCst);
        Some(heeded)
    }
}

/// Heeds Ctrl-C as long as it lives.
#[cfg(unix)]
enum Interruptions {
    /// A thread says so on the terminal, and ends the program.
    Says(signal_hook::iterator::Handle),
    /// The program ends.
    Ends(signal_hook::SigId),
}

#[cfg(unix)]
impl Drop for Interruptions {
    fn drop(&mut self) {
        ENDS_AS_USUAL.store(true, Ordering::SeqCst);
        match self {
            Self::Says(handle) => handle.close(),
            Self::Ends(id) => _ = signal_hook::low_level::unregister(*id),
        }
    }
}

/// A stream whose reader may have seen enough (`sopup scan | head`). What nobody reads any more is not written, and that
/// is no error: the command ends as it would otherwise.
struct WhileRead<W>(W);

impl<W: Write> Write for WhileRead<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        unless_closed(self.0.write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        unless_closed(self.0.flush(), ())
    }
}

fn unless_closed<T>(result: io::Result<T>, otherwise: T) -> io::Result<T> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(otherwise),
        result => result,
    }
}

/// Text that may quote names from outside, harmless but with its own line breaks.
fn lines(text: &str) -> String {
    text.lines().map(safe::line).collect::<Vec<_>>().join("\n")
}

fn show(progress: &Progress, (done, changed): &(Mutex<bool>, Condvar)) {
    let mut bar: Option<ProgressBar> = None;
    let mut wait = Duration::from_secs(1);
    let mut finished = done.lock().unwrap_or_else(PoisonError::into_inner);
    while !*finished {
        finished = changed.wait_timeout(finished, wait).unwrap_or_else(PoisonError::into_inner).0;
        if *finished {
            break;
        }
        wait = Duration::from_millis(100);
        let bar = bar.get_or_insert_with(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} · {elapsed}") {
                bar.set_style(style);
            }
            bar
        });
        let (texts, bytes) = (progress.texts.load(Ordering::Relaxed), progress.bytes.load(Ordering::Relaxed));
        bar.set_message(format!("{texts} files, {:.1} MB", bytes as f64 / 1e6));
        bar.tick();
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
}
