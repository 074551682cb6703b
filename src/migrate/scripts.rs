//! [`Scripts`]: the scripts and Dockerfiles of a repository, and what they do with its files. Read once.

use std::collections::HashMap;

use super::file::folder_of;
use super::manifests::{Mentions, names, resolve};

/// The scripts and Dockerfiles of a repository.
#[derive(Debug, Default)]
pub struct Scripts {
    /// The Dockerfiles by what they copy.
    images: HashMap<String, String>,
    /// The scripts that call compose in a way that takes no variable or no error, and which way.
    composing: Vec<(String, &'static str)>,
    /// What scripts read, by the name of the file: the script, and how it writes the path.
    reading: Mentions<String>,
    /// The scripts that others run and go on where those stop, by the name of the file: likewise.
    running: Mentions<String>,
    /// The scripts that others read in, by the name of the file: likewise.
    sourcing: Mentions<String>,
}

/// Names that many files have.
const COMMON: [&str; 5] = ["secret", "secrets", "values", "config", "configmap"];

impl Scripts {
    /// Paths and texts, in order of path.
    pub fn new(texts: Vec<(String, String)>) -> Self {
        let mut scripts = Self::default();
        for (path, text) in texts.into_iter().filter(|(path, text)| Self::takes(path, text.as_bytes())) {
            if is_dockerfile(path.rsplit('/').next().unwrap_or(&path)) {
                for copied in copied(&path, &text) {
                    scripts.images.entry(copied).or_insert_with(|| path.clone());
                }
                continue;
            }
            if !path.ends_with(".py") && !path.ends_with(".rb") {
                scripts.composing.extend(way_of_calling(&text).map(|way| (path.clone(), way)));
            }
            if path.ends_with("sh") || text.starts_with("#!") && text.lines().next().is_some_and(|line| line.ends_with("sh")) {
                let goes_on = !stops(&text);
                for (word, sourced) in run_by(&text) {
                    match sourced {
                        true => scripts.sourcing.note(path.clone(), word),
                        false if goes_on => scripts.running.note(path.clone(), word),
                        false => {}
                    }
                }
            }
            read_by(&text).for_each(|word| scripts.reading.note(path.clone(), word));
        }
        scripts
    }

    /// Whether a path is that of a script or a Dockerfile.
    pub fn wants(path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let script = [".sh", ".bash", ".mk", ".ps1", ".py", ".rb"].iter().any(|end| name.ends_with(end));
        script || !name.contains('.') || is_dockerfile(name)
    }

    /// Whether a text at a path that can be one is one: without an extension, its first line says so.
    pub fn takes(path: &str, text: &[u8]) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let recipe = matches!(name, "Makefile" | "GNUmakefile" | "makefile" | "Rakefile" | "Justfile" | "justfile");
        name.contains('.') || text.starts_with(b"#!") || is_dockerfile(name) || recipe
    }

    /// The Dockerfile that copies a file into an image by its name.
    pub fn image_with(&self, file: &str) -> Option<&str> {
        // What an image may start is also known by the folders that are copied whole.
        let folders = file.rmatch_indices('/').map(|(end, _)| &file[..end]).filter(|_| is_for_start(file));
        folders.chain([file]).find_map(|path| self.images.get(path)).map(String::as_str)
    }

    /// The script that reads a file itself, and does not hand it on to what refuses what is encrypted.
    pub fn reading(&self, file: &str) -> Option<&str> {
        let name = file.rsplit('/').next().unwrap_or(file);
        let common = COMMON.contains(&name.split('.').next().unwrap_or(name));
        let is_file = |script: &str, word: &str| match word.strip_suffix(name) {
            Some("") => !common || folder_of(script) == folder_of(file),
            Some(_) => file.ends_with(word.trim_start_matches(['.', '/'])),
            None => false,
        };
        self.reading.of(file).find(|(script, word)| script != file && is_file(script, word)).map(|(script, _)| script.as_str())
    }

