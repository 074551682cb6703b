//! [`Manifests`]: the YAML files of a repository, and which of them declare and list what. Read once.

use std::collections::HashMap;

use super::file::folder_of;
use super::outline::{Outline, Part};
use crate::text::Span;

/// The YAML files of a repository.
#[derive(Debug, Default)]
pub struct Manifests {
    texts: Vec<(String, String)>,
    names: HashMap<String, Vec<usize>>,
    lists: HashMap<String, Vec<usize>>,
    generates: HashMap<String, usize>,
    env_files: HashMap<String, usize>,
    secret_files: HashMap<String, Vec<(usize, SecretFile)>>,
    /// What may be a script that is run or put into a container, by the name of the file: how it is written.
    run: Mentions<usize>,
    /// The folders that are put into containers.
    mounts: HashMap<String, usize>,
}

/// Words that lead to files, by the last part of their paths: who has them, and how they are written.
#[derive(Debug)]
pub(super) struct Mentions<T>(HashMap<String, Vec<(T, String)>>);

impl<T> Default for Mentions<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Mentions<T> {
    /// Notes that somebody has a word.
    pub(super) fn note(&mut self, who: T, word: &str) {
        let name = word.rsplit('/').next().unwrap_or(word);
        self.0.entry(name.to_owned()).or_default().push((who, word.to_owned()));
    }

    /// The words that may lead to a file.
    pub(super) fn of(&self, file: &str) -> impl Iterator<Item = &(T, String)> {
        self.0.get(file.rsplit('/').next().unwrap_or(file)).into_iter().flatten()
    }
}

/// `file: PATH` of a secret in a compose file.
#[derive(Debug)]
pub(super) struct SecretFile {
    /// What the secret is called.
    pub(super) name: String,
    /// Key and value.
    pub(super) span: Span,
}

