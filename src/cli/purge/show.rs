//! What a purge says: the plan, what was made, what a mirror still holds.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use owo_colors::OwoColorize as _;

use super::Opened;
use crate::purge::in_place::{Done, Finished, Holder};
use crate::purge::{Made, NewRef, Rewritten};
use crate::report::{plural, safe};
use crate::source::object::ObjectKind;
use crate::text::shell_word;

/// Lines of one list.
const SHOWN: usize = 20;

/// What one value is in.
#[derive(Default)]
struct Spread {
    blobs: usize,
    messages: usize,
    names: usize,
}

pub(super) fn plan(out: &mut impl Write, opened: &Opened, rewritten: &Rewritten) -> io::Result<()> {
    values(out, opened)?;
    let commits = format!("{} of {}", rewritten.commits.len(), plural(opened.graph.len() as u64, "commit", "commits"));
    writeln!(out, "\n{} {commits} would get new names, with {} and {}", "Changes:".bold(), trees(rewritten), blobs(rewritten))?;
    if !rewritten.first.is_empty() {
        let first: Vec<String> = rewritten.first.iter().take(SHOWN).map(|id| short(&id.to_string())).collect();
        writeln!(out, "  from {} on", first.join(", "))?;
    }
    refs(out, rewritten)?;
    signatures(out, rewritten)?;
    sealed(out, opened)?;
    kept_elsewhere(out, opened)?;
    writeln!(
        out,
        "\nNext: rotate what leaked, then `sopup purge run` with the same options writes a mirror; this repository stays as it is, unless `--in-place` rewrites it."
    )
}

fn values(out: &mut impl Write, opened: &Opened) -> io::Result<()> {
    let mut spread: BTreeMap<usize, Spread> = BTreeMap::new();
    for hold in opened.held.objects.values() {
        for value in hold.values.keys() {
            let of = spread.entry(*value).or_default();
            match hold.kind {
                ObjectKind::Blob => of.blobs += 1,
                ObjectKind::Commit | ObjectKind::Tag => of.messages += 1,
                ObjectKind::Tree => of.names += 1,
            }
        }
    }
    let chosen = &opened.chosen;
    let count = plural(chosen.values.len() as u64, "value", "values");
    writeln!(
        out,
        "{} {count} sought, {} stored in {}",
        "Values:".bold(),
        spread.len(),
        plural(opened.held.objects.len() as u64, "object", "objects")
    )?;
    for (value, of) in spread.iter().take(SHOWN) {
        let mut places = Vec::new();
        if of.blobs > 0 {
            places.push(plural(of.blobs as u64, "version of files", "versions of files"));
        }
        if of.messages > 0 {
            places.push(plural(of.messages as u64, "message or author", "messages or authors"));
        }
        if of.names > 0 {
            places.push(plural(of.names as u64, "folder with such a name", "folders with such names"));
        }
        let shown = safe::line(&chosen.values[*value].redacted());
        writeln!(out, "  {shown}  {}: {}", safe::line(&chosen.labels[*value]), places.join(", "))?;
    }
    more(out, spread.len())?;
    if chosen.identifiers > 0 {
        let left = plural(chosen.identifiers as u64, "identifier is", "identifiers are");
        writeln!(
            out,
            "  {} {left} left out, such as account numbers; `--identifiers` takes them out, too",
            "not taken out:".yellow().bold()
        )?;
    }
    if chosen.short > 0 {
        let short = plural(chosen.short as u64, "value is", "values are");
        writeln!(out, "  {} {short} too short to be told from what stands there by chance", "not taken out:".yellow().bold())?;
    }
    Ok(())
}

fn refs(out: &mut impl Write, rewritten: &Rewritten) -> io::Result<()> {
    let changed: Vec<&NewRef> = rewritten.refs.iter().filter(|one| one.is_change()).collect();
    writeln!(out, "  {} of {} change", changed.len(), plural(rewritten.refs.len() as u64, "ref", "refs"))?;
    for one in changed.iter().take(SHOWN) {
        // A name that changes holds a value.
        let name = String::from_utf8_lossy(&one.name).into_owned();
        let renamed = if one.name == one.old_name { "" } else { " (a name without a value)" };
        writeln!(out, "    {}{renamed}", safe::line(&name))?;
    }
    more(out, changed.len())
}

