//! The documentation is run: what a page shows is what the program does today.
//!
//! A page (`README.md`, `CONTRIBUTING.md`, `docs/src/**/*.md`) has a repository, a home and a shell of its own, in which
//! it happens from top to bottom:
//!
//! - In a block of ```` ```console ```` lines that begin with `$ ` are commands, and the lines below each are what it
//!   prints. A command that ends with a backslash goes on in the next line.
//! - A block with `file=PATH` in its info string, as ```` ```yaml file=k8s/db.yaml ````, is that file, written where
//!   the page has come to.
//! - `<!-- run: COMMAND -->`, or several lines between `<!-- run` and `-->`, sets something up without being seen.
//! - What cannot be run here is ```` ```sh ````; its calls of sopup are checked against the help.
//!
//! Times, dates, fingerprints, hashes, keys and encrypted values may differ. `…` stands for any text in a line, and in a
//! line of its own for any lines. `SOPUP_BLESS=1` writes what was printed into the pages, to be read before it is
//! committed.

pub(crate) mod config;
mod help;
mod links;
mod page;
mod shell;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use page::{Page, Step};

/// Commands that the pages have at least; a page that is no longer found would otherwise go unseen.
const AT_LEAST: usize = 150;

/// Commands that the README must show as they are, below these headings; they build and test sopup itself.
const PROMISED: [(&str, &str); 2] = [("## Try it", "cargo run --release -- scan"), ("## Run its tests", "./test.sh")];

/// The README of the repository is a page, and may not be longer than this.
const README_LINES: usize = 120;

pub(crate) fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All pages, in order.
pub(crate) fn pages() -> Vec<PathBuf> {
    let mut found = vec![top().join("README.md"), top().join("CONTRIBUTING.md")];
    let mut folders = vec![top().join("docs/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder of the pages") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

pub(crate) fn text_of(page: &Path) -> String {
    fs::read_to_string(page).unwrap_or_else(|error| panic!("{}: {error}", page.display()))
}

pub(crate) fn name_of(page: &Path) -> String {
    page.strip_prefix(top()).expect("pages are below the top").display().to_string()
}

/// Runs a page; returns how many commands it has and what is not as the page says.
fn check(path: &Path, bless: bool) -> (usize, Vec<String>) {
    let text = text_of(path);
    let page = Page::parse(&text).unwrap_or_else(|(line, message)| panic!("{}:{line}: {message}", name_of(path)));
    if page.steps.is_empty() {
        return (0, Vec::new());
    }
    let outputs = shell::run(&page);
    let mut wrong = Vec::new();
    let mut written = Vec::new();
    for (step, printed) in page.steps.iter().zip(&outputs) {
        match step {
            Step::Command { line, command, shown } if !page::same(shown, &printed.text) => {
                wrong.push(format!("{}:{line}: $ {command}\nthe page says:\n{shown}\nit prints:\n{}", name_of(path), printed.text));
                written.push((*line, printed.text.as_str()));
            }
            Step::Setup { line, .. } if printed.status != 0 => {
                wrong.push(format!("{}:{line}: the set-up ends with {}: {}", name_of(path), printed.status, printed.text));
            }
            _ => {}
        }
    }
    if bless && !written.is_empty() {
        fs::write(path, page::with_outputs(&text, &written)).expect("the page can be written");
    }
    (page.commands(), wrong)
}

#[test]
fn pages_show_what_the_program_does() {
    let bless = std::env::var_os("SOPUP_BLESS").is_some();
    let only = std::env::var("SOPUP_DOCS").unwrap_or_default();
    let waiting = Mutex::new(pages().into_iter().filter(|page| name_of(page).contains(&only)).collect::<Vec<_>>());
    let checked = Mutex::new((0, Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some(page) = { waiting.lock().expect("no page panics twice").pop() } {
                    let (commands, wrong) = check(&page, bless);
                    let mut all = checked.lock().expect("no page panics twice");
                    all.0 += commands;
                    all.1.extend(wrong);
                }
            });
        }
    });
    let (commands, wrong) = checked.into_inner().expect("all pages are done");
    writeln!(std::io::stderr(), "docs: {commands} commands run").expect("standard error is open");
    assert!(bless || wrong.is_empty(), "run with SOPUP_BLESS=1 to write what is printed into the pages\n\n{}", wrong.join("\n\n"));
    assert!(!only.is_empty() || commands >= AT_LEAST, "only {commands} commands were run, of at least {AT_LEAST}");
}

#[test]
fn the_readme_is_short_and_keeps_its_promises() {
    let readme = text_of(&top().join("README.md"));
    let lines = readme.lines().count();
    assert!(lines <= README_LINES, "README.md has {lines} lines, more than {README_LINES}; move some to docs/src");
    for (heading, command) in PROMISED {
        let section = readme.split_once(heading).unwrap_or_else(|| panic!("README.md has no `{heading}`")).1;
        let section = section.split("\n## ").next().unwrap_or_default();
        assert!(section.contains(&format!("```console\n{command}\n```")), "`{command}` does not stand below `{heading}`");
    }
}
