//! What kustomize renders before and after a migration, if it is there to be asked.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use zeroize::Zeroizing;

use super::Run;
use crate::migrate::change::Change;
use crate::migrate::file::SourceFile;
use crate::migrate::plan::{Applicability, Plan};
use crate::migrate::proof::chosen_sites;
use crate::migrate::rendering::{Graph, Plain, Rendering, Root, differences};
use crate::secret::Secret;

/// Kustomizations that are rendered at most.
const MOST: usize = 64;
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Kustomizations as they rendered before the migration.
pub(super) struct Before {
    tool: Tool,
    top: PathBuf,
    rendered: Vec<(Root, Result<Rendering, String>)>,
    /// Values that the migration moves, as they stand in files and as programs see them.
    moved: BTreeSet<Secret>,
}

/// What a comparison found.
#[derive(Default)]
pub(super) struct Compared {
    /// Kustomizations in which nothing differs.
    pub(super) same: usize,
    /// What differs: the kustomization and what it is.
    pub(super) differences: Vec<(String, String)>,
    /// Kustomizations that were not compared, and why.
    pub(super) not_compared: Vec<(String, String)>,
}

impl Run<'_> {
    /// Renders the kustomizations that a migration touches; `None` if there are none, or nothing renders them.
    pub(super) fn rendered(
        &self,
        changes: &[Change],
        files: &BTreeMap<String, SourceFile>,
        (plan, upto): (&Plan, Applicability),
    ) -> Option<Before> {
        if self.args.no_render {
            return None;
        }
        let mut texts: BTreeMap<&str, &str> = self.repo.manifests().iter().collect();
        let new = changes.iter().filter_map(|change| Some((change.path.as_str(), std::str::from_utf8(&change.after).ok()?)));
        texts.extend(new);
        let roots = Graph::new(texts.into_iter()).roots(changes.iter().map(|change| change.path.as_str()));
        if roots.is_empty() {
            return None;
        }
        let tool = Tool::find()?;
        let roots: Vec<Root> = roots.into_iter().collect();
        let top = self.repo.top.clone();
        let render = |root: &Root| match root.foreign {
            true => Err(FOREIGN.to_owned()),
            false => tool.render(&top, root).map_err(|why| format!("it did not render before: {why}")),
        };
        let unread = roots.iter().skip(MOST).map(|root| (root.clone(), Err(format!("more than {MOST} are not rendered"))));
        let mut rendered: Vec<_> = roots[..roots.len().min(MOST)].par_iter().map(|root| (root.clone(), render(root))).collect();
        rendered.extend(unread);
        let moved = chosen_sites(plan, upto, files).flat_map(|site| [site.secret.clone(), site.value()]).collect();
        Some(Before { tool, top, rendered, moved })
    }
}

const FOREIGN: &str = "it takes resources over the network or runs programs";

impl Before {
    /// Renders again and compares.
    pub(super) fn compared(self, changes: &[Change], run: &Run<'_>) -> Compared {
        let plain = Plain::of(changes, run.keyring);
        let moved: BTreeSet<&Secret> = self.moved.iter().collect();
        // What differs, or why nobody can tell.
        let outcome = |(root, before): &(Root, Result<Rendering, String>)| -> Result<Vec<String>, String> {
            let before = before.as_ref().map_err(|why| clean(why, &moved))?;
            Ok(match self.tool.render(&self.top, root) {
                Ok(after) => differences(before, &after, &plain, &moved),
                Err(why) => vec![format!("it does not render any more: {}", clean(&why, &moved))],
            })
        };
        let outcomes: Vec<_> = self.rendered.par_iter().map(outcome).collect();
        let mut compared = Compared::default();
        for ((root, _), outcome) in self.rendered.iter().zip(outcomes) {
            let name = if root.folder.is_empty() { "." } else { &root.folder };
            match outcome {
                Err(why) => compared.not_compared.push((name.to_owned(), why)),
                Ok(found) if found.is_empty() => compared.same += 1,
                Ok(found) => compared.differences.extend(found.into_iter().map(|found| (name.to_owned(), found))),
            }
        }
        compared
    }
}

/// What a program said, if it shows no secret.
fn clean(said: &str, moved: &BTreeSet<&Secret>) -> String {
    const LONGEST: usize = 300;
    let shows = moved.iter().any(|secret| memchr::memmem::find(said.as_bytes(), secret.expose()).is_some());
    if shows { "what it said shows a secret".to_owned() } else { said.chars().take(LONGEST).collect() }
}

/// A program that renders.
#[derive(Clone, Copy)]
struct Tool {
    program: &'static str,
    command: &'static str,
}

impl Tool {
    /// Of what is on the PATH.
    fn find() -> Option<Self> {
        const TOOLS: [Tool; 2] = [Tool { program: "kustomize", command: "build" }, Tool { program: "kubectl", command: "kustomize" }];
        let path = std::env::var_os("PATH")?;
        let folders: Vec<PathBuf> = std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
        let is_there = |tool: &Tool| {
            let name = format!("{}{}", tool.program, std::env::consts::EXE_SUFFIX);
            folders.iter().any(|folder| folder.join(&name).is_file())
        };
        TOOLS.into_iter().find(is_there)
    }

    /// What a kustomization renders to, or the last line of what the program said.
    fn render(self, top: &Path, root: &Root) -> Result<Rendering, String> {
        let mut command = Command::new(self.program);
        command.arg(self.command).arg(top.join(&root.folder)).env("GIT_TERMINAL_PROMPT", "0");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", self.program))?;
        let (out, said) = (all(child.stdout.take()), all(child.stderr.take()));
        let success = ended(&mut child).ok_or_else(|| format!("{} took longer than {} s", self.program, PATIENCE.as_secs()))?;
        let (out, said) = (out.join().unwrap_or_default(), said.join().unwrap_or_default());
        if !success {
            return Err(complaint(&String::from_utf8_lossy(&said), top));
        }
        let text = std::str::from_utf8(&out).ok().and_then(Rendering::parse);
        text.ok_or_else(|| format!("{} wrote what is no YAML", self.program))
    }
}

/// The last line of what a program said, without what kubectl logs around it and the place of the repository.
fn complaint(said: &str, top: &Path) -> String {
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it fails").trim();
    let inner = last.split_once("err=\"").map_or(last, |(_, inner)| inner.trim_end_matches('"'));
    inner.trim_start_matches("Error: ").replace(&format!("{}/", top.display()), "")
}

/// Reads a pipe to its end, beside the program that fills it.
fn all(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<Zeroizing<Vec<u8>>> {
    std::thread::spawn(move || {
        let mut bytes = Zeroizing::new(Vec::new());
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        bytes
    })
}

/// Whether a program ended well; `None` if it took too long and was stopped.
fn ended(child: &mut Child) -> Option<bool> {
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status.success()),
            Ok(None) if start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(5)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}