fn signatures(out: &mut impl Write, rewritten: &Rewritten) -> io::Result<()> {
    if rewritten.unsigned.is_empty() {
        return Ok(());
    }
    let count = plural(rewritten.unsigned.len() as u64, "commit or tag loses", "commits and tags lose");
    writeln!(out, "  {count} the signature, which is of the old text:")?;
    for id in rewritten.unsigned.iter().take(SHOWN) {
        writeln!(out, "    {id}")?;
    }
    more(out, rewritten.unsigned.len())
}

fn sealed(out: &mut impl Write, opened: &Opened) -> io::Result<()> {
    if opened.held.sealed.is_empty() {
        return Ok(());
    }
    let count = plural(opened.held.sealed.len() as u64, "blob holds", "blobs hold");
    writeln!(
        out,
        "{} {count} a value where it cannot be replaced alone; `--replace-sealed` replaces them whole:",
        "Sealed:".yellow().bold()
    )?;
    for (id, why) in opened.held.sealed.iter().take(SHOWN) {
        writeln!(out, "  {id} {}", safe::line(why))?;
    }
    more(out, opened.held.sealed.len())
}

/// What a mirror does not take over stays in this repository.
fn kept_elsewhere(out: &mut impl Write, opened: &Opened) -> io::Result<()> {
    writeln!(
        out,
        "{} other clones and forks keep the old history, and so do a provider's caches and pull-request refs.",
        "Elsewhere:".bold()
    )?;
    let worktrees = opened.git.worktrees().items.len();
    if worktrees > 0 {
        writeln!(out, "  {} of this repository keep theirs", plural(worktrees as u64, "linked working tree", "linked working trees"))?;
    }
    if opened.refs.iter().any(|one| one.name == b"refs/stash") {
        writeln!(out, "  of stashes only the latest is taken over; reflogs are not")?;
    }
    Ok(())
}

pub(super) fn made(out: &mut impl Write, opened: &Opened, made: &Made) -> io::Result<()> {
    let path = safe::line(&made.path.display().to_string());
    writeln!(out, "{} {path}: {}; no object holds a value any more", "Written:".green().bold(), renamed(opened, &made.rewritten))?;
    refs(out, &made.rewritten)?;
    signatures(out, &made.rewritten)?;
    writeln!(out, "  {path}/sopup/commit-map and ref-map have all names before and after")?;
    writeln!(out, "{} nothing was pushed, and this repository is as it was. In this order:", "Next:".bold())?;
    writeln!(out, "  1. look at the mirror: git --git-dir {} log --stat", shell_word(&made.path.display().to_string()))?;
    writeln!(out, "  2. rotate what leaked, if you have not")?;
    writeln!(out, "  3. push it: the commands are in {path}/sopup/push.sh")?;
    writeln!(out, "  4. ask the provider to drop its caches and pull-request refs: {path}/sopup/provider.txt")?;
    writeln!(out, "  5. have every clone cleaned: {path}/sopup/clean-clone.sh")
}

pub(super) fn made_in_place(out: &mut impl Write, opened: &Opened, done: &Done, folder: &Path) -> io::Result<()> {
    let rewritten = &done.rewritten;
    writeln!(out, "{} {}; no object that a ref leads to holds a value any more", "Rewritten:".green().bold(), renamed(opened, rewritten))?;
    refs(out, rewritten)?;
    signatures(out, rewritten)?;
    if !done.files.is_empty() {
        writeln!(out, "  {} of the working tree changed with HEAD:", plural(done.files.len() as u64, "file", "files"))?;
        for file in done.files.iter().take(SHOWN) {
            writeln!(out, "    {}", safe::line(file))?;
        }
        more(out, done.files.len())?;
    }
    next_in_place(out, folder)
}

