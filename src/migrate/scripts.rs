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

    /// The script in a folder or below it that calls compose through sudo, which hands on no variables.
    pub fn calling_compose_as_root(&self, folder: &str) -> Option<&str> {
        let calls = |text: &str| {
            let as_root = ["sudo docker-compose", "sudo docker compose"];
            text.lines().any(|line| !line.trim_start().starts_with('#') && as_root.iter().any(|call| line.contains(call)))
        };
        self.texts.iter().find(|(path, text)| path.starts_with(folder) && calls(text)).map(|(path, _)| path.as_str())
    }
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
        let found = scripts(&[("docker/bin/up.sh", "cd ..\nsudo docker-compose up -d\n")]);
        assert_eq!(found.calling_compose_as_root("docker/"), Some("docker/bin/up.sh"));
        assert_eq!(found.calling_compose_as_root("web/"), None);
    }
}
