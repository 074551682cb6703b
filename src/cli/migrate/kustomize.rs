//! What kustomize renders before and after a migration, if it is there to be asked. It never sees the repository: it
//! renders copies of files that sopup read and understood, in a private folder, with an environment of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use zeroize::Zeroizing;

use super::Run;
use crate::cli::error::CliError;
use crate::cli::sops::child::Shelter;
use crate::migrate::change::Change;
use crate::migrate::file::SourceFiles;
use crate::migrate::plan::Plan;
use crate::migrate::proof::chosen_sites;
use crate::migrate::rendering::{Comparison, Graph, Plain, Rendering, Tree, compare, gather};
use crate::secret::Secret;

/// Kustomizations that are rendered at most.
const MOST: usize = 64;
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why there is no rendering.
#[derive(Clone)]
enum Failure {
    /// It was not rendered.
    NotTried(String),
    /// The program failed on it.
    Broken(String),
}

impl Failure {
    fn why(&self) -> &str {
        let (Self::NotTried(why) | Self::Broken(why)) = self;
        why
    }
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
    /// What the kustomizations that differ are made of, before and after.
    pub(super) files: BTreeMap<String, BTreeSet<String>>,
}

/// A rendering, and the files that it is of.
type Rendered = (Result<Rendering, Failure>, BTreeSet<String>);

impl Run<'_> {
    /// Renders copies of the kustomizations that a migration would touch, without it and with it; `None` if there are none, or
    /// nobody wants it.
    pub(super) fn rendered(&self, changes: &[Change], files: &SourceFiles, plan: &Plan) -> Option<Compared> {
        if self.args.no_render {
            return None;
        }
        let mut texts: BTreeMap<&str, &str> = self.repo.manifests().iter().collect();
        let new = changes.iter().filter_map(|change| Some((change.path.as_str(), std::str::from_utf8(&change.after).ok()?)));
        texts.extend(new);
        let graph = Graph::new(texts.into_iter(), &|path| self.repo.beyond_links(path));
        let folders: Vec<String> = graph.roots(changes.iter().map(|change| change.path.as_str())).into_iter().collect();
        if folders.is_empty() {
            return None;
        }
        let kitchen = Kitchen::open(self).map_err(Failure::NotTried);
        let (as_is, planned) = (BTreeMap::new(), changes.iter().map(|change| (change.path.as_str(), change.after.as_slice())).collect());
        let render = |at: usize, name: &str, planned: &BTreeMap<&str, &[u8]>| match &kitchen {
            Err(why) => (Err(why.clone()), BTreeSet::new()),
            Ok(_) if at >= MOST => (Err(Failure::NotTried(format!("more than {MOST} are not rendered"))), BTreeSet::new()),
            Ok(kitchen) => kitchen.render(&folders[at], &format!("{name}-{at}"), planned),
        };
        let both = |at: usize| {
            let before = render(at, "before", &as_is);
            (before, render(at, "after", &planned))
        };
        let rendered: Vec<(Rendered, Rendered)> = (0..folders.len()).into_par_iter().map(both).collect();
        let moved: BTreeSet<Secret> = chosen_sites(plan, files).flat_map(|site| [site.secret.clone(), site.value()]).collect();
        Some(Compared::of(&folders, rendered, &Plain::of(changes, self.keyring), &moved.iter().collect()))
    }
}

impl Compared {
    fn of(folders: &[String], rendered: Vec<(Rendered, Rendered)>, plain: &Plain, moved: &BTreeSet<&Secret>) -> Self {
        let mut compared = Self::default();
        for (folder, ((before, old), (after, new))) in folders.iter().zip(rendered) {
            let name = if folder.is_empty() { "." } else { folder };
            let known = compared.differences.len();
            match (before, after) {
                (Ok(before), Ok(after)) => compared.add(name, compare(&before, &after, plain, moved)),
                (Ok(_), Err(Failure::Broken(why))) => {
                    compared.differences.push((name.to_owned(), format!("it does not render any more: {}", clean(&why, moved))));
                }
                (Err(failure), _) | (_, Err(failure)) => compared.not_compared.push((name.to_owned(), clean(failure.why(), moved))),
            }
            if compared.differences.len() > known {
                compared.files.insert(name.to_owned(), old.into_iter().chain(new).collect());
            }
        }
        compared
    }

    fn add(&mut self, name: &str, found: Comparison) {
        match (found.different.is_empty(), found.elsewhere.first()) {
            (true, None) => self.same += 1,
            (true, Some(place)) => self.not_compared.push((name.to_owned(), place.clone())),
            (false, _) => self.differences.extend(found.different.into_iter().map(|found| (name.to_owned(), found))),
        }
    }
}