    /// The script that runs another and goes on where that stops.
    pub fn running(&self, file: &str) -> Option<&str> {
        naming(&self.running, file)
    }

    /// The script that reads another in.
    pub fn sourcing(&self, file: &str) -> Option<&str> {
        naming(&self.sourcing, file)
    }

    /// The script in a folder or below it that calls compose in a way that takes no variable or no error, and which way.
    pub fn calling_compose(&self, folder: &str) -> Option<(&str, &'static str)> {
        let start = self.composing.partition_point(|(path, _)| path.as_str() < folder);
        self.composing.get(start).filter(|(path, _)| path.starts_with(folder)).map(|(path, way)| (path.as_str(), *way))
    }
}

/// The script among those that name a file.
fn naming<'n>(scripts: &'n Mentions<String>, file: &str) -> Option<&'n str> {
    scripts.of(file).find(|(script, word)| script != file && names(script, word, file)).map(|(script, _)| script.as_str())
}

/// Whether a file is a script, which an image may start.
fn is_for_start(file: &str) -> bool {
    [".sh", ".bash", ".py", ".pl", ".rb"].iter().any(|end| file.ends_with(end))
}

/// What a Dockerfile copies into its image, each file by its name.
fn copied(path: &str, text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim_start).filter(|line| {
        let word = line.split_whitespace().next().unwrap_or_default();
        word.eq_ignore_ascii_case("copy") || word.eq_ignore_ascii_case("add")
    });
    let sources = lines.flat_map(|line| {
        let whole = |word: &str| matches!(word.trim_matches(['"', '[', ',']), "." | "./");
        let mut words: Vec<&str> = line.split_whitespace().skip(1).filter(|word| !word.starts_with("--") && !whole(word)).collect();
        // Where they go.
        words.pop();
        words
    });
    sources.map(|word| resolve(path, word.trim_matches(['"', '\'', '[', ']', ',']))).collect()
}

/// The names of files that a script holds on lines that hand them on to nothing which refuses what is encrypted.
fn read_by(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim).filter(|line| {
        let handed_on = ["kubectl", "oc ", "sops", "kustomize", "git "].iter().any(|program| line.contains(program));
        !line.starts_with('#') && !handed_on
    });
    let words = lines.flat_map(|line| line.split(|c: char| c.is_whitespace() || "=<>|;()\"'".contains(c)));
    let words = words.map(|word| word.trim_matches(|c: char| !(c.is_alphanumeric() || "./_-".contains(c))));
    words.filter(|word| [".yaml", ".yml", ".json"].iter().any(|end| word.ends_with(end)))
}

/// The scripts that a script holds on its lines, each as it writes the path, and whether it reads them in.
fn run_by(text: &str) -> impl Iterator<Item = (&str, bool)> {
    const ENDS: [&str; 5] = [".sh", ".bash", ".py", ".pl", ".rb"];
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#') && ENDS.iter().any(|end| line.contains(end)));
    lines.flat_map(|line| {
        let sourced = [". ", "source "].iter().any(|word| line.starts_with(word) || line.contains(&format!("&& {word}")));
        let words = line.split(|c: char| c.is_whitespace() || "=<>|;&()\"'".contains(c));
        let words = words.map(|word| word.rsplit('}').next().unwrap_or(word));
        words.filter(|word| ENDS.iter().any(|end| word.ends_with(end))).map(move |word| (word, sourced))
    })
}

/// Whether a shell script stops where a command of it fails.
pub(super) fn stops(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("#!") && line.contains(" -e") || line.trim_start().starts_with("set -") && line.contains('e'))
}

