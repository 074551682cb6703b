//! [`Scripts`]: the scripts and Dockerfiles of a repository, and what they do with its files. Read once.

use super::file::folder_of;
use super::manifests::resolve;

/// The scripts and Dockerfiles of a repository.
#[derive(Debug, Default)]
pub struct Scripts {
    texts: Vec<(String, String)>,
}

/// Names that many files have.
const COMMON: [&str; 5] = ["secret", "secrets", "values", "config", "configmap"];

impl Scripts {
    /// Paths and texts, in order of path.
    pub fn new(texts: Vec<(String, String)>) -> Self {
        Self { texts }
    }

    /// Whether a path is that of a script or a Dockerfile.
    pub fn wants(path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let script = [".sh", ".bash", ".mk", ".ps1", ".py", ".rb"].iter().any(|end| name.ends_with(end));
        script || is_dockerfile(name) || matches!(name, "Makefile" | "GNUmakefile" | "makefile" | "Rakefile" | "Justfile" | "justfile")
    }

    /// The Dockerfile that copies a file into an image by its name.
    pub fn image_with(&self, file: &str) -> Option<&str> {
        let copies = |path: &str, text: &str| {
            let lines = text.lines().map(str::trim_start).filter(|line| {
                let word = line.split_whitespace().next().unwrap_or_default();
                word.eq_ignore_ascii_case("copy") || word.eq_ignore_ascii_case("add")
            });
            let mut words = lines.flat_map(|line| line.split_whitespace().skip(1).filter(|word| !word.starts_with("--")));
            words.any(|word| resolve(path, word.trim_matches(['"', '\'', '[', ']', ','])) == file)
        };
        let dockerfiles = self.texts.iter().filter(|(path, _)| is_dockerfile(path.rsplit('/').next().unwrap_or(path)));
        dockerfiles.into_iter().find(|(path, text)| file.starts_with(folder_of(path)) && copies(path, text)).map(|(path, _)| path.as_str())
    }

    /// The script that reads a file itself, and does not hand it on to what refuses what is encrypted.
    pub fn reading(&self, file: &str) -> Option<&str> {
        let name = file.rsplit('/').next().unwrap_or(file);
        let common = COMMON.contains(&name.split('.').next().unwrap_or(name));
        let is_file = |path: &str, word: &str| {
            let word = word.trim_matches(|c: char| !(c.is_alphanumeric() || "./_-".contains(c)));
            let Some(before) = word.strip_suffix(name) else { return false };
            match before {
                "" => !common || folder_of(path) == folder_of(file),
                _ if before.ends_with('/') => file.ends_with(word.trim_start_matches(['.', '/'])),
                _ => false,
            }
        };
        let reads = |path: &str, text: &str| {
            let mut lines = text.lines().map(str::trim).filter(|line| line.contains(name) && !line.starts_with('#'));
            lines.any(|line| {
                let handed_on = ["kubectl", "oc ", "sops", "kustomize", "git "].iter().any(|program| line.contains(program));
                !handed_on && line.split(|c: char| c.is_whitespace() || "=<>|;()\"'".contains(c)).any(|word| is_file(path, word))
            })
        };
        self.texts.iter().find(|(path, text)| path != file && reads(path, text)).map(|(path, _)| path.as_str())
    }

    /// The script in a folder or below it that calls compose in a way that takes no variable or no error, and which way.
    pub fn calling_compose(&self, folder: &str) -> Option<(&str, &'static str)> {
        let scripts = self.texts.iter().filter(|(path, _)| path.starts_with(folder) && !path.ends_with(".py") && !path.ends_with(".rb"));
        scripts.into_iter().find_map(|(path, text)| Some((path.as_str(), way_of_calling(text)?)))
    }
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
    let stops = text
        .lines()
        .any(|line| line.starts_with("#!") && line.contains(" -e") || line.trim_start().starts_with("set -") && line.contains('e'));
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
    fn compose_is_called_as_root_below_its_folder() {
        let called =
            |script: &str| scripts(&[("docker/bin/up.sh", script)]).calling_compose("docker/").map(|(_, way)| way.contains("sudo"));
        assert_eq!(called("cd ..\nsudo docker-compose up -d\n"), Some(true));
        assert_eq!(called("docker compose down\nrm -rf data\n"), Some(false));
        assert_eq!(called("set -e\ndocker compose down\nrm -rf data\n"), None);
        assert_eq!(called("cd x\ndocker compose up -d\n"), None);
        assert_eq!(scripts(&[("docker/up.sh", "sudo docker-compose up\n")]).calling_compose("web/"), None);
    }
}
