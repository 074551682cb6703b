//! Names for secrets and stores, from paths and words around the secret.

/// The environment a path speaks of: `dev`, `staging`, `prod`, …
pub(super) fn stage(path: &str) -> Option<&'static str> {
    let lower = path.to_ascii_lowercase();
    lower.rsplit(|c: char| !c.is_ascii_alphanumeric()).find_map(stage_of_word)
}

fn stage_of_word(word: &str) -> Option<&'static str> {
    Some(match word {
        "dev" | "develop" | "development" => "dev",
        "stg" | "stage" | "staging" => "staging",
        "prd" | "prod" | "production" | "live" => "prod",
        "preprod" => "preprod",
        "qa" => "qa",
        "uat" => "uat",
        "sandbox" => "sandbox",
        "demo" => "demo",
        _ => return None,
    })
}

/// Whether a path is below a folder of examples, which people read.
pub(super) fn is_for_readers(path: &str) -> bool {
    let folders = ["docs", "doc", "documentation", "examples", "example", "samples", "sample", "snippets"];
    let (folder, _) = path.rsplit_once('/').unwrap_or(("", path));
    folder.split('/').any(|part| folders.contains(&part))
}

/// Words in lower case with `_` between them, at most six and 48 characters; empty if there are none. Of words in other
/// letters nothing is taken: a part of one means nothing.
pub(super) fn slug(text: &str) -> String {
    limited(text, 6, 48)
}

fn limited(text: &str, most_words: usize, longest: usize) -> String {
    let mut out = String::new();
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.is_ascii()).flat_map(split_camel);
    let words = words.filter(|word| !word.is_empty());
    for word in words.take(most_words) {
        if out.len() + word.len() > longest {
            break;
        }
        if !out.is_empty() {
            out.push('_');
        }
        out.push_str(&word.to_ascii_lowercase());
    }
    out
}

/// Variables that mean something to shells and most programs.
const TAKEN: [&str; 13] = ["CI", "HOME", "HOST", "HOSTNAME", "LANG", "LOGNAME", "MAIL", "PATH", "PWD", "SHELL", "TERM", "TMPDIR", "USER"];

/// The same in upper case, fit for the environment and none of the names that everything reads.
pub(super) fn variable(text: &str) -> String {
    let name = limited(text, 12, 80).to_ascii_uppercase();
    match () {
        () if name.is_empty() => "SECRET".to_owned(),
        () if name == "PWD" => "PASSWORD".to_owned(),
        () if TAKEN.contains(&name.as_str()) || name.starts_with(|c: char| c.is_ascii_digit()) => format!("X_{name}"),
        () => name,
    }
}

/// What is tried for a variable: its name, the same behind whose it is, and that with numbers.
pub(super) fn variables(wanted: &str, whose: &str) -> impl Iterator<Item = String> + use<> {
    let whose = variable(whose);
    let longer = if wanted.starts_with(&format!("{whose}_")) { wanted.to_owned() } else { format!("{whose}_{wanted}") };
    let numbered = longer.clone();
    [wanted.to_owned(), longer].into_iter().chain((2..).map(move |number| format!("{numbered}_{number}")))
}

/// A name that Kubernetes takes.
pub(super) fn dns(text: &str) -> String {
    slug(text).replace('_', "-")
}

/// `adminPassword` → `admin`, `Password`.
fn split_camel(word: &str) -> Vec<&str> {
    let bytes = word.as_bytes();
    let mut parts = Vec::new();
    let mut start = 0;
    for at in 1..bytes.len() {
        let small = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_lowercase);
        if bytes[at].is_ascii_uppercase() && small(at - 1) && small(at + 1) {
            parts.push(&word[start..at]);
            start = at;
        }
    }
    parts.push(&word[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_come_from_the_last_word_that_names_one() {
        assert_eq!(stage("kubernetes/overlays/dev/secrets.yaml"), Some("dev"));
        assert_eq!(stage(".env.staging.example"), Some("staging"));
        assert_eq!(stage("docs/prod/stg-notes.md"), Some("staging"));
        assert_eq!(stage("docs/devices.md"), None);
    }

    #[test]
    fn examples_are_told_by_their_folders() {
        assert!(is_for_readers("a/docs/x.yaml") && !is_for_readers("docs.yaml"));
    }

    #[test]
    fn slugs_are_words() {
        assert_eq!(slug("Grafana admin-password"), "grafana_admin_password");
        assert_eq!(slug("adminPassword"), "admin_password");
        assert_eq!(slug("RabbitMQ cookie"), "rabbitmq_cookie");
        assert_eq!(slug("é"), "");
        assert_eq!(slug("contraseña de Grafana"), "de_grafana");
        assert_eq!(variable("db.password"), "DB_PASSWORD");
        assert_eq!(variable("2fa key"), "X_2FA_KEY");
        assert_eq!(variable("pwd"), "PASSWORD");
        assert_eq!(dns("Data base"), "data-base");
    }
}