/// What a program said, if it shows no secret.
fn clean(said: &str, moved: &BTreeSet<&Secret>) -> String {
    const LONGEST: usize = 300;
    let shows = moved.iter().any(|secret| memchr::memmem::find(said.as_bytes(), secret.expose()).is_some());
    if shows { "what it said shows a secret".to_owned() } else { said.chars().take(LONGEST).collect() }
}

/// Where copies are rendered: a program and a private folder.
struct Kitchen {
    tool: Tool,
    top: PathBuf,
    shelter: Shelter,
    folder: PathBuf,
}

impl Kitchen {
    fn open(run: &Run<'_>) -> Result<Self, String> {
        let tool = Tool::find().ok_or("neither kustomize nor kubectl is on the PATH")?;
        let wrong = |error: CliError| error.to_string();
        let shelter = Shelter::new(run.ui).map_err(wrong)?;
        let folder = shelter.path().map_err(wrong)?;
        Ok(Self { tool, top: run.repo.top.clone(), shelter, folder })
    }

    /// What a kustomization renders to, from a copy below `name`, and of what; `planned` stands in the place of files.
    fn render(&self, folder: &str, name: &str, planned: &BTreeMap<&str, &[u8]>) -> Rendered {
        let files = match gather(Tree { top: &self.top, planned }, folder) {
            Ok(files) => files,
            Err(why) => return (Err(Failure::NotTried(why)), BTreeSet::new()),
        };
        for (path, bytes) in &files {
            if let Err(error) = self.shelter.write(&format!("{name}/{path}"), bytes) {
                return (Err(Failure::NotTried(error.to_string())), BTreeSet::new());
            }
        }
        let rendering = self.run(&self.folder.join(name), folder).map_err(Failure::Broken);
        (rendering, files.into_keys().collect())
    }

    fn run(&self, copy: &Path, folder: &str) -> Result<Rendering, String> {
        let mut command = self.command();
        command.arg(copy.join(folder));
        let mut child = command.spawn().map_err(|error| format!("{} cannot be run: {error}", self.tool.program.display()))?;
        let (out, said) = (all(child.stdout.take()), all(child.stderr.take()));
        let success = ended(&mut child).ok_or_else(|| format!("rendering took longer than {} s", PATIENCE.as_secs()))?;
        let (out, said) = (out.join().unwrap_or_default(), said.join().unwrap_or_default());
        if !success {
            let said = complaint(&String::from_utf8_lossy(&said)).replace(&format!("{}/", copy.display()), "");
            return Err(format!("kustomize says: {said}"));
        }
        let text = std::str::from_utf8(&out).ok().and_then(Rendering::parse);
        text.ok_or_else(|| "what it renders to is no YAML".to_owned())
    }

    /// The program with an environment that has nothing of the user's in it. It finds no other program to run, no
    /// cluster to ask, and no way to the network that leads through a proxy.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.tool.program);
        command.args([self.tool.command, "--load-restrictor", "LoadRestrictionsRootOnly"]);
        command.current_dir(&self.folder).env_clear();
        for name in ["HOME", "PATH", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
            command.env(name, &self.folder);
        }
        command.env("KUBECONFIG", "/dev/null").env("KUBERC", "off");
        for name in ["HTTP_PROXY", "HTTPS_PROXY"] {
            // Nobody can listen on this port.
            command.env(name, "http://127.0.0.1:0");
        }
        #[cfg(windows)]
        command.envs(std::env::vars_os().filter(|(name, _)| name.eq_ignore_ascii_case("SystemRoot")));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// A program that renders.
struct Tool {
    program: PathBuf,
    command: &'static str,
}

impl Tool {
    /// Of what is on the PATH.
    fn find() -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        let folders: Vec<PathBuf> = std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
        let found = |(name, command)| {
            let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
            let program = folders.iter().map(|folder| folder.join(&name)).find(|program| program.is_file())?;
            Some(Self { program, command })
        };
        [("kustomize", "build"), ("kubectl", "kustomize")].into_iter().find_map(found)
    }
}

/// The last line of what a program said, without what kubectl logs around it.
fn complaint(said: &str) -> String {
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it fails").trim();
    let inner = last.split_once("err=\"").map_or(last, |(_, inner)| inner.trim_end_matches('"'));
    inner.trim_start_matches("Error: ").trim_start_matches("error: ").to_owned()
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