impl Manifests {
    /// Paths and texts, in order of path.
    pub fn new(texts: Vec<(String, String)>) -> Self {
        let (mut names, mut lists) = (HashMap::<String, Vec<usize>>::new(), HashMap::<String, Vec<usize>>::new());
        let (mut generates, mut env_files) = (HashMap::new(), HashMap::new());
        let mut secret_files = HashMap::<String, Vec<(usize, SecretFile)>>::new();
        for (at, (path, text)) in texts.iter().enumerate() {
            if text.contains("kind: Secret") {
                for name in text.lines().filter_map(|line| line.trim().strip_prefix("name:")) {
                    names.entry(name.trim().to_owned()).or_default().push(at);
                }
            }
            if is_kustomization(path) {
                let outline = Outline::new(text);
                let resources = [Part::Key("resources".to_owned())];
                for entry in outline.children(0, &resources).filter_map(|item| outline.scalar(item)) {
                    lists.entry(resolve(path, &entry)).or_default().push(at);
                }
                generates.extend(generator_sources(text).into_iter().map(|source| (resolve(path, &source), at)));
            }
            if text.contains("env_file") {
                env_files.extend(env_files_of(text).into_iter().map(|named| (resolve(path, below_variable(&named)), at)));
            }
        }
        for (at, (path, text)) in texts.iter().enumerate().filter(|(_, (_, text))| text.contains("\nsecrets:")) {
            for (named, secret) in secret_files_of(text) {
                secret_files.entry(resolve(path, &named)).or_default().push((at, secret));
            }
        }
        let (mut run, mut mounts) = (Mentions::default(), HashMap::new());
        for (at, (path, text)) in texts.iter().enumerate() {
            for (word, is_mount) in text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(run_or_mounted) {
                run.note(at, word);
                let relative = ["./", "${PWD}/", "$PWD/"].iter().find_map(|start| word.strip_prefix(start)).filter(|_| is_mount);
                mounts.extend(relative.map(|folder| (resolve(path, folder), at)));
            }
        }
        Self { texts, names, lists, generates, env_files, secret_files, run, mounts }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The files with Secrets in which something has this name.
    pub fn with_secret(&self, name: &str) -> impl Iterator<Item = &str> {
        self.names.get(name).into_iter().flatten().map(|at| self.texts[*at].0.as_str())
    }

    /// The kustomization that makes a Secret or a ConfigMap of a file.
    pub fn generating(&self, file: &str) -> Option<&str> {
        self.generates.get(file).map(|at| self.texts[*at].0.as_str())
    }

    /// The compose file that reads a file into the environment of containers.
    pub fn with_env_file(&self, file: &str) -> Option<&str> {
        self.env_files.get(file).map(|at| self.texts[*at].0.as_str())
    }

    /// The secrets of compose files that are made of a file, with the paths and texts of those.
    pub(super) fn with_secret_file(&self, file: &str) -> impl Iterator<Item = (&str, &str, &SecretFile)> {
        let found = self.secret_files.get(file).into_iter().flatten();
        found.map(|(at, secret)| (self.texts[*at].0.as_str(), self.texts[*at].1.as_str(), secret))
    }

    /// The one that runs a script, or puts it or its folder into a container.
    pub fn using(&self, script: &str) -> Option<&str> {
        let runs = self.run.of(script).find(|(at, word)| names(&self.texts[*at].0, word, script)).map(|(at, _)| at);
        let mut folders = script.match_indices('/').map(|(end, _)| &script[..end]);
        let found = runs.or_else(|| folders.find_map(|folder| self.mounts.get(folder)));
        found.map(|at| self.texts[*at].0.as_str())
    }

    /// Whether any of them names a file.
    pub fn mentions(&self, file_name: &str) -> bool {
        self.texts.iter().any(|(path, text)| text.contains(file_name) && !path.ends_with(file_name))
    }

    /// The kustomizations among whose resources a file is.
    pub fn listing(&self, file: &str) -> impl Iterator<Item = (&str, &str)> {
        let mut found = self.lists.get(file).cloned().unwrap_or_default();
        found.dedup();
        found.into_iter().map(|at| (self.texts[at].0.as_str(), self.texts[at].1.as_str()))
    }
}

/// The files that generators of a kustomization read: `files: [KEY=PATH]`, `envs: [PATH]`, `env: PATH`.
fn generator_sources(text: &str) -> Vec<String> {
    let outline = Outline::with_flow(text);
    let of_generator = |path: &[Part]| {
        matches!(path, [Part::Key(list), Part::Index(_), Part::Key(kind), ..]
        if matches!(list.as_str(), "secretGenerator" | "configMapGenerator") && matches!(kind.as_str(), "files" | "envs" | "env"))
    };
    let sources = outline.items().iter().filter(|item| of_generator(&item.path)).filter_map(|item| outline.scalar(item));
    sources.map(|source| source.rsplit_once('=').map_or(source.clone(), |(_, path)| path.to_owned())).collect()
}

/// The files that services of a compose file name: `env_file: PATH`, `env_file: [PATH]`, `env_file: [{path: PATH}]`.
fn env_files_of(text: &str) -> Vec<String> {
    let outline = Outline::with_flow(text);
    let of_service = |path: &[Part]| {
        matches!(path, [Part::Key(services), Part::Key(_), Part::Key(key), rest @ ..]
        if services == "services" && key == "env_file" && !matches!(rest.last(), Some(Part::Key(last)) if last != "path"))
    };
    outline.items().iter().filter(|item| of_service(&item.path)).filter_map(|item| outline.scalar(item)).collect()
}

/// The files that secrets of a compose file are made of, on lines of their own.
fn secret_files_of(text: &str) -> Vec<(String, SecretFile)> {
    let outline = Outline::new(text);
    let secret = |path: &[Part]| match path {
        [Part::Key(top), Part::Key(name), Part::Key(key)] if top == "secrets" && key == "file" => Some(name.clone()),
        _ => None,
    };
    let of_compose = outline.key(0, &["services"]).is_some();
    let items = outline.items().iter().filter(|item| of_compose && item.document == 0);
    let found = items.filter_map(|item| Some((secret(&item.path)?, outline.scalar(item)?, item)));
    found.map(|(name, named, item)| (named, SecretFile { name, span: Span::new(item.start, item.value.end) })).collect()
}

/// A path behind a folder that a variable names, as in `${HOME_DIR:-.}/.env`: mostly that of the file itself.
fn below_variable(path: &str) -> &str {
    path.strip_prefix("${").and_then(|rest| rest.split_once("}/")).map_or(path, |(_, path)| path)
}

/// Whether a file is a kustomization, by its name.
pub(super) fn is_kustomization(path: &str) -> bool {
    matches!(path.rsplit('/').next(), Some("kustomization.yaml" | "kustomization.yml" | "Kustomization"))
}

/// What stands before a script that a line of a manifest runs.
const RUNNERS: [&str; 15] = ["", "-", "&&", "||", ";", "|", "run:", "script:", "command:", "sudo", "sh", "bash", "zsh", "source", "then"];

/// `./db/init.sh`, `bash db/init.sh`, `./db:/docker-entrypoint-initdb.d`: what a line runs, or puts into a container (then `true`).
fn run_or_mounted(line: &str) -> impl Iterator<Item = (&str, bool)> {
    let words = line.split(|c: char| c.is_whitespace() || "\"'()[],".contains(c)).filter(|word| !word.is_empty());
    let mut before = "";
    words.filter_map(move |word| {
        let (source, is_mount) = word.split_once(":/").map_or((word, false), |(source, _)| (source, true));
        let is_run = source.starts_with("./") || RUNNERS.contains(&before) && source.contains(['/', '.']);
        before = word;
        (is_mount || is_run).then(|| (source.trim_end_matches(';'), is_mount))
    })
}

/// Whether a word in a file leads to another: from the top, from the file's folder, or behind a folder that is not told.
pub(super) fn names(path: &str, word: &str, file: &str) -> bool {
    let tail = word.trim_start_matches(['.', '/']);
    let behind = || word.contains('/') && file.strip_suffix(tail).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
    word == file || resolve(path, word) == file || behind()
}

/// A path that a file names, relative to the top.
pub(super) fn resolve(file: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder_of(file).split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