/// What is wrong with how a script calls compose, if it does.
fn way_of_calling(text: &str) -> Option<&'static str> {
    const CALLS: [&str; 2] = ["docker-compose ", "docker compose "];
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let calls = |line: &str| CALLS.iter().any(|call| line.starts_with(call) || line.contains(&format!("sudo {call}")));
    let first = lines.iter().position(|line| calls(line))?;
    if lines.iter().any(|line| calls(line) && line.contains("sudo ")) {
        return Some("calls compose with sudo, which hands on no variables of the environment");
    }
    let stops = stops(text);
    let closes = |line: &str| matches!(line, "fi" | "done" | "}" | "esac" | ";;") || line.contains("|| exit");
    let goes_on = lines[first + 1..].iter().any(|line| !closes(line)) && !lines[first].contains("||") && !lines[first].ends_with('\\');
    (goes_on && !stops).then_some("calls compose and goes on where it stops")
}

fn is_dockerfile(name: &str) -> bool {
    name.starts_with("Dockerfile") || name.starts_with("Containerfile") || name.ends_with(".Dockerfile") || name.ends_with(".dockerfile")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scripts(texts: &[(&str, &str)]) -> Scripts {
        Scripts::new(texts.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    }

    #[test]
    fn images_are_told_by_what_is_copied() {
        let found = scripts(&[("db/Dockerfile", "FROM x\nCOPY --chown=a:b entry.sh init.sql /\n"), ("web/Dockerfile", "COPY . .\n")]);
        assert_eq!(found.image_with("db/entry.sh"), Some("db/Dockerfile"));
        assert_eq!(found.image_with("web/entry.sh"), None);
        assert_eq!(found.image_with("entry.sh"), None);
        let found = scripts(&[("dev/Dockerfile", "FROM x\nCOPY ./scripts/admin/ /opt/\n")]);
        assert_eq!(found.image_with("dev/scripts/admin/setup.py"), Some("dev/Dockerfile"));
        assert_eq!(found.image_with("opt/setup.py"), None);
    }

    #[test]
    fn readers_are_told_from_those_who_hand_a_file_on() {
        let script = |line: &str| scripts(&[("bin/run.sh", line)]).reading("k8s/jwt-secret.yaml").map(str::to_owned);
        assert!(script("awk '/key/{print $2}' jwt-secret.yaml | base64 -d").is_some());
        assert!(script("grep key ../k8s/jwt-secret.yaml").is_some());
        assert!(script("kubectl apply -f k8s/jwt-secret.yaml").is_none());
        assert!(script("# cat jwt-secret.yaml").is_none());
        assert!(script("cat other/jwt-secret.yaml").is_none());
        assert!(scripts(&[("bin/run.sh", "cat secrets.yaml")]).reading("k8s/secrets.yaml").is_none());
    }

    #[test]
    fn scripts_that_go_on_where_another_stops_are_known() {
        let runs = |script: &str| scripts(&[("bin/all.sh", script)]).running("bin/db/init.sh").is_some();
        for line in ["./db/init.sh", "bash bin/db/init.sh prod", "\"${HERE}/db/init.sh\" &"] {
            assert!(runs(line), "{line}");
            assert!(!runs(&format!("set -euo pipefail\n{line}")), "{line}");
        }
        assert!(!runs("# ./db/init.sh") && !runs("./other/init.sh"));
        assert!(!runs(". db/init.sh") && scripts(&[("bin/all.sh", ". db/init.sh")]).sourcing("bin/db/init.sh").is_some());
    }

    #[test]
    fn ways_of_calling_compose_are_told_apart() {
        let called =
            |script: &str| scripts(&[("docker/bin/up.sh", script)]).calling_compose("docker/").map(|(_, way)| way.contains("sudo"));
        assert_eq!(called("cd ..\nsudo docker-compose up -d\n"), Some(true));
        assert_eq!(called("docker compose down\nrm -rf data\n"), Some(false));
        assert_eq!(called("set -e\ndocker compose down\nrm -rf data\n"), None);
        assert_eq!(called("cd x\ndocker compose up -d\n"), None);
        assert_eq!(scripts(&[("docker/up.sh", "sudo docker-compose up\n")]).calling_compose("web/"), None);
    }
}