/// What comes after a repository was rewritten where it is.
pub(super) fn next_in_place(out: &mut impl Write, folder: &Path) -> io::Result<()> {
    let shown = safe::line(&folder.display().to_string());
    let script = shell_word(&folder.join("push.sh").display().to_string());
    writeln!(out, "  {shown}/commit-map and ref-map have all names before and after")?;
    writeln!(out, "  the old history is still here: below refs/sopup/backup/, and in reflogs")?;
    writeln!(out, "{} nothing was pushed. Do not fetch before step 3. In this order:", "Next:".bold())?;
    writeln!(out, "  1. look at it: git log --stat; `sopup purge restore` takes it back")?;
    writeln!(out, "  2. rotate what leaked, if you have not")?;
    writeln!(out, "  3. push it: sh {script} URL")?;
    writeln!(out, "  4. remove the old history: sopup purge finish")?;
    writeln!(out, "  5. ask the provider to drop its caches and pull-request refs: {shown}/provider.txt")?;
    writeln!(out, "  6. have every other clone cleaned: {shown}/clean-clone.sh")
}

pub(super) fn finished(out: &mut impl Write, finished: &Finished) -> io::Result<()> {
    let count = plural(finished.replaced as u64, "replaced object", "replaced objects");
    if finished.left.is_empty() {
        writeln!(out, "{} none of {count} is here any more; the backup and all reflogs are gone", "✓".green().bold())?;
        return writeln!(out, "  clones that borrow objects from here (`git clone --shared` or `--reference`) are broken: make them anew");
    }
    writeln!(out, "{} {} of {count} are still here:", "✗".red().bold(), finished.left.len())?;
    for id in finished.left.iter().take(SHOWN) {
        writeln!(out, "    {id}")?;
    }
    more(out, finished.left.len())?;
    for holder in &finished.holders {
        let (what, try_this) = match holder {
            Holder::Kept(path) => (format!("git keeps a pack as it is: {}", path.display()), "remove that file"),
            Holder::Ref(name) => (format!("{name} leads there"), "delete it (`git update-ref -d`), or move it to the new history"),
            Holder::Index => ("the index holds them".to_owned(), "`git reset`"),
            Holder::Worktree(name) => (format!("the linked working tree {name} may hold them"), "`git worktree remove`"),
        };
        writeln!(out, "  {}: {try_this}", safe::line(&what))?;
    }
    if finished.holders.is_empty() {
        writeln!(out, "  nothing is known to hold them: `git fsck --unreachable`, and an object may be borrowed")?;
    }
    writeln!(out, "  then run `sopup purge finish` again")
}

fn renamed(opened: &Opened, rewritten: &Rewritten) -> String {
    let commits = plural(opened.graph.len() as u64, "commit", "commits");
    format!("{} of {commits} have new names, with {} and {}", rewritten.commits.len(), trees(rewritten), blobs(rewritten))
}

pub(super) fn verified(out: &mut impl Write, opened: &Opened, fsck: Option<Option<&str>>) -> io::Result<()> {
    let counts = opened.store.counts();
    let objects = plural(counts.packed + counts.loose, "object", "objects");
    for skip in opened.held.skipped.iter().take(SHOWN) {
        writeln!(out, "{} {}", "not read:".yellow().bold(), safe::line(&skip.to_string()))?;
    }
    let sought = plural(opened.chosen.values.len() as u64, "value", "values");
    if opened.held.objects.is_empty() {
        writeln!(out, "{} {sought} sought in {objects}, in every spelling: none is there", "✓".green().bold())?;
    } else {
        writeln!(out, "{} {} of {objects} hold one of {sought}:", "✗".red().bold(), opened.held.objects.len())?;
        for (id, hold) in opened.held.objects.iter().take(SHOWN) {
            writeln!(out, "    {} {id}", hold.kind)?;
        }
        more(out, opened.held.objects.len())?;
    }
    match fsck {
        None => Ok(()),
        Some(None) => writeln!(out, "{} git fsck --full has nothing to say", "✓".green().bold()),
        Some(Some(said)) => writeln!(out, "{} git fsck --full: {}", "✗".red().bold(), safe::line(said)),
    }
}

fn trees(rewritten: &Rewritten) -> String {
    plural(rewritten.trees as u64, "folder", "folders")
}

fn blobs(rewritten: &Rewritten) -> String {
    plural(rewritten.blobs as u64, "version of files", "versions of files")
}

fn more(out: &mut impl Write, count: usize) -> io::Result<()> {
    if count > SHOWN { writeln!(out, "    and {} more", count - SHOWN) } else { Ok(()) }
}

fn short(id: &str) -> String {
    id.chars().take(10).collect()
}
